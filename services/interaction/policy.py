"""How soon do we promise to act on a complaint? Configuration; what was promised stays, whatever it becomes later."""

from pydantic import ConfigDict, Field

from shared.contracts.values import Model


class Policy(Model):
    """The service standard, in days since the complaint; a misspelt field is refused."""

    model_config = ConfigDict(extra="forbid")

    acknowledge_days: float = Field(default=2, gt=0, allow_inf_nan=False)
    resolve_days: float = Field(default=10, gt=0, allow_inf_nan=False)


DEFAULT = Policy()
