#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The programs that are run: their signals, their words, what they leave, what they may see.
# shellcheck source=../everyday/lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"

mkdir bin tree
echo x >tree/a
tools=$PATH
fake() { # fake NAME: a program of that name, from standard input
    cat >"bin/$1"
    chmod +x "bin/$1"
}
with_fakes() { PATH="$PWD/bin:$tools" "$@"; }
gone() { # gone PID: it ends within ten seconds
    for _ in $(seq 100); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    return 1
}
started() { # started FILE: waits for it
    for _ in $(seq 300); do
        [ ! -e "$1" ] || return 0
        sleep 0.1
    done
    fail "$1 did not come"
}
# stopped SIGNAL STATUS: sends it to the tool alone
stopped() {
    rm -f pid child-signal
    PATH="$PWD/bin:$tools" insitu-mkfs -q -t ext4 -d tree image &
    local tool=$! status=0
    started pid
    kill -"$1" $tool
    wait $tool || status=$?
    [ $status = "$2" ] || fail "$1: ended with $status"
    gone "$(cat pid)" || fail "$1: the program still runs"
    [ -z "$(find . -name '.*mkfs-*')" ] || fail "$1: the scratch directory is left"
}

# A signal to the tool alone reaches what it runs, at once; a deaf program is killed.
fake mke2fs <<'S'
#!/bin/bash
trap 'echo heard >child-signal; exit 1' TERM
echo $$ >pid.new; mv pid.new pid
while :; do sleep 0.1; done
S
for signal in TERM:143 INT:130 HUP:129; do
    stopped ${signal%:*} ${signal#*:}
done
fake mke2fs <<'S'
#!/bin/bash
trap '' TERM
echo $$ >pid.new; mv pid.new pid
while :; do sleep 0.1; done
S
stopped TERM 143

# A second signal ends at once and leaves nothing; a killed tool's scratch goes with the next run.
rm -f pid
PATH="$PWD/bin:$tools" insitu-mkfs -q -t ext4 -d tree image &
tool=$!
started pid
kill -TERM $tool
sleep 0.3
kill -TERM $tool
status=0
wait $tool || status=$?
[ $status = 143 ] || fail "a second signal: ended with $status"
gone "$(cat pid)" || fail "a second signal: the program still runs"
[ -z "$(find . -name '.*mkfs-*')" ] || fail "a second signal: the scratch directory is left"
rm -f pid
PATH="$PWD/bin:$tools" insitu-mkfs -q -t ext4 -d tree image &
tool=$!
started pid
kill -KILL $tool
wait $tool 2>/dev/null || true
kill -KILL "$(cat pid)"
[ -n "$(find . -name '.image.mkfs-*')" ] || fail "a killed tool should have left something"
rm bin/mke2fs
mkdir .other.mkfs-abcdef
expect 0 insitu-mkfs -q -t ext4 -d tree image
[ -z "$(find . -name '.image.mkfs-*')" ] || fail "the scratch directory of a killed run is left"
[ -d .other.mkfs-abcdef ] || fail "somebody else's directory was swept"

# Two runs for one target at once do not sweep each other.
insitu-mkfs -q -t ext4 -d tree image 20M 2>first &
insitu-mkfs -q -t ext4 -d tree image 20M 2>second || grep -q 'has it open' second || fail "two at once: $(cat second)"
wait $! || true
insitu-fsck -n image >/dev/null || fail "two at once: the image is damaged"
[ -z "$(find . -name '.image.mkfs-*')" ] || fail "two at once: a scratch directory is left"

# English, no terminal, no variables of the user's, a session of its own.
fake mkfs.erofs <<'S'
#!/bin/bash
env >variables
[ "$(ps -o sid= -p $$ | tr -d ' ')" = $$ ] && echo own >session
if : </dev/tty; then echo tty >>session; fi 2>/dev/null
exec /usr/bin/mkfs.erofs "$@"
S
expect 0 env LC_ALL=de_DE.UTF-8 LANGUAGE=de TZ=Asia/Tokyo SECRET=1 MKE2FS_CONFIG=/none PATH="$PWD/bin:$tools" \
    insitu-mkfs -q -t erofs -d tree image
grep -qx LC_ALL=C variables || fail "another language"
grep -qx TZ=UTC0 variables || fail "another time zone"
if grep -qE '^(SECRET|LANGUAGE|MKE2FS_CONFIG)=' variables; then fail "the user's variables are seen"; fi
[ "$(cat session)" = own ] || fail "no session of its own: $(cat session)"

# What a user cannot know: why somebody else's loop device is in the way.
fake mkfs.btrfs <<'S'
#!/bin/bash
echo "ERROR: cannot check mount status of ${@: -1}: Permission denied" >&2
exit 1
S
expect 1 with_fakes insitu-mkfs -t btrfs -d tree new
says "mkfs.btrfs: ERROR: cannot check mount status of "
says "hint: a loop device is mounted that this user may not read"
says "umount it (losetup lists them), or make the image as root"
rm bin/mkfs.btrfs

# Warnings are shown, failures named with program and reason and without a page of usage, and a
# program that lies about its success is found out.
fake mkfs.erofs <<'S'
#!/bin/sh
echo 'warning: something is odd' >&2
exec /usr/bin/mkfs.erofs "$@"
S
expect 0 with_fakes insitu-mkfs -t erofs -d tree image
says "note: mkfs.erofs: warning: something is odd"
fake mkfs.erofs <<'S'
#!/bin/sh
echo 'the reason' >&2
echo 'usage: a long page' >&2
seq 200 >&2
exit 3
S
expect 1 with_fakes insitu-mkfs -t erofs -d tree new
says "mkfs.erofs: the reason"
[ "$(wc -l <err)" -le 3 ] || fail "a page of usage: $(cat err)"
mkdir other && echo y >other/a && touch other/b && touch -d @1 other/a tree/a
fake mkfs.erofs <<'S'
#!/bin/bash
args=("$@")
args[-1]=$OTHER
exec /usr/bin/mkfs.erofs "${args[@]}"
S
sed -i "s,\$OTHER,$PWD/other," bin/mkfs.erofs
expect 1 with_fakes insitu-mkfs -t erofs -d tree new
says "did not get into the file system as asked for"
rm other/b
touch -r tree other
expect 0 with_fakes insitu-mkfs -t erofs -d tree new
rm new
expect 1 with_fakes insitu-mkfs --verify -t erofs -d tree new
says "a: its content in the file system is not that of the tree"
fake mkfs.erofs <<'S'
#!/bin/sh
exit 0
S
expect 1 with_fakes insitu-mkfs -t erofs -d tree new
[ ! -e new ] || fail "a failed run left an image"
