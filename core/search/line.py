"""The line past which a ranking's clips probably do not match: found once for a state of a library, and kept with it.

What it takes are the cuts of `relevance.py`, which cost some sixty text forwards: a ranking never waits for them. Who
searches calls `Line.step` again and again when there is time, and draws the line into what is shown with `with_line`.

`cuts.json` lies beside the vectors that it is about (`features.py`) and holds for one generation of them: with other
clips, another bundle or another crop it is found anew, and so is one that cannot be read. Where nothing can be
written it is found at every start.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import numpy.typing as npt
import torch

from core.library.storage import write_bytes
from core.protocol import Ranked
from core.search.relevance import LEAST_CLIPS, MOST_CLIPS, SENTENCES, Cuts, find_cut

if TYPE_CHECKING:
    from core.library.features import FeatureStore
    from core.models.bundle import ModelBundle
    from core.search.stages import StageRows

FILE: Final = "cuts.json"
FORMAT: Final = 1
"""Grows when the sentences or the fit change, so that cuts of before are found anew."""
NOTHING_LIKELY: Final = "Probably nothing that was searched matches: the nearest clips are shown."


class _Kept(msgspec.Struct, frozen=True):
    """What `cuts.json` holds."""

    format: int
    fingerprint: str
    generation: int
    first: float | None
    reranked: float | None


class Line:
    """The cuts of a library in one state; `cuts` is None until they are known.

    Args:
        store: the library's vectors; what it holds later changes nothing here.
        generation: the store's, of this state.
        live: (N,) the rows of every clip of the library.

    """

    def __init__(self, store: FeatureStore, generation: int, live: npt.NDArray[np.int64]) -> None:
        self._path: Path = store.folder / FILE
        self._state = (FORMAT, store.spec.fingerprint, generation)
        self._rows = live[:: max(1, -(-len(live) // MOST_CLIPS))]  # (M,)
        self._arrays = (store.student, store.frames, store.video)
        self._asked: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None  # the M clips' vectors
        self._first: list[npt.NDArray[np.float32]] = []  # (M,) a sentence
        self._reranked: list[npt.NDArray[np.float32]] = []
        self.cuts = self._read() if len(self._rows) >= LEAST_CLIPS else Cuts()

    def find(self, bundle: ModelBundle) -> Cuts:
        """The cuts, found now if they are not known."""
        while self.cuts is None:
            self.step(bundle)
        return self.cuts

    def step(self, bundle: ModelBundle) -> bool:
        """Asks the clips one more sentence, or makes the cuts of the answers; whether the cuts are known now.

        A step takes about as long as a search. One that fails may be tried again, also with the bundle on another
        device.
        """
        if self.cuts is not None:
            return True
        if len(self._reranked) < len(SENTENCES):
            self._ask(bundle, SENTENCES[len(self._reranked)])
            return False
        first, reranked = np.stack(self._first), np.stack(self._reranked)  # (S, M) each
        self.cuts = Cuts(find_cut(first), find_cut(reranked))
        self._asked = None
        self._keep(self.cuts)
        return True

    def _ask(self, bundle: ModelBundle, sentence: str) -> None:
        if self._asked is None:
            students, frames, video = (torch.from_numpy(array[self._rows]) for array in self._arrays)
            self._asked = students.float(), frames, video  # (M, Ds), (M, F, Dr), (M, Dr)
        students, frames, video = self._asked
        query = bundle.encode_text(sentence)
        reranked = bundle.rerank(query, frames, video).score.float().cpu().numpy()
        self._first.append((students @ query.student.float().cpu()).numpy())
        self._reranked.append(reranked)

    def _read(self) -> Cuts | None:
        """What was kept for this very state."""
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=_Kept)
        except (OSError, ValueError, msgspec.MsgspecError):  # none, or no longer what was written
            return None
        if (kept.format, kept.fingerprint, kept.generation) != self._state:
            return None
        return Cuts(kept.first, kept.reranked)

    def _keep(self, cuts: Cuts) -> None:
        kept = _Kept(*self._state, cuts.first, cuts.reranked)
        with contextlib.suppress(OSError):  # a disk that is full or may only be read
            write_bytes(self._path, msgspec.json.encode(kept), durable=False)


def with_line(ranked: Ranked, found: StageRows, cuts: Cuts | None) -> Ranked:
    """A stage's ranking with its line, where the library's scores show one; `cuts` None says that it follows.

    Only the last stage has one, for a text alone: clips that are like one have scores of another scale, and so has
    the skeletons' share and what judged clips add.
    """
    own = found.query.text and not len(found.joint_scores) and found.lesson is None
    if not found.final or not own or len(found.rows) == 0:
        return ranked
    if cuts is None:
        return msgspec.structs.replace(ranked, line_follows=True)
    reranked = found.stage == "reranked"
    cut, scores = (cuts.reranked, found.rerank_scores) if reranked else (cuts.first, found.scores)
    likely = None if cut is None else int((scores >= cut).sum())
    notes = (*ranked.notes, NOTHING_LIKELY) if likely == 0 else ranked.notes
    return msgspec.structs.replace(ranked, likely=likely, notes=notes, line_follows=False)
