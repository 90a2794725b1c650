"""The rooms of core stand on one another in one order: nothing points back, so each can be read without those above."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORDER = (
    {"errors", "files", "paths", "protocol"},
    {"models"},
    {"library", "world"},
    {"search"},
    {"explain"},
    {"evaluate"},
    {"engine", "training"},
    {"arguments", "bench", "bench_peers", "cli", "commands", "opening", "terminal"},
)
"""From the ground up. A room imports from the floors below; the ground floor and the command line know themselves."""
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
COMMAND_LINE = len(ORDER) - 1
TOOLS = {
    (
        "evaluate/feedback_truth.py",
        "training",
    ),  # `python -m`: asks about facts that training makes queries of
    ("evaluate/query_truth.py", "training"),  # `python -m`: asks what training makes queries of
    ("explain/moments_truth.py", "evaluate"),  # `python -m`: measures moments with the metrics of the field,
    ("explain/moments_truth.py", "training"),  # on the clips of a training set
    (
        "models/parity_arrays.py",
        "training",
    ),  # `python -m core.models.parity`: losses are golden numbers too
}
"""What programs of the house may do that nothing else imports."""


def floor_of(path: Path) -> int:
    """A room's options and commands are part of the command line, wherever they lie."""
    return (
        COMMAND_LINE
        if path.stem == "command_line"
        else LEVEL[path.parts[1] if len(path.parts) > 2 else path.stem]
    )


def rooms_named(path: Path) -> set[str]:
    """Every room of core that a file imports from, also inside functions and for type checking."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "core":
            names |= {f"core.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[1] for name in names if name.startswith("core.")}


FILES = sorted(path.relative_to(ROOT) for path in (ROOT / "core").rglob("*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to("core")))
def test_no_room_knows_one_above_it(path):
    own, level = path.parts[1] if len(path.parts) > 2 else path.stem, floor_of(path)
    for room in sorted(rooms_named(path) - {own}):
        beside = LEVEL[room] == level and level in (0, COMMAND_LINE)
        allowed = LEVEL[room] < level or beside or (path.relative_to("core").as_posix(), room) in TOOLS
        assert allowed, f"{path} imports from core.{room}, which stands above or beside it"


def test_every_room_has_its_place():
    rooms = {path.parts[1] if len(path.parts) > 2 else path.stem for path in FILES}
    assert rooms <= set(LEVEL)


def test_exceptions_are_still_needed():
    for file, room in TOOLS:
        assert room in rooms_named(Path("core") / file)
