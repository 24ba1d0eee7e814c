"""``convcalc device``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def device(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DEVICE]...", help="Shipped devices, or files; all shipped ones by default."),
    ] = None,
    measure: Annotated[bool, typer.Option("--measure", help="Measure this machine, and write its file.")] = False,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.", show_default=False)
    ] = "",
) -> None:
    """What devices can do at best, for --device of shape and run."""
    from convcalc.diagnostics import Misuse

    if output and not measure:
        raise Misuse("--output is of no use without --measure")
    if measure and names:
        raise Misuse("--measure is about this machine: leave the names out")
    if measure:
        from convcalc.checks.capacity import available
        from convcalc.devices.measuring import measure as measured

        text = measured(available()).written()
        if output:
            from convcalc.replacing import replacing

            with replacing(output) as file:
                file.write(text.encode())
        else:
            sys.stdout.write(text)
        return
    from convcalc import devices
    from convcalc.report.device import write_devices

    write_devices({name: devices.open_device(name) for name in names or devices.names()}, sys.stdout)
