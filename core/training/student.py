"""Stage B: heads on the teacher's frozen towers, from cached frame vectors: X-CLIP's own, and TeachCLIP's student.

Frozen-backbone variant of TeachCLIP (Tian et al., CVPR 2024): only the temporal transformer, its positions and the
frame head learn. What the teacher says of every batch is asked once (`make_plan`) and serves every student.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.teachclip import TeachClip
from core.models.xclip import XClip
from core.training.concepts import Fact, make_query
from core.training.dataset import ClipSet, clips_of_step, rng_of
from core.training.features import TextVectors, encode_texts
from core.training.losses import (
    StudentLosses,
    coarse_distillation,
    fine_distillation,
    info_nce,
)
from core.training.optimiser import make_optimiser, rate_at, take_step
from core.training.recipe import HeadRecipe, StudentRecipe
from core.training.texts import Texts

if TYPE_CHECKING:
    from core.training.distill_towers import OpenTower

CAPTIONS, MADE = 6, 3
"""Captions of a clip that are learned from, and made queries."""
COARSE, FINE = 1.0, 2.0
"""TeachCLIP's weights; that of its contrast, 0.2, is the recipe's."""

Report = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Lessons:
    """Everything the heads learn from, encoded once: raw frames (N, F, D) and several texts a clip."""

    frames: Tensor
    texts: TextVectors
    sentences: tuple[str, ...]  # per row
    rows: tuple[tuple[int, ...], ...]  # per clip: the rows of its captions
    made: tuple[tuple[int, ...], ...]  # per clip: the rows of its queries
    needs: tuple[frozenset[Fact] | None, ...]  # per row: the facts of a query, None for a caption
    facts: tuple[frozenset[Fact], ...]  # per clip

    def of(self, clips: Sequence[int]) -> Lessons:
        """The lessons of some clips, which get new numbers; texts keep theirs."""
        return replace(
            self,
            frames=self.frames[list(clips)],
            rows=tuple(self.rows[clip] for clip in clips),
            made=tuple(self.made[clip] for clip in clips),
            facts=tuple(self.facts[clip] for clip in clips),
        )


@dataclass(frozen=True)
class Batch:
    """Clips (B,), one text row for each (B,), which pairs are right besides the diagonal (B, B).

    With `pairs` only the first so many texts are their clip's own; of the others only a teacher knows how they fit.
    """

    clips: Tensor
    rows: Tensor
    right: Tensor
    pairs: int | None = None


@dataclass(frozen=True)
class Taught:
    """A batch and what the teacher says of it: its logits (B, B), its cosines of each text with its frames (B, F).

    `others` are further teachers' logits, (B, B) each; whoever learns hears the mean of all.
    """

    batch: Batch
    matrix: Tensor
    cosines: Tensor
    others: tuple[Tensor, ...] = ()


def make_lessons(teacher: XClip, clips: ClipSet, frames: Tensor, texts: Texts, seed: int) -> Lessons:
    """Encode captions and some queries of every clip."""
    assert teacher.clip is not None, "lessons need the towers"
    rng = rng_of(seed, -1)
    sentences: list[str] = []
    rows, made, needs = [], [], list[frozenset[Fact] | None]()
    for captions, facts in zip(clips.captions, clips.facts, strict=True):
        chosen = captions[:CAPTIONS]
        rows.append(tuple(range(len(sentences), len(sentences) + len(chosen))))
        sentences += chosen
        needs += [None] * len(chosen)
        queries = [make_query(facts, rng) for _ in range(MADE)]
        made.append(tuple(range(len(sentences), len(sentences) + MADE)))
        sentences += [text for text, _ in queries]
        needs += [need for _, need in queries]
    vectors = encode_texts(teacher.clip, texts, sentences)
    return Lessons(frames, vectors, tuple(sentences), tuple(rows), tuple(made), tuple(needs), clips.facts)


def draw_batch(lessons: Lessons, recipe: StudentRecipe | HeadRecipe, step: int) -> Batch:
    """The batch of a step: which clips and which of their texts depends on seed and step only."""
    rng = rng_of(recipe.seed, step)
    clips = clips_of_step(len(lessons.frames), recipe.batch, recipe.seed, step)
    rows = [
        rng.choice((lessons.made if rng.random() < recipe.query_share else lessons.rows)[i]) for i in clips
    ]
    return Batch(torch.tensor(clips), torch.tensor(rows), right_of(lessons, clips, rows))


def right_of(lessons: Lessons, clips: Sequence[int], rows: Sequence[int]) -> Tensor:
    """Which clips (B) each text (B) fits besides its own: (B, B) bool."""
    return torch.tensor(
        [
            [
                (need is not None and need <= lessons.facts[i]) or row == other
                for i, other in zip(clips, rows, strict=True)
            ]
            for row in rows
            for need in [lessons.needs[row]]
        ]
    )


def make_plan(teacher: XClip, lessons: Lessons, recipe: StudentRecipe) -> tuple[Taught, ...]:
    """Every batch of a run with the teacher's word on it. The recipe's seed decides which batches."""
    return tuple(teach(teacher, lessons, draw_batch(lessons, recipe, step)) for step in range(recipe.steps))


@torch.no_grad()
def teach(teacher: XClip, lessons: Lessons, batch: Batch) -> Taught:
    """The teacher's word on a batch."""
    assert teacher.clip is not None, "the scale belongs to the towers"
    frames, texts = lessons.frames[batch.clips], lessons.texts.pick(batch.rows)  # (B, F, D)
    unit_frames = functional.normalize(frames, dim=-1)
    video = teacher.pool(frames).video
    score = teacher.granularities(texts.sentence, texts.words, unit_frames, video, texts.mask).score
    cosines = torch.einsum("bd,bfd->bf", texts.sentence, unit_frames)
    return Taught(batch, teacher.clip.logit_scale.exp() * score, cosines)


