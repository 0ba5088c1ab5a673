"""The knobs of analytics, from ANALYTICS_<FIELD>; read once, in main(), and frozen."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """A candidate version or a rebuild runs beside under a `name` of its own."""

    model_config = SettingsConfigDict(title="ANALYTICS_", env_prefix="ANALYTICS_", frozen=True)

    name: str = Field(
        default="analytics",
        pattern=r"^[a-z0-9-]+$",
        description="consumer group, also with `-population` behind it, and end of the database's name",
    )
    max_records: int = Field(default=2000, ge=1, le=10_000, description="of one batch")
    save_s: float = Field(default=1.0, gt=0, description="seconds between two checkpoints")
