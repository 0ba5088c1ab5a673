"""Three processes of analytics share the partitions; one is killed, one stands still and wakes up. Does the same come
of it?"""

import signal
from collections.abc import Iterator, Sequence
from functools import partial

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from deploy.local.parts import SERVICES, copies_of
from shared.topics import CUSTOMER_EVENTS
from tests.system.chain import Chain, deployment, excerpt, undisturbed, until
from tests.system.ground import Ground

pytestmark = [pytest.mark.system, pytest.mark.long]

MEMBERS = copies_of(["analytics"], 3)
PARTITIONS = 4
WITHIN_S = 90  # six seconds until the group misses a member, five until a process says what it reads; or a start
ENV = {"ANALYTICS_SAVE_S": "5"}  # seldom: whoever takes over has something to say again


@pytest.fixture(scope="module")
def chain(on: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """One process of every other service, three of analytics; each of these has partitions."""
    wishes: Ground = {"partitions": PARTITIONS, "copies": len(MEMBERS), "services": (), "env": ENV}
    with deployment(tmp_path_factory.mktemp("state"), **wishes, **on) as chain:
        for name in dict.fromkeys([*SERVICES, *MEMBERS]):  # three of every service would be more than it takes
            chain.stack.start(name, await_ready=False)
        until(lambda: all(s.ready for s in chain.stack.status() if s.alive), WITHIN_S, "all are ready")
        await_owners(chain, MEMBERS)
        yield chain


class ChangesOfHands:
    """Of partitions, while a file is sent: one thing after another."""

    def __init__(self, chain: Chain) -> None:
        self._chain, self._left = chain, MEMBERS
        self._killed = self._stopped = ""
        self.all = [self.kill, self.await_takeover, self.stop, self.await_takeover, self.wake, self.bring_back]

    def kill(self) -> None:
        """The one that answers for the whole base, which is one of them all."""
        self._killed = until(partial(speakers, self._chain), WITHIN_S, "a week of the base is answered")[0]
        self._chain.stack.kill(self._killed)
        self._left = [member for member in MEMBERS if member != self._killed]

    def stop(self) -> None:
        *self._left, self._stopped = self._left
        self._chain.signal(self._stopped, signal.SIGSTOP)

    def await_takeover(self) -> None:
        await_owners(self._chain, self._left)

    def wake(self) -> None:
        """It believes that it owns what it had, and knows nothing of what was read of it meanwhile."""
        self._chain.signal(self._stopped, signal.SIGCONT)

    def bring_back(self) -> None:
        self._chain.stack.start(self._killed, await_ready=False)


def test_partitions_that_change_hands_in_mid_stream_change_no_timeline_and_no_alert(chain: Chain) -> None:
    assert undisturbed() == chain.come_through(excerpt(), ChangesOfHands(chain).all)
    await_owners(chain, MEMBERS)


def await_owners(chain: Chain, members: Sequence[str]) -> None:
    """Returns when each of them reads some of the log, and they all of it, every partition once."""

    def is_dealt() -> bool:
        dealt = [owned_by(chain, member) for member in members]
        return all(dealt) and sorted(n for some in dealt for n in some) == list(range(PARTITIONS))

    until(is_dealt, WITHIN_S, f"{' and '.join(members)} read all partitions")


def owned_by(chain: Chain, member: str) -> set[int]:
    """Partitions of the log that it reads."""
    lags = (sample for sample in told_by(chain, member) if sample.name == "tenure_lag_records")
    return {int(lag.labels["partition"]) for lag in lags if lag.labels["topic"] == CUSTOMER_EVENTS}


def speakers(chain: Chain) -> list[str]:
    """Who have answered weeks of the whole base."""
    return [m for m in MEMBERS if any(s.name == "tenure_population_results_total" for s in told_by(chain, m))]


def told_by(chain: Chain, member: str) -> list[Sample]:
    """What it counts; nothing before it says anything."""
    try:
        told = httpx.get(f"{chain.stack.deployment.url(member)}/metrics", trust_env=False).text
    except httpx.TransportError:
        return []
    return [sample for family in text_string_to_metric_families(told) for sample in family.samples]
