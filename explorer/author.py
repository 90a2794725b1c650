"""Who says something about a library."""

from __future__ import annotations

import getpass


def author() -> str:
    """The name that the machine has for the person."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user in this machine's books
        return "somebody"
