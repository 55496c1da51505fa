#!/usr/bin/env bash
# Goal: the page of a run of 10,000 events loads without an error in a browser, draws each frame
# within its bound, and zoom, search, filters, clicks and the evidence work. Method: the page tests
# itself (page/selftest.js) in headless Chromium, which prints what became of it.
set -euo pipefail

sample_page=$1
work=$(mktemp -d "${TEST_TMPDIR:-/tmp}/browser.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$sample_page" "$work/page.html"

# Chromium looks for nothing on the network, and keeps nothing.
HOME=$work timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
  --disable-quic --no-first-run --disable-background-networking --disable-component-update \
  --disable-sync --user-data-dir="$work/profile" --window-size=1600,950 --enable-logging=stderr \
  --dump-dom "file://$work/page.html#selftest" >"$work/dom.html" 2>"$work/log.txt"

if grep 'CONSOLE' "$work/log.txt"; then
  echo "the page wrote to the console"
  exit 1
fi
sed -n '/<pre id="selftest-result">/,/<\/pre>/p' "$work/dom.html" |
  sed 's/.*<pre id="selftest-result">//; s/<\/pre>.*//' >"$work/result.txt"
cat "$work/result.txt"
# The tests that need messages, evidence and odd texts have run, and none has failed.
grep -q '^ok a click goes to the operation' "$work/result.txt"
grep -q '^ok markup is text' "$work/result.txt"
grep -q '^ok a frame is drawn within' "$work/result.txt"
grep -q ' passed, 0 failed$' "$work/result.txt"
