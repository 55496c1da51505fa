# Shared by tools/dev: messages, Bazel, and running a built binary. Sourced, never run.
# shellcheck shell=bash

step() { echo "tools/dev: $*" >&2; }

# One clear line about wrong usage or a missing tool; exit code 2.
fail() {
  step "$*"
  exit 2
}

no_arguments() {
  [ $# -eq 1 ] || fail "$1 takes no argument '$2'"
}

# Keeps standard output for the result of a verb. The progress of a build that is not watched on
# a terminal is a line every ten seconds.
bazel() {
  local verb=$1
  shift
  if [ -t 2 ]; then
    "${BAZEL:-$(type -P bazel)}" "$verb" "$@" >&2
  else
    "${BAZEL:-$(type -P bazel)}" "$verb" --show_progress_rate_limit=10 "$@" >&2
  fi
}

# As bazel, but for verbs whose standard output is their result.
bazel_output() {
  local verb=$1
  shift
  "${BAZEL:-$(type -P bazel)}" "$verb" --ui_event_filters=-info --noshow_progress "$@"
}

# Prints the label of NAME, which is a label or the short name of one binary.
label_of_binary() {
  local name=$1 labels
  case "$name" in
    //*:*) echo "$name" && return ;;
    //*) echo "$name:${name##*/}" && return ;;
    *[!A-Za-z0-9_.-]*) fail "'$name' is neither a Bazel label nor the name of a binary" ;;
  esac
  labels=$(bazel_output query "filter('[/:]$name\$', kind('cc_binary rule', //...))")
  case "$(grep -c . <<<"$labels" || true)" in
    0) fail "there is no binary named '$name'" ;;
    1) echo "$labels" ;;
    *) fail "'$name' names several binaries:" $labels ;;
  esac
}

# Builds LABEL optimised, then becomes it, in the folder of the caller.
build_and_run() {
  local label=$1 binary
  shift
  step "building $label, optimised"
  bazel build --config=opt "$label"
  binary=$(bazel_output info --config=opt bazel-bin)/${label#//}
  binary=${binary/://}
  cd "$caller_folder"
  exec "$binary" "$@"
}
