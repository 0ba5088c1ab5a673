"""The demo's story tells what it says it tells, and is the same on every machine."""

import json
from collections import defaultdict
from typing import Any

from cli.data import STORY
from cli.data.make_story import CAST, make_story, story_text
from shared.contracts.analytics import Sign, read_alert
from shared.contracts.catalogue import INPUT_TYPES
from shared.contracts.envelope import read_inbound
from shared.contracts.values import Defector
from tests.story_log import story_alerts, story_lines

KINDS = {"enquiry", "contact", "complaint", "purchase", "lapse"}


def customers_by(field: str) -> dict[str, set[str]]:
    """Value of a field of the line or its data -> customers of whom it is told."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in make_story():
        value = line.get(field, line.get("data", {}).get(field))
        if value is not None:
            found[value].add(line["customer_id"])
    return found


def test_the_committed_story_is_the_one_the_script_writes() -> None:
    assert STORY.read_text(encoding="utf-8") == story_text()


def test_every_line_is_an_event_the_gateway_takes() -> None:
    assert len(make_story()) == len([read_inbound(line.body, INPUT_TYPES) for line in story_lines()])


def test_a_dozen_customers_show_each_of_the_five_kinds() -> None:
    everybody = {line["customer_id"] for line in make_story()}
    assert (12, len(CAST)) == (len(everybody), len(everybody))
    assert KINDS <= customers_by("type").keys()


def test_every_event_has_its_own_id_within_its_source() -> None:
    ids = [(line["source"], line["id"]) for line in make_story()]
    assert len(ids) == len(set(ids))


def test_each_defector_type_is_told_of_one_customer() -> None:
    told = customers_by("reason"), customers_by("about")
    by_type = {kind: told[0][kind] | told[1][kind] for kind in Defector}
    assert dict.fromkeys(Defector, 1) == {kind: len(customers) for kind, customers in by_type.items()}


def test_the_story_stays_within_the_period_of_the_sample() -> None:
    times = [line["time"] for line in make_story()]
    assert ("1997-01-01", "1998-06-30") <= (times[0][:10], times[-1][:10])
    assert times[-1] < "1998-07-01"


def test_what_answers_something_names_an_event_that_was_told_before() -> None:
    told: set[Any] = set()
    for line in make_story():
        answered = line.get("data", {}).get("answers")
        assert answered is None or answered in told
        told.add(line["id"])


def test_the_file_is_plain_json_lines() -> None:
    assert make_story() == [json.loads(text) for text in STORY.read_text(encoding="utf-8").splitlines()]


def test_each_sign_comes_up_for_the_one_customer_who_was_made_to_show_it() -> None:
    expected = {
        "story-anna-berg": Sign.CONTACT_DECLINE,
        "story-boris-lind": Sign.ENQUIRY_DECLINE,
        "story-clara-voss": Sign.COMMUNICATION_DECLINE,
        "story-david-okafor": Sign.COMPLAINT_INCREASE,
        "story-harbour-works": Sign.ACTIVE_BUYERS_DECLINE,
        "story-fatima-noor": Sign.VOLUME_DECLINE,
    }
    assert expected == {customer: sign for customer, sign in first_signs().items() if sign is not Sign.LAPSE}


def test_who_says_that_they_leave_is_told_of_at_once() -> None:
    told = {line["customer_id"] for line in make_story() if line["type"] == "lapse"}
    assert told == {customer for customer, sign in first_signs().items() if sign is Sign.LAPSE}


def first_signs() -> dict[str, Sign]:
    """Customer -> the sign that raised the first alert; others may join it later."""
    alerts = [read_alert(raw) for raw in story_alerts()]
    return {alert.subject: alert.data.signs[0].sign for alert in reversed(alerts) if alert.data.signs}
