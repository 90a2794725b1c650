"""A bundle: the models that a library is made and searched with, behind seven calls.

Frames go through one tower or two, then through light heads: the student's (one vector per clip, the first
stage) and the reranker's (one vector per frame and one per clip, X-CLIP's side). Towers run in the chosen
number format; heads and everything returned are float32 on the CPU.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.errors import DrivescopeError, ErrorKind
from core.models import selftest
from core.models.clip4clip import Clip4Clip, unit
from core.models.device import DTYPES, Precision
from core.models.preprocess import Crop, Preprocessing, prepare
from core.models.towers import Tower
from core.models.xclip import XClip

Prepared = tuple[Tensor, ...]
"""One frame for every distinct tower: uint8 (V, 3, h, w) each, V crops."""

CACHED_QUERIES = 256
SAMPLING = "middles of equal parts"


@dataclass(frozen=True)
class BundleSpec:
    """What a bundle is, and which vectors may be compared with which."""

    name: str
    title: str
    label: str  # "zero-shot", "trained on the demo world", "CLIP4Clip checkpoint (seqTransf)" ...
    crop: Crop
    frames: int
    student_dim: int
    reranker_dim: int
    quick_gelu: bool
    weights_sha256: tuple[str, ...]
    context_words: int
    synthetic: bool
    preprocessing: tuple[Preprocessing, ...]  # one per distinct tower
    note: str = ""
    reference: str = ""  # the name that loads this bundle again; set by `registry.load_bundle`
    frame_lengths: tuple[float, ...] = ()  # the heads' own, where they bring frames to one
    selftest_pair: dict[str, list[float]] = field(default_factory=dict, compare=False, repr=False)
    """What the float32 weights make of the self-test's picture and sentence; a library keeps it."""

    @property
    def fingerprint(self) -> str:
        """Sha256 hex over everything that changes a vector; equal fingerprints may be searched together."""
        facts: dict[str, Any] = {
            "weights": list(self.weights_sha256),
            "crop": self.crop,
            "frames": self.frames,
            "sampling": SAMPLING,
            "preprocessing": [p.as_dict() for p in self.preprocessing],
            "quick_gelu": self.quick_gelu,
        }
        if self.frame_lengths:
            facts["frame_lengths"] = list(self.frame_lengths)
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def feature_id(self) -> str:
        """A folder name for this bundle's features inside a library."""
        last = re.split(r"[/\\]", self.name)[-1]  # of a path, the file's name
        slug = re.sub(r"[^a-z0-9.]+", "-", last.lower()).strip("-.") or "bundle"
        return f"{slug[:48]}-{self.fingerprint[:12]}"


@dataclass
class ClipVectors:
    """B clips of F frames, ready to be stored; all float32."""

    student: Tensor  # (B, Ds) unit
    frames: Tensor  # (B, F, Dr) unit, the reranker's
    video: Tensor  # (B, Dr) unit
    frame_weights: Tensor  # (B, F) sum 1: what the student's pooling gave each frame


@dataclass
class QueryVectors:
    """One query, ready to be scored; all float32."""

    text: str
    student: Tensor  # (Ds,) unit
    sentence: Tensor  # (Dr,) unit
    words: Tensor  # (W, Dr) unit, at the positions that the model uses
    word_texts: tuple[str, ...]  # one per row of `words`
    cut_words: tuple[str, ...]  # words beyond the model's limit
    unlearned: tuple[str, ...] = ()  # words as typed that no tower learned: they are passed over
    blank: bool = False  # there are words, and no tower learned one that says something


@dataclass
class RerankScores:
    """K clips against one query, cosines without the logit scale."""

    score: Tensor  # (K,) mean of the four parts
    parts: Tensor  # (K, 4): video-sentence, video-word, sentence-frame, frame-word
    best_frame: Tensor  # (K,) int64


