#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A Slurm array job that packs every raw image of a directory on shared storage, one a task:
#   sbatch --array=1-"$(ls /shared/raw/*.raw | wc -l)" slurm-array.sh /shared/raw /shared/images
# A task that is started again does its work again: an image appears only when it is complete.
#SBATCH --job-name=insitu-pack
#SBATCH --cpus-per-task=4
#SBATCH --mem=512M
#SBATCH --time=01:00:00
set -eu
shopt -s nullglob
all=("$1"/*.raw)
raw=$(printf '%s\n' "${all[@]}" | sed -n "${SLURM_ARRAY_TASK_ID:?}p")
[ -n "$raw" ] || { echo "there is no raw image number $SLURM_ARRAY_TASK_ID" >&2; exit 1; }
name=$(basename "$raw" .raw)
insitu-pack --json -j "${SLURM_CPUS_PER_TASK:-0}" --manifest "$2/$name.json" "$raw" "$2/$name.img" \
  >"$2/$name.report.json"
insitu-fsck -n -q "$2/$name.img"
