#!/bin/sh
# Builds and tests the workspace tests/framework_consumer, with a Bazel server and an output base of
# its own, so that it can run below another Bazel.
set -eu
root=$(dirname "$(readlink -f WORKSPACE)")
cd "$root/tests/framework_consumer"
base=$(mktemp -d)
HOME=$base
export HOME
trap 'bazel --output_base="$base/out" shutdown; chmod -R u+w "$base"; rm -rf "$base"' EXIT
bazel --output_base="$base/out" test //...
