# Completion of the insitu tools for bash. The options are those that --help tells.

_insitu() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} tool=$1
    COMPREPLY=()
    local values=
    case $previous in
        --alg) values='lzo deflate' ;;
        --level) values='fast default best 1 2 3 4 5 6 7 8 9' ;;
        --window) values='2K 32K' ;;
        --extent) values='auto 4K 8K 16K 32K 64K 128K' ;;
        --progress) values='auto always never json' ;;
        --from) values='qcow2 qed vmdk vdi vhdx vhd dmg parallels auto' ;;
        --fs) values='ext4 btrfs xfs vfat squashfs erofs' ;;
        --sector-size) values='512 4096' ;;
        --partition) values='1 2 3 4' ;;
        --set | --options | --config) return ;;
        --free | --size) values='64M 256M 1G 2G 4G' ;;
        -t | --type)
            [[ $tool == *fsck* ]] || values='ext2 ext3 ext4 btrfs xfs vfat squashfs erofs'
            ;;
        -d | --directory)
            compopt -o dirnames 2>/dev/null
            COMPREPLY=($(compgen -d -- "$current"))
            return
            ;;
        -j | --threads) values="1 2 4 8 $(nproc 2>/dev/null)" ;;
        --range | --uuid | --offset | --length | --commit-delay) return ;;
        --states | --seed | --blocks | --requests) return ;;
    esac
    if [[ -n $values ]]; then
        COMPREPLY=($(compgen -W "$values" -- "$current"))
    elif [[ $current == -* ]]; then
        local options
        options=$("$tool" --help 2>/dev/null |
            sed -nE 's/^ {2,6}(-[^ ,]+(, -[^ ,]+)*).*/\1/p' | tr -d ,)
        COMPREPLY=($(compgen -W "$options" -- "$current"))
    else
        if [[ $tool == *fsck* && $COMP_CWORD -eq 1 ]]; then
            COMPREPLY=($(compgen -W 'check repair undo' -- "$current"))
        fi
        compopt -o filenames 2>/dev/null
        local IFS=$'\n'
        COMPREPLY+=($(compgen -f -- "$current"))
    fi
}

complete -F _insitu insitu-format insitu-pack insitu-unpack insitu-stat insitu-dump-meta \
    insitu-mkfs mkfs.insitu insitu-attach insitu-detach insitu-fsck fsck.insitu insitu-copy insitu-label insitu-resize insitu-trim insitu-crashtest
