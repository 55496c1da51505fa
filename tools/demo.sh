#!/usr/bin/env bash
# The demonstration, called by `tools/dev demo`: seeds of the example under faults, one of them
# replayed; then the same binary as three real processes that take the metadata of everything under
# a directory, one of them killed on the way. Fails loudly on any mismatch.
# DEMO_SEEDS and DEMO_DIRECTORY change how many seeds (50), and of what (/usr).
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root"

# shellcheck source=lib/common.sh
source tools/lib/common.sh

seeds=${DEMO_SEEDS:-50}
directory=${DEMO_DIRECTORY:-/usr}
label=//sim/examples/replicated_log:replicated_log
scenario=sim/examples/replicated_log/scenario.toml
names=(alpha beta gamma)
declare -A pids=() ports=()
work=

mismatch() {
  step "demo FAILED: $*"
  exit 1
}

clean_up() {
  local pid
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
  done
  wait
  [ -z "$work" ] || rm -rf "$work"
}
trap clean_up EXIT

progress() {
  [ ! -t 2 ] || printf '\r\033[K%s' "$*" >&2
}

# Runs one seed; prints its line and sets `hash`.
hash=
run_seed() {
  local report line
  report=$("$binary" sim --scenario "$scenario" --seed "$1") || {
    echo "$report"
    mismatch "seed $1 did not pass; the command above repeats it"
  }
  line=$(awk -v seed="$1" '
    /^faults applied:/ { n = split($0, words, /[ ,]+/)
                         for (i = 4; i <= n; i += 2) faults += words[i] }
    /^events /         { simulated = $4; processor = $7 }
    /^hash /           { hash = $2 }
    /^verdict:/        { verdict = $2 }
    END { ratio = simulated / (processor ? processor : 1e-3)
          printf "seed %4d  %s  %7.1f simulated s  %3d faults  hash %s  %6.0f : 1",
                 seed, verdict, simulated, faults, hash, ratio }
    ' <<<"$report")
  [[ $line == *" passed "* ]] || mismatch "cannot read the report of seed $1"
  hash=$(awk '/^hash / { print $2 }' <<<"$report")
  progress ''
  echo "$line"
}

simulate() {
  local seed begin=$SECONDS first=
  step "$seeds seeds: five replicas; network, process, disk and clock faults"
  for ((seed = 1; seed <= seeds; ++seed)); do
    run_seed "$seed"
    first=${first:-$hash}
    progress "$seed of $seeds seeds, $((SECONDS - begin)) s," \
      "$(((SECONDS - begin) * (seeds - seed) / seed)) s left"
  done
  progress ''
  step "seed 1 once more"
  run_seed 1
  [ "$hash" = "$first" ] || mismatch "the replay of seed 1 has another hash than $first"
  step "same hash: the run is fixed by its seed"
}

# A port of loopback that nobody listens on, and that was not given before.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    [[ " ${ports[*]} " == *" $port "* ]] && continue
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

tls_of() {
  echo --tls-certificate "$work/$1.certificate.pem" --tls-key "$work/$1.key.pem" \
    --tls-authority "$work/ca.replicated_log.pem"
}

start_replica() {
  # shellcheck disable=SC2046
  "$binary" serve --name "$1" "${peers[@]}" --listen "127.0.0.1:${ports[$1]}" \
    --data "$work/data-$1" --trace "$work/trace-$1" $(tls_of "$1") &
  pids[$1]=$!
}

client() {
  local verb=$1
  shift
  # shellcheck disable=SC2046
  "$binary" "$verb" "${peers[@]}" $(tls_of client) --timeout-seconds 30 "$@"
}

serve_for_real() {
  local name importer begin keys
  work=$(mktemp -d)
  "$binary" certificates "$work" "${names[@]}" client >/dev/null
  peers=()
  for name in "${names[@]}"; do
    ports[$name]=$(free_port)
    peers+=(--peer "$name=127.0.0.1:${ports[$name]}")
  done
  step "three real processes on loopback, TLS 1.3: ${names[*]}"
  for name in "${names[@]}"; do start_replica "$name"; done
  client count >/dev/null

  step "importing the metadata of every entry under $directory"
  client import "$directory" &
  importer=$!
  keys=0
  begin=$SECONDS
  while [ "$keys" -lt 5000 ]; do
    keys=$(client count)
    kill -0 "$importer" 2>/dev/null || break
    [ $((SECONDS - begin)) -lt 60 ] || mismatch "the import does not get on"
  done
  step "kill -9 of beta at $keys entries"
  kill -9 "${pids[beta]}"
  wait "${pids[beta]}" 2>/dev/null || true
  start_replica beta
  wait "$importer" || mismatch "the import failed"

  step "comparing the count and ten random entries with the file system"
  client verify "$directory" --entries 10 || mismatch "the log differs from $directory"
  for name in "${names[@]}"; do
    kill "${pids[$name]}"
    wait "${pids[$name]}" || mismatch "$name did not end well"
    unset "pids[$name]"
  done
}

begin_demo=$SECONDS
step "building $label, optimised"
bazel build --config=opt "$label"
binary=$(bazel_output info --config=opt bazel-bin)/${label#//}
binary=${binary/://}
built=$SECONDS
simulate
serve_for_real
step "done: build $((built - begin_demo)) s, demonstration $((SECONDS - built)) s"
