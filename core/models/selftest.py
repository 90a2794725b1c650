"""The question whether a bundle still gives the vectors that it gave when it was made.

A bundle stores what one drawn picture and one sentence looked like to its float32 weights. A swapped
activation, another normalisation or a damaged file moves those vectors by more than arithmetic ever does, and
search is refused instead of ranking nonsense. What the chosen number format adds is checked separately and more
loosely, because bfloat16 alone moves a vector as far as a wrong activation may.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.errors import DrivescopeError, ErrorKind
from core.models.device import Precision
from core.models.preprocess import Crop, prepare
from core.models.towers import Tower

Vectors = dict[str, Tensor]
"""`image0`, `text0` and, for two towers, `image1`, `text1`: unit vectors (D,)."""
Stored = dict[str, list[float]]

SENTENCE: Final = "a red car waits at a crossing while it rains"
SIZE: Final = (144, 256)  # height x width of the drawn picture
SAME: Final = 1e-3
"""Largest distance between unit vectors of the same float32 weights: other machines, six stored decimals."""
ROUNDING: Final[dict[Precision, float]] = {"float32": 1e-3, "bfloat16": 4e-2, "float16": 1e-2}
"""Largest distance that a number format may add; 4e-2 is a cosine of 0.9992."""
ALIVE: Final = 1e-4
"""Smallest distance between a picture and a grey frame."""


class _Found(Exception):  # noqa: N818 - a finding; `named` makes the error of it
    """What is wrong, without the bundle's name."""


def picture() -> np.ndarray[Any, Any]:
    """A fixed HWC uint8 picture with edges, gradients and saturated colours, drawn with integers only."""
    height, width = SIZE
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x * 255 // (width - 1), y * 255 // (height - 1), (x * 3 + y * 5) % 256], axis=-1)
    rgb[90:130, 40:120] = (220, 30, 20)
    rgb[20:60, 150:230] = (20, 60, 200)
    rgb[(x // 16 + y // 16) % 7 == 0] = (245, 245, 235)
    return rgb.astype(np.uint8)


def measure(towers: Sequence[Tower], crop: Crop, words: int) -> Vectors:
    """The pair's unit vectors, per distinct tower."""
    found: Vectors = {}
    for number, tower in enumerate(towers):
        found[f"image{number}"] = _see(tower, crop, picture())
        sentence = tower.encode_text(SENTENCE, words, False).sentence
        found[f"text{number}"] = functional.normalize(sentence, dim=-1)
    return found


def stored(vectors: Vectors) -> Stored:
    """Vectors as they go into a JSON file."""
    return {name: [round(v, 6) for v in vector.tolist()] for name, vector in vectors.items()}


@contextmanager
def named(bundle: str) -> Iterator[None]:
    """Turns what a check finds into the sentence that a person reads."""
    try:
        yield
    except _Found as found:
        raise DrivescopeError(
            ErrorKind.MISMATCH,
            f"The bundle {bundle} failed its self-test: {found}. Its files or settings do not belong together; "
            "get the bundle again or choose another one.",
        ) from found


def check_alive(towers: Sequence[Tower], crop: Crop, exact: Vectors) -> None:
    """Vectors are finite, and a picture is not the same as nothing."""
    for name, vector in exact.items():
        if not bool(torch.isfinite(vector).all()):
            raise _Found(f"its {_what(name)} vector has no finite numbers")
    for number, tower in enumerate(towers):
        grey = _see(tower, crop, np.full((*SIZE, 3), 128, dtype=np.uint8))
        if not float((grey - exact[f"image{number}"]).norm()) > ALIVE:
            raise _Found("it gives a grey frame and a picture the same vector")


def check_same(exact: Vectors, expected: Stored) -> None:
    """The same weights, activation and preprocessing as when `expected` was stored."""
    if set(exact) != set(expected):
        raise _Found("it has another number of towers than when its vectors were stored")
    for name, values in expected.items():
        if len(values) != len(exact[name]):
            raise _Found(f"its {_what(name)} vector has another length than when it was stored")
        distance = float((exact[name] - torch.tensor(values)).norm())
        if not distance <= SAME:
            raise _Found(
                f"its {_what(name)} vector is {distance:.4f} away from the stored one (at most {SAME:g} is "
                "arithmetic); weights, activation or preprocessing are not the same"
            )


def check_rounding(now: Vectors, exact: Vectors, precision: Precision) -> None:
    """What runs agrees with the float32 weights as well as its number format can."""
    for name, vector in now.items():
        distance = float((vector - exact[name]).norm())
        if not distance <= ROUNDING[precision]:
            raise _Found(
                f"in {precision} its {_what(name)} vector is {distance:.4f} away from float32 (at most "
                f"{ROUNDING[precision]:g}); choose --precision float32"
            )


def _see(tower: Tower, crop: Crop, rgb: np.ndarray[Any, Any]) -> Tensor:
    """One picture's unit vector, the mean over its crops."""
    vectors = tower.encode_images(prepare(rgb, tower.preprocessing, crop))  # (V, D)
    return functional.normalize(vectors.mean(dim=0), dim=-1)


def _what(name: str) -> str:
    return "picture" if name.startswith("image") else "sentence"
