"""Arrays on disk that grow row by row and survive a killed run, and the vectors of captions and clips kept in them.

Everything that a frozen tower says of a caption or a frame is computed once; training then costs minutes on a CPU.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import DrivescopeError, ErrorKind
from core.files import writing_errors
from core.library.clips import Span, sample_times
from core.library.timeline import read_timeline
from core.library.video import frames_at
from core.models.bundle import Prepared
from core.models.files import read_json, write_json

if TYPE_CHECKING:
    from core.library.library import Library
    from core.models.bundle import ModelBundle

Say = Callable[[str, float], None]
"""What is being done, and how much of it is done (0-1)."""
BLOCK: Final = 256


class Rows:
    """An append-only array (N, *shape) in a file. Whatever lies beyond the committed rows is overwritten.

    Rows that were made for another `key` are thrown away.
    """

    def __init__(self, path: Path, dtype: str, shape: tuple[int, ...], key: str) -> None:
        self._path, self._dtype, self._shape, self._key = path, np.dtype(dtype), shape, key
        self._note = path.with_name(path.name + ".json")
        self.count = 0
        try:
            stored = read_json(self._note)
        except DrivescopeError:
            return
        if stored.get("key") == key and stored.get("shape") == list(shape) and path.is_file():
            whole = path.stat().st_size // self._bytes
            self.count = int(stored["rows"]) if int(stored["rows"]) <= whole else 0

    @property
    def _bytes(self) -> int:
        return int(np.prod(self._shape, dtype=np.int64)) * self._dtype.itemsize

    def append(self, rows: NDArray[Any]) -> None:
        """Adds (n, *shape) rows and commits them. Raises DrivescopeError as `writing_errors` tells."""
        data = np.ascontiguousarray(rows, self._dtype)
        if data.shape[1:] != self._shape:
            raise ValueError(f"{self._path.name}: rows of {data.shape[1:]} instead of {self._shape}")
        with writing_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("r+b" if self._path.exists() else "w+b") as file:
                file.truncate(self.count * self._bytes)
                file.seek(self.count * self._bytes)
                file.write(data.tobytes())
        self.count += len(data)
        self._commit()

    def cut(self, count: int) -> None:
        """Forgets all but the first rows."""
        if count < self.count:
            self.count = count
            self._commit()

    def _commit(self) -> None:
        write_json(self._note, {"key": self._key, "shape": list(self._shape), "rows": self.count})

    @property
    def array(self) -> NDArray[Any]:
        """(count, *shape), read-only."""
        if self.count == 0:
            return np.empty((0, *self._shape), self._dtype)
        return np.memmap(self._path, self._dtype, mode="r", shape=(self.count, *self._shape))


@dataclass(frozen=True)
class TextBatch:
    """N captions: unit sentences (N, D), unit words (N, W, D), and which positions are words (N, W), None: all."""

    sentence: Tensor
    words: Tensor
    mask: Tensor | None


class TextRows:
    """Vectors of many captions under one tower, each caption with as many words as it has."""

    def __init__(self, folder: Path, name: str, bundle: ModelBundle, key: str, limit: int) -> None:
        D = bundle.spec.reranker_dim
        self._sentences = Rows(folder / f"{name}.sentences.f32", "<f4", (D,), key)
        self._words = Rows(folder / f"{name}.words.f16", "<f2", (D,), key)
        self._ends = Rows(folder / f"{name}.ends.i64", "<i8", (), key)
        self._bundle, self._limit = bundle, limit

    def fill(self, texts: Sequence[str], say: Say) -> None:
        """Encodes the captions that are not there yet."""
        done = self._ends.count
        self._sentences.cut(done)
        self._words.cut(int(self._ends.array[-1]) if done else 0)
        tower, padded = self._bundle.towers[-1], self._bundle.padded_words
        for start in range(done, len(texts), BLOCK):
            block = texts[start : start + BLOCK]
            made = [tower.encode_text(text, self._limit, padded) for text in block]
            sentences = torch.stack([one.sentence for one in made])  # (n, D)
            self._sentences.append(torch.nn.functional.normalize(sentences, dim=-1).numpy())
            words = [torch.nn.functional.normalize(one.words, dim=-1) for one in made]
            ends = self._words.count + np.cumsum([len(one) for one in words])
            self._words.append(torch.cat(words).numpy())
            self._ends.append(ends)
            say("reading captions", (start + len(block)) / len(texts))

    def pick(self, rows: Sequence[int], device: torch.device) -> TextBatch:
        """Some captions, padded to the longest of them."""
        ends, words = self._ends.array, self._words.array
        spans = [(int(ends[row - 1]) if row else 0, int(ends[row])) for row in rows]
        longest = max(end - start for start, end in spans)
        batch = np.zeros((len(rows), longest, words.shape[-1]), np.float32)
        mask = np.zeros((len(rows), longest), bool)
        for at, (start, end) in enumerate(spans):
            batch[at, : end - start] = words[start:end]
            mask[at, : end - start] = True
        sentence = torch.from_numpy(np.array(self._sentences.array[list(rows)]))
        known = None if self._bundle.padded_words else torch.from_numpy(mask).to(device)
        return TextBatch(sentence.to(device), torch.from_numpy(batch).to(device), known)


def decoded(
    library: Library, clip_ids: Sequence[int], frames: int, bundle: ModelBundle
) -> Iterator[tuple[Prepared, ...]]:
    """Each clip's frames as its bundle's towers want them, decoded at the times that indexing takes.

    Raises DrivescopeError(NOT_FOUND) for footage that has been moved since.
    """
    clips = {clip.clip_id: clip for clip in library.catalog.clips()}
    timelines: dict[str, Any] = {}
    for clip_id in clip_ids:
        clip = clips[clip_id]
        path = Path(clip.path)
        if not path.is_file():
            raise DrivescopeError(
                ErrorKind.NOT_FOUND,
                f"{path} is not there any more, and its frames are needed: put it back, or index it where it is now.",
            )
        if clip.path not in timelines:
            timelines = {clip.path: read_timeline(path)}  # clips of one video come together
        times = sample_times(Span(clip.start_s, clip.end_s), frames)
        yield tuple(bundle.prepare(rgb) for _, rgb in frames_at(path, times, timelines[clip.path]))


def key_of(*facts: object) -> str:
    """A name for what was computed from these facts."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
