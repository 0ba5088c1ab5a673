"""Where is the deployment, and with which key? By options or TENURE_*, else from the state folder of `local up`.

Out: HTTP clients that carry the key, and addresses. Whatever is missing is said in one sentence, with what to do.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from cli.errors import OUTCOME, UNASKED, CliError

if TYPE_CHECKING:
    import httpx

    from shared.connections import Connection
    from shared.kafka_client import Kafka
    from shared.mongo import Mongo

TIMEOUT_S = 30.0
LOCAL_STATE = Path(".tenure")
THIS_MACHINE = ("127.0.0.1", "localhost", "::1")

ApiOption = Annotated[str | None, typer.Option("--api", envvar="TENURE_API", help="Address of the read API.")]
GatewayOption = Annotated[
    str | None, typer.Option("--gateway", envvar="TENURE_GATEWAY", help="Address of the gateway.")
]
KeyOption = Annotated[str | None, typer.Option("--key", envvar="TENURE_KEY", help="API key.", show_envvar=True)]
KafkaOption = Annotated[
    str | None, typer.Option("--kafka", envvar="TENURE_KAFKA", help="Bootstrap servers of the broker.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON lines, for programs.")]


def state_folder() -> Path:
    """Of the embedded stack: TENURE_STATE, else `.tenure` in the current folder."""
    return Path(os.environ.get("TENURE_STATE") or LOCAL_STATE)


def connect(
    api: str | None = None, key: str | None = None, *, transport: "httpx.BaseTransport | None" = None
) -> "httpx.Client":
    """The read API. An answer of 400 or above becomes a CliError."""
    client = _client(_find("api", api), _find("key", key), transport)
    client.event_hooks = {"response": [_refuse_problems]}
    return client


def connect_gateway(gateway: str | None = None, key: str | None = None) -> "httpx.Client":
    """The gateway. Answers are handed on as they are: who sends must tell `later` from `never`."""
    return _client(_find("gateway", gateway), _find("key", key))


def kafka_place(kafka: str | None = None) -> "Kafka":
    """The broker and how it is reached, by the same TENURE_* that services go by; else the local deployment's."""
    from shared.connections import KafkaConnection

    return _place(KafkaConnection, "kafka", kafka)


def mongo_place(mongo: str | None = None) -> "Mongo":
    """As `kafka_place`, for the database."""
    from shared.connections import MongoConnection

    return _place(MongoConnection, "mongo", mongo)


def time_source(address: str, time: str | None = None) -> str:
    """Which time the deployment at this broker runs in: as given, else as the local one does if it is that one."""
    local = _local()
    return time or (str(local["time"]) if local.get("kafka") == address and "time" in local else "wall")


def runs_in_history(gateway: str | None) -> bool:
    """Whether it is the local deployment's, and that gets its time from what is sent. Of others nothing is known."""
    local = _local()
    return local.get("time") == "history" and gateway in (None, local.get("gateway"))


def problem_sentence(response: "httpx.Response") -> str:
    """A problem document (RFC 9457) as one sentence; for any other body the status and where it came from."""
    response.read()
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or not (body.get("detail") or body.get("title")):
        return f"{response.url} answered {response.status_code} {response.reason_phrase}."
    sentence = str(body.get("detail") or body["title"]).rstrip(".") + "."
    return f"{sentence} Use `--key` or TENURE_KEY." if response.status_code == 401 else sentence


def _refuse_problems(response: "httpx.Response") -> None:
    if response.status_code >= 400:
        raise CliError(problem_sentence(response), OUTCOME if response.status_code in (404, 409) else UNASKED)


def _client(base_url: str, key: str, transport: "httpx.BaseTransport | None" = None) -> "httpx.Client":
    """Not by the environment's proxy where the address is of this machine: it could not know it."""
    import httpx

    return httpx.Client(
        base_url=base_url,
        headers={"Authorization": f"Bearer {key}"},
        timeout=TIMEOUT_S,
        transport=transport,
        trust_env=httpx.URL(base_url).host not in THIS_MACHINE,
    )


C = TypeVar("C", bound="Connection")


def _place(kind: "type[C]", what: str, given: str | None) -> "C | str":
    """The local deployment asks for nothing, so its address alone will do. Raises CliError."""
    from pydantic import ValidationError

    from shared.connections import what_is_wrong

    try:
        return kind.model_validate({what: given} if given else {})  # what is not given, the environment says
    except ValueError as error:
        missing = isinstance(error, ValidationError) and all(e["type"] == "missing" for e in error.errors())
        if not missing:
            raise CliError(f"{what_is_wrong(error)}.", UNASKED) from None
    return _find(what, None)


def _find(what: str, given: str | None) -> str:
    """What was given, else the environment (for callers that are no verbs), else the local deployment's."""
    found = given or os.environ.get(f"TENURE_{what.upper()}") or _local().get(what)
    if not found:
        raise CliError(
            f"No deployment found: run `tenure local up`, or set TENURE_{what.upper()}"
            + (" and TENURE_KEY." if what in ("api", "gateway") else "."),
            UNASKED,
        )
    return str(found)


def _local() -> dict[str, Any]:
    file = state_folder() / "local.json"
    try:
        found = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except ValueError:
        raise CliError(
            f"{file} is not readable any more: run `tenure local down`, then `tenure local up`.", UNASKED
        ) from None
    return found if isinstance(found, dict) else {}
