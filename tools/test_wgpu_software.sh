#!/usr/bin/env bash
# Checks wgpu on a machine without a GPU, by SwiftShader, a Vulkan driver that computes on the
# processor: every network's tensors, whole clicks without refinement, and the gradients of refinement.
# For Debian, on amd64 or arm64; needs no root rights. The driver and the Vulkan loader are taken out of
# Debian's chromium packages into target/swiftshader.
#
# It builds the framework a second time, without autotune: on such a driver that would measure for a
# minute and more per layer.
#
#     tools/test_wgpu_software.sh
set -euo pipefail
cd "$(dirname "$0")/.."
folder="$PWD/target/swiftshader"
mkdir -p "$folder"

if [ ! -e "$folder/vk_swiftshader_icd.json" ]; then
    packages=$(mktemp -d)
    trap 'rm -rf "$packages"' EXIT
    # which of the two holds the driver depends on their version
    for package in chromium-common chromium; do
        (cd "$packages" && apt-get download "$package")
        dpkg-deb --fsys-tarfile "$packages/$package"_*.deb |
            tar -x -C "$folder" --strip-components 4 --wildcards \
                '*/libvk_swiftshader.so' '*/libvulkan.so.1' '*/vk_swiftshader_icd.json' \
                2> "$packages/missing" && break
    done
    [ -e "$folder/vk_swiftshader_icd.json" ] || { cat "$packages/missing" >&2; exit 1; }
fi

export VK_DRIVER_FILES="$folder/vk_swiftshader_icd.json"
export LD_LIBRARY_PATH="$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export FBRS_TEST_DEVICE=wgpu
build=(--release --locked --no-default-features --features cpu,wgpu)
cargo test "${build[@]}" --test agreement -- --test-threads 1 --nocapture
cargo run "${build[@]}" --bin check_predictions -- tests/golden/weights/hrnet18s_ocr64.safetensors \
    tests/golden/predictions/hrnet18s_ocr64 tests/golden/predictions/photos wgpu "NoBRS 000000000030_1"
exec cargo test "${build[@]}" --lib -- --test-threads 1 --nocapture checks::gradients
