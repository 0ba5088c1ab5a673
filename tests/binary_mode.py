"""An event as a sender in binary mode writes it, by the rules of the CloudEvents bindings and by nothing of ours."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_from_bytes

PRINTABLE = "".join(map(chr, range(0x21, 0x7F))).replace('"', "").replace("%", "")  # HTTP binding, 3.1.3.2

Document = Mapping[str, Any]


def attributes(document: Document) -> dict[str, str]:
    return {n: v for n, v in document.items() if n not in ("data", "datacontenttype")}


def http_headers(document: Document) -> dict[str, str]:
    encoded = {f"ce-{n}": quote_from_bytes(v.encode(), safe=PRINTABLE) for n, v in attributes(document).items()}
    return {**encoded, "Content-Type": "application/json"}


def kafka_headers(document: Document) -> tuple[tuple[str, bytes], ...]:
    encoded = ((f"ce_{n}", v.encode()) for n, v in attributes(document).items())
    return (*encoded, ("content-type", b"application/json"))


def data_of(document: Document) -> bytes:
    return json.dumps(document["data"]).encode()
