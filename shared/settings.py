"""The knobs of the platform, the same for every process; read once, in main(), from TENURE_<FIELD>, and frozen."""

from enum import StrEnum

from pydantic import Field

from shared.connections import KafkaConnection, MongoConnection
from shared.profile import PROFILES, Profile, ProfileName


class TimeSource(StrEnum):
    """Where a deployment's time comes from: the broker's record times, or the sender of a history."""

    WALL = "wall"
    HISTORY = "history"


class Platform(KafkaConnection, MongoConnection):
    """Everything a process must know of the place it runs in. Without defaults: it must not start without them."""

    profile: ProfileName = ProfileName.PRODUCTION
    time: TimeSource = TimeSource.WALL
    partitions: int = Field(
        default=12, ge=1, le=1000, description="of every topic with customer keys; never changed later"
    )
    grid_s: float = Field(default=3600, gt=0, description="seconds between two looks for silence, in `wall` time")
    tick_s: float = Field(default=60, gt=0, description="seconds between two ticks in wall time")
    sweep_s: float = Field(
        default=60, gt=0, description="seconds between two sweeps for what is stored but not published"
    )
    max_records: int = Field(default=500, ge=1, description="records of one batch of a domain service")
    database_prefix: str = Field(default="tenure", description="databases are named <prefix>_<service>")
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535, description="HTTP of this process; 0: any free one")
    log_level: str = "INFO"
    publish_timeout_s: float = Field(default=30, gt=0)

    @property
    def deployment(self) -> Profile:
        return PROFILES[self.profile]
