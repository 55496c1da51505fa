# Shared by tools/dev: planted bugs, and the sweeps that must find them. Sourced, never run.
# shellcheck shell=bash

# run_mutants ARGS...: see tools/lib/mutants.py. One at a time: they share a folder.
run_mutants() {
  local folder=${XDG_CACHE_HOME:-$HOME/.cache}/orrery-mutants
  mkdir -p "$folder"
  exec 8>"$folder/lock"
  flock -n 8 || fail "another run of mutants uses $folder"
  BAZEL=${BAZEL:-$(type -P bazel)} python3 tools/lib/mutants.py "$@"
}
