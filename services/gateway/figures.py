"""What the gateway counts for dashboards. Never for the audit, which reads the topics."""

from prometheus_client import Counter

EVENTS = Counter("tenure_gateway_events", "Events answered: accepted, valid, or the code of refusal", ["outcome"])
POSTPONED = Counter("tenure_gateway_postponed", "Requests answered 'later'", ["code"])
