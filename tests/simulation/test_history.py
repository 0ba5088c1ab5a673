"""The whole deployment in history time, under faults: every run keeps the invariants, and ends like an undisturbed
one."""

from random import Random

import pytest

from tests.simulation.faults import Chance
from tests.simulation.history import draw
from tests.simulation.invariants import alerts, differences, stored, traces, violations
from tests.simulation.seeds import SEEDS
from tests.simulation.world import Wiring, World


def disturbed(seed: int, wiring: Wiring, *, faults: int | None = None) -> World:
    """A run with faults, to its quiet end."""
    rng = Random(seed)
    file = draw(rng, rng.choice((3, 6, 10)), rng.randint(1, 3))
    budget = rng.choice((0, 3, 12)) if faults is None else faults
    world = World(file, partitions=rng.choice((1, 2, 3)), rng=rng, chance=Chance(rng, budget), wiring=wiring)
    world.send_history(twice=budget > 0 and rng.random() < 0.5)
    world.run(400)
    world.settle()
    return world


def undisturbed(world: World) -> World:
    """The same file, one partition, nothing goes wrong, everybody takes turns."""
    rng = Random(0)
    calm = World(world.file, partitions=1, rng=rng, chance=Chance(rng, 0), wiring=Wiring())
    calm.send_history(twice=False)
    calm.settle()
    return calm


def findings(seed: int, wiring: Wiring) -> list[str]:
    world = disturbed(seed, wiring)
    found = violations(world)
    if found:
        return found
    calm = undisturbed(world)
    return [
        *differences("fact", stored(calm), stored(world)),
        *differences("alert", alerts(calm), alerts(world)),
        *differences("trace", traces(calm), traces(world)),
    ]


def test_every_run_under_faults_ends_like_an_undisturbed_one() -> None:
    for seed in SEEDS:
        found = findings(seed, Wiring())
        assert not found, (
            f"seed {seed} (run it alone: TENURE_SIMULATION_SEED={seed} TENURE_SIMULATION_SEEDS=1): {found}"
        )


def test_the_undisturbed_run_gives_alerts() -> None:
    total = sum(len(alerts(undisturbed(disturbed(seed, Wiring(), faults=0)))) for seed in range(5))
    assert total > 0


if __name__ == "__main__":
    pytest.main([__file__])
