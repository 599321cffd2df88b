# Completion of the insitu tools for fish. The options are those that --help tells.

function __insitu_options
    set -l tool (commandline -opc)[1]
    for line in ($tool --help 2>/dev/null)
        set -l names (string match -r '^ +(-[^ ,]+(, -[^ ,]+)*)' -- $line)[2]
        or continue
        for name in (string split ', ' -- $names)
            printf '%s\t%s\n' $name (string sub -s 27 -- $line)
        end
    end
end

function __insitu_after
    contains -- (commandline -opc)[-1] $argv
end

for tool in insitu-format insitu-pack insitu-unpack insitu-stat insitu-dump-meta insitu-mkfs \
        mkfs.insitu insitu-attach insitu-detach insitu-fsck fsck.insitu insitu-copy insitu-label insitu-resize insitu-trim insitu-crashtest
    complete -c $tool -n 'string match -q -- "-*" (commandline -ct)' -f -a '(__insitu_options)'
    complete -c $tool -n '__insitu_after --alg' -f -a 'lzo deflate'
    complete -c $tool -n '__insitu_after --level' -f -a 'fast default best 1 2 3 4 5 6 7 8 9'
    complete -c $tool -n '__insitu_after --window' -f -a '2K 32K'
    complete -c $tool -n '__insitu_after --extent' -f -a 'auto 4K 8K 16K 32K 64K 128K'
    complete -c $tool -n '__insitu_after --progress' -f -a 'auto always never json'
    complete -c $tool -n '__insitu_after --from' -f -a 'qcow2 qed vmdk vdi vhdx vhd dmg parallels auto'
    complete -c $tool -n '__insitu_after --fs' -f -a 'ext4 btrfs xfs vfat squashfs erofs'
    complete -c $tool -n '__insitu_after --sector-size' -f -a '512 4096'
    complete -c $tool -n '__insitu_after --partition' -f -a '1 2 3 4'
    complete -c $tool -n '__insitu_after --free --size' -f -a '64M 256M 1G 2G 4G'
    complete -c $tool -n '__insitu_after -j --threads' -f -a '1 2 4 8'
    complete -c $tool -n '__insitu_after -d --directory' -f -a '(__fish_complete_directories)'
end
for tool in insitu-mkfs mkfs.insitu
    complete -c $tool -n '__insitu_after -t --type' -f -a 'ext2 ext3 ext4 btrfs xfs vfat squashfs erofs'
end
for tool in insitu-fsck fsck.insitu
    complete -c $tool -n 'test (count (commandline -opc)) = 1' -a 'check repair undo'
end
