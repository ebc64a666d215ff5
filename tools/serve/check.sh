#!/usr/bin/env bash
# Runs the recipes of this folder, as far as one machine can, and prints a line for each thing that
# holds, that does not, and that was not run.
#
#   tools/serve/check.sh [PATH/TO/fbrs] [PATH/TO/fbrs-….whl]
#
# The program is target/release/fbrs where nothing is said, the wheel that of tools/check_wheel.sh.
# Needs Debian, root and Python 3.11; installs what else it needs. Its servers have a network of their
# own, and everything that it makes is removed, but for the Python packages in target/serve-check.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
fbrs=$(realpath -m "${1:-$root/target/release/fbrs}")
[ -x "$fbrs" ] || { echo "no program at $fbrs: cargo build --release makes it" >&2; exit 2; }
built=("$root"/target/wheel/dist/fbrs-*.whl)
wheel=${2:-${built[0]}}
[ "$(id -u)" = 0 ] || { echo 'the checks enter other roots and networks: run them as root' >&2; exit 2; }

install() {
    command -v "$1" > /dev/null && return
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$2" > /dev/null 2>&1 ||
        { apt-get update -q > /dev/null &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$2" > /dev/null; }
}
install buildah buildah
install strip binutils
install nginx nginx-light
install openssl openssl
install ip iproute2
install systemd-nspawn systemd-container
install kubectl kubernetes-client

python=$root/target/serve-check/bin/python
[ -x "$python" ] || python3 -m venv "$root/target/serve-check"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
"$python" -m pip install --quiet -r "$here/check/requirements.txt"
"$python" -m pip uninstall --quiet --yes fbrs 2> /dev/null
[ ! -f "$wheel" ] || "$python" -m pip install --quiet --no-deps "$wheel"

work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT

# What works in a container too; and nothing of it is left afterwards.
printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n' \
    "$work/graph" "$work/run" > "$work/storage.conf"
export CONTAINERS_STORAGE_CONF=$work/storage.conf BUILDAH_ISOLATION=chroot
export PYTHONDONTWRITEBYTECODE=1

failed=0
for name in container systemd nginx cvat kubernetes; do
    folder=$(mktemp -d "$work/$name.XXXXXX")
    unshare --net sh -c 'ip link set lo up && exec "$@"' sh \
        "$python" "$here/check/$name.py" "$fbrs" "$folder" || { echo "FAIL $name" && failed=1; }
done

not_run() { printf '%s\n' "--   not run: $*"; }
not_run "container: Containerfile's first stage, which fetches Debian, a compiler and all crates"
not_run 'systemd: on a GPU'
not_run 'cvat: in nuclio, and in CVAT itself'
not_run 'kubernetes: in a cluster; envoy-gateway.yaml and ingress-nginx.yaml with their controllers'
exit "$failed"
