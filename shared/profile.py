"""What differs between the embedded stand-ins, an Apache Kafka on one machine and production. Nothing else in the code
knows where it runs."""

from dataclasses import dataclass
from enum import StrEnum


class ProfileName(StrEnum):
    EMBEDDED = "embedded"
    LOCAL = "local"
    LOCAL_CLUSTER = "local-cluster"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Profile:
    """Timings are of the consumer group, in milliseconds."""

    idempotent_producer: bool
    trusts_record_times: bool  # record times may be the producer's: only where every producer's clock is ours
    replication: int
    min_insync: int
    session_timeout_ms: int
    heartbeat_ms: int
    rebalance_timeout_ms: int
    max_poll_interval_ms: int
    compression: str | None
    fetch_wait_ms: int  # how long the broker holds a fetch that finds nothing


PROFILES: dict[ProfileName, Profile] = {
    # The embedded broker knows no idempotence, keeps the producer's record time, and does not answer a waiting fetch
    # when a record arrives: it lets the whole time pass, 124 ms at the median with 500.
    ProfileName.EMBEDDED: Profile(False, True, 1, 1, 6_000, 1_000, 30_000, 180_000, None, 20),
    ProfileName.LOCAL: Profile(True, False, 1, 1, 6_000, 1_000, 30_000, 180_000, "zstd", 500),
    ProfileName.LOCAL_CLUSTER: Profile(True, False, 3, 2, 6_000, 1_000, 30_000, 180_000, "zstd", 500),
    ProfileName.PRODUCTION: Profile(True, False, 3, 2, 45_000, 5_000, 120_000, 180_000, "zstd", 500),
}
