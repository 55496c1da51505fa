# Shared by tools/dev: the tiers of `tools/dev test`. Sourced, never run.
# shellcheck shell=bash
#
# Tags that steer the tiers: `full` = too long for the fast tier; `sources` = reads the source
# tree, so that a sanitizer adds nothing; `gdb` = runs the debugger, likewise; `browser` (with
# `full`) = runs Chromium, likewise; `fuzz` (with `manual`) = a libFuzzer binary, which runs for a
# minute.

fuzz_seconds=60

# run_tests fast|full: ends with the line `N passed, N failed`. A test that was not built counts
# as failed, and so does a tier in which nothing ran.
run_tests() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  : >"$work/counts"
  step "fast tier: building everything and running the tests"
  run_test_tier "" "$(tests_where 'full|manual')" //... --test_tag_filters=-full
  if [ "$1" = full ]; then
    run_full_tiers
  fi
  awk '{ passed += $1; failed += $2 }
       END { if (passed + failed == 0) failed = 1
             printf "%d passed, %d failed\n", passed, failed; exit failed > 0 }' "$work/counts"
}

run_full_tiers() {
  local everything real long fuzzers label
  ensure_packages "${sanitizer_packages[@]}" "${browser_packages[@]}"
  long=$(tests_tagged full)
  if [ -n "$long" ]; then
    step "full tier: the long tests"
    run_test_tier "" "$long" $long
  fi
  everything=$(tests_where 'manual|sources|gdb|browser')
  step "full tier: every test under the address and undefined-behaviour sanitizers"
  run_test_tier asan "$everything" $everything
  real=$(grep -E '^//(core/(real|async|rpc)|tests/conformance)[:/]' <<<"$everything" || true)
  if [ -n "$real" ]; then
    step "full tier: real mode under the thread sanitizer"
    run_test_tier tsan "$real" $real
  fi
  fuzzers=$(bazel_output query 'attr(tags, "[\[ ]fuzz[,\]]", kind("cc_binary rule", //...))')
  if [ -z "$fuzzers" ]; then
    step "full tier: there is no fuzzer to run: a target has lost its tag"
    echo "0 1" >>"$work/counts"
  fi
  for label in $fuzzers; do
    run_fuzzer "$label"
  done
}

# The labels of all tests without any of the tags (a regular expression), one per line.
tests_where() {
  bazel_output query --keep_going \
    "tests(//...) except attr(tags, '[\\[ ]($1)[,\\]]', tests(//...))" || true
}

tests_tagged() {
  bazel_output query "attr(tags, '[\\[ ]($1)[,\\]]', tests(//...))"
}

# run_test_tier CONFIG EXPECTED-LABELS BAZEL-ARGUMENTS...: runs and counts. Bazel's exit code is
# not trusted alone: every expected test must have reported that it passed.
run_test_tier() {
  local config=$1 expected=$2 code=0
  shift 2
  rm -f "$work/events.json"
  bazel test --keep_going ${config:+--config="$config"} \
    --build_event_json_file="$work/events.json" "$@" || code=$?
  python3 tools/lib/count_tests.py "$work/events.json" "$code" <<<"$expected" \
    >>"$work/counts"
}

run_fuzzer() {
  local label=$1 binary corpus=$work/corpus
  rm -rf "$corpus" && mkdir -p "$corpus"
  step "full tier: fuzzing $label for $fuzz_seconds seconds"
  binary=$(bazel_output info --config=fuzz bazel-bin)/${label#//}
  if bazel build --config=fuzz "$label" &&
    "${binary/://}" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=2048 \
      -print_final_stats=1 -verbosity=0 -artifact_prefix="$root/fuzz-" "$corpus" >&2; then
    echo "1 0" >>"$work/counts"
  else
    echo "0 1" >>"$work/counts"
  fi
}
