"""What comes out of our Dockerfile, and does it run? Every COPY and RUN carried out in order, without an engine.

A root folder of its own, a mount namespace and chroot stand in for a container, this machine's system and Python for
the base image. What is inside sees none of the tree, none of the virtual environment and none of the caller's
variables, but for how packages are reached. The network is this machine's.
"""

import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.dockerfile import Instruction, Stage, expanded, ignore_patterns, read, visible

SYSTEM = ("bin", "etc", "lib", "lib64", "sbin", "usr")  # of this machine, read-only
KERNEL = ("dev", "proc")
BASE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BUILDER = ("PIP_", "SSL_", "REQUESTS_")  # variables of whoever builds: where packages come from
TOOLS = ("pip", "setuptools", "wheel")  # what the base image has beside the standard library
NOT_NEEDED = shutil.ignore_patterns("test", "idlelib", "config-*", "__pycache__", "site-packages")

# $1: the root, $2: its /usr/local, $3: how it may be written to; the rest is the command.
ENTER = f"""
set -e
root=$1 local=$2 mode=$3; shift 3
mount --bind "$root" "$root"
for name in {" ".join(SYSTEM)}; do
  [ -L "$root/$name" ] || [ ! -d "/$name" ] || {{
    mount --bind "/$name" "$root/$name"; mount -o remount,bind,ro "$root/$name"; }}
done
mount --bind "$local" "$root/usr/local"
for name in {" ".join(KERNEL)}; do mount --rbind "/$name" "$root/$name"; done
if [ "$mode" = ro ]; then
  mount -o remount,bind,ro "$root/usr/local"
  mount -o remount,bind,ro "$root"
  mount -t tmpfs -o size=64m,mode=1777,noexec,nosuid,nodev tmpfs "$root/tmp"
  for shell in bash dash; do [ ! -e "$root/usr/bin/$shell" ] || mount --bind /dev/null "$root/usr/bin/$shell"; done
fi
exec chroot "$root" "$@"
"""


class Broken(RuntimeError):  # noqa: N818 - a step of the Dockerfile is, not the test
    """A command of the Dockerfile failed; the text has its words."""


def why_not() -> str | None:
    """None where it can be done; otherwise what is missing."""
    if missing := [tool for tool in ("unshare", "chroot", "setpriv", "mount") if shutil.which(tool) is None]:
        return f"there is no {missing[0]}"
    if os.geteuid() != 0:
        return "a root folder of its own needs the rights of root"
    if Path(sys.base_prefix) == Path("/usr"):
        return "this Python is part of the system, and cannot be laid where the image has its own"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    return f"mount namespaces are not allowed here: {tried.stderr.strip()}" if tried.returncode else None


