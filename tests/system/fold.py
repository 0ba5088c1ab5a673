"""What a shop's file of purchases says of each customer, read without anything of the product."""

import gzip
import json
from collections import defaultdict
from pathlib import Path

Bought = tuple[str, str, int, str]  # id, time as written, minor units, currency


def purchases(file: Path) -> dict[str, list[Bought]]:
    """Customer -> purchases by time; at one instant as they stand in the file. Currencies have two decimals."""
    found: dict[str, list[Bought]] = defaultdict(list)
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            whole, _, cents = line["amount"].partition(".")
            minor = 100 * int(whole) + int(cents.ljust(2, "0"))
            found[line["customer_id"]].append((line["id"], line["time"], minor, line["currency"]))
    return {customer: sorted(bought, key=lambda one: one[1]) for customer, bought in found.items()}
