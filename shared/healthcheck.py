"""Is the process in this container ready? What a container engine asks, where no probe over HTTP can be set up.

`python -m shared.healthcheck [readyz|livez]` asks the process at TENURE_PORT of this machine. Exit code 0: yes; 1: no,
and why, as the process itself says it; 2: it cannot be asked. An engine starts this every few seconds, so it loads
nothing beyond the standard library.
"""

import http.client
import ipaddress
import json
import os
import sys
from collections.abc import Mapping, Sequence

READY, ALIVE = "readyz", "livez"
ANSWER_S = 3.0  # an engine gives up a little later
YES, NO, CANNOT_ASK = 0, 1, 2


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    question = arguments[0] if arguments else READY
    port = environment.get("TENURE_PORT", "0")
    if question not in (READY, ALIVE) or not _is_port(port):
        print(f"cannot ask for {question!r} at TENURE_PORT {port!r}: it has to be {READY} or {ALIVE}, at a fixed port")
        return CANNOT_ASK
    if reason := why_not(own_address(environment.get("TENURE_HOST", "127.0.0.1")), int(port), question):
        print(reason)
        return NO
    return YES


def why_not(host: str, port: int, question: str) -> str | None:
    """None where the answer is yes."""
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_S)
    try:
        connection.request("GET", f"/{question}")
        answer = connection.getresponse()
        said = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"no answer at {host}:{port}: {error!r}"
    finally:
        connection.close()
    return None if answer.status == http.client.OK else _reasons(said) or f"{answer.status} {answer.reason}"


def own_address(listens_on: str) -> str:
    """Where a process that listens there can be reached from beside it."""
    if not _is_every_address(listens_on):
        return listens_on
    return "::1" if ":" in listens_on else "127.0.0.1"


def _is_every_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False  # a name


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) <= 65535


def _reasons(said: str) -> str:
    try:
        return "; ".join(json.loads(said)["reasons"])
    except (ValueError, KeyError, TypeError):
        return said.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
