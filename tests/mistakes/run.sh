#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/mistakes/run.sh [NAME|LAYER|PROGRAM...]: proof that the tests can fail. Each line of the table
# below is a mistake that somebody could make in the library or the tools; it is made in a copy of the source, the
# test program that must notice is built and run, and the mistake is taken back. Without arguments
# all are made, else those of these names, layers (format, codec, image, ops, engine, store, fsck,
# device, apps) or test programs.
#
# Run by hand after a change of the library or of its tests: each mistake costs the
# compilation of a file and a run of the test program. The copy stays in build/mistakes, so that the
# next run builds only what has changed. Ends with "N killed, M survived"; a mistake whose source has
# changed, so that nothing is left to spoil, counts as survived: its line here needs the new text.
#
# tests/mistakes/run.sh --here NAME..., in this checkout itself, whose build/release has been built and
# tested; --sample N, the same with N of them, with each commit others: what CI does. None is begun after 40 seconds.
#
# tests/mistakes/run.sh --check, a part of lint: whether each has something left to spoil. Builds nothing.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
wanted=" $* "
work=$top/build/mistakes
build=$work/build

# The copy gets what differs from the source, whatever an interrupted run left in it.
make_copy() {
  mkdir -p "$work"
  git -C "$top" ls-files -z | while IFS= read -r -d '' file; do
    [ -f "$top/$file" ] || continue
    cmp -s "$top/$file" "$work/$file" || (cd "$top" && cp --parents "$file" "$work")
  done
  cmake -S "$work" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null
}
kept=
spoiled=
take_back() { [ -z "$kept" ] || { cp "$kept" "$spoiled" && rm "$kept"; }; kept=; }
is_here=
is_sample=
sample_seconds=40
patience=180 # seconds for a test program with a mistake, which may hang; sound ones have longer
built=' '
# Nobody is to install what was built of a mistake.
end() {
  take_back
  [ -n "$is_here" ] || return 0
  local program
  for program in $built; do compile "$program" || :; done
  rm -rf "$logs"
}
trap end EXIT
case ${1-} in
  --check) ;;
  --sample | --here)
    is_here=yes
    [ "$1" = --here ] || is_sample=yes
    [ "$1" = --here ] || wanted=" $(sed -n 's/^mistake \([a-z]\S*\) .*/\1/p' "$0" | while read -r name; do
      echo "$(cksum <<<"$(git -C "$top" rev-parse HEAD) $name") $name"
    done | sort -n | head -n "$2" | sed 's/.* //' | tr '\n' ' ')"
    build=$top/build/release
    logs=$(mktemp -d)
    work=$top
    ;;
  *) make_copy ;;
esac
logs=${logs:-$work}

