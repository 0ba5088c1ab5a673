"""What happened, in plain words? One line for each entry of a timeline, whatever its type.

In: an entry as the read API gives it. Out: a phrase for people; for a type that has no words here, its name.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cli.money import format_money
from shared.contracts.values import NO_CURRENCY

Data = Mapping[str, Any]
ALERT = "attrition-alert-"


def sentence(entry: Mapping[str, Any]) -> str:
    """'bought for 19.99 EUR'. Never raises: what cannot be put into words is named."""
    name: str = entry["type"].removeprefix("tenure.").rpartition(".v")[0] or entry["type"]
    data = entry["data"] if isinstance(entry["data"], dict) else {}
    phrase = PHRASES.get(name)
    try:
        if name.startswith(ALERT):
            return _alert(name.removeprefix(ALERT), data)
        return phrase(data) if phrase else name.replace("-", " ")
    except (KeyError, TypeError, ValueError):  # a newer release says it otherwise
        return name.replace("-", " ")


def money(amounts: Iterable[Data]) -> str:
    """'19.99 EUR and 1,999 JPY'; 'nothing' for none."""
    said = [*amounts]
    known = [m for m in said if m["currency"] != NO_CURRENCY]
    if said and not known:
        return "an unknown amount"
    return " and ".join(format_money(m["amount_minor"], m["currency"]) for m in known) or "nothing"


def measure(recommended: Data) -> str:
    """'worth it: personal call, 25.00 EUR for 180.00 EUR expected'."""
    cost, benefit = (
        format_money(m["amount_minor"], m["currency"]) for m in (recommended["cost"], recommended["benefit"])
    )
    said = f"{recommended['name']}, {cost} for {benefit} expected"
    if recommended["is_worth_it"]:
        return f"worth it: {said}"
    needed = recommended.get("break_even_success")
    kept = "it cannot pay" if needed is None else f"it would have to keep {needed:.1%} of those who leave"
    return f"not worth it: {said}; {kept}"


def day(time: str | None) -> str:
    return time[:10] if time else "-"


def _alert(state: str, data: Data) -> str:
    risk = f", risk {data['risk']:.0%}" if isinstance(data.get("risk"), int | float) else ""
    value = f", {money(data['value_at_risk'])} a year at stake" if data.get("value_at_risk") else ""
    why = "; ".join(c["reason"] for c in data.get("contributions", ()))
    advice = f"; {measure(data['recommended'])}" if data.get("recommended") else ""
    return f"ALERT {state}{risk}{value}{': ' + why if why else ''}{advice}"


def _enquiry(data: Data) -> str:
    campaign = data.get("campaign")
    reached = f", reached by campaign {campaign['name']}" if campaign else ""
    return f"enquired{_about(data, 'topic')}{reached}{_words(data)}"


def _contact(data: Data) -> str:
    who = "was in touch" if data.get("direction", "inbound") == "inbound" else "was contacted by us"
    purpose = "" if data.get("purpose", "conversation") == "conversation" else f", {data['purpose']}"
    route = f" by {data['route']}" if data.get("route") else ""
    return f"{who}{route}{purpose}{_words(data)}"


def _purchase(data: Data) -> str:
    product = f" {data['product']}" if data.get("product") else ""
    renewal = f", to be renewed by {day(data['renews_at'])}" if data.get("renews_at") else ""
    price = "" if data["currency"] == NO_CURRENCY else f" for {format_money(data['amount_minor'], data['currency'])}"
    return f"bought{product}{price}{renewal}"


def _stage(data: Data) -> str:
    skipped = data.get("skipped")
    return f"reached the stage {data['stage']}" + (f", passing over {', '.join(skipped)}" if skipped else "")


def _lapse(data: Data) -> str:
    silent = f", {data['silent_days']} days after the last purchase" if data.get("silent_days") is not None else ""
    return f"has lapsed (by {data['basis']}){silent}{_because(data, 'defector')}"


def _parked(data: Data) -> str:
    return f"an event could not be decided and was set aside: {data['reason']}"


def _about(data: Data, field: str) -> str:
    return f" about {data[field]}" if data.get(field) else ""


def _because(data: Data, field: str) -> str:
    return f", because of {data[field]}" if data.get(field) else ""


def _words(data: Data) -> str:
    return f': "{data["words"]}"' if data.get("words") else ""


PHRASES: dict[str, Callable[[Data], str]] = {
    "enquiry-recorded": _enquiry,
    "prospect-opened": lambda d: f"acquisition began, as {d['origin'].replace('-', ' ')}",
    "stage-entered": _stage,
    "acquisition-lost": lambda d: "acquisition lost" + _because(d, "defector"),
    "contact-recorded": _contact,
    "complaint-recorded": lambda d: "complained" + _about(d, "about") + _words(d),
    "complaint-progress-recorded": lambda d: f"complaint {d['complaint']} was {d['step']}" + _words(d),
    "satisfaction-recorded": lambda d: f"gave {d['score']} of 100 for satisfaction" + _words(d),
    "suggestion-recorded": lambda d: "suggested" + _words(d),
    "exit-interview-recorded": lambda d: f"said why they left: {d['reason']}" + _words(d),
    "engagement-deepened": lambda d: f"engagement deepened to {d['stage']}",
    "engagement-ended": lambda _: "engagement ended",
    "follow-up-promised": lambda d: f"we promised to be in touch by {day(d['due'])}",
    "follow-up-kept": lambda d: f"we were in touch as promised for {day(d['due'])}",
    "follow-up-missed": lambda d: f"we missed a promised follow-up, due {day(d['due'])}",
    "complaint-opened": lambda d: f"complaint {d['complaint']} opened, to be resolved by {day(d['resolve_by'])}",
    "complaint-acknowledged": lambda d: f"complaint {d['complaint']} acknowledged",
    "complaint-resolved": lambda d: f"complaint {d['complaint']} resolved after {d['days_open']} days",
    "complaint-reopened": lambda d: f"complaint {d['complaint']} opened again",
    "complaint-standard-breached": lambda d: f"complaint {d['complaint']}: standard to {d['standard']} it not kept",
    "complaint-cause-established": lambda d: f"cause of dissatisfaction: {d['about']}",
    "exit-interview-suggested": lambda _: "an exit interview is due",
    "purchase-recorded": _purchase,
    "first-purchase": lambda _: "that was the first purchase",
    "lapse-recorded": lambda d: "a channel reports that the customer has left" + _because(d, "reason") + _words(d),
    "lapsed": _lapse,
    "grievance-noted": lambda d: f"grievance noted: {d['about']}",
    "defector-classified": lambda d: f"left because of {d['defector']}",
    "returned": lambda d: f"came back after {d['away_days']} days",
    "alert-acknowledgement-recorded": lambda d: f"{d['by']} has taken the alert in hand",
    "alert-snooze-recorded": lambda d: f"{d['by']} snoozed the alert until {day(d['until'])}: {d['reason']}",
    "measures-recorded": lambda d: f"there are {len(d['measures'])} measures to choose from",
    "cause-noted": lambda d: "noted" + (f": {d['note']}" if d.get("note") else ", without consequences"),
    "cause-parked": _parked,
    "cause-released": lambda _: "an event that was set aside has been decided",
}
