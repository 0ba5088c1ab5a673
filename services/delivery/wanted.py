"""Which messages does a reader want? Its filters, each of which may be absent; a message has to pass all of them."""

from dataclasses import dataclass

from services.delivery.message import Message
from shared.contracts.analytics import AttritionAlertCleared


@dataclass(frozen=True, slots=True)
class Wanted:
    """`signs`, `segments`: any of them; empty: all. `least_minor`: of the value at risk in `currency`, in minor units.

    A message that clears an alert shows no sign and may show no value any more. It passes both filters: who has seen
    an alert sees its end.
    """

    signs: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    currency: str | None = None
    least_minor: int = 0

    def __call__(self, message: Message) -> bool:
        if self.segments and message.segment not in self.segments:
            return False
        if message.type == AttritionAlertCleared.TYPE:
            return True
        if self.signs and self.signs.isdisjoint(message.signs):
            return False
        return self.currency is None or message.values.get(self.currency, -1) >= self.least_minor


EVERYTHING = Wanted()
