"""What does docker-compose.yml say, with .env put in and anchors followed?"""

import re
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values

ROOT = Path(__file__).parents[1]
FILE, ENV_FILE = ROOT / "docker-compose.yml", ROOT / ".env"
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def defaults() -> dict[str, str]:
    """What .env sets."""
    return {name: value or "" for name, value in dotenv_values(ENV_FILE).items()}


def services() -> dict[str, dict[str, Any]]:
    known = defaults()
    text = VARIABLE.sub(lambda found: known.get(found[1]) or found[2], FILE.read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return found


def module(service: dict[str, Any]) -> str:
    """Which one of ours its container runs; empty: it runs something else."""
    command = service.get("command")
    return str(command[0]) if "entrypoint" not in service and command and "." in command[0] else ""


def environment(service: dict[str, Any]) -> dict[str, str]:
    """What its process is told: .env, and what the service says over it. A name without value is the caller's."""
    said = {name: value for name, value in service.get("environment", {}).items() if value is not None}
    return {**(defaults() if service.get("env_file") else {}), **said}
