"""JPEGs become pictures off the GUI thread."""

from __future__ import annotations

from PySide6.QtGui import QImage


def decode(jpeg: bytes) -> QImage:
    """The picture, or a null one for bytes that are none. May be called on any thread.

    The form is named so that Qt does not guess it: a guess asks the SVG plugin, which connects signals while this
    thread holds Python's lock, and waits for ever if the GUI thread disconnects one and wants that lock (seen once in
    some thousands of windows, PySide6 6.11.3: everything stands still).
    """
    return QImage.fromData(jpeg, "JPG")  # type: ignore[arg-type]  # the stub asks for bytes, the binding for str
