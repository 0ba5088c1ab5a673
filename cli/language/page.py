"""What do people read of the contracts? One page: every type, topic and route, where its schema is, what may change."""

from collections.abc import Iterator
from textwrap import fill
from typing import Any

from cli.language.channels import CHANNELS, Channel, topics_of
from cli.language.http_services import descriptions
from shared.contracts.catalogue import FACT_TYPES, FACTS_OF, INPUT_TYPES
from shared.contracts.generate import OUTBOUND, schema
from shared.contracts.protocol import TICK, Redrive

WIDTH = 120
ABOUT = """\
# Contracts

What do channels and subscribers rely on, type by type? This page and the documents beside it are written from the
models by `make contracts`; a test compares.

| document | what |
| --- | --- |
| `<type>.json` | JSON Schema (2020-12) of each type; `$id` is the event's `dataschema` |
| [asyncapi.json](asyncapi.json) | AsyncAPI 3.0: the topics, what stands on each, keys, how long it is kept |
{services}
| `released/<release>.json` | what each release promised; never changed |
| [withdrawn.json](withdrawn.json) | promises of the last release that are broken on purpose, each with the reason |

A schema says nearly all that is asked of an event, and `tenure contracts check FILE` says all of it, without a server:
normal form, reserved sources and ids used twice stand in no schema. `tenure contracts show TYPE` prints a schema,
`--example` an event. Why an event was refused: [events.md](../events.md#when-an-event-is-refused).

## How they may change

| | what channels send, what routes take | what is published, what routes answer |
| --- | --- | --- |
| new type, topic, route, optional field | may come with any release | may come with any release |
| new value of an enumeration | may come with any release | a new version |
| field removed or renamed, other default | a new version | a new version |
| limit tightened: type, pattern, range, enumeration | a new version | may come with any release |
| limit loosened | may come with any release | a new version |
| optional field becomes required | a new version | may come with any release |
| required field becomes optional | may come with any release | a new version |

A new version is a new name: `tenure.purchase.v2`, `/v2/events`. What is taken goes on beside it for ever. A published
type may be replaced by its next version; what stands in the log under the old name stays as it is, so who reads the
past reads both. What a channel may say is published, too, by the fact that records it: where an event of a channel is
loosened, its fact gets a new version.

Whoever reads has to ignore fields and skip types that it does not know, and nothing else. `make test` compares with the
last release and names what is not kept; the reasons are in
[decision 0019](../decisions/0019-contracts-may-change.md).

## A client of one's own

The OpenAPI documents are made for generators: every route has a short `operationId`, every body and answer a name.
`openapi-python-client` knows one media type for each body, so it is told to pass over that of batches:

```yaml
# generator.yml, for: openapi-python-client generate --path openapi-gateway.json --config generator.yml
content_type_overrides:
  application/cloudevents-batch+json: text/plain
```
"""


def text() -> str:
    return "\n".join((*_head(), *_types(), *_topics(), *_routes()))


def _head() -> Iterator[str]:
    rows = (
        f"| [openapi-{service}.json](openapi-{service}.json) | OpenAPI 3.1: {document['info']['summary']} |"
        for service, document in descriptions().items()
    )
    yield ABOUT.format(services="\n".join(rows))


def _types() -> Iterator[str]:
    yield "## What channels send\n"
    for type_ in (*INPUT_TYPES, Redrive.TYPE):
        yield from _type(type_, "Sent to", "Must say", "may say")
    yield "## What is published\n"
    for type_ in (*FACT_TYPES, *OUTBOUND, TICK):
        yield from _type(type_, f"By {_speaker(type_)} on", "Always says", "may say")


def _type(type_: str, where: str, always: str, sometimes: str) -> Iterator[str]:
    described = schema(type_)
    data = described["$defs"][described["properties"]["data"]["$ref"].rpartition("/")[2]]
    required = data.get("required", [])
    optional = [name for name in data["properties"] if name not in required]
    topics = ", ".join(f"`{topic}`" for topic in topics_of(type_))
    yield f"### {type_}\n"
    yield _wrapped(" ".join(described["description"].split())) + "\n"
    yield _wrapped(f"{where} {topics}. {always} {_names(required)}; {sometimes} {_names(optional)}.")
    yield f"[Schema]({type_}.json),"
    yield f"[example](../../shared/contracts/examples/{type_}.json)\n"


def _names(fields: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in fields) or "nothing"


def _speaker(type_: str) -> str:
    if type_ in OUTBOUND:
        return "analytics"
    owner = next((s for s, facts in FACTS_OF.items() if type_ in {fact.TYPE for fact in facts}), None)
    return owner or "each domain service"


def _topics() -> Iterator[str]:
    yield "## Topics\n"
    yield "| topic | direction | key | kept | what |"
    yield "| --- | --- | --- | --- | --- |"
    yield from map(_topic, CHANNELS)
    yield ""


def _topic(channel: Channel) -> str:
    compacted = "compact" in channel.topic.config.get("cleanup.policy", "")
    kept = "the newest of each key" if compacted else "for ever"
    direction = "taken" if channel.taken else "published"
    key = "customer" if channel.topic.keyed else "its own id" if channel.types else "as it was"
    return f"| `{channel.topic.name}` | {direction} | {key} | {kept} | {channel.topic.purpose} |"


def _routes() -> Iterator[str]:
    yield "## HTTP\n"
    yield "A key with the scope named is sent as `Authorization: Bearer <key>` or `X-API-Key: <key>`. Every refusal is"
    yield "an RFC 9457 problem document.\n"
    for service, document in descriptions().items():
        yield f"### {service}\n"
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                yield _route(method, path, operation)
        yield ""


def _route(method: str, path: str, operation: dict[str, Any]) -> str:
    asked = (scopes for scheme in operation.get("security", ()) for scopes in scheme.values())
    scopes = sorted({scope for some in asked for scope in some})
    about = " ".join(operation.get("description", operation["summary"]).split())
    scope = f", scope `{', '.join(scopes)}`" if scopes else ""
    said = f"- `{method.upper()} {path}` (`{operation['operationId']}`{scope}): {about}"
    return fill(said, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _wrapped(sentence: str) -> str:
    return fill(sentence, WIDTH, break_long_words=False, break_on_hyphens=False)
