"""`qmodel diagram`: the machines as pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from ..compose.library import build, find, machine_name, systems
from ..compose.result import Result, Verdict
from ..explore.limits import Limits
from ..explore.reference import explore
from ..show import gallery as shown
from ..show.dot import MARK
from ..show.gallery import FORMATS, SUFFIXES, Picture
from ..show.survey import Survey, survey_of
from ..show.svg import DotMissing, stamp, svg
from ..spec.errors import UsageError
from .app import app, err, out

STATES = 5_000
"""Where a search for who moves what gives up."""

FORMAT = typer.Option("--format", help="dot, mermaid, svg or all.")


@app.command()
def diagram(
    address: Annotated[str, typer.Argument(help="A system: thread-pool, thread-pool@271c0f68b4.")] = "",
    machine: Annotated[str, typer.Argument(help="One machine of it; or another system, to compare.")] = "",
    folder: Annotated[Path, typer.Option("--out", help="Folder that takes SYSTEM/MACHINE.svg.")] = Path("."),
    wanted: Annotated[str, FORMAT] = "all",
    everything: Annotated[bool, typer.Option("--all", help="Every machine of every system, and an index.")] = False,
) -> None:
    """Draw the machines of a system, one of them, or what differs between two systems."""
    formats = chosen(wanted)
    if everything:
        _write_gallery(folder, formats, wanted)
        return
    if not address:
        raise UsageError("say which system: `qmodel diagram thread-pool`; `qmodel list` has them all")
    if _is_address(machine):
        write(folder, shown.difference_pictures(build(address), build(machine)), formats, wanted)
        return
    model = build(address)
    if machine:
        machine = machine_name(model.address, shown.machines_of(model), machine)
    survey = survey_of(search(address)) if shown.has_lifecycle(model, machine) else Survey()
    write(folder, shown.system_pictures(model, survey, machine), formats, wanted)


def chosen(wanted: str) -> tuple[str, ...]:
    """The formats that `--format` names."""
    if wanted not in (*FORMATS, "all"):
        raise UsageError(f"there is no format `{wanted}`; there are {', '.join(FORMATS)} and all")
    return FORMATS if wanted == "all" else (wanted,)


def _is_address(name: str) -> bool:
    return name.partition("@")[0] in {system.name for system in systems()}


# -- who moves what --------------------------------------------------------------------------------


def search(address: str) -> Iterator[Result]:
    """Searches of a system in small scopes: `address` and, where that is violated, the versions after it."""
    first = find(address)
    versions = [system for system in systems() if system.name == first.name]
    for scope in small_scopes(address):
        for system in versions[versions.index(first) :]:
            result = explore(build(system.address(), scope), Limits(states=STATES))
            yield result
            if result.verdict is not Verdict.VIOLATED:
                break


def small_scopes(address: str) -> list[dict[str, int]]:
    """Scopes that a search exhausts in seconds and that between them take most steps.

    Every size is 1; all but the first size are; and every size is 1 with every switch on.
    """
    declared = find(address).scopes()
    sizes = [name for name, scope in declared.items() if scope.at_most is None and scope.default > 1]
    switches = [name for name, scope in declared.items() if scope.at_most is not None and not scope.default]
    scopes = [dict.fromkeys(sizes, 1), dict.fromkeys(sizes[1:], 1)]
    scopes.append({**scopes[0], **dict.fromkeys(switches, 1)})
    return [scope for i, scope in enumerate(scopes) if scope not in scopes[:i]]


# -- writing ---------------------------------------------------------------------------------------


def all_pictures() -> list[Picture]:
    """Every picture of `qmodel diagram --all`."""
    found = systems()
    first = {system.name: system for system in reversed(found)}
    survey = survey_of(result for name in sorted(first) for result in search(first[name].address()))
    return shown.gallery([build(system.address()) for system in found], survey)


def _write_gallery(folder: Path, formats: Iterable[str], wanted: str) -> None:
    pictures = all_pictures()
    written = write(folder, pictures, formats, wanted)
    (folder / "README.md").write_text(shown.index(pictures))
    stems = {picture.stem for picture in pictures}
    for path in sorted(folder.glob("*/*")):
        if path not in written and _is_stale(path, folder, stems):
            path.unlink()
            out.print(f"removed {path}, which is no longer generated", markup=False)


def _is_stale(path: Path, folder: Path, stems: set[str]) -> bool:
    """Whether an earlier run generated `path` and no machine stands behind it any more."""
    stem = path.relative_to(folder).with_suffix("").as_posix()
    return path.suffix[1:] in SUFFIXES.values() and stem not in stems and MARK.split(";")[0] in path.read_text()


def write(folder: Path, pictures: list[Picture], formats: Iterable[str], wanted: str) -> set[Path]:
    """Write the pictures; without `dot`, all but SVG, unless SVG alone was asked for."""
    if not pictures:
        err.print("nothing to draw: no machine differs")
        return set()
    written: set[Path] = set()
    for picture in pictures:
        texts = picture.texts()
        target = folder / picture.folder
        target.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            if any(name.endswith(f".{SUFFIXES[kind]}") for kind in formats):
                (folder / name).write_text(text)
                written.add(folder / name)
        if "svg" in formats:
            path = folder / f"{picture.stem}.svg"
            try:
                _write_svg(path, texts[f"{picture.stem}.dot"])
                written.add(path)
            except DotMissing as missing:
                if wanted == "svg":
                    raise
                err.print(f"no SVG written: {missing}", markup=False)
                formats = [kind for kind in formats if kind != "svg"]
    err.print(f"{len(written)} files of {len(pictures)} pictures in {folder}", markup=False)
    return written


def _write_svg(path: Path, text: str) -> None:
    if not path.exists() or not path.read_text().endswith(stamp(text)):
        path.write_text(svg(text))
