#!/usr/bin/env bash
# Makes the package of every crate, unpacks them all and builds and tests what is in them: what people
# get from a registry is complete. The packages stay in target/package.
set -euo pipefail
cd "$(dirname "$0")/.."

crates=$(cargo metadata --no-deps --format-version 1 --locked |
    python3 -c 'import json, sys
for package in json.load(sys.stdin)["packages"]:
    if package["publish"] != []:
        print(package["name"], package["version"])')
names=()
while read -r name _; do names+=(-p "$name"); done <<< "$crates"
cargo package --no-verify --locked "${names[@]}" "$@"

unpacked=target/unpacked
rm -rf "$unpacked"
mkdir -p "$unpacked"
{
    printf '[workspace]\nresolver = "3"\nmembers = ["*-*.*.*"]\n\n[patch.crates-io]\n'
    while read -r name version; do
        # With today's times: all files of packages have the same one, so that cargo would take what was
        # built of other contents for what is there.
        tar -xmzf "target/package/$name-$version.crate" -C "$unpacked"
        printf '%s = { path = "%s-%s" }\n' "$name" "$name" "$version"
    done <<< "$crates"
    # The same profiles, so that dependencies that are built already are built already.
    sed -n '/^\[profile/,$p' Cargo.toml
} > "$unpacked/Cargo.toml"
cp Cargo.lock "$unpacked/Cargo.lock"
# What the benchmarks and the Python package add to the features of dependencies: with it these are the
# repository's, and what is built there serves here.
mkdir -p "$unpacked/features-0.0.0/src"
touch "$unpacked/features-0.0.0/src/lib.rs"
printf '[package]\nname = "features"\nedition = "2024"\n\n[dependencies]\n%s\n' \
    "$(grep -E '^(criterion|numpy|pyo3) = ' Cargo.toml)" > "$unpacked/features-0.0.0/Cargo.toml"
# Lock files of packages are for programs; here all packages share one.
rm -f "$unpacked"/*/Cargo.lock
cd "$unpacked"
export CARGO_TARGET_DIR="$OLDPWD/target"
exec cargo test --release --workspace --all-targets
