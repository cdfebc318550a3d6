"""Runs of the thread pool, small enough for every test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmodel.runtime.report import RunReport, Settings
from qmodel.runtime.run import Run


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a run in a directory of its own."""

    def make(**options: Any) -> Settings:
        return Settings(**{"file": tmp_path / "image", "seed": 7, "patience": 20.0, "blocks": 128, **options})

    return make


@pytest.fixture
def run(settings: Callable[..., Settings]) -> Callable[..., RunReport]:
    """Do a run."""
    return lambda **options: Run(settings(**options)).go()