compile() {
  [[ $built = *" $1 "* ]] || built+="$1 "
  ninja -C "$build" "$1" >"$logs/build.log" 2>&1
}
passes() { # passes PROGRAM [SOURCE]: it has to end, too. First the tests of that source, as the likely ones
  local path stem=${2##*/} status=0
  path=$(find "$build/tests" -type f -name "$1")
  if [ "$1" = unit_tests ] && [ -n "$stem" ]; then
    timeout "$patience" "$path" --abort --filenames-as-tags "[#${stem%.*}_test]" >"$logs/test.log" 2>&1 || status=$?
  fi
  [ $status -ne 0 ] || timeout "$patience" "$path" --abort >"$logs/test.log" 2>&1 || status=$?
  late=
  [ $status -ne 124 ] || late=", did not end"
  return $status
}
# The tests of the device are two programs: where both are named, the second runs if the first passes.
each() { # each FUNCTION PROGRAM,... [SOURCE]
  local program
  for program in ${2//,/ }; do "$1" "$program" "${3:-}" || return 1; done
}

killed=0
survived=0
sound=' '
survives() {
  echo "SURVIVED  $1: $2"
  survived=$((survived + 1))
}
killed_by() {
  echo "killed    $name ($*)"
  killed=$((killed + 1))
}
mistake() { # mistake NAME PROGRAM FILE SED-SCRIPT; FILE below libinsitu/src, or apps/…
  local name=$1 program=$2 layer=${3%%/*} path=libinsitu/src/$3 file
  [ "$layer" != apps ] || path=$3
  file=$work/$path
  if [ "$wanted" = " --check " ]; then
    if sed "$4" "$top/$path" | cmp -s - "$top/$path"; then
      survives "$name" "the source has changed, nothing to spoil"
    fi
    return 0
  fi
  case $wanted in
    '  ' | *" $name "* | *" $program "* | *" $layer "*) ;;
    *) return 0 ;;
  esac
  # A sample is a sample: a mistake in a header that all include may take minutes.
  if [ -n "$is_sample" ] && [ $SECONDS -gt $sample_seconds ]; then return 0; fi
  if [ -z "$is_here" ] && [[ $sound != *" $program "* ]]; then
    if ! { each compile "$program" && patience=900 each passes "$program"; }; then
      tail -n 20 "$logs/build.log" "$logs/test.log"
      echo "$program fails as it is"
      exit 1
    fi
    sound+="$program "
  fi
  spoiled=$file
  kept=$(mktemp)
  cp "$file" "$kept"
  sed -i "$4" "$file"
  if cmp -s "$file" "$kept"; then
    survives "$name" "the source has changed, nothing to spoil"
  elif ! each compile "$program"; then
    # In build/release warnings are errors, which is a way to notice, too.
    [ -n "$is_here" ] || survives "$name" "does not build"
    [ -z "$is_here" ] || killed_by the compiler
  elif each passes "$program" "$file"; then
    survives "$name" "$program does not notice"
  else
    killed_by "$program$late"
  fi
  take_back
}

# The format: what stands where, and what is not to be believed.
mistake share-order-reversed unit_tests format/window_map.cpp \
  's/shares_\[extent.first + i\] = static_cast/shares_[extent.first + extent.blocks - 1 - i] = static_cast/'
mistake share-of-nine-accepted unit_tests format/window_map.cpp 's/bad_shares_ = eights & low_bits/bad_shares_ = 0/'
mistake unpacked-shares-accepted unit_tests format/window_map.cpp 's/unpacked_ = judged & stored & ~(full_ << 1)/unpacked_ = judged \& stored \& 0/'
mistake empty-head-accepted unit_tests format/window_map.cpp 's/empty_heads_ = ~tails_ .*/empty_heads_ = 0;/'
mistake bits-behind-the-end-believed unit_tests format/window_map.cpp 's/map.tails_ &= block_mask(blocks);//'
mistake meta-packed-wrongly unit_tests format/window_map.cpp 's/0x03ff000003ff0000ULL) >> 6/0x03ff000003ff0000ULL) >> 5/'
mistake size-with-c-0-accepted unit_tests format/geometry.cpp 's/remainder == 0 ? DeviceFit::driver_overflows/remainder == 0 ? DeviceFit::usable/'
mistake one-meta-block-less unit_tests format/geometry.cpp '/^BlockCounts counts_for_device/,/^}/ s/split.singles + 1/split.singles/'
mistake last-count-of-a-group-forgotten unit_tests format/geometry.cpp 's/== bits_per_block - 1 ? data_blocks + 1/== bits_per_block - 1 ? data_blocks/'
mistake hostile-counts-accepted unit_tests format/geometry.cpp 's/    return counts.meta_blocks >= ceil_div(.*/    return true;/'
mistake slack-not-cleared unit_tests format/payload.cpp '/std::memset(payload.data() + stream_bytes/d'
mistake algorithm-unchecked unit_tests format/super_block.cpp '/super.comp_alg > 1/d'
mistake version-unchecked unit_tests format/super_block.cpp '/super.version != super_version/d'
mistake counts-unchecked unit_tests format/super_block.cpp '/super.counts != counts_for_device/d'
mistake super-block-tail-not-cleared unit_tests format/super_block.cpp '/std::memset(block.data(), 0/d'

# The codecs: bounds, lengths, and what is written.
mistake decoder-reads-one-byte-too-far unit_tests codec/lzo_decoder.cpp 's/if (in_left() < count) return/if (in_left() + 1 < count) return/'
mistake decoder-writes-one-byte-too-far unit_tests codec/lzo_decoder.cpp 's/if (out_left() < count) return/if (out_left() + 1 < count) return/'
mistake decoder-overshoots unit_tests codec/lzo_decoder.cpp 's/out_left() < length + overshoot_bytes/out_left() < length/'
mistake match-before-the-start unit_tests codec/lzo_decoder.cpp 's/if (distance > static_cast<std::size_t>(out_ - start_))/if (distance > 1 + static_cast<std::size_t>(out_ - start_))/'
mistake match-before-the-start-inside unit_tests codec/lzo_decoder.cpp 's/if (distance > static_cast<std::size_t>(out - start_)) break;//'
mistake decoder-inside-near-the-end unit_tests codec/lzo_decoder.cpp 's/inside_bytes = 64/inside_bytes = 8/'
mistake border-keeps-the-whole-match unit_tests codec/deflate_blocks.cpp 's/while (mark.input > end)/while (mark.input > end + 9)/'
mistake match-out-of-the-window unit_tests codec/deflate_greedy.cpp 's/narrow_reach = 2048/narrow_reach = 4096/'
mistake chain-without-end encoder_work_tests codec/lzo_chains.cpp 's/for (; depth > 0 \&\& distance/for (; distance/'
mistake lzo-rest-accepted unit_tests codec/lzo_decoder.cpp 's/ || in_ != in_end_) return/) return/'
mistake deflate-rest-accepted unit_tests codec/deflate.cpp 's/ || consumed != stream.size()//'
mistake wide-window-by-default unit_tests codec/deflate.cpp 's/if (window == DeflateWindow::kib32) {/if (true) {/'
mistake limit-not-kept unit_tests codec/deflate.cpp 's/std::min(limit_bytes, output.size())/std::max(limit_bytes, output.size())/'

# An image: one extent in or out, and the order of writing.
mistake payload-length-unchecked unit_tests window/payload_decoder.cpp 's/if (!stream_readable(length, .*/if (length == 0) {/'
mistake zero-length-accepted unit_tests window/payload_decoder.cpp 's/if (!stream_readable(length, .*/if (length > payload.size() - 4) {/'
mistake decoded-length-unchecked unit_tests window/payload_decoder.cpp 's/if (result.output_bytes != output.size()) {/if (false) {/'
mistake damaged-blocks-not-cleared unit_tests image/window_reader.cpp '/if (!damage) return damage;/{n;s/zero_fill(output);//}'
mistake unmapped-blocks-not-cleared unit_tests image/window_reader.cpp '/^        if (extent.unmapped()) {/{n;d}'
mistake tail-of-the-next-window-ignored unit_tests image/meta_cursor.cpp 's/(meta(window)\[0\] & tail_of_block_0) != std::byte{0}/& \&\& window.value == 0/'
mistake leading-tails-ignored unit_tests image/meta_cursor.cpp 's/if (current.leading_tails() != 0) append/if (false) append/'
mistake size-unchecked unit_tests image/image.cpp 's/SuperFault::counts_differ) || faults.has(SuperFault::device_unusable)/SuperFault::algorithm)/'
mistake zeros-seen-where-none-are unit_tests window/zero_blocks.cpp 's/any |= word;/any = word;/'
mistake super-block-before-the-sync unit_tests image/create.cpp '/^std::uint64_t write_super_block_last/,/write_at/ s/target.sync();//'
mistake old-super-block-kept unit_tests image/create.cpp '/^        target.write_at(0, block.view());/d'
mistake old-meta-kept unit_tests image/meta_writer.cpp 's/target_.zero(geometry_.meta_at_byte() + done_bytes_.*//'
mistake target-not-discarded unit_tests image/create.cpp '/target.discard(0/d'

mistake torn-stream-of-another-bitmap-is-pending device_tests image/intents.cpp 's/return ours ? IntentState::torn : IntentState::none;/return IntentState::torn;/'
mistake stream-read-beyond-a-shorter-file device_tests image/redo_reader.cpp 's/std::min(geometry_.device_bytes(), store_.size_bytes())/geometry_.device_bytes()/'

# Hashes of contents.
mistake zeros-beside-rows-not-compared unit_tests face/content_hashes.cpp 's/if (found == bytes.end()) return;/return;/'
mistake rows-of-zeros-skipped unit_tests face/content_hashes.cpp 's/if (next > at_byte_) {/if (true) {/'
mistake hash-of-the-row-before-goes-on unit_tests face/content_hashes.cpp 's/if (at_byte_ == row.first.value \* block_bytes) XXH3/if (at_byte_ == 0) XXH3/'

# The tools.
mistake usage-is-a-failure tools_unit_tests apps/common/tool.cpp 's/return exits_.usage;/return exits_.failed;/'
mistake full-output-unnoticed tools_unit_tests apps/common/tool.cpp 's/if (!output_abandoned_) flush();//'
mistake a-stop-is-a-failure tools_unit_tests apps/common/tool.cpp 's/if (stopped \&\& stop_signal != 0) {/if (stopped \&\& stop_signal == 9) {/'
mistake progress-without-its-end tools_unit_tests apps/common/progress_bar.cpp 's/if (json_) write_json("end");//'
mistake quiet-is-not-quiet tools_unit_tests apps/insitu_label.cpp 's/if (tool.common().quiet) return;//'
mistake environment-of-the-process tools_unit_tests apps/format/format_run.cpp 's/= world.variable("SOURCE_DATE_EPOCH")/= (static_cast<void>(world), std::getenv("SOURCE_DATE_EPOCH"))/'
mistake mount-fails-like-attach tools_unit_tests apps/insitu_attach.cpp 's/mount_failed = 32/mount_failed = 1/'
mistake mount-is-attach tools_unit_tests apps/insitu_attach.cpp 's/name.ends_with("mount.insitu")/name.ends_with("mount.none")/'
mistake run-directory-of-the-process tools_unit_tests apps/attach/run_directory.cpp 's/world.variable("INSITU_RUN_DIR")/std::getenv("INSITU_RUN_DIR")/'
mistake folder-of-others-believed tools_unit_tests apps/attach/run_directory.cpp 's/ \&\& (info.st_mode \& (S_IWGRP | S_IWOTH)) == 0//'
mistake parameter-unchecked tools_unit_tests apps/attach/attach_arguments.cpp 's/key.find_first_of(letters) != 0/false/'
mistake detach-of-nothing-fails tools_unit_tests apps/attach/detach_run.cpp 's/if (arguments.accept_missing) return exit_done;//'
mistake mkfs-time-of-the-process tools_unit_tests apps/mkfs/mkfs_arguments.cpp 's/= world.variable("SOURCE_DATE_EPOCH")/= (static_cast<void>(world), std::getenv("SOURCE_DATE_EPOCH"))/'
mistake mkfs-input-of-the-process tools_unit_tests apps/mkfs/tree_source.cpp 's/read_tar(tool.world().input,/read_tar(0,/'
mistake report-between-the-data tools_unit_tests apps/common/tool.cpp 's/if (!stdout_is_data_) return print(text);/return print(text);/'
mistake dry-run-of-mkfs-writes tools_unit_tests apps/insitu_mkfs.cpp 's/if (arguments.dry_run) return report_size.*//'
mistake mkfs-insitu-wants-a-type tools_unit_tests apps/insitu_mkfs.cpp 's/filename() == "mkfs.insitu"/filename() == "mkfs"/'
mistake violations-pass tools_unit_tests apps/insitu_crashtest.cpp 's/return result.violations == 0 ? exit_done : exit_failed;/return exit_done;/'
mistake number-out-of-range-accepted tools_unit_tests apps/common/choices.hpp 's/ \&\& value >= least \&\& value <= most//'

# The operations.
mistake zero-block-stored unit_tests window/window_packer.cpp 's/left = nonzero_blocks(content)/left = ~std::uint32_t{0} >> (32 - content.size() \/ block_bytes)/'
mistake extents-not-cut-evenly unit_tests window/window_packer.cpp 's/(first \/ size + 1) \* size/first + size/'
mistake raw-blocks-in-one-extent unit_tests window/window_packer.cpp 's/map_.set_extent({cut.first + i, 1, sectors_per_block});/map_.set_extent({cut.first, cut.blocks, sectors_per_block * cut.blocks});/'
mistake last-block-not-padded round_trip_test ops/pack.cpp '/std::memset(item.buffer.data() + batch.length_bytes/s/.*/(void)padded;/'
mistake meta-before-data unit_tests ops/pack.cpp '/control_.syncing();/{n;d}'
mistake verify-finds-nothing unit_tests ops/pack.cpp 's/sums_.first_difference(found)/sums_.first_difference(sums_)/'
mistake verify-from-the-cache unit_tests ops/pack.cpp '/target_.drop_cache();/d'
mistake source-too-large-accepted unit_tests ops/pack.cpp 's/if (!size_bytes || \*size_bytes <= room_bytes) return super;/return super;/'
mistake changed-source-accepted unit_tests ops/pack.cpp '/source.check_unchanged();/d'
mistake known-content-without-a-seal unit_tests ops/window_keeper.cpp 's/return is_sealed(sector.*/return true;/'
mistake known-extent-beyond-the-content unit_tests ops/window_keeper.cpp 's/if (start + length > content.size()) continue;/;/'
mistake known-to-a-resumed-update unit_tests ops/pack.cpp 's/known \&\& !update.may_be_torn()/!!known/'
mistake seals-trusted-under-an-intent unit_tests ops/update.cpp 's/may_be_torn_ = resumed_ || is_pending/may_be_torn_ = resumed_/'
mistake old-meta-kept-by-format unit_tests ops/format.cpp '/target.zero(geometry.meta_at_byte/d'
mistake stop-of-a-format-ignored unit_tests ops/format.cpp 's/throw_if_stopped(control, target.name());//'
mistake full-pipe-waited-for-ever unit_tests ops/stream_target.cpp 's/return UniqueFd(::open(self.c_str().*/return {};/'
mistake zeros-not-cleared-on-a-device unit_tests ops/unpack.cpp 's/if (content_ == TargetContent::unknown) target_.zero/if (false) target_.zero/'
mistake zeros-written-to-a-new-file unit_tests ops/unpack.cpp 's/if (content_ == TargetContent::unknown) target_.zero/target_.zero/'
mistake part-starts-too-early unit_tests ops/unpack.cpp 's/std::max(batch_start, part_.start)/batch_start/'
mistake part-behind-the-end-accepted unit_tests ops/unpack.cpp 's/if (length > rest)/if (length < rest \&\& length > rest)/'
mistake stream-goes-on-unnoticed unit_tests ops/stream_source.cpp '/at_byte_ == limit_bytes_) check_end();/d'
mistake range-ignored unit_tests ops/dump.cpp 's/extent.first < std::max(first, range_.first) || extent.first >= range_.end/extent.first < first/'
mistake shares-over-a-border-not-told unit_tests ops/dump.cpp 's/if (extent.fault != ExtentFault::none) sound = false;//'
mistake failed-growth-not-taken-back unit_tests ops/resize.cpp 's/if (work_.move.moved_blocks == 0 \&\& work_.move.held_blocks == 0) {/if (false) {/'
mistake known-payloads-not-looked-at unit_tests ops/copy.cpp 's/if (!seals_count_ || extent.raw()) return false;/if (seals_count_) return true;/'

# The engine: order, stop, and which error wins.
mistake last-error-wins unit_tests engine/ordered_run.cpp 's/if (failed_ticket_ == none || ticket < failed_ticket_)/if (true)/'
mistake stop-ignored unit_tests engine/ordered_run.cpp 's/ || is_stopped(stop_)) return false;/) return false;/'
mistake turn-not-awaited unit_tests engine/ordered_run.cpp 's/return turn_ == ticket || failed_ticket_ < ticket;/return true;/; s/    return turn_ == ticket;/    return true;/'

# The stores: locks, sectors, and outputs that appear when they are complete.
mistake file-lock-skipped unit_tests store/file_lock.cpp 's/return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;/(void)fd; return true;/'
mistake disk-lock-skipped unit_tests store/block_device.cpp 's/if (sharing == Sharing::exclusive) lock_whole_disk(access);//'
mistake device-not-exclusive unit_tests store/block_device.cpp 's/exclusive ? O_EXCL : 0/exclusive ? 0 : 0/'
mistake payloads-through-the-page-cache unit_tests store/block_device.cpp 's/write_whole(direct_.get()/write_whole(cached_.get()/; s/make_uring_write_queue(direct_.get()/make_uring_write_queue(cached_.get()/'
mistake output-lock-skipped unit_tests store/output_file.cpp '/lock_file(replaced_.get()/d'
mistake output-mode-lost unit_tests store/output_file.cpp '/fchmod(store_->fd(), old.st_mode/d'
mistake output-replaces-a-link unit_tests store/output_file.cpp 's/return failed ? path : full.string();/return path;/'
mistake overlay-writes-through unit_tests store/overlay_store.cpp 's/std::memcpy(block_for_write(index).data() + in_block, input.data() + done, step);/const_cast<Store\&>(below_).write_at(at_byte + done, input.subspan(done, step)); (void)index; (void)in_block;/'

# The repair: nothing that reads is touched, and nothing is changed that cannot be taken back.
mistake log-records-unchecked fsck_power_cut_test fsck/undo_log.cpp 's/if (XXH3_64bits_digest(state_of(running)) != header_.record_hash)/if (false)/'
mistake log-of-another-image-accepted fsck_power_cut_test fsck/undo_log_verify.cpp 's/if (trust == Trust::force) return;/(void)trust; return;/'
mistake log-not-synced-before-the-image fsck_power_cut_test fsck/undo_log.cpp '/^void UndoLog::seal/,/^}/ s/medium_->sync();//; /^void UndoLog::write_header/,/^}/ s/medium_->sync();//'
mistake records-not-synced-before-the-log-says-so fsck_power_cut_test fsck/undo_log.cpp '/^void UndoLog::seal/,/^}/ s/medium_->sync();//'
mistake image-not-synced-before-the-log-says-so fsck_power_cut_test fsck/undo_log.cpp '/^void UndoLog::apply/,/^}/ s/image.sync();//'
mistake undo-not-synced-before-the-log-says-so fsck_power_cut_test fsck/undo_log.cpp '/^void UndoLog::undo/,/^}/ s/image.sync();//'
mistake image-written-before-its-log fsck_power_cut_test fsck/undo_log.cpp '/^void UndoLog::apply/,/^}/ { /set_state(LogState::applying)/d }'
mistake worse-repair-kept fsck_rollback_test fsck/repair.cpp 's/if (comparable && is_worse(after, result, options))/if (false)/'
mistake length-word-unchecked fsck_cases_test fsck/window_check.cpp 's/if (!stream_fits(length, extent.payload_sectors))/if (false)/'
mistake older-payload-not-suspect fsck_cases_test fsck/window_search.cpp 's/if (piece.kind == PieceKind::candidate && doubtful) piece.suspect = true;//'
mistake entries-of-neighbours-overwritten fsck_cases_test fsck/window_repair.cpp 's/bit < (first + count) \* bits_per_entry/bit <= (first + count) * bits_per_entry/'
# The live device: order of syncs, intents, and what may be overwritten.
mistake direct-payloads-not-synced device_tests,device_crash_tests device/committer.cpp 's/if (holes_unsynced_) sync_store();//'
mistake intent-not-synced device_tests,device_crash_tests device/committer.cpp '/^void Committer::write_intent/,/^}/ s/    sync_store();//'
mistake stream-overwritten-by-payloads device_tests,device_crash_tests device/fold.cpp 's/ | space_.current(window);/;/'
mistake old-payload-overwritten device_tests,device_crash_tests device/fold.cpp 's/staged.on_medium | sectors_in_place/sectors_in_place/'
mistake stream-overwritten-by-the-next device_tests,device_crash_tests journal/redo_space.cpp 's/current == current_masks_.end() ? holes : holes - current->second/holes/'
mistake newer-intent-cleared-first device_tests,device_crash_tests journal/recovery.cpp 's/{older, 1 - older}/{1 - older, older}/'
mistake newer-intent-applied-first device_tests,device_crash_tests journal/recovery.cpp 's/a.generation < b.generation/a.generation > b.generation/'
mistake recovery-without-sync device_tests,device_crash_tests journal/recovery.cpp 's/if (i != 0) store.sync();//'
mistake torn-stream-applied device_tests,device_crash_tests image/redo_window_reader.hpp 's/ && reader_.hash() == redo_hash_//'
mistake stamp-behind-the-intent device_tests,device_crash_tests device/committer.cpp 's/^        stamp_bitmap();//; s/^        write_all(changed);/        write_all(changed); stamp_bitmap();/'
mistake kept-sectors-not-compared device_tests,device_crash_tests journal/sector_evidence.cpp 's/const bool same =/const bool same = true ||/'
mistake killed-device-not-synced device_tests,device_crash_tests device/committer.hpp 's/holes_unsynced_{true}/holes_unsynced_{false}/'
mistake cached-content-not-forgotten device_tests,device_crash_tests device/fold.cpp 's/forget(start + block, 1)/forget(start + block, 0)/'
mistake single-blocks-remembered device_tests device/fold.cpp 's/end - first >= blocks_of_a_stream/end != first/'
mistake random-writes-cut-twice device_tests device/fold.cpp 's/return mask != 0 &&/return mask == 0 \&\&/'
mistake rewritten-equal-is-new unit_tests window/dirty_blocks.hpp 's/unchanged_ = is_same ?/unchanged_ = !is_same ?/'
mistake zeros-kept-as-content unit_tests window/dirty_blocks.hpp 's/if (content == nullptr) contents_.block..reset();//'
mistake kept-content-not-read device_tests device/staging.cpp 's/content.data() + block \* block_bytes,/content.data(),/'
mistake committing-plan-changed device_tests,device_crash_tests device/apply.cpp 's/if (staged.dirty.empty()) {/if (true) {/'
mistake stream-punched device_tests,device_crash_tests device/committer.cpp '/^bool Committer::punch_next/,/^}/ s/if (intent_pending_) return false;//'
mistake folded-windows-left-out-of-the-commit device_memory_tests device/fold.cpp 's/^    all.reserve(windows.size());//'
mistake no-memory-behind-the-intent device_memory_tests device/apply.cpp 's/reserve(part.size());/reserve(part.size() * 0);/'
mistake no-memory-fails-for-good device_memory_tests device/committer.cpp '/catch (const std::bad_alloc&)/{n;s/throw;/fail_for_good();/}'
mistake full-disk-fails-for-good device_tests device/committer.cpp 's/if (is_full_disk(error)) throw;//'
mistake unfinished-commit-forgotten device_tests device/committer.cpp '/^void Committer::go_on/,/^}/ s/    finish_in_place();//'
mistake unfinished-commit-aborted device_tests device/apply.cpp 's/std::exchange(changed, {})/ChangedWindow(changed)/'

[ "$*" = --check ] || echo "$killed killed, $survived survived"
[ $survived -eq 0 ]
