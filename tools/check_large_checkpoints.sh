#!/bin/sh
# Writes large checkpoints with PyTorch and reads each with fbrs-weights: every value is compared
# with the formula; time and peak memory are printed, and memory beyond 1.3 times the network's f32
# size is a failure. Run by hand:
#
#     tools/check_large_checkpoints.sh [FOLDER]
#
# FOLDER (default: a new temporary one, removed at the end) takes 1.4 GB. PYTHON names a Python that
# has PyTorch, python3 by default.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
if [ $# -gt 0 ]; then
    folder=$1
    mkdir -p "$folder"
else
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi

write() {
    name=$1
    network=$2
    shift 2
    file=$folder/$name.pth
    [ -e "$file" ] || "$python" "$root/tools/write_checkpoints.py" "$network" "$file" "$@"
}
for network in resnet34_dh128 resnet50_dh128 resnet101_dh256 hrnet18s_ocr64 hrnet18_ocr64 \
    hrnet32_ocr128 hrnet48_ocr128; do
    write "$network" "$network"
done
write resnet101_dh256_stream resnet101_dh256 --container stream
write resnet101_dh256_f16 resnet101_dh256 --dtype f16
write hrnet18_ocr64_stream_f16 hrnet18_ocr64 --container stream --dtype f16 --module-prefix

cd "$root"
for file in "$folder"/*.pth; do
    FBRS_LARGE_CHECKPOINT=$file cargo test --quiet --release --workspace --test large -- \
        --ignored --nocapture
done
