"""Who is sent during a soak, and what has to come of it? Accounts whose buyers fall silent, each with one right instant
for the alert whatever is learnt of the base, and everyday traffic around them.

In: when it begins, how long it takes. Out: lives with the instant of their alert, and an endless stream of batches.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from cli.sending.lines import Line
from tests.bench.load import KINDS, OFTEN, SEED, everyday_event
from tests.system.lives import Life, account

BUSY_CUSTOMERS = 20_000


def silent_lives(begin: datetime, last: timedelta, apart: timedelta) -> list[Life]:
    """One account's silence becomes an alert every `apart`, from `begin` on."""
    return [account(f"silent-{n:05}", begin + n * apart) for n in range(int(last / apart))]


def everyday(rate: int) -> Iterator[list[Line]]:
    """Batches of `rate` events, for ever, the same in every soak but for their times: those of their making."""
    chance, number = random.Random(SEED), 0
    while True:
        now = datetime.now().astimezone()
        kinds = chance.choices(KINDS, OFTEN, k=rate)
        yield [everyday_event(number + n, kind, chance.randrange(BUSY_CUSTOMERS), now) for n, kind in enumerate(kinds)]
        number += rate


def past_of(lives: Sequence[Life]) -> list[Line]:
    return sorted((line for one in lives for line in one.lines()), key=lambda line: line.at)
