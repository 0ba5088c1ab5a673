"""Which broker shall a deployment of this machine have? The options of the verbs that start one."""

from enum import StrEnum
from typing import Annotated

import typer

from cli.errors import UNASKED, CliError


class Kafka(StrEnum):
    EMBEDDED = "embedded"
    NATIVE = "native"


KafkaOption = Annotated[
    Kafka,
    typer.Option("--kafka", help="The embedded broker, in memory; or Apache Kafka itself, which takes Java and Maven."),
]
NodesOption = Annotated[int, typer.Option("--nodes", min=1, max=9, help="Nodes of Apache Kafka.")]


def kafka_nodes(kafka: Kafka, nodes: int) -> int:
    """As the stack wants it: 0 for the embedded broker. Raises CliError."""
    if kafka is Kafka.NATIVE:
        return nodes
    if nodes > 1:
        raise CliError("The embedded broker is one process: add `--kafka native` for several nodes.", UNASKED)
    return 0
