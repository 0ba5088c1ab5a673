"""What does a failure say to the person at the keyboard? One sentence: what is wrong, and what to do."""

import sys

OUTCOME = 1  # asked and answered: the answer is no
UNASKED = 2  # could not be asked: nothing there, not reachable, not understood; the shell's own code for wrong usage
FAULT = 70  # of the program itself (sysexits.h, EX_SOFTWARE)


class CliError(Exception):
    """An expected failure. `message` is a sentence for people; `exit_code` is OUTCOME or UNASKED."""

    def __init__(self, message: str, exit_code: int = OUTCOME) -> None:
        self.message, self.exit_code = message, exit_code
        super().__init__(message)


def explain(error: BaseException) -> CliError | None:
    """The same failure in a sentence, or None where it can only be a fault of the program."""
    match error:
        case CliError():
            return error
        case OSError(filename=str() | bytes() as name, strerror=str() as reason):
            return CliError(f"Cannot use {_text(name)}: {reason.lower()}.", UNASKED)
        case _:
            return _explain_by_origin(error)


def _explain_by_origin(error: BaseException) -> CliError | None:
    """Libraries are compared only if loaded: an error cannot come from one that is not, and loading them is slow."""
    if _is(error, "deploy.local.errors", "LocalError"):
        return CliError(str(error), OUTCOME)
    if _is(error, "httpx", "TimeoutException"):
        return CliError(f"{_target(error)} did not answer in time: {LOOK}", UNASKED)
    if _is(error, "httpx", "TransportError"):
        return CliError(f"Cannot reach {_target(error)}: {LOOK}", UNASKED)
    if _is(error, "aiokafka.errors", "KafkaError"):
        return CliError(f"The broker could not be asked ({_reason(error)}): {LOOK}", UNASKED)
    if _is(error, "pymongo.errors", "PyMongoError"):
        return CliError(f"The database could not be asked ({_reason(error)}): {LOOK}", UNASKED)
    return None


LOOK = "see `tenure local status`, or check the address given."


def _is(error: BaseException, module: str, name: str) -> bool:
    return isinstance(error, getattr(sys.modules.get(module), name, ()))


def _target(error: BaseException) -> str:
    request = getattr(error, "_request", None)  # the property raises where a request was never made
    return f"{request.url.scheme}://{request.url.netloc.decode()}" if request is not None else "the address"


def _reason(error: BaseException) -> str:
    """The first line, bounded: drivers put whole topologies into their messages."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0] if len(lines[0]) <= 160 else lines[0][:159] + "…"


def _text(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode(errors="replace")
