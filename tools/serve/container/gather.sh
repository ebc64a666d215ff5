#!/bin/sh
# Lays out the root folder of an image: a program, stripped, the libraries that it is linked with, each
# where it was found, and where names of hosts are looked up.
#
#   tools/serve/container/gather.sh PATH/TO/fbrs ROOT
set -eu

program=$1
root=$2
[ -x "$program" ] || { echo "no program at $program: cargo build --release makes it" >&2; exit 2; }

install -D -m 755 "$program" "$root/usr/bin/fbrs"
strip "$root/usr/bin/fbrs"
# A program that is linked with nothing is told by ldd on standard error, and needs nothing.
ldd "$program" > "$root/libraries" || : > "$root/libraries"
if grep 'not found' "$root/libraries" >&2; then exit 1; fi
grep -o '/[^ ]*' "$root/libraries" | while read -r library; do
    install -D -m 755 "$library" "$root$library"
done
rm "$root/libraries"
install -d -m 755 "$root/etc"
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
