#!/usr/bin/env bash
# Goal: a nightly whose canary passes, or dies, fails and sweeps nothing; one failing shard fails
# it, and all are merged all the same; a shard on its own gets what it needs.
# Method: tools/nightly.sh with a stand-in for the simulator that keeps its command lines.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The stand-in takes the exit codes of the canary and of sweeps from the environment.
cat >"$work/orrery" <<'STAND_IN'
#!/usr/bin/env bash
echo "$*" >>"$WORK/calls"
case "$*" in
  *must_fail.toml*)
    [ "$CANARY" -ne 1 ] ||
      echo '{"signature":"check ledger: Check: at least # commits were expected, and # were"}'
    exit "$CANARY"
    ;;
  *"sweep merge"*)
    mkdir -p "$WORK/out/all"
    echo "# Sweep: of the stand-in" >"$WORK/out/all/report.md"
    ;;
  *"--shard 2/"*) exit "$SHARD_2" ;;
esac
STAND_IN
chmod +x "$work/orrery"
export WORK=$work ORRERY=$work/orrery CANARY=1 SHARD_2=0

# expect CODE ARGUMENTS...: runs, keeps output and calls.
expect() {
  local wanted=$1 code=0
  shift
  rm -rf "$work/calls" "$work/out"
  mkdir -p "$work/out/shard-1" "$work/out/shard-2"
  tools/nightly.sh "$@" >"$work/stdout" 2>"$work/stderr" || code=$?
  if [ "$code" -ne "$wanted" ]; then
    echo "tools/nightly.sh $*: exit code $code, expected $wanted"
    cat "$work/stdout" "$work/stderr"
    exit 1
  fi
}

# called PATTERN COUNT
called() {
  local count
  count=$(grep -c -- "$1" "$work/calls" || true)
  [ "$count" -eq "$2" ] && return
  echo "'$1' was called $count times, expected $2:"
  cat "$work/calls"
  exit 1
}

options=(--minutes 3 --shards 2 --first-seed 70 --out "$work/out")

expect 0 "${options[@]}"
called "--minutes 3 --first-seed 70 --shard [12]/2" 2
called "sweep merge --out $work/out/all $work/out/shard-1/ $work/out/shard-2/" 1
grep -q "# Sweep: of the stand-in" "$work/stdout"

CANARY=0 expect 1 "${options[@]}"
called "--shard" 0
CANARY=127 expect 1 "${options[@]}"
called "--shard" 0

SHARD_2=1 expect 1 "${options[@]}"
called "sweep merge" 1

expect 0 shard 2 "${options[@]}"
called "--shard 2/2 --out $work/out/shard-2" 1
SHARD_2=1 expect 1 shard 2 "${options[@]}"
expect 0 merge "${options[@]}" --baseline "$work/before"
called "--baseline $work/before" 1

expect 2 --minutes
expect 2 --speed 3
expect 2 --shards none
expect 2 shard
