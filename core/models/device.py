"""Where the towers run and in which number format, chosen by what is there and by a short timing."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import lru_cache
from typing import Final, Literal

import torch
from torch.nn import functional

from core import paths
from core.errors import DrivescopeError, ErrorKind
from core.models.files import read_json, write_json

Precision = Literal["float32", "bfloat16", "float16"]
DTYPES: Final[dict[Precision, torch.dtype]] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
REMEMBERED: Final = "precision.json"
WORTH_IT: Final = 1.15
"""A narrower format must be this much faster before its rounding is accepted."""


def available_devices() -> tuple[str, ...]:
    """Names that `choose_device` accepts on this machine, the best one first."""
    found = [name for name, there in (("cuda", torch.cuda.is_available()), ("mps", _mps())) if there]
    return (*found, "cpu")


def choose_device(name: str = "auto") -> torch.device:
    """The named device, or for "auto" the best one there is."""
    available = available_devices()
    if name == "auto":
        return torch.device(available[0])
    if name.split(":")[0] not in available:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"The device '{name}' is not on this machine; choose auto or one of {', '.join(available)}.",
        )
    return torch.device(name)


def choose_precision(name: str, device: torch.device, width: int = 768) -> Precision:
    """The named number format, or for "auto" the one that a short timing on this device prefers.

    Weights are converted once and stay so; autocast is never used, it converts them again at every call.

    Args:
        name: "auto", "float32", "bfloat16" or "float16".
        device: where the towers will run.
        width: the vision tower's width, for a timing of the right size.

    """
    if name == "auto":
        return _fastest(device.type, width)
    for known in DTYPES:
        if name == known:
            return known
    raise DrivescopeError(
        ErrorKind.BAD_INPUT,
        f"There is no precision called '{name}'; choose auto or one of {', '.join(DTYPES)}.",
    )


def _mps() -> bool:
    return torch.backends.mps.is_available()


@lru_cache(maxsize=16)
def _fastest(device: str, width: int) -> Precision:
    """The timing's answer, kept in the cache folder: two programs on one machine must not choose differently."""
    path = paths.cache_folder() / REMEMBERED
    key = f"{device} {width} torch {torch.__version__}"
    try:
        known = read_json(path)
    except DrivescopeError:
        known = {}
    if known.get(key) in DTYPES:
        remembered: Precision = known[key]
        return remembered
    seconds = {name: _time_mlp(device, width, DTYPES[name]) for name in _candidates(device)}
    best = min(seconds, key=lambda name: seconds[name])
    chosen: Precision = best if seconds[best] * WORTH_IT < seconds["float32"] else "float32"
    with suppress(DrivescopeError):  # a cache that cannot be written is timed again
        write_json(path, {**known, key: chosen})
    return chosen


def _candidates(device: str) -> tuple[Precision, ...]:
    """bfloat16 everywhere; float16 only where it is a device's native format."""
    return ("float32", "float16") if device == "mps" else ("float32", "bfloat16")


def _time_mlp(device: str, width: int, dtype: torch.dtype) -> float:
    """Best of five: seconds of one block's MLP over 16 images of 50 tokens."""
    with torch.no_grad():
        x = torch.ones(16 * 50, width, device=device, dtype=dtype)
        up = torch.full((4 * width, width), 0.01, device=device, dtype=dtype)
        down = torch.full((width, 4 * width), 0.01, device=device, dtype=dtype)
        best = float("inf")
        for _ in range(6):  # the first one warms up and cannot win
            started = time.perf_counter()
            y = functional.linear(functional.gelu(functional.linear(x, up)), down)
            y.float().sum().item()  # waits for the device
            best = min(best, time.perf_counter() - started)
    return best
