"""Which processes make up a local deployment, on which ports; how is each started, and asked whether it is ready?"""

import http.client
import os
import sys
from collections.abc import Mapping

from deploy.local.errors import LocalError
from deploy.local.servers import (
    HOST,
    broker_answers,
    broker_command,
    database_answers,
    database_command,
    free_ports,
    taken,
)
from deploy.local.state import Deployment, StateFolder

SERVERS: Mapping[str, int] = {"broker": 9092, "database": 27017}
SERVICES: Mapping[str, int] = {  # by when they are wanted: who starts first has joined its group first
    "gateway": 8080,
    "projection": 8081,
    "acquisition": 8082,
    "interaction": 8083,
    "retention": 8084,
    "analytics": 8085,
}
ANSWER_S = 2.0


def choose_ports(*, any_free: bool) -> dict[str, int]:
    """The usual ones, or any that are free. Raises LocalError for one that is taken."""
    usual = {**SERVERS, **SERVICES}
    if any_free:
        return dict(zip(usual, free_ports(len(usual)), strict=True))
    for name, port in usual.items():
        if taken(port):
            raise LocalError(
                f"Port {port}, for the {name}, is taken: stop the program that uses it "
                f"(`lsof -i :{port}` names it), or use `--free-ports`."
            )
    return usual


def command(name: str, deployment: Deployment, folder: StateFolder) -> list[str]:
    port = deployment.ports[name]
    match name:
        case "broker":
            return broker_command(port)
        case "database":
            return database_command(port, folder.database)
        case _:
            return [sys.executable, "-m", f"services.{name}"]


def environment(name: str, deployment: Deployment) -> dict[str, str]:
    """What the process is told. The stack's word is last, but for what its caller asked for by name."""
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "TENURE_KAFKA": deployment.kafka,
        "TENURE_MONGO": deployment.mongo,
        "TENURE_PROFILE": "embedded",
        "TENURE_TIME": deployment.time,
        "TENURE_PARTITIONS": str(deployment.partitions),
        "TENURE_GRID_S": str(deployment.grid_s),
        "TENURE_TICK_S": str(deployment.tick_s),
        "TENURE_HOST": HOST,
        "TENURE_PORT": str(deployment.ports[name]),
        **deployment.env,
    }


def ready(name: str, deployment: Deployment) -> bool:
    match name:
        case "broker":
            return broker_answers(deployment.kafka)
        case "database":
            return database_answers(deployment.mongo)
        case _:
            return _answers_ready(deployment.ports[name])


def address(name: str, deployment: Deployment) -> str:
    match name:
        case "broker":
            return deployment.kafka
        case "database":
            return deployment.mongo
        case _:
            return deployment.url(name)


def _answers_ready(port: int) -> bool:
    """By the plain client: others take the proxy of the environment, which does not know this machine's ports."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
