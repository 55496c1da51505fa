# Shared by tools/dev: which Debian 12 packages each job needs, and installing those that are
# missing. Sourced, never run.
# shellcheck shell=bash

# To build everything; the demonstration and the benchmarks need nothing more. A test of the
# debugger's commands needs gdb, one that applies patches git. The sanitizer runtimes come with
# libclang-rt-16-dev, llvm-16 has the symbolizer of their reports.
build_packages=(
  clang-16 lld-16 bazel-bootstrap python3 openssl
  libabsl-dev libprotobuf-dev protobuf-compiler libgtest-dev libfmt-dev libasio-dev libssl-dev
  libtomlplusplus-dev libcli11-dev libxxhash-dev libbenchmark-dev libedit-dev
)
test_packages=(gdb git)
browser_packages=(chromium)  # The page of a run is tested in a browser: in the full tier only.
sanitizer_packages=(libclang-rt-16-dev llvm-16)
format_packages=(git clang-format-16)
lint_packages=(clang-tidy-16)
all_packages=(
  "${build_packages[@]}" "${test_packages[@]}" "${browser_packages[@]}" "${sanitizer_packages[@]}"
  "${format_packages[@]}" "${lint_packages[@]}"
)

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# ensure_packages PACKAGE...: installs those that are missing; says so only when there are any.
ensure_packages() {
  local package missing=()
  type -P dpkg-query >/dev/null || fail "this is not a Debian system; install the like of: $*"
  for package in "$@"; do
    [ "$package" = bazel-bootstrap ] && [ -n "${BAZEL-}" ] && continue
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

install_packages() {
  local as_root=() log attempt
  local install=(apt-get install -y --no-install-recommends "$@")
  if [ "$(id -u)" -ne 0 ]; then
    type -P sudo >/dev/null || fail "missing packages; run as root: apt-get update && ${install[*]}"
    as_root=(sudo)
  fi
  [ -e /proc/self ] || fail "/proc is not mounted: the Java packages that Bazel needs want it"
  log=$(mktemp)
  step "installing Debian packages (a few minutes when all are new): $*"
  # Slim images have no manual folder, and Java's packages do not install without it.
  "${as_root[@]}" mkdir -p /usr/share/man/man1
  for attempt in 1 2 3 4; do
    if { [ "$attempt" -eq 1 ] && apt_knows "$@"; } || update_package_lists "$log"; then
      if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}" \
        -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 </dev/null >>"$log" 2>&1; then
        rm -f "$log"
        return
      fi
    fi
    step "apt-get did not succeed (attempt $attempt of 4): $(grep '^E:' "$log" | tail -1)"
    sleep $((attempt * 5))
  done
  fail "packages cannot be installed, see $log; the command was: ${install[*]}"
}

# Whether the package lists of this machine name every one of the packages.
apt_knows() {
  local package
  for package in "$@"; do
    apt-cache show "$package" >/dev/null 2>&1 || return 1
  done
}

update_package_lists() {
  step "updating the package lists"
  "${as_root[@]}" apt-get update -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 \
    </dev/null >>"$1" 2>&1
}
