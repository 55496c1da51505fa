#!/usr/bin/env bash
# Goal: a run that fails is explained: messages, terms and the way to the failure are in the
# picture. Method: a planted bug (a replica acknowledges before its sync), under a seed that finds
# it.
set -euo pipefail

room=sim/examples/replicated_log
work=$(mktemp -d "${TEST_TMPDIR:-/tmp}/explain.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$room/replicated_log" explain 9 --scenario "$room/scenario.toml" \
  --knob replicated_log_planted_bug=1 --text --lines 100 --out "$work/page.html" >"$work/text"

expect() {
  grep -qE "$2" "$work/$1" && return
  cat "$work/text"
  echo "not in $1: $2"
  exit 1
}

# A sync failed, the replica ended, came back without what it had acknowledged, and was asked for
# it.
expect text '^replicated_log, seed 9: FAILED$'
expect text ' fault: fail_sync \{ machine: "machine-1" \}$'
expect text ' replica-1 +process ended: io_error'
expect text ' replica-1 +process started, life '
expect text ' replica-2 +-> replica-1  append +term: '
expect text ' replica-1 +<- replica-2  append, [0-9.]+ us under way$'
expect text ' replica-1 +FAILED error_event: '
expect text "^replay: $room/replicated_log sim --scenario .* --seed 9 --knob [a-z_]*=1$"
expect text "^run FAILED, [0-9]+ events, written to $work/page.html"
expect page.html '"name":"leader","id":"0","generation":[1-9]'
expect page.html '"methods":\["'
