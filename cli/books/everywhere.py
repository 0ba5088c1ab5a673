"""Do measures stand in every partition of the inbox, as they have to?

In: what was received there, what of it was set aside, how far the service has committed in each partition. Out: a
finding for each catalogue that some partitions lack, unless another one has taken its place. Whoever sent it was told
that nobody knows whether it was taken, and has not sent it again; or it is on its way at this moment.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from cli.books.channels import Received
from cli.books.findings import Findings, Place
from shared.broker import TopicPartition
from shared.contracts.measures import is_of_catalogue

Offsets = dict[int, int]  # by partition


def look_for_measures_in_part(
    topic: str,
    received: Iterable[Received],
    letters: Collection[Place],
    committed: Mapping[TopicPartition, int],
    findings: Findings,
) -> None:
    partitions = {place.partition for place in committed if place.topic == topic}
    found: dict[str, Offsets] = defaultdict(dict)
    for record in received:
        if record.cause is not None and is_of_catalogue(record.cause[0]) and record.place not in letters:
            found[record.cause[1]][record.place.partition] = record.place.offset
    whole = [offsets for offsets in found.values() if offsets.keys() >= partitions]
    for cause, offsets in found.items():
        lacking = ", ".join(map(str, sorted(partitions - offsets.keys())))
        if lacking and not any(_is_behind(other, offsets) for other in whole):
            findings.add(f"{topic} has the measures {cause} not in partitions {lacking}: send them again")


def _is_behind(other: Offsets, offsets: Offsets) -> bool:
    """Wherever the one stands, the other has taken its place."""
    return all(other[partition] > offset for partition, offset in offsets.items())
