# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# packages_use.sh tools|found|mkfs: what packages.sh does in the bare system with the installed packages.
cd /root || exit
case $1 in
  tools)
    seq 500000 >raw
    insitu-pack -q --verify --manifest m.json raw image
    insitu-fsck image
    insitu-stat image >/dev/null
    insitu-dump-meta --json image >/dev/null
    insitu-unpack -q --verify-manifest m.json image back
    cmp -n "$(stat -c %s raw)" raw back
    mkfs.insitu -q empty 64M
    fsck.insitu -p empty
    nbdkit insitu --dump-plugin | grep -q '^name=insitu'
    nbdkit -U - insitu empty --run 'test -n "$uri"'
    python3 -c 'import insitu; print(insitu.check("image").clean, insitu.open("image").size)' | grep -q '^True '
    ! ldd /usr/bin/insitu-* | grep 'not found'
    for file in man/man8/insitu-pack.8.gz man/man8/mkfs.insitu.8.gz man/man1/nbdkit-insitu-plugin.1.gz \
      bash-completion/completions/insitu-pack fish/vendor_completions.d/insitu-mkfs.fish \
      zsh/vendor-completions/_insitu insitu-tools/insitu.magic doc/insitu-tools/copyright; do
      test -s "/usr/share/$file" || { echo "no $file"; exit 1; }
    done
    # What is missing is named with its package.
    ! insitu-mkfs -t xfs fs.img 2>said
    grep -q 'hint: the package xfsprogs has it' said
    ;;
  found)
    # file(1) was installed after the tools: dpkg's trigger has told them.
    insitu-format -q --size 64M --label here image
    file -b image | grep -qF 'insitu-comp image, version 1, lzo, 16380 data blocks of 4 KiB, label "here"'
    man -w insitu-pack mkfs.insitu insitu-comp >/dev/null
    zsh -c 'autoload -U compinit && compinit -u && [ -n "$_comps[insitu-pack]" ]'
    fsck -t insitu -C3 -V -r -T -M "$PWD/image" 3>lines
    mkfs.insitu -V | grep -q '^insitu-mkfs '
    test -s /usr/share/doc/insitu-tools-doc/docs/pipelines.md
    test -s /usr/share/doc/insitu-tools-doc/README.md
    ;;
  mkfs)
    mkdir -p tree/etc
    echo hello >tree/etc/file
    insitu-mkfs -q -t ext4 -d tree fs.img
    insitu-unpack -q fs.img fs.raw
    debugfs -R 'cat /etc/file' fs.raw 2>/dev/null | grep -qx hello
    ;;
esac
rm -rf raw image m.json back empty fs.img fs.raw tree said
