#!/bin/sh
# Makes the image of Containerfile from a program that is built already: the program, the libraries
# that it is linked with, nothing else. Needs buildah and binutils, and no registry.
#
#   tools/serve/container/from_built.sh [PATH/TO/fbrs] [NAME]
#
# Afterwards, for a machine without a registry:
#   buildah push fbrs:latest oci-archive:fbrs.tar
set -eu

here=$(cd "$(dirname "$0")" && pwd)
program=${1:-$here/../../../target/release/fbrs}
name=${2:-fbrs:latest}

work=$(mktemp -d)
container=
clean() {
    rm -rf "$work"
    [ -z "$container" ] || buildah rm "$container" > /dev/null
}
trap clean EXIT

mkdir "$work/root" "$work/store"
chmod 755 "$work/root"
"$here/gather.sh" "$program" "$work/root"

container=$(buildah from scratch)
buildah copy --quiet --chown 0:0 "$container" "$work/root" / > /dev/null
buildah copy --quiet --chown 65532:65532 "$container" "$work/store" /store > /dev/null
buildah config --user 65532:65532 --workingdir / --volume /store --port 8765/tcp --stop-signal SIGTERM \
    --entrypoint '["/usr/bin/fbrs"]' --cmd 'serve --listen 0.0.0.0:8765 --store /store' "$container"
buildah commit --quiet "$container" "$name" > /dev/null
echo "$name"
