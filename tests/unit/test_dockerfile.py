"""What stands in for a builder reads a Dockerfile and .dockerignore as a builder would, or refuses to."""

from pathlib import Path

import pytest

from tests.dockerfile import Instruction, read, visible


def dockerfile(folder: Path, text: str) -> Path:
    file = folder / "Dockerfile"
    file.write_text(text)
    return file


def tree(folder: Path, *files: str) -> Path:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def seen(folder: Path, *patterns: str) -> list[str]:
    return [str(file) for file in visible(folder, patterns)]


def test_an_instruction_may_go_over_several_lines_with_comments_between(tmp_path: Path) -> None:
    (stage,) = read(dockerfile(tmp_path, "FROM base AS first\n# why\nRUN one \\\n # because\n && two\n"))
    assert [Instruction("RUN", {}, "one && two")] == stage.instructions


def test_flags_are_no_part_of_the_value(tmp_path: Path) -> None:
    (stage,) = read(dockerfile(tmp_path, "FROM base\nCOPY --from=build --chown=1:1 /a /b\n"))
    assert [Instruction("COPY", {"from": "build", "chown": "1:1"}, "/a /b")] == stage.instructions


@pytest.mark.parametrize("line", ["ADD x /x", "VOLUME /x", "RUN <<END", "CMD x", "MAINTAINER x"])
def test_what_is_not_understood_is_not_passed_over(tmp_path: Path, line: str) -> None:
    with pytest.raises(ValueError, match="not understood"):
        read(dockerfile(tmp_path, f"FROM base\n{line}\n"))


def test_a_variable_that_is_not_known_is_not_empty() -> None:
    with pytest.raises(KeyError):
        Instruction("ENV", {}, "PATH=/opt:$PATH").pairs({})


def test_all_may_be_hidden_and_something_let_in_again(tmp_path: Path) -> None:
    folder = tree(tmp_path, "a/x", "a/y", "b/x", "c")
    assert seen(folder, "*", "!a/x", "!c") == ["a/x", "c"]


def test_the_last_pattern_that_speaks_of_a_file_counts(tmp_path: Path) -> None:
    folder = tree(tmp_path, "a/x.py", "a/.hidden", "a/__pycache__/x.pyc")
    assert seen(folder, "*", "!a", "**/__pycache__", "**/.*") == ["a/x.py"]


def test_a_pattern_speaks_of_what_is_below_a_folder_too_but_not_of_names_that_only_begin_alike(tmp_path: Path) -> None:
    folder = tree(tmp_path, "docs/a/b", "docs-old/a")
    assert seen(folder, "docs") == ["docs-old/a"]
