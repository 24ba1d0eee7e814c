"""The command line: one module a command, imported when it is asked for.

Exit codes: 0 fine, 1 the spec has findings, 2 could not run.
"""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup


class Commands(TyperGroup):
    """Finds commands by the modules of this package, so that one costs nothing until it is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command's name, sorted."""
        files = os.listdir(os.path.dirname(__file__))
        return sorted(f[:-3].replace("_", "-") for f in files if f.endswith(".py") and not f.startswith("_"))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, or None."""
        if cmd_name not in self.list_commands(ctx):
            return None
        name = cmd_name.replace("-", "_")
        module = import_module(f"convcalc.cli.{name}")
        single = typer.Typer(add_completion=False)
        single.command(cmd_name, context_settings=getattr(module, "CONTEXT", None))(getattr(module, name))
        return typer.main.get_command(single)


app = typer.Typer(cls=Commands, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


def _print_version(wanted: bool) -> None:
    if wanted:
        from convcalc import __version__

        print(f"convcalc {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Shapes, receptive fields, parameters and cost of convolutional networks, from a text file."""


def main() -> None:
    """Run the command line; what goes wrong is told in one line, or as findings with their place."""
    from convcalc.diagnostics import Misuse, SpecError, Unreadable

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what its encoding lacks is no reason to stop
            stream.reconfigure(errors="backslashreplace")
    try:
        app(windows_expand_args=False)
    except SpecError as error:
        from convcalc.report.findings import print_findings

        print_findings(error.diagnostics, sys.stderr)
        sys.exit(error.exit_code)
    except (Unreadable, Misuse) as error:
        _fail(str(error))
    except (BrokenPipeError, KeyboardInterrupt) as error:
        # What reads our output has gone, or the user asked to stop: neither wants a message.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # closed by the exit
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)
    except OSError as error:
        _fail(f"{error.filename or 'output'}: {(error.strerror or str(error)).lower()}")
    except Exception as error:
        if os.environ.get("CONVCALC_DEBUG"):
            raise
        _fail(f"a defect in convcalc: {type(error).__name__}: {error} (set CONVCALC_DEBUG=1 for the trace)")


def _fail(message: str) -> None:
    print(f"convcalc: {message}", file=sys.stderr)
    sys.exit(2)