@torch.no_grad()
def with_colleagues(
    plan: Sequence[Taught], lessons: Lessons, students: Sequence[TeachClip], scale: Tensor
) -> tuple[Taught, ...]:
    """The same batches with one teacher more: trained students, who speak as one by the mean of their cosines.

    `scale` () is the logit scale of what they say.
    """
    videos = torch.stack([pooled(student, lessons.frames, True) for student in students]).mean(
        dim=0
    )  # (N, D)
    return tuple(
        replace(one, others=(*one.others, scale * sentences @ videos[one.batch.clips].T))
        for one in plan
        for sentences in [lessons.texts.sentence[one.batch.rows]]
    )


def new_student(teacher: XClip, recipe: StudentRecipe) -> TeachClip:
    """A student on the teacher's towers.

    Its temporal transformer begins fresh, which is nearly the plain mean of the frames, whether it will be taught or
    not; with `from_teacher` it begins as the teacher's and is, with the frame head at zero, its video vector.
    """
    assert teacher.clip is not None, "a student needs towers"
    assert teacher.transformerClip is not None, "a student needs a start"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        student = TeachClip(
            teacher.clip,
            width=teacher.width,
            temporal_layers=len(teacher.transformerClip.resblocks),
            positions=len(teacher.frame_position_embeddings.weight),
            mask_frames=True,
        )
    if recipe.from_teacher:
        own = student.state_dict()
        shared = {name: value for name, value in teacher.state_dict().items() if name in own}
        student.load_state_dict(shared, strict=False)
    return student


def pooled(student: TeachClip, frames: Tensor, attentive: bool) -> Tensor:
    """Unit video vectors (B, D) of raw frames (B, F, D), by the frame head or as their mean."""
    temporal = student.temporal(frames)
    made = student.attentive_pool(temporal) if attentive else student.mean_pool(temporal)
    return made.video


def train_student(
    lessons: Lessons,
    teacher: XClip,
    recipe: StudentRecipe,
    plan: Sequence[Taught],
    report: Report | None = None,
    student: TeachClip | None = None,
    tower: OpenTower | None = None,
) -> TeachClip:
    """Train one student (a new one, if none is given) on a plan's batches, in an order of its own seed.

    With `tower`, whose clips and texts are numbered as the lessons' are, it sees with that instead of the teacher's
    eyes, and the opened blocks learn with it.
    """
    student = student or new_student(teacher, recipe)
    assert teacher.clip is not None, "the towers are the teacher's"
    scale = nn.Parameter(teacher.clip.logit_scale.detach().clone())
    own = [(name, p) for name, p in student.named_parameters() if not name.startswith("clip.")]
    seeing = [] if tower is None else [(f"tower.{name}", p) for name, p in tower.named_parameters()]
    optimiser = make_optimiser(
        [*own, ("logit_scale", scale), *seeing],
        recipe.rate,
        recipe.decay,
        {"frameLinear": recipe.head_rate, "tower.": recipe.tower_rate},
    )
    order = list(range(len(plan)))
    random.Random(recipe.seed).shuffle(order)
    for step, place in enumerate(order[: recipe.steps]):
        losses = student_losses(student, lessons, recipe, plan[place], scale, tower)
        torch.autograd.backward(losses.total)
        share = rate_at(step, min(recipe.steps, len(plan)), recipe.warm_up)
        take_step(optimiser, share, recipe.clip_norm, scale)
        if report is not None and (step % 50 == 49 or step + 1 == recipe.steps):
            report(step + 1, {**losses.numbers(), "scale": math.exp(scale.item())})
    return student


def student_losses(
    student: TeachClip,
    lessons: Lessons,
    recipe: StudentRecipe,
    taught: Taught,
    scale: Tensor,
    tower: OpenTower | None = None,
) -> StudentLosses:
    """Contrast as much as the recipe says + coarse + 2 fine, what it leaves out at zero; contrast alone untaught."""
    batch = taught.batch
    if tower is None:
        frames, sentences = lessons.frames[batch.clips], lessons.texts.sentence[batch.rows]
    else:
        frames, sentences = tower.frames(batch.clips.tolist()), tower.texts(batch.rows.tolist()).sentence
    temporal = student.temporal(frames)  # (B, F, D)
    pool = student.attentive_pool if recipe.attentive else student.mean_pool
    logits = scale.exp() * sentences @ pool(temporal).video.T  # (B, B)
    own = slice(batch.pairs)
    contrast = info_nce(logits[own, own], batch.right[own, own])
    zero = contrast.new_zeros(())
    coarse, fine = zero, zero
    if recipe.coarse:
        said = (taught.matrix, *taught.others)
        coarse = torch.stack([coarse_distillation(logits, matrix) for matrix in said]).mean()
    if recipe.fine:
        weights = student.frame_logits(temporal[own]).softmax(
            dim=-1
        )  # (B, F) at temperature 1, for the labels
        fine = fine_distillation(weights, (taught.cosines[own] / recipe.label_temperature).softmax(dim=-1))
    total = recipe.contrast * contrast + COARSE * coarse + FINE * fine if recipe.taught else contrast
    return StudentLosses(total, contrast, coarse, fine)
