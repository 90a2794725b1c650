"""Every way to rank the test clips that a distillation is measured by: before it, and after it.

All are similarities (captions, clips) of the same captions with the same clips, so that they can be compared pair by
pair. Both stages rank as `core/search` does it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.search.rerank import RERANK_CLIPS
from core.training.distill_lessons import Lessons, Student, Teacher
from core.training.distill_towers import FrozenTower

if TYPE_CHECKING:
    from core.library.features import FeatureStore
    from core.models.bundle import ModelBundle

ZERO_SHOT: Final = "mean of frames"
PRESENT: Final = "library's bundle"
PRESENT_RERANKED: Final = "library's bundle, reranked"
STUDENT: Final = "student"
STUDENT_RERANKED: Final = "student, reranked"
TEACHER: Final = "teacher, all clips"
PAIRS: Final = ((STUDENT, ZERO_SHOT), (STUDENT, PRESENT), (STUDENT_RERANKED, PRESENT_RERANKED))
ABOVE: Final = 10.0
"""Lifts reranked scores, cosines, over all others."""


def systems_of(
    base: ModelBundle,
    store: FeatureStore,
    frozen: FrozenTower,
    rows: Sequence[int],
    lessons: Lessons,
    student: Student,
    teacher: Teacher,
) -> dict[str, Tensor]:
    """Similarities of test by system.

    Args:
        base: the library's own bundle.
        store: its vectors.
        frozen: its towers, looked up.
        rows: the row of the store of every clip number.
        lessons: captions and clips by number.
        student: what was made.
        teacher: what taught it and reranks for it.
    """
    test = lessons.sides["test"]
    device = student.log_scale.device
    present = Teacher(copy.deepcopy(base.reranker), frozen, 0.0, device, store.video, rows)
    _, frames = present.videos(test.clips)  # (V, F, D)
    sentences = torch.cat([frozen.texts([row]).sentence for row in test.texts])  # (N, D)
    zero_shot = (sentences @ functional.normalize(frames.mean(dim=1), dim=-1).T).float().cpu()
    of_test = np.asarray(rows)[list(test.clips)]
    videos = torch.from_numpy(np.asarray(store.student[of_test], np.float32))  # (V, Ds)
    queries = torch.stack([base.encode_text(lessons.texts[row]).student for row in test.texts])  # (N, Ds)
    first = queries @ videos.T
    found = student.scores(test.texts, test.clips)
    taught = teacher.scores(test.texts, test.clips)
    return {
        ZERO_SHOT: zero_shot,
        PRESENT: first,
        PRESENT_RERANKED: reranked(first, present.scores(test.texts, test.clips)),
        STUDENT: found,
        STUDENT_RERANKED: reranked(found, taught),
        TEACHER: taught,
    }


def reranked(first: Tensor, second: Tensor, clips: int = RERANK_CLIPS) -> Tensor:
    """One matrix (N, V) that ranks as two stages do: the best `clips` of the first by the second, above the rest."""
    top = first.topk(min(clips, first.shape[1]), dim=1).indices
    moved = first.clone()
    moved.scatter_(1, top, second.gather(1, top) + ABOVE)
    return moved
