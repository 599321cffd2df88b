#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Progress: in a pseudo-terminal, in tmux, on a pipe, as JSON.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"

slow() { for _ in $(seq 10); do head -c 6M /dev/zero; sleep 0.12; done; }

truncate -s 64M raw
insitu-pack -q raw image
python3 "$INSITU_TESTS/everyday/progress_pty.py" &
in_pty=$!

# Nothing on a pipe.
slow | insitu-pack - other --size 60M >out 2>err
[ ! -s err ] || fail "something on stderr: $(cat err)"

# One JSON object a line; the last one is the end.
slow | insitu-pack - other --size 60M --progress=json --json >out 2>err
jq -es 'all(.[]; .schema == "insitu-progress/1" and .tool == "insitu-pack") and length >= 2
    and (map(.done_bytes) | . == sort) and .[-1].event == "end"' err >/dev/null ||
    fail "JSON lines: $(cat err)"
expect 0 insitu-pack raw other --progress=json
jq -es '.[-1] | .done_bytes == .total_bytes and .total_bytes == 67108864' err >/dev/null ||
    fail "a file of holes does not end at its size: $(cat err)"

# In tmux, resized on the way: one row, and nothing of it afterwards.
export TMUX_TMPDIR=$scratch
cat >run.sh <<'S'
echo before
insitu-unpack --progress=always image - |
    for _ in $(seq 20); do head -c 3200K; sleep 0.15; done >/dev/null
echo after
sleep 20
S
tmux -f /dev/null new-session -d -s bar -x 100 -y 12 "bash run.sh"
sleep 1.4
tmux capture-pane -p -t bar >wide
tmux resize-window -t bar -x 36 -y 12
sleep 1
tmux capture-pane -p -t bar >narrow
for _ in $(seq 50); do
    tmux capture-pane -p -t bar >end
    ! grep -q after end || break
    sleep 0.1
done
tmux kill-server
[ "$(grep -c '%' wide)" = 1 ] && grep -q '%  \[#.*MiB/s' wide || fail "in tmux: $(cat wide)"
# (tmux moves what stood above a wrapped line to its history.)
[ "$(grep -c '%' narrow)" = 1 ] && ! grep -q '#' narrow || fail "resized: $(cat narrow)"
grep -q after end && ! grep -q '%' end || fail "the bar is left over: $(cat end)"
wait $in_pty
