#!/usr/bin/env bash
# Fifty seeds of the scenario, each run twice in fresh processes: no divergence.
set -euo pipefail

room=sim/examples/replicated_log
for seed in $(seq 1 50); do
  "$room/replicated_log" sim --scenario "$room/scenario.toml" --seed "$seed" --check >report || {
    cat report
    echo "seed $seed: see above"
    exit 1
  }
done
