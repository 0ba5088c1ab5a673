"""How every client of this deployment reaches Kafka: readers, publishers and the ones that look after topics."""

from typing import Any

from shared.settings import Platform


def client_options(platform: Platform) -> dict[str, Any]:
    """Keyword arguments that consumers, producers and admin clients of aiokafka share."""
    return {"bootstrap_servers": platform.kafka.split(","), "client_id": "tenure"}
