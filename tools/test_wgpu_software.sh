#!/usr/bin/env bash
# Runs the networks' parity tests through wgpu on a machine without a GPU, by SwiftShader, a Vulkan
# driver that computes on the processor. For Debian, on amd64 or arm64; needs no root rights. The
# driver and the Vulkan loader are taken out of Debian's chromium packages into target/swiftshader.
# Each network takes many minutes, for every run compiles and tunes its kernels anew, so this is no
# part of continuous integration. Messages about "Out of Memory" come from the measurement of the
# device's throughput, which does without the sizes that fail: the tests' own results count.
#
#     tools/test_wgpu_software.sh                    all parity tests
#     tools/test_wgpu_software.sh hrnet18s resize    those whose names hold one of the words
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
[ $# -gt 0 ] || set -- parity::
exec cargo test --release --workspace --lib -- --test-threads 1 --nocapture "$@"
