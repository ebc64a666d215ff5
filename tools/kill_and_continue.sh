#!/bin/bash
# Kills an evaluation (kill -9) at ten random moments, continues it each time, and compares its
# table with that of a run that nothing disturbed, times apart.
#
#   tools/kill_and_continue.sh [PATH/TO/fbrs [SEED]]
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
fbrs=$(realpath "${1:-$root/target/release/fbrs}")
RANDOM=${2:-$$}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

data=$root/tests/golden/datasets
run=(eval --data "sbd=$data/sbd" --data "folder=$data/folder" --data "davis=$data/davis"
    --data "coco=$data/coco/instances_val.json" --device cpu --mode NoBRS --no-flip --max-clicks 3
    --zoom-in-size 128 --jobs 2 --quiet)
started=$(date +%s%N)
"$fbrs" "${run[@]}" --journal "$work/whole.jsonl" > "$work/whole.txt"
took=$((($(date +%s%N) - started) / 1000000))

killed=0
for moment in $(seq 10); do
    "$fbrs" "${run[@]}" --journal "$work/killed.jsonl" > /dev/null 2>&1 &
    pid=$!
    # Up to a quarter of the whole run: ten of them never finish it by chance alone.
    sleep "$(awk "BEGIN { print ($RANDOM / 32767) * $took / 4000 }")"
    if kill -9 "$pid" 2> /dev/null; then killed=$((killed + 1)); fi
    wait "$pid" 2> /dev/null || true
    lines=$(wc -l < "$work/killed.jsonl" 2> /dev/null || echo 0)
    echo "kill $moment: the journal has $lines lines"
done
"$fbrs" "${run[@]}" --journal "$work/killed.jsonl" > "$work/killed.txt"

timeless() { sed -E 's/ +[0-9.]+ +([0-9.]+ s|[0-9:]+)$//' "$1"; }
# Clicks, IoUs and masks of every object, in data order.
results() {
    sed -E 's/"seconds":\[[^]]*\],//' "$1" | tail -n +2 | sort -t: -k2n
}
diff <(timeless "$work/whole.txt") <(timeless "$work/killed.txt")
diff <(results "$work/whole.jsonl") <(results "$work/killed.jsonl")
echo "killed $killed times out of 10: the same table, clicks, IoUs and masks"
