"""How does a deployment end? Services first, for they still have something to say to the broker and the database."""

from deploy.local.processes import end
from deploy.local.state import StateFolder

SERVERS = ("broker", "database")
SERVICE_GRACE_S = 20.0  # a service finishes its batch and leaves its group within 15
SERVER_GRACE_S = 5.0


def take_down(folder: StateFolder) -> list[str]:
    """Nothing is left afterwards, and nothing need be there. Answers which of them ran."""
    folder.say_ending()
    processes = folder.processes()
    running = {name: process for name, process in processes.items() if process.alive}
    end([running[name] for name in running if name not in SERVERS], grace_s=SERVICE_GRACE_S)
    end([running[name] for name in running if name in SERVERS], grace_s=SERVER_GRACE_S)
    folder.forget()
    return list(running)
