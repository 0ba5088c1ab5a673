"""Which paces are usual in a base, and how much do they scatter? What is taken for granted of a customer at first."""

import msgspec

from services.analytics.pace import Prior


class Paces(msgspec.Struct, frozen=True):
    """By stream; `ticket_variance` of the logarithms of one customer's tickets. The figures here are those of a base
    nobody has seen yet, chosen so that they say little."""

    contact: Prior = Prior(0.5, 60.0, 0.1)
    enquiry: Prior = Prior(0.5, 60.0, 0.1)
    communication: Prior = Prior(0.5, 60.0, 0.1)
    complaint: Prior = Prior(0.5, 180.0, 0.1)
    purchase: Prior = Prior(0.5, 60.0, 0.1)
    ticket_variance: float = 0.25

    def of(self, stream: str) -> Prior:
        prior: Prior = getattr(self, stream)
        return prior