@dataclass
class ModelBundle:
    """Loaded models. Made by `registry.load_bundle`; every method may be called from several threads.

    `towers` holds the student's first and the reranker's last; one entry means that they share it. They come
    in float32 on the CPU: the self-test's pair is measured with them before they are placed. `padded_words` is
    True for published X-CLIP weights, which attend to padding positions.
    """

    spec: BundleSpec
    towers: tuple[Tower, ...]
    student: Clip4Clip
    reranker: XClip
    device: torch.device
    precision: Precision
    padded_words: bool = False
    expected: selftest.Stored | None = None  # what came with the bundle
    exact: selftest.Vectors = field(init=False, repr=False)  # what the float32 weights give
    _queries: OrderedDict[str, QueryVectors] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        for heads in (self.student, self.reranker):
            heads.clip = None  # the towers own it
            heads.to(self.device).float().eval().requires_grad_(False)
        self.exact = self.selftest_pair()
        self.spec = dataclasses.replace(self.spec, selftest_pair=selftest.stored(self.exact))
        for tower in self.towers:
            tower.place(self.device, DTYPES[self.precision])

    def prepare(self, rgb: np.ndarray[Any, Any]) -> Prepared:
        """One decoded frame (HWC uint8) for every distinct tower."""
        return tuple(prepare(rgb, tower.preprocessing, self.spec.crop) for tower in self.towers)

    def encode_frames(self, prepared: Sequence[Prepared]) -> tuple[Tensor, ...]:
        """N prepared frames to raw frame vectors: per distinct tower (N, D), crops already averaged."""
        if not prepared:
            return tuple(torch.zeros(0, tower.dim) for tower in self.towers)
        return tuple(
            _encode_views(tower, [frame[position] for frame in prepared])
            for position, tower in enumerate(self.towers)
        )

    @torch.no_grad()
    def pool(self, frames: tuple[Tensor, ...]) -> ClipVectors:
        """Raw frame vectors of B clips to what the library stores.

        Args:
            frames: per distinct tower (B, F, D), as `encode_frames` gives them, F the bundle's.

        """
        F_given = frames[0].shape[1]
        if len(frames) != len(self.towers) or F_given != self.spec.frames:
            raise DrivescopeError(
                ErrorKind.INTERNAL,
                f"The bundle {self.spec.name} pools {self.spec.frames} frames per clip, not {F_given}.",
            )
        first, last = frames[0].to(self.device).float(), frames[-1].to(self.device).float()
        pooled = self.student.pool(first)
        return ClipVectors(
            student=pooled.video.cpu(),
            frames=unit(last).cpu(),
            video=self.reranker.pool(last).video.cpu(),
            frame_weights=pooled.weights.cpu(),
        )

    def encode_text(self, text: str) -> QueryVectors:
        """A query's vectors; the last few hundred are remembered."""
        with self._lock:
            if text in self._queries:
                self._queries.move_to_end(text)
                return self._queries[text]
        vectors = self._encode_text(text)
        with self._lock:
            self._queries[text] = vectors
            while len(self._queries) > CACHED_QUERIES:
                self._queries.popitem(last=False)
        return vectors

    def _encode_text(self, text: str) -> QueryVectors:
        limit = self.spec.context_words
        last = self.towers[-1].encode_text(text, limit, self.padded_words)
        first = last if len(self.towers) == 1 else self.towers[0].encode_text(text, limit, False)
        return QueryVectors(
            text=text,
            student=functional.normalize(first.sentence, dim=-1),
            sentence=functional.normalize(last.sentence, dim=-1),
            words=functional.normalize(last.words, dim=-1),
            word_texts=last.word_texts,
            cut_words=last.cut_words,
            unlearned=tuple(word for word in last.unlearned if word in first.unlearned),
            blank=last.blank and first.blank,
        )

    @torch.no_grad()
    def rerank(self, query: QueryVectors, frames: Tensor, video: Tensor) -> RerankScores:
        """X-CLIP's four granularities of one query with K clips.

        Args:
            query: from `encode_text`.
            frames: (K, F, Dr) unit, any float dtype.
            video: (K, Dr) unit, any float dtype.

        """
        if len(frames) == 0:
            return RerankScores(torch.zeros(0), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
        found = self.reranker.granularities(
            query.sentence[None].to(self.device),
            query.words[None].to(self.device),
            frames.to(self.device).float(),
            video.to(self.device).float(),
        )
        parts = torch.stack([part[0] for part in found[:4]], dim=-1)  # (K, 4)
        # A frame answers a query when the whole sentence and its words both point at it.
        by_sentence = frames.to(self.device).float() @ query.sentence.to(self.device)  # (K, F)
        best = (by_sentence + found.fine.word_level[0]).argmax(dim=-1)  # (K,)
        return RerankScores(parts.mean(dim=-1).cpu(), parts.cpu(), best.cpu())

    def selftest_pair(self) -> selftest.Vectors:
        """The self-test's picture and sentence as the towers see them now."""
        return selftest.measure(self.towers, self.spec.crop, self.spec.context_words)

    def selftest_vectors(self) -> selftest.Stored:
        """The pair's exact vectors, to be kept beside what is made with them (a library's features)."""
        return selftest.stored(self.exact)

    def selftest(self, expected: selftest.Stored | None = None) -> None:
        """Raises a `DrivescopeError` when the models do not give the vectors that they should.

        Args:
            expected: what `selftest_vectors` gave earlier, e.g. when a library was made; besides that the
                bundle is always held against what it came with and against its own float32 weights.
        """
        with selftest.named(self.spec.name):
            selftest.check_alive(self.towers, self.spec.crop, self.exact)
            for stored in (self.expected, expected):
                if stored:
                    selftest.check_same(self.exact, stored)
            selftest.check_rounding(self.selftest_pair(), self.exact, self.precision)


def _encode_views(tower: Tower, views: list[Tensor]) -> Tensor:
    """Frames of one or more crops each to one vector per frame: the mean over its crops. (N, D)."""
    vectors = tower.encode_images(torch.cat(views))  # (sum V, D)
    if len(vectors) == len(views):
        return vectors
    parts = torch.split(vectors, [len(v) for v in views])
    return torch.stack([part.mean(dim=0) for part in parts])  # (N, D)
