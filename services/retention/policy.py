"""When is a customer who has said nothing to be taken as gone? Configuration, per segment.

Three bases: a fixed silence; a multiple of the customer's own rhythm; a renewal date that passed. Each falls back on a
fixed silence where it does not apply: too few purchases to know a rhythm, no renewal date ahead. What was found stays
found.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from shared.contracts.retention import Basis
from shared.contracts.values import Model, Name

Days = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Basis(Model):
    model_config = ConfigDict(extra="forbid")

    days: Days = Field(default=365, description="without a purchase, where the basis does not apply")


class Silence(_Basis):
    """So many days without a purchase."""

    basis: Literal[Basis.SILENCE] = Basis.SILENCE


class Rhythm(_Basis):
    """So many times the customer's own mean gap between days with a purchase; never more than `days`."""

    basis: Literal[Basis.RHYTHM] = Basis.RHYTHM
    multiple: float = Field(default=3, gt=0, allow_inf_nan=False)
    at_least_days: Days = 180
    occasions: int = Field(default=3, ge=2, description="days with a purchase before the rhythm counts")


class Renewal(_Basis):
    """The day on which the contract fell due for renewal, and a time of grace."""

    basis: Literal[Basis.RENEWAL] = Basis.RENEWAL
    grace_days: float = Field(default=30, ge=0, allow_inf_nan=False)


Measure = Annotated[Silence | Rhythm | Renewal, Field(discriminator="basis")]


class Policy(Model):
    """`segments` names those that are measured otherwise than by `default`."""

    model_config = ConfigDict(extra="forbid")

    default: Measure = Rhythm()
    segments: dict[Name, Measure] = Field(default_factory=dict)

    def measure(self, segment: str | None) -> Silence | Rhythm | Renewal:
        return self.default if segment is None else self.segments.get(segment, self.default)


DEFAULT = Policy()
