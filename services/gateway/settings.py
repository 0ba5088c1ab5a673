"""The gateway's own knobs, from GATEWAY_<FIELD>; read once, in main(), and frozen."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What one process takes upon itself. What is beyond is answered with 413, 429 or 503, never kept."""

    model_config = SettingsConfigDict(title="GATEWAY_", env_prefix="GATEWAY_", frozen=True)

    max_batch_events: int = Field(default=1000, ge=1, le=1000, description="events of one request")
    max_batch_bytes: int = Field(default=8 * 1024 * 1024, ge=1024, description="body of one request with a batch")
    max_bytes_in_flight: int = Field(
        default=64 * 1024 * 1024, ge=8 * 1024 * 1024, description="bodies of all requests together"
    )
    max_waiting_events: int = Field(
        default=20_000, ge=1000, description="accepted by nobody yet, waiting for their turn"
    )
    publish_events: int = Field(default=2000, ge=1, description="sent to the broker in one go")
    body_s: float = Field(default=30, gt=0, description="seconds in which a body has to arrive")
    answer_s: float = Field(
        default=10, gt=0, description="seconds for the broker to acknowledge before the answer is 503"
    )
    events_per_s: float = Field(default=20_000, gt=0, description="of one key, over time")
    burst_events: int = Field(default=40_000, ge=1000, description="of one key, at once")
    clock_margin_s: float = Field(
        default=60, ge=0, description="how far this clock and the broker's may differ, and the way between"
    )
