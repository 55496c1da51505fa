# Shared by tools/dev: `format` and `lint`. Sourced, never run.
# shellcheck shell=bash

# The C++ files that git tracks, each ended by a zero byte.
cpp_files() {
  git ls-files -z -- '*.h' '*.cc'
}

verb_format() {
  no_arguments format "$@"
  ensure_packages "${format_packages[@]}"
  step "formatting every C++ file"
  cpp_files | xargs -0 --no-run-if-empty clang-format-16 -i
}

verb_lint() {
  local scope=changed failed=0 files
  case "${1-}" in
    '') ;;
    --all) scope=all; shift; no_arguments "lint --all" "$@" ;;
    *) fail "lint takes --all or nothing, not '$1'" ;;
  esac
  ensure_packages "${build_packages[@]}" "${format_packages[@]}" "${lint_packages[@]}"
  step "checking the formatting of every C++ file"
  cpp_files | xargs -0 --no-run-if-empty clang-format-16 --dry-run --Werror || failed=1
  mapfile -t files < <(files_to_lint "$scope")
  if [ ${#files[@]} -gt 0 ]; then
    step "building, for the generated headers"
    bazel build //...
    bazel_output aquery --output=jsonproto 'mnemonic("CppCompile", //...)' |
      python3 tools/lib/compile_commands.py >compile_commands.json
    step "clang-tidy over ${#files[@]} files"
    printf '%s\n' "${files[@]}" | { grep -v '_test\.cc$' || true; } | tidy || failed=1
    # A test need not be fast.
    printf '%s\n' "${files[@]}" | { grep '_test\.cc$' || true; } |
      tidy --checks='-performance-*' || failed=1
  fi
  [ "$failed" -eq 0 ] || { step "lint found faults"; exit 1; }
  step "lint found nothing"
}

# Runs clang-tidy with the arguments over the files that standard input names, one per line.
tidy() {
  xargs -d '\n' --no-run-if-empty -n 1 -P "$(nproc)" \
    clang-tidy-16 --quiet -p . --warnings-as-errors='*' "$@"
}

# files_to_lint all|changed: source files, one per line. A changed header stands for the source
# files that include it.
files_to_lint() {
  if [ "$1" = all ]; then
    git ls-files -- '*.cc'
    return
  fi
  local base file
  base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null ||
    git rev-parse HEAD)
  git diff --name-only --diff-filter=d "$base" -- '*.h' '*.cc' | while read -r file; do
    case "$file" in
      *.cc) echo "$file" ;;
      *.h) git grep -lF "#include \"$file\"" -- '*.cc' || true ;;
    esac
  done | sort -u
}
