"""The whole deployment in wall time, under faults: every run keeps the invariants, and its log gives the same alerts to
whoever reads it."""

from random import Random

from services.analytics.population.results import Results
from services.analytics.reader import AttritionReader
from shared.memory_broker import MemoryBroker
from shared.memory_checkpoints import MemoryCheckpoints
from shared.topics import ALERTS, POPULATION, RISK
from tests.simulation.faults import Chance
from tests.simulation.history import a_year_ahead, draw
from tests.simulation.invariants import alerts, differences, log, traces, violations
from tests.simulation.rules import RULES
from tests.simulation.seeds import SEEDS
from tests.simulation.stepping import run
from tests.simulation.world import GRID, Wiring, World


def disturbed(seed: int, wiring: Wiring, *, faults: int | None = None, fast: bool = False) -> World:
    """A run with faults, to its quiet end. `fast`: some events come from a producer whose clock is a year ahead."""
    rng = Random(seed)
    file = draw(rng, rng.choice((3, 6, 10)), rng.randint(1, 3))
    budget = rng.choice((0, 3, 12)) if faults is None else faults
    chance = Chance(rng, budget)
    chosen = rng.sample(range(len(file)), rng.randint(1, len(file) // 2)) if fast else []
    file = [a_year_ahead(sent) if n in chosen else sent for n, sent in enumerate(file)]
    world = World(file, partitions=rng.choice((1, 2, 3)), rng=rng, chance=chance, wiring=wiring, history=False)
    world.fast = {file[n] for n in chosen}
    world.send_in_time()
    world.run(600)
    world.settle()
    return world


def findings(seed: int, wiring: Wiring, *, faults: int | None = None) -> list[str]:
    world = disturbed(seed, wiring, faults=faults)
    found = violations(world)
    if found:
        return found
    later_alerts, later_traces = replay(world)
    return [
        *differences("alert", later_alerts, alerts(world)),
        *differences("trace", later_traces, traces(world)),
    ]


def findings_with_a_fast_clock(seed: int, wiring: Wiring) -> list[str]:
    return violations(disturbed(seed, wiring, fast=True))


def replay(world: World) -> tuple[dict[str, bytes], dict[str, tuple[int, int]]]:
    """Somebody reads the finished log in one go, and what was found of the whole base: their alerts and traces."""
    broker, results = MemoryBroker(clock=lambda: world.now), Results(RULES)
    for topic in (ALERTS, RISK, POPULATION):
        broker.create_topic(topic, world.partitions)
    results.take(world.broker.records(POPULATION))
    reader = AttritionReader(
        RULES,
        MemoryCheckpoints(),
        broker.publisher(),
        results=results.by_week,
        history=world.history,
        now=lambda: 0.0,
        grid=GRID,
    )
    run(_read(reader, world))
    world_like = World.__new__(World)
    world_like.broker = broker
    found = {c: (b.inputs, b.trace) for p in reader.partitions.values() for c, b in p.books.items()}
    return alerts(world_like), found


async def _read(reader: AttritionReader, world: World) -> None:
    await reader.assigned(range(world.partitions))
    await reader.handle(log(world))


def test_every_run_under_faults_keeps_the_invariants_and_can_be_read_again() -> None:
    for seed in SEEDS:
        found = findings(seed, Wiring())
        assert not found, (
            f"seed {seed} (run it alone: TENURE_SIMULATION_SEED={seed} TENURE_SIMULATION_SEEDS=1): {found}"
        )


def test_what_a_producer_dates_a_year_ahead_moves_nothing_and_is_set_aside() -> None:
    for seed in SEEDS[:100]:
        assert [] == findings_with_a_fast_clock(seed, Wiring()), f"seed {seed}"


def test_silence_is_noticed_although_nothing_comes_any_more() -> None:
    worlds = [disturbed(seed, Wiring(), faults=0) for seed in range(20)]
    assert any(b'"sign":"attrition"' in raw for world in worlds for raw in alerts(world).values())