@dataclass(slots=True)
class Root:
    """`folder` is /, `local` lies over /usr/local. `known`: variables of the image."""

    folder: Path
    local: Path
    known: dict[str, str] = field(default_factory=lambda: {"PATH": BASE_PATH, "LD_LIBRARY_PATH": "/usr/local/lib"})
    workdir: str = "/"
    user: str = "0:0"

    def place(self, path: str) -> Path:
        """Where that lies on this machine. Raises ValueError for what belongs to the base image's system."""
        inside = Path("/") / self.workdir / path
        if inside.is_relative_to("/usr/local"):
            return self.local / inside.relative_to("/usr/local")
        if inside.parts[1:2] and inside.parts[1] in (*SYSTEM, *KERNEL):
            raise ValueError(f"{inside} is the system's own")
        return self.folder / inside.relative_to("/")

    def command(self, words: Sequence[str], variables: Mapping[str, str], *, read_only: bool) -> list[str]:
        """What carries out the words inside, as the image's user. The process becomes theirs: nothing lies between."""
        uid, _, gid = self.user.partition(":")
        rights = [] if uid == "0" else ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        told = [f"{name}={value}" for name, value in {**self.known, **variables}.items()]
        return [
            "unshare", "--mount", "sh", "-c", ENTER, "sh",
            str(self.folder), str(self.local), "ro" if read_only else "rw",
            "/usr/bin/setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *rights,
            "/usr/bin/env", "-i", f"--chdir={self.workdir}", *told, *words,
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Image:
    """What was built. It may be run in several containers at once: nothing can be written to it."""

    root: Root
    stage: Stage

    def run(
        self, words: Sequence[str], variables: Mapping[str, str] = {}, *, given: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        """To its end. `words` take the place of the entry point."""
        command = self.root.command(words, variables, read_only=True)
        return subprocess.run(command, capture_output=True, text=True, input=given, timeout=120, check=False)

    def start(self, module: str, variables: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
        """Its entry point, with that module."""
        words = [*self.stage.last("ENTRYPOINT").words(), module]
        with log.open("wb") as said:
            return subprocess.Popen(
                self.root.command(words, variables, read_only=True),
                stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
            )  # fmt: skip


def build(dockerfile: Path, context: Path, folder: Path) -> Image:
    """Raises Broken."""
    done: dict[str, Root] = {}
    stages = read(dockerfile)
    for stage in stages:
        root = _base(folder / stage.name)
        for instruction in stage.instructions:
            _carry_out(instruction, root, done, context)
        done[stage.name] = root
    return Image(done[stages[-1].name], stages[-1])


def _carry_out(instruction: Instruction, root: Root, done: Mapping[str, Root], context: Path) -> None:
    match instruction.keyword:
        case "RUN":
            _run(instruction.value, root)
        case "COPY":
            _copy(instruction, root, done, context)
        case "ENV":
            root.known.update(instruction.pairs(root.known))
        case "WORKDIR":
            root.workdir = str(Path("/") / root.workdir / expanded(instruction.value, root.known))
            root.place(".").mkdir(parents=True, exist_ok=True)
        case "USER":
            root.user = instruction.value


def _run(script: str, root: Root) -> None:
    builders = {name: value for name, value in os.environ.items() if _of_the_builder(name)}
    command = root.command(["/bin/sh", "-c", script], builders, read_only=False)
    ended = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if ended.returncode:
        raise Broken(f"RUN {script}\nended with {ended.returncode}: {(ended.stdout + ended.stderr)[-3_000:]}")


def _of_the_builder(name: str) -> bool:
    return name.startswith(BUILDER) or name.lower().endswith("_proxy")


def _copy(instruction: Instruction, root: Root, done: Mapping[str, Root], context: Path) -> None:
    """A folder's contents go where it is said to go; files go into a folder if it ends in a slash."""
    *sources, target = instruction.words()
    origin = instruction.flags.get("from")
    for source in sources:
        found = done[origin].place(source) if origin else _seen(context, source, root.folder.parent / "context")
        goal = root.place(target)
        if found.is_dir():
            shutil.copytree(found, goal, symlinks=True, dirs_exist_ok=True)
            continue
        goal = goal / found.name if target.endswith("/") else goal
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(found, goal)


def _seen(context: Path, source: str, copied: Path) -> Path:
    """The source as .dockerignore shows it. Raises Broken where nothing of it is seen."""
    for file in visible(context, ignore_patterns(context / ".dockerignore")):
        if file.is_relative_to(source) and (context / file).is_file():
            (copied / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(context / file, copied / file)
    if not (copied / source).exists():
        raise Broken(f"COPY {source}: .dockerignore leaves nothing of it")
    return copied / source


def _base(folder: Path) -> Root:
    """An empty root with this machine's system, and this Python in the place of the image's."""
    root = Root(folder / "root", folder / "local")
    for name in (*SYSTEM, *KERNEL, "tmp"):
        place = root.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (of_machine := Path("/") / name).is_symlink():
            place.symlink_to(of_machine.readlink())
        else:
            place.mkdir(mode=0o1777 if name == "tmp" else 0o755)
    for file in _python(Path(sys.base_prefix)):
        goal = root.local / file.relative_to(sys.base_prefix)
        goal.parent.mkdir(parents=True, exist_ok=True)
        if file.is_dir():
            shutil.copytree(file, goal, symlinks=True, ignore=NOT_NEEDED, dirs_exist_ok=True)
        else:
            shutil.copy2(file, goal, follow_symlinks=False)
    (root.local / "bin" / "python").unlink(missing_ok=True)
    (root.local / "bin" / "python").symlink_to(f"python{_version()}")
    return root


def _python(prefix: Path) -> Iterator[Path]:
    library = prefix / "lib" / f"python{_version()}"
    yield library
    yield from map(Path, glob.glob(f"{prefix}/bin/python*[0-9]"))
    yield from map(Path, glob.glob(f"{prefix}/lib/libpython*.so*"))
    for tool in TOOLS:
        yield from map(Path, glob.glob(f"{library}/site-packages/{tool}"))
        yield from map(Path, glob.glob(f"{library}/site-packages/{tool}-*.dist-info"))


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
