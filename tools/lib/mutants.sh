# Shared by tools/dev: planted bugs, and the sweeps that must find them. Sourced, never run.
# shellcheck shell=bash
#
# A mutant is a patch of tests/mutants. It is applied to a copy of the tree, which is kept with its
# build so that the next run compiles little; the tree itself is never touched.

mutant_seeds=50
mutant_binary=tools/orrery/orrery-sim

# run_mutants [NAME]: prints for each mutant the first seed that finds it: scenario, seed, verdict.
# Exit code 1 when one survives, or does not apply, or its seed fails without it too.
run_mutants() {
  local patches=(tests/mutants/*.patch) patch survivors=0
  if [ $# -eq 1 ]; then
    patches=("tests/mutants/$1.patch")
    [ -f "${patches[0]}" ] || fail "there is no tests/mutants/$1.patch"
  fi
  mutant_folder=${XDG_CACHE_HOME:-$HOME/.cache}/orrery-mutants
  mkdir -p "$mutant_folder"
  exec 8>"$mutant_folder/lock"
  flock -n 8 || fail "another run of mutants uses $mutant_folder"
  copy_tree
  cd "$mutant_folder/tree"
  step "building without a mutant"
  build_mutant sound
  for patch in "${patches[@]}"; do
    try_mutant "$patch" || survivors=$((survivors + 1))
  done
  bazel shutdown
  [ "$survivors" -eq 0 ]
}

copy_tree() {
  rm -rf "$mutant_folder/tree"
  mkdir "$mutant_folder/tree"
  tar -cf - --exclude=.git --exclude='bazel-*' . | tar -xf - -C "$mutant_folder/tree"
}

# build_mutant NAME: the simulator of the copy as it is, to $mutant_folder/NAME.
build_mutant() {
  bazel build "//${mutant_binary%/*}:${mutant_binary##*/}" || return
  cp -fL "bazel-bin/$mutant_binary" "$mutant_folder/$1"
}

# Not as part of any repository, so that git takes the paths of the patch as they are.
apply_mutant() {
  GIT_DIR=/nonexistent git apply "$@"
}

try_mutant() {
  local patch=$1 name code=0
  name=$(basename "$patch" .patch)
  step "$name: $(head -n 1 "$patch")"
  if ! apply_mutant "$patch"; then
    echo "$name: DOES NOT APPLY"
    return 1
  fi
  build_mutant mutant || code=1
  apply_mutant --reverse "$patch"
  if [ "$code" -ne 0 ]; then
    echo "$name: DOES NOT BUILD"
    return 1
  fi
  sweep_mutant "$name"
}

# Seed by seed over all scenarios, until one fails.
sweep_mutant() {
  local name=$1 seed scenario verdict
  for ((seed = 1; seed <= mutant_seeds; seed++)); do
    scenario=$(failing_scenario "$seed")
    [ -n "$scenario" ] || continue
    verdict=$(grep -m 1 '^failure' "$mutant_folder/out/$scenario" || true)
    echo "$name: $scenario, seed $seed: ${verdict:-no verdict: the simulator broke off}"
    simulate "$mutant_folder/sound" "$scenario" "$seed" >/dev/null && return
    echo "$name: this seed FAILS WITHOUT IT, TOO"
    return 1
  done
  echo "$name: SURVIVES $mutant_seeds seeds of every scenario"
  return 1
}

# failing_scenario SEED: the first scenario, by name, in which the mutant fails; nothing if none.
# What each run printed is in $mutant_folder/out.
failing_scenario() {
  rm -rf "$mutant_folder/out"
  mkdir "$mutant_folder/out"
  export -f simulate
  # The reference run is for measuring: one seed of it takes as long as all others together.
  find workloads/scenarios -name '*.toml' ! -name reference.toml -printf '%f\n' |
    sed 's/\.toml$//' |
    xargs -P "$(nproc)" -I{} bash -c \
      'simulate "$1" "$2" "$3" >"$4/out/$2" 2>&1 || echo "$2"' \
      _ "$mutant_folder/mutant" {} "$1" "$mutant_folder" | sort | head -n 1
}

# simulate BINARY SCENARIO SEED
simulate() {
  "$1" sim --scenario "workloads/scenarios/$2.toml" --seed "$3"
}
