"""A deployment on this machine: it comes up from empty, says what is wrong, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local import processes
from deploy.local.errors import LocalError
from deploy.local.servers import broker_answers, database_answers
from deploy.local.stack import LocalStack
from deploy.local.state import Given, StateFolder
from deploy.local.takedown import take_down
from shared.profile import ProfileName
from tests.servers import embedded_broker, embedded_database

pytestmark = pytest.mark.system


def test_both_servers_answer(servers: LocalStack) -> None:
    assert broker_answers(servers.kafka)
    assert database_answers(servers.mongo)


async def test_the_stack_can_be_asked_from_inside_a_running_loop(servers: LocalStack) -> None:
    assert broker_answers(servers.kafka)


def test_what_it_knows_is_readable_by_its_owner_alone(servers: LocalStack) -> None:
    file = servers.folder.path / "local.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["key"] == servers.key


def test_a_second_deployment_in_the_same_folder_is_refused(servers: LocalStack) -> None:
    with pytest.raises(LocalError, match="up here already"):
        LocalStack(servers.folder.path, free_ports=True, services=()).up()
    assert servers.alive()


def test_a_killed_process_is_named_with_its_end_and_comes_back(servers: LocalStack) -> None:
    servers.kill("database")
    [death] = servers.deaths()
    assert ("database", -signal.SIGKILL) == (death.name, death.code)
    assert "tenure local restart database" in str(death)
    servers.start("database")
    assert servers.alive()


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        monkeypatch.setattr("deploy.local.parts.BROKER", port)
        with pytest.raises(LocalError, match=rf"Port {port}, for the broker, is taken: .*--free-ports"):
            LocalStack(tmp_path, services=()).up()


@pytest.mark.parametrize(
    ("knob", "says"),
    [
        ({"TENURE_PARTITIONS": "none"}, "TENURE_PARTITIONS: Input should be a valid integer"),
        ({"TENURE_LOG_LEVEL": "LOUD"}, "gateway has stopped .* its last line: gateway cannot start"),
    ],
    ids=["before any service", "by the service"],
)
def test_what_cannot_start_is_named_with_the_reason_and_nothing_stays(
    knob: dict[str, str], says: str, tmp_path: Path
) -> None:
    broken = LocalStack(tmp_path, free_ports=True, partitions=1, services=["gateway"], env=knob)
    with pytest.raises(LocalError, match=says):
        broken.up()
    assert broken.folder.processes() == {}


def test_two_at_once_do_not_mix_in_one_folder(tmp_path: Path) -> None:
    with StateFolder(tmp_path).held(), pytest.raises(LocalError, match="Another `tenure local up` is at work"):
        LocalStack(tmp_path, free_ports=True, services=()).up()


def test_down_leaves_nothing_and_may_be_called_again(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path, free_ports=True, partitions=1, services=())
    stack.up()
    started = list(stack.folder.processes().values())
    assert ["broker", "database"] == stack.down()
    assert not any(process.alive for process in started)
    assert [] == stack.down()
    assert not broker_answers(stack.kafka)


def test_up_begins_from_empty_whatever_was_there(tmp_path: Path) -> None:
    for _ in range(2):
        with LocalStack(tmp_path, free_ports=True, partitions=1, services=()) as stack:
            assert not (stack.folder.database / "left").exists()
            (stack.folder.database / "left").touch()


def test_a_deployment_may_stand_on_servers_that_are_there_already_and_leaves_them_as_they_are(tmp_path: Path) -> None:
    with embedded_broker(tmp_path / "broker") as kafka, embedded_database(tmp_path / "database") as mongo:
        given = Given(kafka, mongo, ProfileName.EMBEDDED)
        folder = tmp_path / "state"
        with LocalStack(folder, free_ports=True, partitions=1, services=["gateway"], given=given) as stack:
            assert (kafka, mongo) == (stack.kafka, stack.mongo)
            assert ["gateway"] == list(stack.folder.processes())
        assert broker_answers(kafka)
        assert database_answers(mongo)


def test_a_stack_whose_holder_is_killed_ends_by_itself(tmp_path: Path) -> None:
    program = (
        "import sys; from deploy.local.stack import LocalStack\n"
        "with LocalStack(sys.argv[1], free_ports=True, partitions=1, services=()):\n"
        "    print('up', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert any(line == "up\n" for line in holder.stdout)
    started = list(StateFolder(tmp_path).processes().values())
    holder.kill()
    holder.communicate()
    assert processes.gone(started, within_s=20)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator["Shell"]:
    shell = Shell(tmp_path)
    yield shell
    take_down(StateFolder(tmp_path / ".tenure"))


class Shell:
    """A person at a terminal in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}

    def tenure(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=self.folder, env=self._env, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=self.folder, env=self._env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    @property
    def local(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / ".tenure" / "local.json").read_text())
        return found


