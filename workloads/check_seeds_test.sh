#!/usr/bin/env bash
# Five seeds of each scenario, each run twice in fresh processes: no divergence.
set -euo pipefail

for scenario in workloads/scenarios/*.toml; do
  if [[ $scenario == */reference.toml ]]; then continue; fi
  for seed in $(seq 1 5); do
    tools/orrery/orrery-sim sim --scenario "$scenario" --seed "$seed" --check >report || {
      cat report
      echo "$scenario, seed $seed: see above"
      exit 1
    }
  done
done
