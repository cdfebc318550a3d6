"""What the documents show is what happens: blocks of README.md are run, docs/machines.md is a doctest."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n\$ (qmodel [^\n]+)\n(.*?)```", README, re.S)


def _neutral(text: str) -> str:
    """Without what differs from run to run: seconds, and the space that pads columns."""
    return re.sub(r"\d+\.\d s\b", "N s", re.sub(r"[ \t]+", " ", text))


@pytest.mark.parametrize(("command", "shown"), BLOCKS, ids=[command for command, _ in BLOCKS])
def test_readme_command(command: str, shown: str, tmp_path: Path) -> None:
    commands = [command, *re.findall(r"^\$ (qmodel .+)$", shown, re.M)]
    lines = [line for line in shown.splitlines() if line.strip() not in ("", "...") and not line.startswith("$")]
    for words in commands:
        done = subprocess.run(
            [sys.executable, "-c", "from qmodel.cli import main; main()", *shlex.split(words)[1:]],
            capture_output=True, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        for line in lines:
            assert _neutral(line).strip() in _neutral(done.stdout), line


def test_readme_names_only_files_that_exist() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_tour_of_the_vocabulary() -> None:
    failed, tried = doctest.testfile(str(ROOT / "docs/machines.md"), module_relative=False)
    assert tried > 10
    assert failed == 0


def test_tour_of_the_search() -> None:
    failed, tried = doctest.testfile(str(ROOT / "docs/search.md"), module_relative=False)
    assert tried > 10
    assert failed == 0
