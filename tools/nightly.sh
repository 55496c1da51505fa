#!/usr/bin/env bash
# The nightly sweep of the database, for any CI: a canary that must fail, then shards of one sweep,
# then their merge. Prints the report as Markdown last. See usage below.
set -euo pipefail

caller_folder=$PWD
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)

# shellcheck source=lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=lib/packages.sh
source "$root/tools/lib/packages.sh"

usage() {
  cat <<'HELP'
usage: tools/nightly.sh [OPTIONS]          the canary, all shards on this machine, the merge
       tools/nightly.sh build FILE         only the build; FILE is the simulator, for ORRERY
       tools/nightly.sh canary             only the canary
       tools/nightly.sh shard I [OPTIONS]  only shard I, to OUT/shard-I: one for each machine
       tools/nightly.sh merge [OPTIONS]    only the merge of OUT/shard-* to OUT/all

  --minutes M       how long each shard runs (60)
  --shards N        how many there are (1); on one machine they run side by side
  --first-seed S    where the seeds begin; all shards of a sweep take the same (one for each day)
  --out DIR         where everything goes (nightly); what was begun there goes on
  --baseline DIR    an OUT/all of another night: tells which probes went dark since

ORRERY names an orrery-sim that was built before; without it one is built. SCENARIOS names another
folder of scenarios (workloads/scenarios).
Exit codes: 0 all passed; 1 something failed, or the canary did not; 2 wrong usage.
HELP
}

minutes=60
shards=1
first_seed=$(($(date +%s) / 86400 * 1000000))
out=nightly
baseline=
scenarios=${SCENARIOS:-$root/workloads/scenarios}
canary=$root/workloads/scenarios/canary/must_fail.toml

parse_options() {
  while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || fail "'$1' is no option, or lacks its value (--help lists them)"
    case "$1" in
      --minutes) minutes=$2 ;;
      --shards) shards=$2 ;;
      --first-seed) first_seed=$2 ;;
      --out) out=$2 ;;
      --baseline) baseline=$2 ;;
      *) fail "'$1' is no option (--help lists them)" ;;
    esac
    shift 2
  done
  case "$shards" in
    '' | 0 | *[!0-9]*) fail "--shards $shards: expected a whole number from 1 on" ;;
  esac
}

# Sets `orrery` to the simulator.
find_orrery() {
  orrery=${ORRERY-}
  [ -z "$orrery" ] || return 0
  ensure_packages "${build_packages[@]}"
  step "building orrery-sim"
  (cd "$root" && bazel build //tools/orrery:orrery-sim)
  orrery=$(cd "$root" && bazel_output info bazel-bin)/tools/orrery/orrery-sim
}

# A sweep of what cannot pass must say so, by its exit code and by its report.
run_canary() {
  local code=0 report
  step "the canary"
  report=$("$orrery" sweep --scenario "$canary" --seeds 1-4 -o json) || code=$?
  if [ "$code" -ne 1 ] || ! grep -q '"signature":"check ledger: Check: at least # commits' \
    <<<"$report"; then
    step "the canary did not fail as it must (exit code $code): this build proves nothing"
    printf '%s\n' "$report" >&2
    exit 1
  fi
}

# run_shard I [OPTIONS OF SWEEP]
run_shard() {
  local shard=$1
  shift
  "$orrery" sweep --scenarios "$scenarios" --minutes "$minutes" --first-seed "$first_seed" \
    --shard "$shard/$shards" --out "$out/shard-$shard" "$@"
}

# All shards side by side, with the cores shared out. A shard that fails does not end the others.
run_shards() {
  local shard pid pids=() cores jobs failed=0
  cores=$(nproc)
  jobs=$((cores > shards ? cores / shards : 1))
  step "$shards shards of $minutes minutes, from seed $first_seed on"
  mkdir -p "$out"
  for ((shard = 1; shard <= shards; shard++)); do
    run_shard "$shard" --jobs "$jobs" >"$out/shard-$shard.txt" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  return "$failed"
}

run_merge() {
  local code=0 options=()
  [ -z "$baseline" ] || options=(--baseline "$baseline")
  rm -rf "$out/all"
  "$orrery" sweep merge --out "$out/all" "${options[@]}" "$out"/shard-*/ >&2 || code=$?
  [ ! -f "$out/all/report.md" ] || cat "$out/all/report.md"
  return "$code"
}

step_name=all
case "${1-}" in
  -h | --help) usage; exit 0 ;;
  canary | merge) step_name=$1; shift ;;
  build)
    step_name=build
    file=${2-}
    [ -n "$file" ] || fail "build needs the name of a file"
    shift 2
    ;;
  shard)
    step_name=shard
    shard=${2-}
    case "$shard" in '' | *[!0-9]*) fail "shard needs its number" ;; esac
    shift 2
    ;;
esac
parse_options "$@"
find_orrery
cd "$caller_folder"
case "$step_name" in
  build) cp -fL "$orrery" "$file" ;;
  canary) run_canary ;;
  shard) run_shard "$shard" ;;
  merge) run_merge ;;
  all)
    failed=0
    run_canary
    run_shards || failed=1
    run_merge || failed=1
    exit "$failed"
    ;;
esac
