#!/bin/bash
# Tests the Slurm recipes against a real Slurm on this machine: an array of three tasks and a merge
# that depends on it give the same table as one plain run, times apart; a training run that is told to
# end, goes back to the queue and goes on has the bits of one that was left alone.
#
#   tools/slurm/test_single_machine.sh [PATH/TO/fbrs]
#
# Needs root and Debian: installs slurm-wlm where it is missing, starts munged, slurmctld and slurmd
# with a configuration of their own in a temporary folder, and stops them at the end.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
FBRS=$(realpath "${1:-$root/target/release/fbrs}")
export FBRS
[ -x "$FBRS" ] || { echo "no program at $FBRS: cargo build --release --workspace" >&2; exit 2; }
command -v slurmctld slurmd munged sbatch > /dev/null ||
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq slurm-wlm > /dev/null

work=$(mktemp -d)
chmod 755 "$work"
pids=()
stop() {
    for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done
    wait 2> /dev/null || true
    rm -rf "$work"
}
trap stop EXIT

# Munge proves who is who: a key and a socket of our own.
mkdir -m 700 "$work/munge"
head -c 128 /dev/urandom > "$work/munge/key"
chmod 600 "$work/munge/key"
mkdir -m 755 "$work/socket"
munged --foreground --force --key-file="$work/munge/key" --socket="$work/socket/munge" \
    --pid-file="$work/socket/munge.pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed" \
    2> "$work/munged.log" &
pids+=($!)

host=$(hostname -s)
mkdir "$work/state" "$work/spool" "$work/out"
cat > "$work/slurm.conf" <<CONF
ClusterName=single
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$work/socket/munge
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$work/slurm.conf
slurmctld -D -f "$SLURM_CONF" 2> "$work/slurmctld.err" &
pids+=($!)
slurmd -D -f "$SLURM_CONF" 2> "$work/slurmd.err" &
pids+=($!)

for _ in $(seq 60); do
    sinfo -h -o %T 2> /dev/null | grep -q idle && break
    sleep 1
done
sinfo -h -o %T | grep -q idle || { cat "$work"/*.log "$work"/*.err >&2; exit 1; }

data=$root/tests/golden/datasets
run=(--data "sbd=$data/sbd" --data "folder=$data/folder" --device cpu --mode NoBRS --no-flip
    --max-clicks 2 --zoom-in-size 64)
"$FBRS" eval "${run[@]}" --journal "$work/plain.jsonl" > "$work/plain.txt"

array=$(sbatch --parsable --array=4-6 --output="$work/out/%a.txt" --export=ALL \
    "$here/eval_array.sbatch" "${run[@]}" --journal "$work/array.jsonl")
sbatch --wait --dependency="afterany:$array" --output="$work/merged.txt" --export=ALL \
    "$here/eval_merge.sbatch" "$work"/array.{1,2,3}of3.jsonl > /dev/null ||
    { cat "$work"/out/* "$work/merged.txt" >&2; exit 1; }

# The last two columns are times.
timeless() { sed -E 's/ +[0-9.]+ +([0-9.]+ s|[0-9:]+)$//' "$1"; }
if diff <(timeless "$work/plain.txt") <(timeless "$work/merged.txt"); then
    echo "Slurm $(sinfo --version | cut -d' ' -f2): an array of three and a merge give the plain run's table"
    cat "$work/merged.txt"
else
    echo "the tables differ" >&2
    exit 1
fi

# Long enough to be told to end in the middle.
training=(--preset tiny --data "folder:$data/folder" --device cpu --set data.epoch_length=60
    --set schedule.epochs=6 --set validation.every=0)
"$FBRS" train "${training[@]}" --output "$work/alone" 2> "$work/alone.txt"
job=$(sbatch --parsable --output="$work/train.txt" --export=ALL \
    "$here/train.sbatch" "$work/runs" "${training[@]}")
state() { squeue -h -j "$job" -o %T 2> /dev/null; }
until ls "$work"/runs/tiny/*/000/checkpoints/000.training > /dev/null 2>&1; do
    sleep 0.2
    [ "$(state)" ] || { cat "$work/train.txt" >&2; exit 1; }
done
# What Slurm sends when the job's time is nearly over.
scancel --signal=USR1 --batch "$job"
for _ in $(seq 100); do
    [ "$(state)" = PENDING ] && break
    sleep 0.2
done
[ "$(state)" = PENDING ] || { cat "$work/train.txt" >&2; echo 'not back in the queue' >&2; exit 1; }
# Slurm waits two minutes before it starts a job again.
scontrol update "JobId=$job" StartTime=now
while [ "$(state)" ]; do sleep 0.5; done
last() { (cd "$1"/tiny/*/000/checkpoints && sha256sum 005.safetensors); }
grep -q 'saved; ' "$work/train.txt" || { cat "$work/train.txt" >&2; exit 1; }
if [ "$(last "$work/runs")" = "$(last "$work/alone")" ]; then
    echo 'a training run that was ended and gone on with has the bits of one that was not'
else
    cat "$work/train.txt" >&2
    echo 'the weights differ' >&2
    exit 1
fi
