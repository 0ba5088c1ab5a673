"""CloudEvents 1.0, binary mode: an event whose attributes stand in headers becomes the one document it is everywhere
else.

In: headers of an HTTP request (`ce-id`) or of a Kafka record (`ce_id`), and the data. Out: structured JSON around the
very bytes of the data, or `Unreadable` with the attribute that is wrong. Promise: an event sent in either mode is the
same event, so its digest is the same.

The rules are those of the CloudEvents 1.0 protocol bindings for HTTP (3.1) and for Kafka (3.2).
"""

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

from shared.contracts.envelope import Problem, Unreadable, check_size, parse_object

HTTP_PREFIX, KAFKA_PREFIX = b"ce-", "ce_"
STRUCTURED = "application/cloudevents"  # media types of the modes that need no headers begin so
JSON = "application/json"

Attributes = Mapping[str, str]

_NAME = re.compile(r"[a-z0-9]{1,64}")  # the specification recommends 20 at most; real extensions are longer
_ELSEWHERE = {
    "data": "is the body, not a header",
    "datacontenttype": "is said by the header content-type in binary mode",
}
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_STRAY_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def attributes_of_http(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names in lower case, as ASGI has them. Empty: none is said in a header. Raises Unreadable."""
    found = ((name[len(HTTP_PREFIX) :].decode("latin-1"), value) for name, value in headers if _is_http(name))
    return _attributes((name, _unescaped(name, value)) for name, value in found)


def attributes_of_kafka(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Empty: none is said in a header. Raises Unreadable."""
    found = ((name[len(KAFKA_PREFIX) :], value) for name, value in headers if name.startswith(KAFKA_PREFIX))
    return _attributes((name, value or b"") for name, value in found)


def structured(attributes: Attributes, data: bytes | None) -> bytes:
    """The event as one document. Raises Unreadable (`too-large`, `not-json`, `two-modes`)."""
    check_size(data or b"")
    head = {**attributes, "datacontenttype": JSON}
    document = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    if not data:
        return document  # whoever reads events says that the data is missing
    _check_data(data)
    return document[:-1] + b',"data":' + data + b"}"


def check_agreement(attributes: Attributes, raw: bytes) -> None:
    """Headers beside an event in structured mode may repeat its attributes, and nothing else. Raises Unreadable."""
    document = parse_object(raw)
    if differing := [name for name, value in attributes.items() if _text(document.get(name)) != value]:
        raise two_modes(Problem(name, "the header says something else than the event") for name in differing)


def is_json(content_type: str) -> bool:
    """JSON in UTF-8, which is all that the data of our events may be."""
    media_type, _, parameters = content_type.partition(";")
    return media_type.strip().lower() == JSON and is_utf8(parameters)


def is_utf8(parameters: str) -> bool:
    """Of a media type, as it stands behind the semicolon; without a charset JSON is in UTF-8."""
    charset = parameters.lower().replace(" ", "").replace('"', "")
    return "charset=" not in charset or "charset=utf-8" in charset


def two_modes(problems: Iterable[Problem]) -> Unreadable:
    return Unreadable("two-modes", list(problems))


def _is_http(name: bytes) -> bool:
    return name.startswith(HTTP_PREFIX)


def _attributes(found: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    attributes: dict[str, str] = {}
    problems: list[Problem] = []
    for name, value in found:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            problems.append(Problem(name, "the header is not UTF-8"))
            continue
        if reason := _wrong_name(name) or ("is said by two headers" if name in attributes else None):
            problems.append(Problem(name, reason))
        attributes[name] = text
    if problems:
        raise Unreadable("invalid-envelope", problems)
    return attributes


def _wrong_name(name: str) -> str | None:
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    return None if _NAME.fullmatch(name) else "no attribute has such a name: 1 to 64 of a-z and 0-9"


def _unescaped(name: str, value: bytes) -> bytes:
    """First what older senders quote, then one round of percent-decoding."""
    if quoted := _QUOTED.fullmatch(value):
        value = _ESCAPE.sub(rb"\1", quoted[1])
    if _STRAY_PERCENT.search(value):
        reason = "a '%' in a header is followed by two hexadecimal digits; '%' itself is '%25'"
        raise Unreadable("invalid-envelope", [Problem(name, reason)])
    return unquote_to_bytes(value)


def _check_data(data: bytes) -> None:
    """It is put between brackets of ours, so it has to be one whole value."""
    try:
        document = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise Unreadable("not-json", [Problem("data", f"not JSON in UTF-8: {error}")]) from None
    if isinstance(document, dict) and "specversion" in document:
        raise two_modes(
            [Problem("data", "is a whole event: send it as application/cloudevents+json, or only its data")]
        )


def _text(value: object) -> str | None:
    """An attribute as it is written in a header; none: nothing of the kind."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int)) else None
