"""A wheel, installed into a clean environment, gives a working `qmodel` from any directory, specifications included."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_package_is_listed() -> None:
    """`packages` in pyproject.toml is written by hand; a folder that it forgets would be missing from the wheel."""
    import tomllib

    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    there = {".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / "qmodel").rglob("__init__.py")}
    assert set(listed) == there | {"qmodel_specs"}


@pytest.mark.slow
def test_wheel_works_from_any_directory(tmp_path: Path) -> None:
    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([*map(str, words)], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode in (0, 1), done.stderr
        return done

    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT)
    run(sys.executable, "-m", "venv", tmp_path / "clean")
    run(tmp_path / "clean/bin/pip", "install", "--quiet", next(tmp_path.glob("*.whl")))
    assert "thread-pool@271c0f68b4" in run(tmp_path / "clean/bin/qmodel", "list").stdout
    found = run(tmp_path / "clean/bin/qmodel", "races", "B03")
    assert found.returncode == 0
    assert "use after free" in found.stdout
