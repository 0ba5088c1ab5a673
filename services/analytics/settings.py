"""The knobs of analytics, from ANALYTICS_<FIELD>; read once, in main(), and frozen."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.analytics.rules import Rules, read_rules


def _readable(rules: str | None) -> str | None:
    """Raises ValueError."""
    if rules is not None:
        read_rules(rules)
    return rules


class Settings(BaseSettings):
    """A candidate version or a rebuild runs beside under a `name` of its own. State of other rules is not read, so
    other rules take another name, too, unless nothing has been judged yet."""

    model_config = SettingsConfigDict(title="ANALYTICS_", env_prefix="ANALYTICS_", frozen=True)

    name: str = Field(
        default="analytics",
        pattern=r"^[a-z0-9-]+$",
        description="consumer group, also with `-population` behind it, and end of the database's name",
    )
    max_records: int = Field(default=2000, ge=1, le=10_000, description="of one batch")
    save_s: float = Field(default=1.0, gt=0, description="seconds between two checkpoints")
    rules: Annotated[str | None, AfterValidator(_readable)] = Field(
        default=None, description="what of the rules is otherwise, as TOML, with a name of their own"
    )

    def judge_by(self) -> Rules:
        return Rules() if self.rules is None else read_rules(self.rules)
