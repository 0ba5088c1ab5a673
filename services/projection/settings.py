"""The projection's own knobs, from PROJECTION_<FIELD>; read once, in main(), and frozen."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """A rebuild runs beside the running version under a `name` of its own; giving the service that name switches
    over."""

    model_config = SettingsConfigDict(title="PROJECTION_", env_prefix="PROJECTION_", frozen=True)

    name: str = Field(
        default="projection", pattern=r"^[a-z0-9-]+$", description="consumer group, and end of the database's name"
    )
    max_records: int = Field(default=2000, ge=1, le=10_000, description="of one batch")
    max_requests: int = Field(default=64, ge=1, description="worked on at once; what is beyond is answered 503")
