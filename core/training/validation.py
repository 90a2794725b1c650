"""The one place where models are compared while training: the val clips, nothing else.

Two questions: does a caption find its own clip (R@K), and does a made query find any clip that it fits (hit@K).
"""

from __future__ import annotations

import random

import torch
from torch import Tensor

from core.models.clip4clip import Clip4Clip
from core.models.xclip import XClip
from core.training.concepts import make_query
from core.training.dataset import ClipSet, fits
from core.training.evaluate import answer_table, recall_table
from core.training.features import TextVectors, encode_clips, encode_texts, teacher_scores
from core.training.lanes import Lanes
from core.training.recipe import TeacherRecipe
from core.training.texts import Texts

QUERIES = 300
RERANKED = 50


class Validation:
    """Fixed captions (each clip's first) and fixed queries over the val clips."""

    def __init__(self, clips: ClipSet, seed: int = 7) -> None:
        self.clips = clips
        rng = random.Random(seed)
        made = [make_query(rng.choice(clips.facts), rng) for _ in range(QUERIES)]
        self.captions = [captions[0] for captions in clips.captions]
        self.queries = [text for text, _ in made]
        self.relevant = fits([need for _, need in made], clips.facts)  # (Q, V)

    def encode(self, teacher: XClip, texts: Texts, recipe: TeacherRecipe, lanes: Lanes) -> None:
        """Vectors of the val clips and texts under the teacher's towers, as they are now."""
        assert teacher.clip is not None, "validation needs the towers"
        used = texts.used.clone()  # words that only val has were not trained
        self.frames = encode_clips(teacher.clip, self.clips, recipe.preprocessing, lanes)  # (V, F, D)
        self.texts: TextVectors = encode_texts(teacher.clip, texts, [*self.captions, *self.queries])
        texts.used = used

    def of_teacher(self, teacher: XClip) -> dict[str, float]:
        """Full scan with X-CLIP, after `encode`."""
        return self.table(teacher_scores(teacher, self.texts, self.frames))

    def of_student(self, student: Clip4Clip) -> dict[str, float]:
        """First stage only, after `encode`."""
        return self.table(self.student_scores(student))

    def of_both(self, student: Clip4Clip, teacher: XClip, depth: int = RERANKED) -> dict[str, float]:
        """The student's best `depth` clips reordered by the teacher, as a search does."""
        first = self.student_scores(student)  # (N, V)
        second = teacher_scores(teacher, self.texts, self.frames)  # (N, V), cosines below 1
        kept = torch.zeros_like(first, dtype=torch.bool)
        kept.scatter_(1, first.topk(min(depth, first.shape[1]), dim=1).indices, True)
        return self.table(torch.where(kept, second + 10, first))

    @torch.no_grad()
    def student_scores(self, student: Clip4Clip) -> Tensor:
        """(N, V) cosines."""
        return self.texts.sentence @ student.pool(self.frames).video.T

    def table(self, scores: Tensor) -> dict[str, float]:
        """R@K of captions, hit@K and mAP of queries; `scores` (captions + queries, V)."""
        count = len(self.captions)
        return {**recall_table(scores[:count]), **answer_table(scores[count:], self.relevant)}
