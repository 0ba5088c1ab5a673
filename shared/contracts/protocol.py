"""What every domain service says alike: a cause that changed nothing, a cause set aside, the command that brings it
back.

And ticks, which say that a partition's past is complete: nothing before `at` follows behind one.
"""

from typing import Any, ClassVar

from pydantic import Field

from shared.contracts.envelope import Fact, Input
from shared.contracts.values import Model, UtcTime

TICK = "tenure.tick.v1"


class CauseNoted(Fact):
    """A cause was taken and there was nothing to say. Stored so that no copy of it can ever have an effect."""

    TYPE: ClassVar[str] = "tenure.cause-noted.v1"
    note: str | None = Field(default=None, description="why, where that is not plain")


class CauseParked(Fact):
    """A cause whose decision failed, or that had to wait behind such a one. Nothing is lost: a redrive decides it."""

    TYPE: ClassVar[str] = "tenure.cause-parked.v1"
    reason: str
    event: dict[str, Any] = Field(description="the whole event, as it was sent")


class CauseReleased(Fact):
    """A parked cause has been decided: the facts before it in the same commit, which carry its `inputid`."""

    TYPE: ClassVar[str] = "tenure.cause-released.v1"
    cause: str


class Redrive(Input):
    """Command of an operator to one service: decide again what is parked for this customer, in order."""

    TYPE: ClassVar[str] = "tenure.redrive.v1"


class TickData(Model):
    """`at` is missing only in an inbox in wall time, where the broker's own record time is meant."""

    at: UtcTime | None = None
    last: bool = Field(default=False, description="the last of a history")
