"""What does a Dockerfile say, stage by stage, and which files does its builder see?

Only what ours uses is understood; anything else raises ValueError, so that nothing of it is passed over in silence.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# No ADD, CMD, ONBUILD, SHELL, VOLUME.
KEYWORDS = frozenset(
    [
        "ARG",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "RUN",
        "STOPSIGNAL",
        "USER",
        "WORKDIR",
    ]
)
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True, slots=True)
class Instruction:
    """`flags` are what stands before the value as --name=value."""

    keyword: str
    flags: Mapping[str, str]
    value: str

    def words(self) -> list[str]:
        """Of the exec form, or of the shell's."""
        return list(map(str, json.loads(self.value))) if self.value.startswith("[") else shlex.split(self.value)

    def pairs(self, known: Mapping[str, str] | None = None) -> dict[str, str]:
        """Of NAME=value..., with $NAME replaced by what is known; as written where nothing is said to be known."""
        found = (word.partition("=") for word in shlex.split(self.value))
        return {name: value if known is None else expanded(value, known) for name, _, value in found}


@dataclass(slots=True)
class Stage:
    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def last(self, keyword: str) -> Instruction:
        """Raises IndexError where there is none."""
        return [instruction for instruction in self.instructions if instruction.keyword == keyword][-1]

    @property
    def health_command(self) -> list[str]:
        keyword, _, command = self.last("HEALTHCHECK").value.partition(" ")
        if keyword != "CMD":
            raise ValueError(f"HEALTHCHECK {keyword}")
        return list(map(str, json.loads(command)))

    @property
    def environment(self) -> dict[str, str]:
        """As the stage itself writes it."""
        written = (instruction.pairs() for instruction in self.instructions if instruction.keyword == "ENV")
        return {name: value for pairs in written for name, value in pairs.items()}


def read(file: Path) -> list[Stage]:
    stages: list[Stage] = []
    for instruction in map(_instruction, _logical_lines(file.read_text(encoding="utf-8"))):
        if instruction.keyword == "FROM":
            base, *alias = instruction.value.split()
            stages.append(Stage(base, alias[1] if alias else str(len(stages))))
        elif stages:
            stages[-1].instructions.append(instruction)
        elif instruction.keyword != "ARG":
            raise ValueError(f"{instruction.keyword} before the first FROM")
    return stages


def base_image(file: Path) -> str:
    """What `ARG PYTHON` before the first FROM says."""
    first = _instruction(next(_logical_lines(file.read_text(encoding="utf-8"))))
    return first.pairs()["PYTHON"]


def expanded(text: str, known: Mapping[str, str]) -> str:
    """Raises KeyError for what is not known."""
    return VARIABLE.sub(lambda found: known[found[1] or found[2]], text)


def visible(context: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """The files below `context` that .dockerignore leaves, relative to it."""
    rules = [(not p.startswith("!"), _pattern(p.removeprefix("!"))) for p in patterns]
    for file in _files(context, context, rules):
        if not _ignored(file, rules):
            yield file


def ignore_patterns(file: Path) -> list[str]:
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _logical_lines(text: str) -> Iterator[str]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    yield from re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()


def _instruction(line: str) -> Instruction:
    keyword, _, rest = line.partition(" ")
    if keyword not in KEYWORDS or "<<" in rest:
        raise ValueError(f"not understood: {line}")
    flags = {}
    while found := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
        flags[found[1]] = found[2]
        rest = rest[found.end() :]
    return Instruction(keyword, flags, rest.strip())


_Rules = Sequence[tuple[bool, "re.Pattern[str]"]]


def _files(folder: Path, context: Path, rules: _Rules) -> Iterator[Path]:
    """Does not go where nothing can be let in again."""
    for entry in sorted(folder.iterdir()):
        path = entry.relative_to(context)
        if not entry.is_dir() or entry.is_symlink():
            yield path
        elif not _ignored(path, rules) or any(
            not out and p.pattern.startswith(re.escape(f"{path}/")) for out, p in rules
        ):
            yield from _files(entry, context, rules)


def _ignored(path: Path, rules: _Rules) -> bool:
    """The last pattern that speaks of the path, or of a folder above it, counts."""
    steps = [str(p) for p in (path, *path.parents) if p != Path()]
    verdicts = [out for out, pattern in rules if any(map(pattern.fullmatch, steps))]
    return bool(verdicts) and verdicts[-1]


def _pattern(text: str) -> "re.Pattern[str]":
    meanings = {"**/": r"(?:.*/)?", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return re.compile("".join(meanings.get(t, re.escape(t)) for t in re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", text)))
