# Shared by tools/dev: planted bugs, and the sweeps that must find them. Sourced, never run.
# shellcheck shell=bash

# run_mutants ARGS...: see tools/lib/mutants.py.
run_mutants() {
  BAZEL=${BAZEL:-$(type -P bazel)} python3 tools/lib/mutants.py "$@"
}
