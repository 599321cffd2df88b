#!/bin/bash
# mistakes.sh [NAME]: makes named mistakes in the live device, one at a time, in a copy of the source,
# and shows that the tests find each. Run by hand: every mistake is a build of the test program.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
only=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git -C "$top" ls-files -z | (cd "$top" && xargs -0 cp --parents -t "$work")
cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null
device=$work/libinsitu/src/device

run_tests() {
    ninja -C "$work/build" device_tests device_crash_tests >"$work/build.log" 2>&1 ||
        { tail -20 "$work/build.log"; echo "does not build"; exit 1; }
    timeout 120 "$work/build/tests/device/device_tests" >"$work/test.log" 2>&1 &&
        timeout 120 "$work/build/tests/device/device_crash_tests" >"$work/test.log" 2>&1
}

missed=0
mistake() { # mistake NAME FILE SED-SCRIPT
    [ -z "$only" ] || [ "$only" = "$1" ] || return 0
    cp "$device/$2" "$work/kept"
    sed -i "$3" "$device/$2"
    if cmp -s "$device/$2" "$work/kept"; then
        echo "$1: the source has changed, nothing to spoil"
        missed=$((missed + 1))
    elif run_tests; then
        echo "$1: NOT FOUND"
        missed=$((missed + 1))
    else
        echo "$1: found"
    fi
    cp "$work/kept" "$device/$2"
}

run_tests || { tail -20 "$work/test.log"; echo "the tests fail as it is"; exit 1; }
mistake direct-payloads-not-synced device_commit.cpp 's/if (holes_unsynced_) sync_store();//'
mistake intent-not-synced device_commit.cpp '/^void Device::Core::write_intent/,/^}/ s/    sync_store();//'
mistake stream-overwritten-by-payloads device_write.cpp 's/ | redo),/),/'
mistake old-payload-overwritten device_write.cpp 's/needed(staged.on_medium | /needed(/'
mistake stream-overwritten-by-the-next redo_space.cpp 's/free_sectors_(window) & ~current(window)/free_sectors_(window)/'
mistake newer-intent-cleared-first recovery.cpp 's/{older, 1 - older}/{1 - older, older}/'
mistake newer-intent-applied-first recovery.cpp 's/a.generation < b.generation/a.generation > b.generation/'
mistake recovery-without-sync recovery.cpp 's/if (i != 0) store.sync();//'
mistake torn-stream-applied redo_window_reader.hpp 's/ && reader_.hash() == redo_hash_//'
mistake stamp-behind-the-intent device_commit.cpp 's/^    stamp_bitmap();//; s/^            apply(commit);/            stamp_bitmap();\n&/'
mistake kept-sectors-not-compared sector_evidence.cpp 's/const bool same =/const bool same = true ||/'
mistake killed-device-not-synced device_core.hpp 's/holes_unsynced_{true}/holes_unsynced_{false}/'
mistake cached-content-not-forgotten device_write.cpp 's/content_.forget(.*);//'
mistake gate-left-open device_write.cpp 's/const InsideGate inside(gate_);//'
mistake stream-punched device_background.cpp 's/if (intent_pending_) return to_punch_.add(.window);//; s/if (!intent_pending_) punch/punch/; s/    clean_when_idle();//'
mistake length-unchecked device_read.cpp 's/result.status == DecodeStatus::ok && result.output_bytes == output.size()/result.status == DecodeStatus::ok/'
[ $missed -eq 0 ]
