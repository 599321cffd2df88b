#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the recipes of docs/pipelines.md and docs/many-machines.md as they stand, and what the files in
# docs/pipelines would run.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
need_root
docs=$INSITU_TESTS/../docs
page=$docs/pipelines.md
files=$docs/pipelines

mkdir -p rootfs/etc rootfs/bin
cp "$(command -v bash)" rootfs/bin/
seq 1000 >rootfs/etc/numbers
find rootfs -exec touch -h -d @1600000000 {} +
make_raw disk.raw
truncate -s 80M device
attach device
export DEVICE=$loop
"$INSITU_TESTS/everyday/range_server.py" port &
server=$!
trap 'kill $server; stop_sshd; clean_up' EXIT
stop_sshd() { [ ! -s sshd.pid ] || kill "$(cat sshd.pid)"; }
until [ -s port ]; do sleep 0.1; done
URL=http://127.0.0.1:$(cat port)/disk.raw
export URL

blocks() { sed -n '/^```'"${2:-sh}"'$/,/^```$/p' "$1" | grep -v '^```'; }
{ blocks "$page"; blocks "$docs/many-machines.md"; } >recipes
[ "$(wc -l <recipes)" -ge 45 ] || fail "the pages have too few recipes"
bash -exo pipefail recipes >out 2>trace || fail "$(tail -n 3 trace)"
grep -q 'disk.raw: OK' out || fail "sha256sum: $(cat out)"
[ "$(wc -l <packed.log)" = 5 ] || fail "parallel: $(cat packed.log)"
# Over SSH, to a server on loopback with keys of its own.
# shellcheck source=sshd.sh
. "$INSITU_TESTS/everyday/sshd.sh"
if start_sshd; then
    blocks "$page" bash >ssh-recipes
    [ "$(wc -l <ssh-recipes)" -ge 13 ] || fail "the page has too few recipes for SSH"
    timeout 120 bash -exo pipefail ssh-recipes >out 2>trace || fail "$(tail -n 5 trace sshd.log)"
else
    echo "the recipes for SSH are left out: there is no sshd, or nbdkit has no ssh plugin"
fi
# Every link leads to a file.
for link in $(grep -ohE '\]\([a-z-]*/?[A-Za-z-]+[.]?[a-z0-9]*\)' "$page" "$docs"/{many-machines,coming-from}.md | sed 's/^](//;s/)$//'); do
    [ -e "$docs/$link" ] || fail "a page links to $link"
done

# The rules for make, and whether the snippets are what they look like.
sed -n '/^```make$/,/^```$/p' "$page" | grep -v '^```' >Makefile
mv rootfs.img first.img
make -s >out 2>err || fail "make: $(cat err)"
[ -s rootfs.img ] && jq -e .extents rootfs.json >/dev/null
make -q || fail "make would build again"

# The jobs: their fields, and what they run, but for the installation of packages.
python3 - "$files" >job-lines <<'EOF' || fail "a job is not what it should be"
import sys, yaml

def load(name):
    with open(f"{sys.argv[1]}/{name}", encoding="utf-8") as file:
        return yaml.safe_load(file)

github = load("github-action.yml")
assert set(github) == {"name", True, "permissions", "jobs"}  # YAML takes "on" for true
github = github["jobs"]["image"]
assert github["runs-on"] and all(("run" in step) != ("uses" in step) for step in github["steps"])
gitlab = load("gitlab-ci.yml")["image"]
assert set(gitlab) == {"image", "variables", "script", "artifacts"}
for variables, lines in [(github["env"], [step["run"] for step in github["steps"] if "run" in step]),
                         (gitlab["variables"], gitlab["script"])]:
    assert lines[0].startswith("apt-get ")
    print("rm -f rootfs.img rootfs.stat.json")
    print("\n".join(f"export {name}={value}" for name, value in variables.items()))
    print("\n".join(lines[1:]))
    print("[ -s rootfs.img ] && [ -s rootfs.stat.json ]")

