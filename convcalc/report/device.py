"""Devices side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from convcalc.report.numbers import short, size
from convcalc.report.text import write_grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convcalc.devices import Device


def write_devices(devices: Mapping[str, Device], file: TextIO) -> None:
    """Peaks, bandwidth and cache by name, and below who says so."""
    dtypes = list(dict.fromkeys(dtype for device in devices.values() for dtype in device.flops))
    head = ["device", *(f"{dtype} FLOP/s" for dtype in dtypes), "bytes/s", "cache"]
    rows = [
        [
            name,
            *(short(int(device.flops[dtype])) if dtype in device.flops else "" for dtype in dtypes),
            size(int(device.bandwidth)),
            size(device.cache) if device.cache else "",
        ]
        for name, device in devices.items()
    ]
    write_grid([head, *rows], [False, *(True for _ in head[1:])], file)
    file.write("\n")
    for name, device in devices.items():
        file.write(f"{name}: {device.name}; {device.source or 'no source is told'}\n")
