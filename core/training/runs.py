"""A training run's folder: checkpoints that a killed run goes on from, and a log a person can plot.

`checkpoint.pt` holds tensors and plain values only (read with weights_only) and is replaced atomically.
`log.csv` gets one line per report, `events.jsonl` the validations and the recipe.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from core.errors import DrivescopeError, ErrorKind
from core.files import write_atomically, writing_failed

CHECKPOINT, LOG, EVENTS = "checkpoint.pt", "log.csv", "events.jsonl"


class Run:
    """One folder, one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._began = time.monotonic()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise writing_failed(folder, error) from error

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the checkpoint."""
        write_atomically(self.folder / CHECKPOINT, lambda path: torch.save(dict(state), path))

    def load(self, recipe: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """The last checkpoint, or None. Refuses one of another recipe than this (None: any)."""
        path = self.folder / CHECKPOINT
        if not path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
            stored = json.loads(state["recipe"])
        except Exception as problem:  # torch raises a dozen kinds for one damaged file
            raise DrivescopeError(
                ErrorKind.UNREADABLE,
                f"The checkpoint {path} is damaged; delete it to begin anew.",
                detail=str(problem),
            ) from problem
        if recipe is not None and stored != json.loads(json.dumps(recipe)):
            raise DrivescopeError(
                ErrorKind.MISMATCH,
                f"{path} belongs to a run with other settings; choose another folder or delete it to begin anew.",
            )
        return state

    def report(self, step: int, steps: int, done_here: int, numbers: Mapping[str, float]) -> str:
        """One line into the log; returns it for a person, with rate and time left.

        `done_here` counts the steps since this process began: the rate of a resumed run is its own.
        """
        seconds = time.monotonic() - self._began
        left = seconds / max(1, done_here) * (steps - step)
        row = {"step": step, "seconds": round(seconds, 1), "left_s": round(left), **numbers}
        path = self.folder / LOG
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(row)
            writer.writerow([f"{v:.5g}" if isinstance(v, float) else v for v in row.values()])
        shown = " ".join(f"{name} {value:.3g}" for name, value in numbers.items())
        return f"{step}/{steps}  {shown}  {left / 60:.1f} min left"

    def note(self, **values: Any) -> None:  # noqa: ANN401 - any JSON value
        """One JSON line into the events."""
        with (self.folder / EVENTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")
