#!/usr/bin/env bash
# The demonstration, called by `tools/dev demo`: seeds of a simulated cluster under faults, one of
# them replayed; then a real cluster of five OS processes, TLS, three copies of everything: a tree's
# metadata is imported, compared with find, a large directory renamed under readers' eyes, and every
# process killed. Fails loudly on any mismatch.
# DEMO_SEEDS and DEMO_DIRECTORY change how many seeds (20; 0: straight to the real cluster), and the
# metadata of what (/usr).
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root"

# shellcheck source=lib/common.sh
source tools/lib/common.sh

seeds=${DEMO_SEEDS:-20}
directory=${DEMO_DIRECTORY:-/usr}
scenario=workloads/scenarios/mixed.toml
names=(alpha beta gamma delta epsilon)
declare -A pids=() ports=()
work=$(mktemp -d)
background=()

mismatch() {
  step "demo FAILED: $*"
  exit 1
}

clean_up() {
  local pid
  for pid in "${pids[@]}" "${background[@]}"; do
    kill -9 "$pid" 2>/dev/null || true
  done
  wait
  rm -rf "$work"
}
trap clean_up EXIT

progress() {
  [ ! -t 2 ] || printf '\r\033[K%s' "$*" >&2
}

# Milliseconds of the wall clock.
now_ms() {
  local now=$EPOCHREALTIME
  echo $((${now%.*} * 1000 + 10#${now#*.} / 1000))
}

# ---- Under a seed

# Runs one seed; prints its line and sets `hash`.
hash=
run_seed() {
  local report line
  report=$("$orrery" sim --scenario "$scenario" --seed "$1") || {
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
  [ "$seeds" -gt 0 ] || return 0
  step "$seeds seeds of $scenario: workloads drawn by the seed, under faults"
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

# ---- For real

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

start_process() {
  "$orrery" serve --cluster "$work/cluster" --name "$1" --zone "zone-$1" --data "$work/data-$1" \
    --listen "127.0.0.1:${ports[$1]}" --trace "$work/trace-$1" &
  pids[$1]=$!
}

kill_process() {
  kill -9 "${pids[$1]}"
  wait "${pids[$1]}" 2>/dev/null || true
}

client() {
  local verb=$1
  shift
  "$orrery" "$verb" --cluster "$work/cluster" "$@"
}

start_cluster() {
  local name coordinators=
  for name in "${names[@]}"; do ports[$name]=$(free_port); done
  for name in alpha beta gamma; do coordinators+=,127.0.0.1:${ports[$name]}; done
  client init --files-only --tls --coordinators "${coordinators#,}"
  step "five real processes on loopback, TLS 1.3: ${names[*]}"
  for name in "${names[@]}"; do start_process "$name"; done
  client init --redundancy triple
  client status
}

import_tree() {
  local found there
  step "importing the metadata of everything under $directory"
  client import-tree "$directory"
  there=$(find "$directory" -mindepth 1 | wc -l)
  found=$(client ls --count --recursive /)
  # The directories above the tree's, and its own, are entries besides.
  found=$((found - $(tr -cd / <<<"$directory" | wc -c)))
  [ "$found" = "$there" ] || mismatch "the database has $found entries, find sees $there"
  step "$found entries; find sees as many"
}

largest_files() {
  client ls --largest 10 >"$work/largest"
  cat "$work/largest"
  diff <(awk '{ print $3 }' "$work/largest") \
    <(find "$directory" -type f -printf '%s\n' | sort -rn | sed 10q) >&2 ||
    mismatch "the ten largest files by the index are others than find's"
}

# watch_rename DIRECTORY ENTRIES READER: lists both names over and over: each is whole or not there.
watch_rename() {
  local name count error=$work/reader-error-$3
  while [ -e "$work/renaming" ]; do
    for name in "$1" "$1.renamed"; do
      if count=$(client ls --count "$name" 2>"$error"); then
        [ "$count" = "$2" ] || { echo "$name has $count entries" >"$work/half"; return; }
        echo "$name" >>"$work/seen"
      elif ! grep -q 'no such entry' "$error"; then
        cp "$error" "$work/half"
        return
      fi
    done
  done
}

rename_directory() {
  local large count readers=() i
  large=$(find "$directory" -mindepth 2 -type f -printf '%h\n' | sort | uniq -c | sort -rn |
    awk 'NR == 1 { $1 = ""; print substr($0, 2) }')
  count=$(find "$large" -mindepth 1 -maxdepth 1 | wc -l)
  step "renaming $large, $count entries, back and forth while two readers list it"
  touch "$work/renaming"
  for i in 1 2; do
    watch_rename "$large" "$count" "$i" &
    readers+=($!)
    background+=($!)
  done
  for i in {1..15}; do
    client mv "$large" "$large.renamed"
    client mv "$large.renamed" "$large"
  done
  rm "$work/renaming"
  wait "${readers[@]}"
  [ ! -e "$work/half" ] || mismatch "a reader saw half: $(cat "$work/half")"
  step "$(wc -l <"$work/seen") listings, each whole"
}

kill_in_turn() {
  local name begin load
  step "kill -9 of each process in turn, under load"
  "$load_generator" --cluster "$work/cluster" --mode commits --clients 10 --seconds 3600 \
    >"$work/load" 2>&1 &
  load=$!
  background+=("$load")
  for name in "${names[@]}"; do
    kill_process "$name"
    begin=$(now_ms)
    client shell --exec "set demo/alive $name" || mismatch "no commit after $name was killed"
    step "$name killed: the next commit of a new client after $(($(now_ms) - begin)) ms"
    start_process "$name"
    await_recovered
  done
  kill -0 "$load" 2>/dev/null || mismatch "the load ended: $(cat "$work/load")"
  kill -9 "$load"
  wait "$load" 2>/dev/null || true
}

# Until commits are accepted and every process is there again.
await_recovered() {
  local deadline=$((SECONDS + 60))
  until client status -o json >"$work/status" 2>/dev/null &&
    [ "$(grep -o '"class":' "$work/status" | wc -l)" = ${#names[@]} ]; do
    [ "$SECONDS" -lt "$deadline" ] || mismatch "not recovered in 60 s: $(client status || true)"
    sleep 0.2
  done
}

kill_all() {
  local name begin before after
  before=$(client ls --count --recursive /)
  step "kill -9 of all five at once"
  kill -9 "${pids[@]}"
  for name in "${names[@]}"; do wait "${pids[$name]}" 2>/dev/null || true; done
  begin=$(now_ms)
  for name in "${names[@]}"; do start_process "$name"; done
  client shell --exec "set demo/alive all"
  step "restarted: the next commit after $(($(now_ms) - begin)) ms"
  after=$(client ls --count --recursive /)
  [ "$before" = "$after" ] || mismatch "$before entries before, $after after"
  cp "$work/largest" "$work/largest-before"
  largest_files >/dev/null
  cmp -s "$work/largest" "$work/largest-before" || mismatch "other largest files than before"
  step "the same answers"
}

stop_cluster() {
  local name
  for name in "${names[@]}"; do
    kill "${pids[$name]}"
    wait "${pids[$name]}" || mismatch "$name did not end well"
    unset "pids[$name]"
  done
}

begin_demo=$SECONDS
step "building //tools/orrery, optimised"
bazel build --config=opt //tools/orrery:orrery //tools/orrery:orrery-sim //tools/bench:database_load
bin=$(bazel_output info --config=opt bazel-bin)
orrery=$bin/tools/orrery/orrery
load_generator=$bin/tools/bench/database_load
built=$SECONDS
simulate
start_cluster
import_tree
largest_files
rename_directory
kill_in_turn
kill_all
stop_cluster
step "done: build $((built - begin_demo)) s, demonstration $((SECONDS - built)) s"
