"""Which seeds a run of the simulation takes; a failing one is run alone by naming it."""

import os

FIRST = int(os.environ.get("TENURE_SIMULATION_SEED", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("TENURE_SIMULATION_SEEDS", "300")))
