"""The `tenure` command: which verbs are there, and what becomes of a failure?

Each verb is one module, loaded when it is used: asking for help costs nothing.
"""

import importlib.metadata
import importlib.util
import os
import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from cli.errors import FAULT, explain
from cli.interruption import hear_what_was_lost
from cli.output import quieten, say


@dataclass(frozen=True, slots=True)
class Verb:
    """`cli.<name>` holds `app`, a Typer, or a function of the verb's name (with `_` for `-`)."""

    name: str
    help: str

    @property
    def word(self) -> str:
        return self.name.replace("-", "_")

    def load(self) -> Any:
        module = importlib.import_module(f"cli.{self.word}")
        found = getattr(module, "app", None)
        if found is None:
            found = typer.Typer(add_completion=False)
            found.command()(getattr(module, self.word))
        command = get_command(found)
        command.name = self.name
        return command


VERBS = {
    verb.name: verb
    for verb in (
        Verb("demo", "Watch a real history go through, from the first purchase to the alerts."),
        Verb("local", "A whole deployment on this machine: up, status, logs, down."),
        Verb("send", "Send events through the gateway: now, or as a history."),
        Verb("contracts", "Are these events right? Offline: check a file, show a type."),
        Verb("timeline", "One customer's story, event by event."),
        Verb("customer", "One customer at a glance."),
        Verb("explain", "One customer's life in a picture: events, rhythm, risk, alerts."),
        Verb("alerts", "Who is drifting away, the most valuable first."),
        Verb("measures", "What can be done to keep a customer: shows the catalogue, sends another."),
        Verb("dead-letters", "What could not be read, and why."),
        Verb("redrive", "Give parked causes and dead letters another try."),
        Verb("audit", "Prove that the books balance."),
        Verb("evaluate", "Were the alerts right? From the log, by version of the rules."),
        Verb("backtest", "What the rules would have said about a history."),
        Verb("rules", "Would other rules have been better? Compares two on a history."),
        Verb("rebuild", "Build a service's database anew from the log."),
        Verb("keys", "API keys: create, list, revoke."),
    )
    if importlib.util.find_spec(f"cli.{verb.word}")
}


class LazyGroup(TyperGroup):
    """Names and helps come from the table above; a module is imported only for the verb that runs."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        command = get_command(_nameless)
        command.name, command.help, command.short_help = verb.name, verb.help, verb.help
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, VERBS[name].load() if name in VERBS else command, rest


_nameless = typer.Typer(add_completion=False)
_nameless.command()(lambda: None)


def _version(asked: bool) -> None:
    if asked:
        print(f"tenure {importlib.metadata.version('tenure')}")
        raise typer.Exit


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Watches the life of every customer as a stream of events and says early who is drifting away, and why.",
)


@app.callback()
def tenure(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which this is.")
    ] = False,
) -> None:
    quieten()


def main() -> None:
    """The end of the road for every exception: a sentence and an exit code."""
    hear_what_was_lost()
    try:
        app(prog_name="tenure")
    except Exception as error:
        if os.environ.get("TENURE_TRACEBACK"):
            raise
        sys.exit(report(error))


def report(error: Exception) -> int:
    """Says what went wrong on stderr; answers the exit code."""
    expected = explain(error)
    if expected is not None:
        say(f"tenure: {expected.message}")
        return expected.exit_code
    say(f"tenure: this should not have happened ({type(error).__name__}: {error}); TENURE_TRACEBACK=1 shows where.")
    return FAULT


if __name__ == "__main__":
    main()