job = load("kubernetes-job.yaml")
assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
assert set(job["spec"]) <= {"completionMode", "completions", "parallelism", "backoffLimit", "template"}
assert job["spec"]["completionMode"] == "Indexed" and job["spec"]["completions"] >= 1
pod = job["spec"]["template"]["spec"]
assert pod["restartPolicy"] in ("Never", "OnFailure")  # a Job takes no other
volumes = {volume["name"] for volume in pod["volumes"]}
assert all(len(volume) == 2 for volume in pod["volumes"])
container, = pod["containers"]
assert set(container) == {"name", "image", "command", "args", "env", "resources", "securityContext", "volumeMounts"}
assert {mount["name"] for mount in container["volumeMounts"]} == volumes
assert container["command"] == ["/bin/bash", "-euc"]
with open("pod.sh", "w", encoding="utf-8") as script:
    script.write(container["args"][0])
EOF
[ "$(wc -l <job-lines)" -ge 10 ] || fail "the jobs are short: $(cat job-lines)"
bash -exo pipefail job-lines >out 2>trace || fail "$(tail -n 3 trace)"
if command -v actionlint >/dev/null; then
    actionlint "$files/github-action.yml" >err || fail "actionlint: $(cat err)"
fi

# Slurm and Kubernetes: two of the tasks, and one that there is no image for.
mkdir raws images
for number in 1 2; do head -c $((number * 100000)) disk.raw >raws/$number.raw; done
shellcheck "$files/slurm-array.sh" "$files/mkosi.postoutput" || fail shellcheck
for task in 1 2; do
    SLURM_ARRAY_TASK_ID=$task SLURM_CPUS_PER_TASK=1 "$files/slurm-array.sh" raws images || fail "slurm, task $task"
    insitu-unpack -q --verify-manifest images/$task.json images/$task.img - >/dev/null
    jq -e .payload_bytes images/$task.report.json >/dev/null
done
expect 1 env SLURM_ARRAY_TASK_ID=3 "$files/slurm-array.sh" raws images
mkdir empty
for folder in empty missing; do
    expect 1 env SLURM_ARRAY_TASK_ID=1 "$files/slurm-array.sh" $folder images
    says "there is no raw image number 1"
done
expect 1 env OUTPUTDIR="$PWD/empty" "$files/mkosi.postoutput"
says "no disk image"
sed -i "s|/raw/|$PWD/raws/|g; s|/images/|$PWD/pods/|g" pod.sh
mkdir pods
for index in 0 1; do
    JOB_COMPLETION_INDEX=$index bash -euc "$(cat pod.sh)" || fail "pod $index"
    cmp pods/$((index + 1)).img images/$((index + 1)).img
done
expect 1 env JOB_COMPLETION_INDEX=2 bash -euc "$(cat pod.sh)"

# The container: its instructions, and that the packages it installs are ones that we make.
awk '/^#/ || /^$/ { next } !more && $1 !~ /^(FROM|COPY|RUN|WORKDIR|CMD)$/ { print; wrong = 1 }
    { more = /\\$/ } END { exit wrong || more }' "$files/Containerfile" || fail "the Containerfile"
for package in $(grep -oE '/[a-z0-9-]+_\*' "$files/Containerfile" | tr -d '/*_'); do
    grep -qw "$package" "$INSITU_TESTS/../apps/packaging/CMakeLists.txt" || fail "there is no package $package"
done

# genimage and mkosi.
mkdir genimage
cp -a rootfs genimage/root
(cd genimage && mkdir -p tmp && genimage --config "$files/genimage.cfg" --rootpath root --tmppath tmp/build \
    --inputpath . --outputpath images >../out 2>&1) || fail "genimage: $(tail -n 5 out)"
for image in rootfs.ext4 disk.raw; do
    insitu-fsck -n -q genimage/images/$image.img || fail "genimage: $image"
done
insitu-unpack -q genimage/images/disk.raw.img large
attach large --sector-size 4096
[ "$(sfdisk -J "$loop" 2>/dev/null | jq '.partitiontable.partitions | length')" = 1 ] || fail "genimage: no partition"
mkdir output
cp genimage/images/disk.raw output/image_1.raw
ln -s image_1.raw output/image.raw
OUTPUTDIR=$PWD/output "$files/mkosi.postoutput" || fail "mkosi.postoutput"
[ "$(cd output && echo *)" = "image.raw image_1.img image_1.json image_1.raw" ] || fail "mkosi.postoutput: $(ls output)"
