"""What a process counts for dashboards. Never for the audit, which reads the topics and the stores.

Labels have few values: a topic, a partition, a fact's type, a code of refusal; never a customer or an id.
"""

from prometheus_client import Counter, Gauge, Histogram

BATCH_SECONDS = Histogram(
    "tenure_batch_seconds",
    "Time from handing a batch over to its commit",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
RECORDS_CONSUMED = Counter("tenure_records_consumed", "Records read, copies and re-reads included", ["topic"])
RECORDS_PUBLISHED = Counter("tenure_records_published", "Records acknowledged by Kafka", ["topic"])
PUBLISH_FAILURES = Counter(
    "tenure_publish_failures", "Publishes whose outcome is unknown; what they carried is sent again"
)
DUPLICATES = Counter("tenure_duplicates", "Causes and facts read once more and dropped", ["topic"])
DUPLICATES_THAT_DIFFER = Counter(
    "tenure_duplicates_that_differ", "Copies whose content is another than the first one's"
)
PARKED = Counter("tenure_parked", "Causes whose decider raised, and later ones of the same customer")
DEAD_LETTERS = Counter("tenure_dead_letters", "Records set aside", ["code"])
UNKNOWN_TYPES = Counter("tenure_unknown_types", "Records of the log of a type that this release does not know")
REFUSED_INSERTS = Counter(
    "tenure_refused_inserts", "Inserts that collided with another owner's, and were decided again"
)
SEQUENCE_GAPS = Counter("tenure_sequence_gaps", "Facts missing from the log; each stops its partition")
BATCH_FAILURES = Counter("tenure_batch_failures", "Batches or periodic tasks that failed and are done again")
ALERTS_PUBLISHED = Counter("tenure_alerts", "Alerts given, copies after a restart included")
POPULATION_RESULTS = Counter(
    "tenure_population_results", "Weeks of the whole base answered by this process: refitted or skipped", ["kind"]
)
POPULATION_SECONDS = Gauge(
    "tenure_population_week_seconds", "The newest week of the whole base that has a result, seconds since 1970"
)
LAG = Gauge("tenure_lag_records", "Records in the partition that this process has not read yet", ["topic", "partition"])
CLOCK_SECONDS = Gauge("tenure_clock_seconds", "The lowest clock of the own partitions, seconds since 1970")
READY = Gauge("tenure_ready", "1 while /readyz is green")
