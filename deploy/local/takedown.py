"""How does a deployment end? Services first, for they still have something to say to the broker and the database."""

from deploy.local.processes import end
from deploy.local.state import StateFolder, is_broker

SERVICE_GRACE_S = 20.0  # a service finishes its batch and leaves its group within 15
SERVER_GRACE_S = 5.0  # nobody waits for what they still do: the brokers replay their journals


def take_down(folder: StateFolder) -> list[str]:
    """Nothing is left afterwards, and nothing need be there. Answers which of them ran."""
    folder.say_ending()
    processes = folder.processes()
    running = {name: process for name, process in processes.items() if process.alive}
    end([running[name] for name in running if not is_server(name)], grace_s=SERVICE_GRACE_S)
    end([running[name] for name in running if is_server(name)], grace_s=SERVER_GRACE_S)
    folder.forget()
    return list(running)


def is_server(name: str) -> bool:
    """What services stand on: it goes last."""
    return name == "database" or is_broker(name)
