"""`python -m core.engine`: the engine as the window starts it.

The token comes by environment (never by argument: `ps` shows those). Standard output carries one JSON line with
the port; logs go to standard error. When standard input closes, the window is gone and the engine leaves.
"""

from core.engine.service import main

if __name__ == "__main__":
    raise SystemExit(main(leave_with_parent=True))
