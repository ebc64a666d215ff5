#!/usr/bin/env bash
# Tells whether this machine could build the library for browsers (wasm32), and if not, why. Prints the
# compiler, whether its standard library for the target is there, and Burn's release; exits 0 in either
# case. Until it is possible, the browser's annotator is the page of `fbrs serve`.
set -euo pipefail
cd "$(dirname "$0")/.."
target=wasm32-unknown-unknown

release=$(rustc --version)
burn=$(sed -n 's/^burn = { version = "=\([^"]*\)".*/\1/p' Cargo.toml)
sysroot=$(rustc --print sysroot)
std='not there'
if compgen -G "$sysroot/lib/rustlib/$target/lib/libstd-*.rlib" > /dev/null; then std=there; fi
printf 'target    %s\ncompiler  %s\nstd       %s\nburn      %s\n' "$target" "$release" "$std" "$burn"

impossible() { printf 'not possible: %s\n' "$*"; exit 0; }

[ "$std" = there ] ||
    impossible "the compiler has no standard library for $target (rustup target add $target)"
# The parts of the way that know nothing of devices.
tried=$(mktemp -d)
trap 'rm -rf "$tried"' EXIT
for crate in fbrs-clicks fbrs-models; do
    CARGO_TARGET_DIR="$tried" cargo check --quiet --locked --target "$target" -p "$crate" \
        --no-default-features 2> "$tried/errors" ||
        impossible "$crate does not build: $(grep -m 1 '^error' "$tried/errors" || head -n 1 "$tried/errors")"
done
printf 'possible\n'
