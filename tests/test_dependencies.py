"""What the code imports is declared: what only comes along with another package goes when that package drops it."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OWN = {"core", "explorer", "tests"}


def declared(extra):
    """Names of distributions that an installation with this extra asks for, normalised as PEP 503 says."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["world"], *(extras[extra] if extra else ())]
    return {normalised(re.match(r"[\w.-]+", line)[0]) for line in wanted}


def normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(folder):
    """Top-level modules that are neither Python's nor ours, each with a file that imports it."""
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            for name in names:
                found.setdefault(name.split(".")[0], path.relative_to(ROOT))
    return {name: path for name, path in found.items() if name not in OWN | sys.stdlib_module_names}


@pytest.mark.parametrize(("folder", "extra"), [("core", ""), ("explorer", ""), ("tests", "test")])
def test_every_import_is_declared(folder, extra):
    provides, wanted = packages_distributions(), declared(extra)
    for module, path in imported(folder).items():
        names = {normalised(name) for name in provides.get(module, [module])}
        if module == "PySide6":
            names.add("pyside6")  # the module lies in the distributions that this one brings
        assert names & wanted, f"{path} imports {module}, which pyproject.toml does not name"
