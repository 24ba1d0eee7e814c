"""convcalc as a process: the installed command, and ``python -m convcalc``."""

from __future__ import annotations

import atexit
import gc


def main() -> None:
    """Run the command line, then leave."""
    # A short process makes next to no garbage. Looking for it again and again among all that is being imported,
    # and once more at the end, would take a fifth of the time of `convcalc shape`.
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)
    from convcalc.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
