#!/usr/bin/env bash
# nightly_run.sh ORRERY-SIM SCENARIO...: one run of the test //sim:nightly, which is one job of a
# sweep: --runs_per_test=N makes N of them, wherever Bazel runs its tests, each with other seeds.
#
#   ORRERY_NIGHTLY_SEED     where the seeds begin (1); runs are a million seeds apart
#   ORRERY_NIGHTLY_MINUTES  how long a run takes (1)
#
# The folder of the sweep is among the test's undeclared outputs; its JUnit report is the test's.
set -euo pipefail

orrery=$1
shift
run=${TEST_RUN_NUMBER:-1}
first_seed=$((${ORRERY_NIGHTLY_SEED:-1} + (run - 1) * 1000000))
out=${TEST_UNDECLARED_OUTPUTS_DIR:-${TEST_TMPDIR:-/tmp}}/sweep
scenarios=()
for file in "$@"; do
  case "$file" in
    */canary/*) canary=$file ;;
    *) scenarios+=(--scenario "$file") ;;
  esac
done

code=0
"$orrery" sweep --scenario "$canary" --seeds 1-4 || code=$?
if [ "$code" -ne 1 ]; then
  echo "the canary did not fail as it must: exit code $code"
  exit 1
fi

code=0
"$orrery" sweep "${scenarios[@]}" --minutes "${ORRERY_NIGHTLY_MINUTES:-1}" \
  --first-seed "$first_seed" --jobs 1 --out "$out" || code=$?
if [ -n "${XML_OUTPUT_FILE-}" ] && [ -f "$out/report.xml" ]; then
  cp "$out/report.xml" "$XML_OUTPUT_FILE"
fi
exit "$code"
