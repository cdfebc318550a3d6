"""What every command shares: the application, its consoles, exit codes, and how errors are shown."""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any, NoReturn

import typer
from rich.console import Console

from ..spec.errors import QModelError, UsageError

app = typer.Typer(
    name="qmodel",
    help="Explicit state machines of QEMU's asynchronous I/O stack: explored, fuzzed, drawn, and run for real.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
err = Console(stderr=True, highlight=False, soft_wrap=True)

HOLDS, VIOLATED, INTERRUPTED, INTERNAL, USAGE, NOTHING, INCONCLUSIVE = 0, 1, 2, 3, 4, 5, 7

PARAMETERS = typer.Option("--param", "-p", metavar="NAME=VALUE", help="Change a scope parameter; may be repeated.")
JSON = typer.Option("--json", help="Print one JSON document instead of text.")


def scope_of(parameters: list[str] | None) -> dict[str, int]:
    """The scope that `-p NAME=VALUE` options spell.

    Raises:
        UsageError: one is not of that form.
    """
    scope = {}
    for text in parameters or []:
        name, equals, value = text.partition("=")
        if not equals or not value.lstrip("-").isdigit():
            raise UsageError(f"`-p {text}` is not of the form NAME=NUMBER")
        scope[name] = int(value)
    return scope


def print_json(document: dict[str, Any]) -> None:
    json.dump(document, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


def leave(code: int) -> NoReturn:
    raise typer.Exit(code)


# What typer raises for a wrong command line; it has no public name of its own.
_WrongCommandLine: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def main() -> None:
    """The `qmodel` command: a user's mistake is one message and exit 4, never a traceback."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except QModelError as error:
        err.print(f"error: {error}", markup=False)
        sys.exit(USAGE)
    except _WrongCommandLine as error:
        err.print(f"error: {error.format_message()}", markup=False)
        sys.exit(USAGE)
    except KeyboardInterrupt:
        err.print("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(INTERRUPTED)
    except Exception:
        traceback.print_exc()
        sys.exit(INTERNAL)
