"""The wall between the two processes: who may import what, by reading the code and by running it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "cv2", "faiss", "open_clip", "av", "numpy", "torchvision"}


def imported(path: Path) -> set[str]:
    """Every module that a file names in an import, wherever the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def files(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("path", files("explorer"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_window_knows_only_the_protocol_of_core(path):
    names = imported(path)
    of_core = {name for name in names if name.split(".")[0] == "core"}
    assert {".".join(name.split(".")[:2]) for name in of_core} <= {"core.protocol", "core"}
    assert of_core <= {"core"} | {name for name in of_core if name.startswith("core.protocol")}
    assert not {name.split(".")[0] for name in names} & HEAVY


@pytest.mark.parametrize("path", files("core"), ids=lambda path: str(path.relative_to(ROOT)))
def test_core_knows_nothing_of_qt_or_the_window(path):
    roots = {name.split(".")[0] for name in imported(path)}
    assert not roots & {"PySide6", "PyQt6", "PyQt5", "shiboken6", "explorer"}


def test_a_started_window_has_loaded_nothing_heavy():
    code = "import sys, explorer.app, explorer.screenshot; print(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "explorer.app" in loaded
    assert not {name.split(".")[0] for name in loaded} & HEAVY
    of_core = {name for name in loaded if name.split(".")[0] == "core"}
    assert {".".join(name.split(".")[:2]) for name in of_core} == {"core", "core.protocol"}


@pytest.mark.parametrize("path", files("core/protocol"), ids=lambda path: path.name)
def test_the_protocol_needs_nothing_but_its_encoder(path):
    outside = {name for name in imported(path) if not name.startswith("core.protocol")}
    assert {name.split(".")[0] for name in outside} <= {"msgspec", "core"} | sys.stdlib_module_names


def test_without_a_display_no_widgets_are_imported():
    code = (
        "import sys, explorer.__main__ as m; code = m.main(['demo']); "
        "assert 'PySide6.QtWidgets' not in sys.modules; sys.exit(code)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux can be without a display")
    assert run.returncode == 0, run.stderr
    assert "There is no display here" in run.stdout
    assert "--screenshot" in run.stdout
