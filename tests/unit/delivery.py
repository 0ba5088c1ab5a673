"""How tests of the delivery speak: messages as analytics writes them, and server-sent events taken apart."""

from datetime import UTC, datetime
from typing import Any

from shared.contracts.analytics import (
    AttritionAlert,
    AttritionAlertRaised,
    Sign,
    SignEvidence,
    alert_bytes,
)
from shared.contracts.values import Money

AS_OF = datetime(2026, 1, 31, 12, tzinfo=UTC)


def message(
    *,
    subject: str = "customer-1",
    sequence: int = 1,
    segment: str | None = None,
    kind: type[AttritionAlert] = AttritionAlertRaised,
    signs: tuple[Sign, ...] = (Sign.VOLUME_DECLINE,),
    **values: int,
) -> bytes:
    """`values`: minor units by currency."""
    data = kind(
        alert=f"analytics/rules-1/{subject}/1",
        signs=tuple(_evidence(sign) for sign in signs),
        value_at_risk=tuple(Money(amount_minor=amount, currency=currency) for currency, amount in values.items()),
        segment=segment,
        rules="rules-1",
        as_of=AS_OF,
    )
    return alert_bytes(subject, sequence, data)


def event_fields(event: bytes) -> dict[str, str]:
    """Field -> value, as the specification of EventSource has it; comments are left out."""
    fields: dict[str, Any] = {}
    for line in event.decode().removesuffix("\n\n").split("\n"):
        name, _, value = line.partition(": ")
        if name:
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value
    return fields


def _evidence(sign: Sign) -> SignEvidence:
    return SignEvidence(sign=sign, since=AS_OF, observed=1, expected=4, window_days=30, strength=3)
