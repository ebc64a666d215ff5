#!/usr/bin/env bash
# Builds the Python wheel and checks it: its tag and size, what is in it, that it installs beside numpy
# alone, its types, its tests. Run from anywhere; needs the toolchain, a C compiler, the program
# (`cargo build --release` makes it, for its masks are compared with) and Python 3.11 or later. Everything
# that it makes lies in target/wheel.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
made="$target/wheel"
most=$((40 << 20))

fail() { printf '%s\n' "$*" >&2; exit 1; }

environment() {
    rm -rf "$1"
    python3 -m venv "$1" 2> /dev/null && return
    # Debian keeps a part of it in a package of its own.
    [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null ||
        fail 'python3 -m venv fails: install it (Debian: apt install python3-venv)'
    apt-get update -q > /dev/null && apt-get install -y -q python3-venv > /dev/null
    rm -rf "$1"
    python3 -m venv "$1"
}

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail 'python3: expected 3.11 or later'
mkdir -p "$made"
environment "$made/all"
python="$made/all/bin/python"
"$python" -m pip install --quiet --require-hashes --only-binary :all: -r python/tests/requirements.txt

# Burn is built once: where the whole workspace was built before, maturin finds it.
was_built=$(compgen -G "$target/release/deps/libburn-*.rlib" || true)
rm -rf "$made/dist"
(cd python && CARGO_TARGET_DIR="$target" PATH="$made/all/bin:$PATH" \
    maturin build --release --locked --out "$made/dist" 2>&1) | tee "$made/maturin.log"
if [ -n "$was_built" ] && grep -E '^ *Compiling (burn|cube)' "$made/maturin.log" > /dev/null; then
    tree() {
        cargo tree --locked -e normal,build --prefix none -f '{p} [{f}]' "$@" | sed 's/ (\*)$//' | sort -u
    }
    printf '%s\n' 'Built with other features than in the whole workspace:' >&2
    comm -23 <(tree -p fbrs-python) <(tree --workspace) | grep -v '^fbrs' >&2 || true
    fail 'Burn was compiled a second time. Where `cargo build --release` has just built the workspace,' \
        'crates/fbrs-python/Cargo.toml lacks features that the workspace gives to one of these.'
fi

wheels=("$made"/dist/*.whl)
wheel="${wheels[0]}"
[ "${#wheels[@]}" = 1 ] || fail "expected one wheel, got ${wheels[*]}"
case "$(basename "$wheel")" in
    fbrs-*-cp311-abi3-*.whl) ;;
    *) fail "$wheel: expected the tag cp311-abi3" ;;
esac
size=$(stat -c %s "$wheel")
[ "$size" -le "$most" ] || fail "$wheel has $size bytes, expected at most $most"
"$python" - "$wheel" <<'CHECK'
import sys, zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    names = wheel.namelist()
    for ending in (
        "fbrs/py.typed", "fbrs/_fbrs.pyi", "fbrs/cvat.py", "fbrs_predict/__init__.py",
        "fbrs_interactive_segmentation/fbrs_predict.py", "licenses/LICENSE-MIT",
        "licenses/LICENSE-APACHE", "licenses/licenses/WEIGHTS.md",
        "licenses/licenses/WEIGHTS-TERMS.md",
    ):
        found = [name for name in names if name.endswith(ending)]
        assert len(found) == 1 and wheel.getinfo(found[0]).file_size >= ("typed" not in ending), ending
    (library,) = (name for name in names if name.startswith("fbrs/_fbrs.") and name != "fbrs/_fbrs.pyi")
    assert b"libpython3" not in wheel.read(library), f"{library} is linked with Python's library"
    wrong = [name for name in names if name.endswith((".pyc", ".ipynb")) or "/tests/" in name]
    assert not wrong, wrong
CHECK
printf 'wheel: %s, %s bytes\n' "$(basename "$wheel")" "$size"

# Beside numpy alone, without a network.
awk '/^[^ #]/ { is_numpy = /^numpy==/ } is_numpy && !/^ *#/' python/tests/requirements.txt > "$made/numpy.txt"
"$python" -m pip download --quiet --require-hashes --only-binary :all: --no-deps --dest "$made/numpy" \
    -r "$made/numpy.txt"
environment "$made/bare"
"$made/bare/bin/python" -m pip install --quiet --no-index --find-links "$made/numpy" "$wheel"
"$made/bare/bin/python" -I - tests/golden/photos/000000000030.jpg <<'CHECK'
import importlib.metadata, sys
import fbrs

installed = {one.metadata["Name"] for one in importlib.metadata.distributions()}
assert installed <= {"fbrs", "numpy", "pip", "setuptools"}, installed
mask = fbrs.Segmenter().segment(sys.argv[1], [fbrs.Click(320, 240)]).mask()
assert mask.shape == (428, 640) and 0 < (mask > 0).mean() < 0.5
CHECK

"$python" -m pip install --quiet --no-index --no-deps --force-reinstall "$wheel"
cd python
"$python" -m mypy --cache-dir "$made/mypy" src examples tests
"$python" -m mypy.stubtest --mypy-config-file pyproject.toml \
    fbrs fbrs_predict fbrs_interactive_segmentation
CARGO_TARGET_DIR="$target" exec "$python" -m pytest -q -p no:cacheprovider "$@"
