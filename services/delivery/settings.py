"""The delivery's own knobs, from DELIVERY_<FIELD>; read once, in main(), and frozen."""

from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

Origin = Annotated[str, StringConstraints(pattern=r"^https?://[^/*\s]+$")]


class Settings(BaseSettings):
    """What one process takes upon itself, and who may read it from a browser."""

    model_config = SettingsConfigDict(title="DELIVERY_", env_prefix="DELIVERY_", frozen=True)

    max_readers: int = Field(default=1000, ge=1, le=50_000, description="streams open at once; beyond: 503")
    max_catch_ups: int = Field(default=8, ge=1, description="of them reading old messages at once; others wait")
    recent_messages: int = Field(
        default=10_000, ge=1, description="kept in memory for short absences; who is further ..."
    )
    recent_bytes: int = Field(default=64 * 1024 * 1024, ge=1024, description="... behind while reading is dropped")
    keep_alive_s: float = Field(default=15, gt=0, le=30, description="seconds of silence until a comment is sent")
    allowed_origins: tuple[Origin, ...] = Field(
        default=(), description="origins of web pages elsewhere that may read the stream, as a JSON list"
    )
    secure_cookie: bool = Field(default=True, description="the session's cookie over HTTPS only")
