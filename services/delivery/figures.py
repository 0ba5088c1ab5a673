"""What the delivery counts for dashboards."""

from prometheus_client import Counter, Gauge

READERS = Gauge("tenure_delivery_readers", "Streams that are open")
CATCHING_UP = Gauge("tenure_delivery_catching_up", "Streams that read old messages from the topic, each by itself")
SENT = Counter("tenure_delivery_messages", "Messages handed to readers, one reader at a time")
ENDED = Counter("tenure_delivery_streams_ended", "Streams that have ended", ["reason"])
PASSED_OVER = Counter("tenure_delivery_passed_over", "Records of the topic that are no messages of ours")
