#!/bin/sh
# Runs one checker over the source tree: check_sources.sh CHECKER.py. The tree is where Bazel's link
# to the root's WORKSPACE file points to, since a glob cannot reach into other packages.
set -eu
root=$(dirname "$(readlink -f WORKSPACE)")
exec python3 -B "tests/$1" "$root"
