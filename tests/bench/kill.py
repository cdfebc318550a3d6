"""Kill -9 a checkpointed search at random moments, resume it, and compare what it finds with a search in one piece.

    python -m tests.bench.kill [SYSTEM] [-p NAME=VALUE ...] [--kills 10] [--seed 1]

Every round kills one search once, at a moment drawn from the time that the whole takes, and lets the resumed one
finish; a last search is killed again and again.  Exit 1 if a single number differs.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

COMPARED = ("verdict", "states", "transitions", "depth", "states_at_rest", "never_taken")


QMODEL = str(Path(sys.executable).with_name("qmodel"))


def command(words: list[str], folder: Path, resume: bool) -> list[str]:
    """A check of the system, saved several times a second."""
    saving = ["--checkpoint", str(folder), "--every", "0.3", *(["--resume"] if resume else [])]
    return [QMODEL, "check", *words, "--json", *saving]


def finish(words: list[str], folder: Path, resume: bool) -> dict[str, Any]:
    """Search to the end."""
    done = subprocess.run(command(words, folder, resume), capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise SystemExit(f"exit {done.returncode}: {done.stderr}") from None
    return {name: found[name] for name in COMPARED}


def killed(words: list[str], folder: Path, resume: bool, after: float) -> bool:
    """Search, and kill the search `after` seconds; False if it was finished before."""
    search = subprocess.Popen(command(words, folder, resume), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        search.wait(after)
        return False
    except subprocess.TimeoutExpired:
        search.kill()
        search.wait()
        return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", nargs="?", default="thread-pool@271c0f68b4")
    parser.add_argument("-p", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    words = [given.system, *(word for scope in given.p for word in ("-p", scope))]
    moments = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        wanted = finish(words, Path(folder, "whole"), False)
        whole = time.monotonic() - started
        print(f"in one piece, {whole:.1f} s, seed {given.seed}: {wanted}", flush=True)
        wrong = 0
        for number in range(given.kills):
            place, after = Path(folder, str(number)), moments.uniform(0, whole)
            hit = killed(words, place, False, after)
            found = finish(words, place, True)
            wrong += found != wanted
            said = "same" if found == wanted else f"DIFFERS: {found}"
            print(f"{'killed' if hit else 'done  '} after {after:5.1f} s of {whole:.1f}, resumed: {said}", flush=True)
        place, kills = Path(folder, "often"), 0
        while kills < given.kills and killed(words, place, kills > 0, moments.uniform(0.4, 0.8) * whole):
            kills += 1
        found = finish(words, place, True)
        wrong += found != wanted
        print(f"killed {kills} times in one search: {'same' if found == wanted else f'DIFFERS: {found}'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
