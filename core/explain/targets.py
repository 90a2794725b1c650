"""What a heatmap is asked for: a whole query, one phrase of it, or what tells two queries apart.

Each is a direction in the space that frames and texts share; a frame's score is its unit vector times the
direction, and a map says which patches that score came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from core.errors import DrivescopeError, ErrorKind
from core.explain.words import words_of

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle

NEUTRAL: Final = (
    "a photo", "a picture of a scene", "a video frame", "the road", "the sky", "a street", "background", "something",
)  # fmt: skip
"""Prompts that ask for nothing in particular: what patches answer to these as well says nothing (methods: the mean
over them is taken off, so that a patch which likes every text does not light up)."""


@dataclass(frozen=True)
class Target:
    """A direction for the reranker's tower. Float32 on the CPU."""

    name: str
    direction: Tensor  # (D,)
    neutral: Tensor  # (D,) mean direction of prompts that ask for nothing; zeros where they cancel
    text: str = ""  # what was read; "" where two texts were


def whole_query(bundle: ModelBundle, text: str) -> Target:
    """The sentence as X-CLIP compares it with single frames."""
    neutral = torch.stack([bundle.encode_text(prompt).sentence for prompt in NEUTRAL]).mean(dim=0)
    return Target(text, bundle.encode_text(text).sentence, neutral, text)


def phrase(bundle: ModelBundle, text: str, first: int, last: int | None = None) -> Target:
    """Words `first` to `last` (of `words.words_of`, from 0), read by themselves.

    Inside its sentence a word's vector has taken in the words before it, and no tower was trained to show where
    that is in a frame; a short text of its own is what towers are trained on. (Measured on the demo world: words
    inside their sentence point worse than chance.)
    Raises DrivescopeError(BAD_INPUT) if there are no such words.
    """
    words = words_of(bundle.encode_text(text))
    last = first if last is None else last
    if not 0 <= first <= last < len(words):
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"The query has {len(words)} words that the model reads: none from {first + 1} to {last + 1}.",
        )
    return whole_query(bundle, " ".join(word.text for word in words[first : last + 1]))


def difference(bundle: ModelBundle, text: str, other: str) -> Target:
    """What speaks for `text` rather than `other`: positive where the first is seen, negative the second."""
    towards = bundle.encode_text(text).sentence - bundle.encode_text(other).sentence  # (D,)
    if float(towards.norm()) < 1e-6:
        raise DrivescopeError(ErrorKind.BAD_INPUT, "Both queries mean the same to the model: change one.")
    return Target(f"{text} – {other}", towards, torch.zeros_like(towards))
