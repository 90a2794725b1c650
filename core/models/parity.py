"""The numbers of a checkpoint against the numbers that the published code gave for it.

    python -m core.models.parity DIR

DIR holds `checkpoint.bin`, `config.json`, `inputs.npz` and `outputs.npz`. One JSON object is printed:
{"folder", "kind", "arrays": {name: {"max_error", "tolerance", "ok"}}, "given", "not_compared", "ok"}, and the
exit code is 1 unless every array is within its tolerance. `given` lists arrays that are inputs in disguise (the
teachers' answers, which text belongs to which video). An array that nothing here knows how to make is listed as
`not_compared` and counts as a failure: parity means every array.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from core.errors import DrivescopeError, ErrorKind
from core.models.checkpoints import open_checkpoint
from core.models.files import read_json
from core.models.parity_arrays import Inputs, arrays_of

GIVEN: Final = re.compile(r"train_text_index|teacher\d+_(sim|frames)")

_SIM: Final = re.compile(r"sim|sim_eval_epoch|sim_mean_pooled|train_sim|fwd_sim")
_STAGE: Final = re.compile(
    r"\w+_logits|fine_grained_sim_scores|\w+_level_logit|afa_\w+|sentence2frames|train_frameweight"
)
_LOSS: Final = re.compile(r"train_loss\w*|distill_\w+")


@dataclass(frozen=True)
class Comparison:
    """One array's largest error, in the unit of its tolerance."""

    max_error: float
    tolerance: float

    @property
    def ok(self) -> bool:
        """Within tolerance; NaN is not."""
        return self.max_error <= self.tolerance

    def as_dict(self) -> dict[str, Any]:
        """For JSON, which has no infinity."""
        error = self.max_error if np.isfinite(self.max_error) else None
        return {"max_error": error, "tolerance": self.tolerance, "ok": self.ok}


def tolerance_of(name: str, golden: np.ndarray[Any, Any], scale: float) -> tuple[float, float]:
    """What an array may be off by, and the number that errors are divided by first.

    Similarities: 2e-6 of the logit scale. X-CLIP stages and frame weights: 2e-5 of the largest entry. Losses:
    1e-5 of the value, or 1e-4. Gradients: 1e-4 of the largest entry. Embeddings: 5e-6 of the largest entry.
    """
    finite = np.abs(golden[np.isfinite(golden)])
    largest = float(finite.max()) if finite.size else 0.0
    if _SIM.fullmatch(name):
        return 2e-6, scale
    if _LOSS.fullmatch(name):
        return max(1e-5 * largest, 1e-4), 1.0
    if name.startswith("grad"):
        return 1e-4 * largest, 1.0
    return (2e-5 if _STAGE.fullmatch(name) else 5e-6) * largest, 1.0


def compare(name: str, golden: np.ndarray[Any, Any], ours: Tensor, scale: float) -> Comparison:
    """Largest absolute difference; NaN agrees with NaN only (a video without a real frame)."""
    tolerance, divisor = tolerance_of(name, golden, scale)
    found = ours.detach().double().cpu().numpy()
    if found.shape != golden.shape:
        return Comparison(float("inf"), tolerance)
    if found.size == 0:
        return Comparison(0.0, tolerance)
    wanted = golden.astype(np.float64)
    difference = np.where(np.isnan(found) & np.isnan(wanted), 0.0, np.abs(found - wanted))
    largest = float(difference.max()) / divisor  # NaN wins in numpy's max
    return Comparison(largest if np.isfinite(largest) else float("inf"), tolerance)


def parity(folder: Path) -> dict[str, Any]:
    """The report that `main` prints."""
    inputs, golden = _read_arrays(folder / "inputs.npz"), _read_arrays(folder / "outputs.npz")
    checkpoint = open_checkpoint(folder / "checkpoint.bin")
    _check_shapes(folder, checkpoint.tensors)
    module = checkpoint.module()
    makers = arrays_of(module, _inputs(folder, inputs), golden, list(golden))
    scale = float(np.exp(checkpoint.tensors["clip.logit_scale"].item()))
    arrays: dict[str, Comparison] = {}
    unknown: list[str] = []
    for name, wanted in golden.items():
        if GIVEN.fullmatch(name):
            continue
        make: Callable[[], Tensor] | None = makers(name)
        if make is None:
            unknown.append(name)
        else:
            arrays[name] = compare(name, wanted, make(), scale)
    return {
        "folder": str(folder),
        "kind": checkpoint.label,
        "arrays": {name: comparison.as_dict() for name, comparison in arrays.items()},
        "given": sorted(name for name in golden if GIVEN.fullmatch(name)),
        "not_compared": unknown,
        "ok": bool(arrays) and not unknown and all(comparison.ok for comparison in arrays.values()),
    }


def _check_shapes(folder: Path, tensors: dict[str, Tensor]) -> None:
    """`config.json` lists the state dict that the numbers belong to; another file would fail less plainly."""
    listed = read_json(folder / "config.json").get("state_dict", {})
    expected = {name: tuple(shape) for name, (_dtype, shape) in listed.items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if expected and expected != found:
        names = sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))
        raise DrivescopeError(
            ErrorKind.MISMATCH,
            f"{folder / 'checkpoint.bin'} is not the checkpoint of its config.json: {', '.join(names[:5])} differ.",
        )


def _inputs(folder: Path, arrays: dict[str, np.ndarray[Any, Any]]) -> Inputs:
    """Loader layout (N, pair, W), (V, pair, T, ts, 3, H, W) to plain (N, W), (V, T, 3, H, W), (V, T)."""
    try:
        ids, video, mask = arrays["input_ids"], arrays["video"], arrays["video_mask"]
    except KeyError as error:
        raise DrivescopeError(
            ErrorKind.UNREADABLE, f"{folder / 'inputs.npz'} misses the array {error.args[0]}."
        ) from error
    videos = len(video)
    return Inputs(
        ids=torch.from_numpy(ids).reshape(-1, ids.shape[-1]).long(),
        video=torch.from_numpy(video).float().reshape(videos, -1, *video.shape[-3:]),
        mask=torch.from_numpy(mask).reshape(videos, -1),
    )


def _read_arrays(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """All arrays of an .npz, never unpickled."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise DrivescopeError(ErrorKind.NOT_FOUND, f"There is no file {path}.") from error
    except (OSError, ValueError, EOFError) as error:
        raise DrivescopeError(
            ErrorKind.UNREADABLE, f"{path} is not a readable .npz file.", detail=str(error)
        ) from error


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when every array is within its tolerance, 1 when not, 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="python -m core.models.parity", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder with checkpoint.bin, inputs.npz and outputs.npz")
    folder: Path = parser.parse_args(arguments).folder
    try:
        report = parity(folder)
    except DrivescopeError as error:
        report = {"folder": str(folder), "kind": None, "arrays": {}, "ok": False, "error": error.sentence}
    sys.stdout.write(json.dumps(report) + "\n")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
