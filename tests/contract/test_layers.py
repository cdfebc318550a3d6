"""Who may import whom.  A layer that reaches up makes the engine depend on its clients; nobody would notice in use."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "spec": set(),
    "compose": {"spec"},
    "explore": {"spec", "compose"},
    "runtime": {"spec", "compose"},
    "show": {"spec", "compose"},
    "cli": {"spec", "compose", "explore", "runtime", "show"},
}


def imports(file: Path) -> set[str]:
    """Absolute names of the modules that `file` imports, also inside functions."""
    package = file.relative_to(ROOT).with_suffix("").parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {module} if node.module else {f"{module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("layer", ALLOWED)
def test_layer(layer: str) -> None:
    for file in sorted((ROOT / "qmodel" / layer).rglob("*.py")):
        used = {name.split(".")[1] for name in imports(file) if name.startswith("qmodel.") and name.count(".") >= 1}
        assert used <= ALLOWED[layer] | {layer}, f"{file}: {used}"


def test_vocabulary_needs_only_the_standard_library() -> None:
    for file in (ROOT / "qmodel" / "spec").glob("*.py"):
        outside = {name.split(".")[0] for name in imports(file)} - set(sys.stdlib_module_names) - {"qmodel"}
        assert not outside, f"{file}: {outside}"


def test_nothing_imports_the_command_line() -> None:
    for file in (ROOT / "qmodel").rglob("*.py"):
        if "cli" not in file.parts:
            assert not any(name.startswith("qmodel.cli") for name in imports(file)), file


def test_specifications_use_only_public_names() -> None:
    for file in (ROOT / "specs").glob("*.py"):
        reached = {name for name in imports(file) if name.startswith("qmodel")}
        assert reached <= {"qmodel"}, f"{file}: {reached}"


def test_only_who_asks_for_runs_loads_scipy() -> None:
    """`qmodel check` of a small system must stay quick."""
    code = (
        "import sys; sys.argv = ['qmodel', 'check', 'event-notifier', '-p', 'sets=1', '--json']\n"
        "from qmodel.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print([m for m in ('numpy', 'scipy') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_importing_qmodel_is_light() -> None:
    """`import qmodel` must not pay for what only some commands need."""
    heavy = "hypothesis, networkx, numpy, scipy, graphviz, rich, typer"
    code = f"import sys, qmodel; print([m for m in '{heavy}'.split(', ') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
