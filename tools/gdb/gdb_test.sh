#!/usr/bin/env bash
# Goal: the commands of orrery_gdb.py tell the truth about suspended coroutines.
# Method: gdb in batch mode stops gdb_target where two tasks are suspended; their listing is
# compared with what the source says. Arguments: the script, the binary.
set -euo pipefail

if ! command -v gdb >/dev/null; then
  echo "gdb_test: gdb is not installed; 'tools/dev setup' installs it" >&2
  exit 1
fi

export HOME=${TEST_TMPDIR:-/tmp}
output=$(gdb --batch -nx -iex 'set auto-load off' -iex 'set debuginfod enabled off' \
  -ex 'set width 0' -ex 'set startup-with-shell off' -ex 'set disable-randomization off' \
  -x "$1" -ex 'break *OrreryGdbStop' -ex run \
  -ex 'orrery-tasks $rdi' -ex 'orrery-bt leaf $rsi' -ex 'orrery-bt 0' \
  "$2" 2>&1) || true
echo "$output"

expect() {
  if ! grep -qE -- "$1" <<<"$output"; then
    echo "gdb_test: the output has no line that matches: $1" >&2
    exit 1
  fi
}

file='tools/gdb/gdb_target\.cc'
expect '^2 tasks$'
expect '^task 1 reader '
expect "^  #0  0x[0-9a-f]+ in .*Innermost\(.*\) at .*$file:[0-9]+ \(suspension 3\)$"
expect "^  #1  0x[0-9a-f]+ in .*Middle\(.*\) at .*$file:[0-9]+ \(suspension 2\)$"
expect "^  #2  0x[0-9a-f]+ in .*Reader\(.*\) at .*$file:[0-9]+ \(suspension 2\)$"
expect '^  #3  0x[0-9a-f]+ in .*TaskGroup::Root::Run\('
expect '^task 2 writer '
expect "^  #0  0x[0-9a-f]+ in .*Writer\(.*\) at .*$file:[0-9]+ \(suspension 1\)$"
expect "^#0  0x[0-9a-f]+ in .*Writer\(.*\) at .*$file:[0-9]+ \(suspension 1\)$"
expect '^#0  0x0 is not a coroutine frame$'
