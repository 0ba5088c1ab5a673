"""Which processes make up a local deployment, on which ports; how is each started, and asked whether it is ready?"""

import http.client
import os
import sys
from collections.abc import Iterable, Mapping

from deploy.local import apache_kafka
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
from deploy.local.state import Deployment, StateFolder, is_broker
from deploy.local.takedown import is_server

BROKER, DATABASE = 9092, 27017
NODE, COPY = 10, 100  # between the ports of two nodes, and of two copies of a service
SERVICES: Mapping[str, int] = {  # by when they are wanted: who starts first has joined its group first
    "gateway": 8080,
    "projection": 8081,
    "acquisition": 8082,
    "interaction": 8083,
    "retention": 8084,
    "analytics": 8085,
    "delivery": 8086,
}
ANSWER_S = 2.0
ELSEWHERE = ("TENURE_KAFKA_", "TENURE_MONGO_", "TENURE_SECRETS_DIR")


def broker_names(nodes: int) -> list[str]:
    return ["broker"] if nodes == 1 else [f"broker-{n}" for n in range(1, nodes + 1)]


def copies_of(services: Iterable[str], copies: int) -> list[str]:
    """The first has the service's own name."""
    return [service if n == 1 else f"{service}-{n}" for service in services for n in range(1, copies + 1)]


def service_of(name: str) -> str:
    return name.partition("-")[0]


def usual_ports(kafka_nodes: int = 0, copies: int = 1) -> tuple[dict[str, int], dict[str, int]]:
    """Name -> port of brokers, database and services, in order of their start; the same of Apache Kafka's controllers,
    which are one above their brokers."""
    brokers = {name: BROKER + NODE * n for n, name in enumerate(broker_names(max(1, kafka_nodes)))}
    controllers = {name: port + 1 for name, port in brokers.items()} if kafka_nodes else {}
    ports = (port + COPY * n for port in SERVICES.values() for n in range(copies))
    services = dict(zip(copies_of(SERVICES, copies), ports, strict=True))
    return {**brokers, "database": DATABASE, **services}, controllers


def choose_ports(
    kafka_nodes: int, copies: int, *, any_free: bool, servers: bool = True
) -> tuple[dict[str, int], dict[str, int]]:
    """As `usual_ports`, or any that are free; without `servers` those of services alone. Raises LocalError for one that
    is taken."""
    ports, controllers = usual_ports(kafka_nodes, copies)
    if not servers:
        ports, controllers = {name: port for name, port in ports.items() if not is_server(name)}, {}
    if any_free:
        free = iter(free_ports(len(ports) + len(controllers)))
        return dict(zip(ports, free, strict=False)), dict(zip(controllers, free, strict=False))
    for name, port in [*ports.items(), *controllers.items()]:
        if taken(port):
            raise LocalError(
                f"Port {port}, for the {name}, is taken: stop the program that uses it "
                f"(`lsof -i :{port}` names it), or use `--free-ports`."
            )
    return ports, controllers


def command(name: str, deployment: Deployment, folder: StateFolder) -> list[str]:
    port = deployment.ports[name]
    if name == "database":
        return database_command(port, folder.database)
    if not is_broker(name):
        return [sys.executable, "-m", f"services.{service_of(name)}"]
    if not deployment.controllers:
        return broker_command(port)
    return apache_kafka.command(nodes(deployment, folder)[name])


def nodes(deployment: Deployment, folder: StateFolder) -> dict[str, apache_kafka.Node]:
    """Of Apache Kafka, by name; none on the embedded broker."""
    return {
        name: apache_kafka.Node(n, deployment.ports[name], controller, folder.broker(name))
        for n, (name, controller) in enumerate(deployment.controllers.items(), start=1)
    }


def environment(name: str, deployment: Deployment) -> dict[str, str]:
    """What the process is told. The stack's word is last, but for what its caller asked for by name. How to reach some
    other deployment's servers, it is not told: its own ask for nothing."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(ELSEWHERE)},
        "PYTHONUNBUFFERED": "1",
        "TENURE_KAFKA": deployment.kafka,
        "TENURE_MONGO": deployment.mongo,
        "TENURE_PROFILE": deployment.profile,
        "TENURE_TIME": deployment.time,
        "TENURE_PARTITIONS": str(deployment.partitions),
        "TENURE_GRID_S": str(deployment.grid_s),
        "TENURE_TICK_S": str(deployment.tick_s),
        "TENURE_HOST": HOST,
        "TENURE_PORT": str(deployment.ports[name]),
        "DELIVERY_SECURE_COOKIE": "false",  # there is no TLS on this machine
        **deployment.env,
    }


def ready(name: str, deployment: Deployment) -> bool:
    if is_broker(name):
        return broker_answers(address(name, deployment))
    if name == "database":
        return database_answers(deployment.mongo)
    return _answers_ready(deployment.ports[name])


def address(name: str, deployment: Deployment) -> str:
    if is_broker(name):
        return f"{HOST}:{deployment.ports[name]}"
    return deployment.mongo if name == "database" else deployment.url(name)


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
