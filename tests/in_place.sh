#!/bin/sh
# Runs a test in the source tree: in_place.sh TEST.py. The tree is where Bazel's link
# to the root's WORKSPACE file points to, since a glob cannot reach into other packages.
set -eu
root=$(dirname "$(readlink -f WORKSPACE)")
exec python3 -B "tests/$1" "$root"