def test_up_status_logs_restart_down_from_a_terminal(shell: Shell) -> None:
    up = shell.tenure("local", "up", "--free-ports", "--partitions", "2")
    assert up.returncode == 0, up.stderr
    assert "empty broker and database" in up.stderr
    assert httpx.get(f"{shell.local['api']}/readyz", trust_env=False).status_code == 200

    status = shell.tenure("local", "status", "--json")
    rows = [json.loads(line) for line in status.stdout.splitlines()]
    assert 0 == status.returncode
    assert set(shell.local["ports"]) == {row["name"] for row in rows if row["ready"]}

    assert "retention" in shell.tenure("local", "logs", "-n", "1").stdout
    assert shell.tenure("local", "restart", "retention").returncode == 0
    assert shell.tenure("local", "up").returncode == 1

    os.kill(next(row["pid"] for row in rows if row["name"] == "gateway"), signal.SIGKILL)
    assert 1 == shell.tenure("local", "status").returncode

    assert shell.tenure("local", "down").returncode == 0
    assert shell.tenure("local", "down").stderr == "Nothing was up.\n"
    assert shell.tenure("local", "status").returncode == 1


def test_in_the_foreground_ctrl_c_ends_everything(shell: Shell) -> None:
    holder = shell.begin("local", "up", "--free-ports", "--partitions", "1", "--foreground")
    assert holder.stderr is not None
    assert any(line == "Ctrl-C ends it.\n" for line in holder.stderr)
    started = list(StateFolder(shell.folder / ".tenure").processes().values())
    holder.send_signal(signal.SIGINT)
    _, said = holder.communicate(timeout=60)
    assert (0, "Ended.\n") == (holder.returncode, said)
    assert not any(process.alive for process in started)


def test_in_the_foreground_it_ends_when_it_is_taken_down_from_elsewhere(shell: Shell) -> None:
    holder = shell.begin("local", "up", "--free-ports", "--partitions", "1", "--foreground")
    assert holder.stderr is not None
    assert any(line == "Ctrl-C ends it.\n" for line in holder.stderr)
    assert shell.tenure("local", "down").returncode == 0
    _, said = holder.communicate(timeout=60)
    assert (0, "Ended from elsewhere.\n") == (holder.returncode, said)


def test_in_the_foreground_the_death_of_the_broker_ends_it_and_says_why(shell: Shell) -> None:
    holder = shell.begin("local", "up", "--free-ports", "--partitions", "1", "--foreground")
    assert holder.stderr is not None
    assert any(line == "Ctrl-C ends it.\n" for line in holder.stderr)
    StateFolder(shell.folder / ".tenure").processes()["broker"].signal(signal.SIGKILL)
    _, said = holder.communicate(timeout=60)
    assert holder.returncode == 1
    assert said.startswith("broker has stopped (killed by SIGKILL)")
    assert "tenure: Everything was ended, because its broker has gone" in said
