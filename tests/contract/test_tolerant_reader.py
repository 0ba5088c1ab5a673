"""What analytics decodes of a fact, for speed and on its own, is what the contract says of it."""

import json
from pathlib import Path

import pytest
from msgspec.structs import asdict

from services.analytics.facts import KINDS, input_of, observation, read
from services.analytics.measures import NOTHING, Catalogue
from shared.contracts.catalogue import FACT_TYPES
from shared.contracts.envelope import Unreadable, read_fact
from shared.contracts.measures import MeasuresRecorded
from shared.contracts.retention import AlertSnoozed, Lapse, PurchaseRecorded
from shared.contracts.values import to_micros

EXAMPLES = Path(__file__).parents[2] / "shared" / "contracts" / "examples"


def example(type_: str) -> bytes:
    return (EXAMPLES / f"{type_}.json").read_bytes()


@pytest.mark.parametrize("type_", FACT_TYPES)
def test_every_committed_fact_reads_as_the_contract_reads_it(type_: str) -> None:
    fact, event = read(example(type_)), read_fact(example(type_), FACT_TYPES)
    assert (event.producer, event.subject, event.sequence, event.time, event.input, event.type) == (
        fact.producer,
        fact.subject,
        int(fact.sequence),
        fact.time,
        fact.input,
        fact.type,
    )


@pytest.mark.parametrize("type_", KINDS)
def test_what_is_judged_of_a_recorded_input_is_what_it_says(type_: str) -> None:
    seen, event = observation(read(example(type_))), read_fact(example(type_), FACT_TYPES)
    said = json.loads(event.data.model_dump_json())
    assert seen is not None
    assert (event.subject, to_micros(event.time), event.input) == (seen.customer, seen.at, seen.evidence)
    assert (said.get("amount_minor", 0), said.get("currency")) == (seen.amount_minor, seen.currency)
    assert (said.get("account"), said.get("buyer"), said.get("segment")) == (seen.account, seen.buyer, seen.segment)
    assert (said.get("direction", "inbound") == "inbound") == seen.inbound
    until, why = event.data.until if isinstance(event.data, AlertSnoozed) else None, said.get("about")
    assert (said.get("alert"), None if until is None else to_micros(until)) == (seen.alert, seen.until)
    assert (said.get("reason") if isinstance(event.data, AlertSnoozed) else None) == seen.reason
    assert (said.get("reason") if isinstance(event.data, Lapse) else why) == seen.defector


def test_an_amount_that_nobody_knows_is_in_no_currency() -> None:
    purchase = json.loads(example(PurchaseRecorded.TYPE))
    purchase["data"] |= {"amount_minor": 0, "currency": "XXX"}
    seen = observation(read(json.dumps(purchase).encode()))
    assert seen is not None
    assert (0, None) == (seen.amount_minor, seen.currency)


def test_a_catalogue_says_of_each_measure_what_the_contract_says() -> None:
    found, event = input_of(read(example(MeasuresRecorded.TYPE))), read_fact(example(MeasuresRecorded.TYPE), FACT_TYPES)
    assert isinstance(found, Catalogue)
    assert isinstance(event.data, MeasuresRecorded)
    assert (to_micros(event.time), event.input) == (found.at, found.evidence)
    for ours, said in zip(found.measures, event.data.measures, strict=True):
        assert said.model_dump(mode="json", exclude={"cost", "incentive", "suits"}).items() <= asdict(ours).items()
        assert said.suits == ours.suits
        for amount, by_contract in ((ours.cost, said.cost), (ours.incentive, said.incentive)):
            assert (by_contract.model_dump() if by_contract else {}).items() <= asdict(amount).items()
            assert by_contract is not None or amount == NOTHING


@pytest.mark.parametrize("type_", sorted(FACT_TYPES.keys() - KINDS.keys() - {MeasuresRecorded.TYPE}))
def test_a_derived_fact_carries_no_weight(type_: str) -> None:
    assert input_of(read(example(type_))) is None


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b'{"source": 1}'])
def test_what_is_no_fact_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        read(raw)
