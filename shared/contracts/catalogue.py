"""Which type is whose: the closed lists that doors, services and readers go by."""

from collections.abc import Iterable

from shared.contracts import acquisition, interaction, retention
from shared.contracts.envelope import Fact, Input
from shared.contracts.protocol import CauseNoted, CauseParked, CauseReleased, Redrive

DOMAIN_SERVICES = ("acquisition", "interaction", "retention")  # the three whose ticks make the clock of a log partition

INPUTS_OF: dict[str, tuple[type[Input], ...]] = {
    "acquisition": acquisition.INPUTS,
    "interaction": interaction.INPUTS,
    "retention": retention.INPUTS,
}
FACTS_OF: dict[str, tuple[type[Fact], ...]] = {
    "acquisition": acquisition.FACTS,
    "interaction": interaction.FACTS,
    "retention": retention.FACTS,
}
RECORDED_AS: dict[type[Input], type[Fact]] = {  # the fact by which an accepted input is kept, with all it says
    **acquisition.RECORDED_AS,
    **interaction.RECORDED_AS,
    **retention.RECORDED_AS,
}
PROTOCOL_FACTS: tuple[type[Fact], ...] = (CauseNoted, CauseParked, CauseReleased)


def _by_type(classes: Iterable[type[Input]]) -> dict[str, type[Input]]:
    return {c.TYPE: c for c in classes}


INPUT_TYPES: dict[str, type[Input]] = _by_type(c for classes in INPUTS_OF.values() for c in classes)
OWNER_OF: dict[str, str] = {c.TYPE: owner for owner, classes in INPUTS_OF.items() for c in classes}
FACT_TYPES: dict[str, type[Fact]] = {c.TYPE: c for classes in (*FACTS_OF.values(), PROTOCOL_FACTS) for c in classes}


def inbox_types(service: str) -> dict[str, type[Input]]:
    """What a service takes from its inbox: its own inputs, and the operator's redrive."""
    return _by_type((*INPUTS_OF[service], Redrive))
