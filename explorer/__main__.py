"""`python -m explorer`: the window. Without a display it says how to get a picture instead."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from explorer.arguments import MAIN_COMMAND, Options, parse


def has_display(environment: Mapping[str, str], platform: str) -> bool:
    """Whether Qt will find somewhere to show a window."""
    if not platform.startswith("linux"):
        return True
    return any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def no_display_text(options: Options) -> str:
    """One sentence and the command that makes a picture without a display."""
    where = f"open {options.library}" if options.library not in ("", "demo") else "demo"
    query = options.query or "a red car ahead"
    return (
        "There is no display here, so the window cannot open; this makes a picture of it instead:\n"
        f'  {MAIN_COMMAND} {where} --query "{query}" --screenshot drivescope.png'
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the window; returns the exit code."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    if not has_display(os.environ, sys.platform):
        if not options.screenshot:
            sys.stdout.write(no_display_text(options) + "\n")
            return 0
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtWidgets import QApplication  # only now: without a display this would be for nothing

    from explorer.app import run

    QApplication.setApplicationName("drivescope")
    QApplication.setApplicationDisplayName("Drivescope")
    QApplication.setDesktopFileName("drivescope")
    QApplication.setStyle("Fusion")
    return run(QApplication(sys.argv[:1]), options)


if __name__ == "__main__":
    sys.exit(main())
