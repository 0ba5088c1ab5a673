"""What stands on the topics, as an AsyncAPI 3.0 document: channels, who sends what there, keys and how long it is kept.

The payloads are the JSON Schemas that stand beside the document, by `$ref`. Operations are seen from Tenure: it
receives what channels send, and sends what others may read.
"""

from typing import Any

from cli.language.channels import CHANNELS, Channel
from shared.contracts.envelope import MAX_EVENT_BYTES
from shared.contracts.generate import TYPES, event_model, example
from shared.contracts.population import POPULATION_TYPES
from shared.contracts.protocol import TICK
from shared.contracts.segments import SEGMENT_ALERT_TYPES

ASYNCAPI = "3.0.0"
BINDING = "0.5.0"  # of https://github.com/asyncapi/bindings/tree/master/kafka
SERVER = {
    "host": "{bootstrap}",
    "protocol": "kafka",
    "description": "The broker of a deployment.",
    "variables": {"bootstrap": {"default": "localhost:9092", "description": "any of its bootstrap servers"}},
}
ABOUT = (
    "What channels send to Tenure and what Tenure publishes, on Apache Kafka. A record's key is the customer's id, "
    "which is the event's `subject`, and its partition murmur2 of the key; ticks have no key, and what is said of the "
    "whole base has its own id. A message may come more than once, always with the same id and the same bytes. Inboxes "
    "take events in the binary mode of CloudEvents, too: attributes in `ce_` headers, the data as the value; what is "
    "published is in structured mode always."
)
CUSTOMER_KEY = {
    "type": "string",
    "minLength": 1,
    "maxLength": 128,
    "description": "the customer's id in UTF-8; it decides the partition by murmur2, as Kafka's Java client does",
}
SEGMENT_KEY = {"type": "string", "description": "the event's `subject`, `segment/...` or `portfolio`"}
OWN_ID = {"type": "string", "description": "the event's `id`; the topic has one partition"}
TRACE = {
    "type": "object",
    "properties": {"traceparent": {"type": "string", "description": "W3C trace context, if the event brings none"}},
}
DEAD_LETTER = {
    "type": "object",
    "required": ["reason", "topic", "partition", "offset"],
    "properties": {
        "reason": {"type": "string", "description": "JSON: `code` and `problems`, each with `path` and `reason`"},
        "topic": {"type": "string", "description": "where the record stood"},
        "partition": {"type": "string", "pattern": "^\\d+$"},
        "offset": {"type": "string", "pattern": "^\\d+$"},
        "key": {"type": "string", "description": "of the record, if it had one"},
        "value-sha256": {"type": "string", "description": "in place of a value that is too large even for this topic"},
        "value-bytes": {"type": "string", "pattern": "^\\d+$", "description": "how large that value was"},
    },
    "patternProperties": {"^original\\.": {"type": "string", "description": "a header of the record, as it was"}},
}


def document(version: str) -> dict[str, Any]:
    """`version`: of the release that it describes."""
    return {
        "asyncapi": ASYNCAPI,
        "info": {"title": "Tenure", "version": version, "description": ABOUT, "license": {"name": "Apache-2.0"}},
        "defaultContentType": "application/cloudevents+json",
        "servers": {"kafka": SERVER},
        "channels": {channel.topic.name: _channel(channel) for channel in CHANNELS},
        "operations": {_operation_name(channel): _operation(channel) for channel in CHANNELS},
        "components": {"messages": {**{type_: _message(type_) for type_ in TYPES}, "dead-letter": _dead_letter()}},
    }


def _channel(channel: Channel) -> dict[str, Any]:
    names = channel.types or ("dead-letter",)
    return {
        "address": channel.topic.name,
        "description": channel.topic.purpose,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"topicConfiguration": _kept(channel), "bindingVersion": BINDING}},
    }


def _kept(channel: Channel) -> dict[str, Any]:
    """The topic's configuration as the binding writes it: numbers are numbers, policies a list."""
    return {
        name: value.split(",") if name == "cleanup.policy" else int(value)
        for name, value in channel.topic.config.items()
    }


def _operation(channel: Channel) -> dict[str, Any]:
    where = {"$ref": f"#/channels/{channel.topic.name}"}
    return {"action": "receive" if channel.taken else "send", "channel": where, "summary": channel.topic.purpose}


def _operation_name(channel: Channel) -> str:
    return f"{'receive' if channel.taken else 'send'}.{channel.topic.name}"


def _message(type_: str) -> dict[str, Any]:
    return {
        "name": type_,
        "title": event_model(type_).__name__,
        "contentType": "application/cloudevents+json",
        "headers": TRACE,
        "payload": {"$ref": f"./{type_}.json"},
        "bindings": {"kafka": {**_key(type_), "bindingVersion": BINDING}},
        "examples": [{"payload": example(type_)}],
    }


def _key(type_: str) -> dict[str, Any]:
    if type_ == TICK:
        return {}
    if type_ in SEGMENT_ALERT_TYPES:
        return {"key": SEGMENT_KEY}
    return {"key": OWN_ID if type_ in POPULATION_TYPES else CUSTOMER_KEY}


def _dead_letter() -> dict[str, Any]:
    return {
        "name": "dead-letter",
        "title": "A record that could not be taken",
        "description": f"Its bytes as they came. An event has at most {MAX_EVENT_BYTES} bytes; a record may have more.",
        "contentType": "application/octet-stream",
        "headers": DEAD_LETTER,
        "payload": {"type": "string", "format": "binary"},
        "bindings": {"kafka": {"key": {"description": "as it came"}, "bindingVersion": BINDING}},
    }
