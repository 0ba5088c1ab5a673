"""What every program of a deployment does first: settings and logs. Otherwise a sentence and exit code 2."""

import sys
from typing import NoReturn

from shared import logs
from shared.connections import PREFIX, what_is_wrong
from shared.settings import Platform


class WrongSetup(RuntimeError):  # noqa: N818 - it says what is wrong, for the person who set it up
    """A process cannot work as it was set up; no bug, so it ends with the sentence and without a traceback."""


def configured(name: str) -> Platform:
    """Never raises for a wrong setting: it ends the program, and says which one it is."""
    try:
        platform = Platform()
    except ValueError as error:
        refuse(name, what_is_wrong(error))
    try:
        logs.configure(name, platform.log_level, secrets=platform.secrets())
    except ValueError as error:
        refuse(name, f"{PREFIX}LOG_LEVEL: {error}")
    return platform


def refuse(name: str, why: str) -> NoReturn:
    print(f"{name} cannot start: {why}", file=sys.stderr)
    sys.exit(2)
