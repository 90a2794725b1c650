"""Stage B: TeachCLIP's student on the teacher's frozen towers, from cached frame vectors (Tian et al., CVPR 2024).

Frozen-backbone variant: only the temporal transformer, its positions and the frame head learn. The student starts
from the teacher's own temporal transformer; with the frame head at zero it is the teacher's video vector.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.teachclip import TeachClip
from core.models.xclip import XClip
from core.training.concepts import Fact, make_query
from core.training.dataset import ClipSet, clips_of_step, rng_of
from core.training.features import TextVectors, encode_texts
from core.training.losses import StudentLosses, Teaching, frame_labels, teachclip_loss
from core.training.optimiser import make_optimiser, rate_at, take_step
from core.training.recipe import StudentRecipe
from core.training.texts import Texts

MADE = 6
"""Made queries per clip."""


@dataclass(frozen=True)
class Lessons:
    """Everything the student learns from, encoded once: raw frames (N, F, D) and several texts a clip."""

    frames: Tensor
    texts: TextVectors
    rows: tuple[tuple[int, ...], ...]  # per clip: the rows of its captions
    made: tuple[tuple[int, ...], ...]  # per clip: the rows of its queries
    needs: tuple[frozenset[Fact] | None, ...]  # per row: the facts of a query, None for a caption
    facts: tuple[frozenset[Fact], ...]  # per clip


def make_lessons(teacher: XClip, clips: ClipSet, frames: Tensor, texts: Texts, seed: int) -> Lessons:
    """Encode every caption and some queries of every clip."""
    assert teacher.clip is not None, "lessons need the towers"
    rng = rng_of(seed, -1)
    sentences: list[str] = []
    rows, made, needs = [], [], list[frozenset[Fact] | None]()
    for captions, facts in zip(clips.captions, clips.facts, strict=True):
        rows.append(tuple(range(len(sentences), len(sentences) + len(captions))))
        sentences += captions
        needs += [None] * len(captions)
        queries = [make_query(facts, rng) for _ in range(MADE)]
        made.append(tuple(range(len(sentences), len(sentences) + MADE)))
        sentences += [text for text, _ in queries]
        needs += [need for _, need in queries]
    vectors = encode_texts(teacher.clip, texts, sentences)
    return Lessons(frames, vectors, tuple(rows), tuple(made), tuple(needs), clips.facts)


def new_student(teacher: XClip, recipe: StudentRecipe) -> TeachClip:
    """A student whose video path is the teacher's, on the teacher's towers."""
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
    shared = {name: value for name, value in teacher.state_dict().items() if name in student.state_dict()}
    student.load_state_dict(shared, strict=False)
    return student


def _batch(lessons: Lessons, recipe: StudentRecipe, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """Clips (B,), one text row for each (B,), and which pairs are right besides the diagonal (B, B)."""
    rng = rng_of(recipe.seed, step)
    clips = clips_of_step(len(lessons.frames), recipe.batch, recipe.seed, step)
    rows = [
        rng.choice((lessons.made if rng.random() < recipe.query_share else lessons.rows)[i]) for i in clips
    ]
    right = [
        [
            (need is not None and need <= lessons.facts[i]) or row == other
            for i, other in zip(clips, rows, strict=True)
        ]
        for row in rows
        for need in [lessons.needs[row]]
    ]
    return torch.tensor(clips), torch.tensor(rows), torch.tensor(right)


@torch.no_grad()
def teach(teacher: XClip, texts: TextVectors, frames: Tensor, temperature: float) -> Teaching:
    """What X-CLIP says of a batch: its logits (B, B) and its frame labels (B, F)."""
    assert teacher.clip is not None, "the scale belongs to the towers"
    video = teacher.pool(frames).video
    unit_frames = functional.normalize(frames, dim=-1)
    score = teacher.granularities(texts.sentence, texts.words, unit_frames, video, texts.mask).score
    return Teaching(teacher.clip.logit_scale.exp() * score, frame_labels(texts.sentence, frames, temperature))


def train_student(
    lessons: Lessons,
    teacher: XClip,
    recipe: StudentRecipe,
    report: Callable[[int, dict[str, float]], None] | None = None,
) -> TeachClip:
    """Train one student; without `recipe.taught` the same network on the contrast alone."""
    student = new_student(teacher, recipe)
    assert teacher.clip is not None, "the towers are the teacher's"
    scale = nn.Parameter(teacher.clip.logit_scale.detach().clone())
    own = [(name, p) for name, p in student.named_parameters() if not name.startswith("clip.")]
    optimiser = make_optimiser(
        [*own, ("logit_scale", scale)], recipe.rate, recipe.decay, {"frameLinear": recipe.head_rate}
    )
    for step in range(recipe.steps):
        losses = _losses(student, teacher, lessons, recipe, step, scale)
        torch.autograd.backward(losses.total)
        take_step(optimiser, rate_at(step, recipe.steps, recipe.warm_up), recipe.clip_norm, scale)
        if report is not None and (step % 50 == 49 or step + 1 == recipe.steps):
            report(step + 1, {**losses.numbers(), "scale": math.exp(scale.item())})
    return student


def _losses(
    student: TeachClip, teacher: XClip, lessons: Lessons, recipe: StudentRecipe, step: int, scale: Tensor
) -> StudentLosses:
    clips, rows, right = _batch(lessons, recipe, step)
    frames, texts = lessons.frames[clips], lessons.texts.pick(rows)  # (B, F, D)
    temporal = student.temporal(frames)  # (B, F, D)
    video = student.attentive_pool(temporal).video  # (B, D)
    weights = student.frame_logits(temporal).softmax(dim=-1)  # (B, F) at temperature 1, for the labels
    teachers = [teach(teacher, texts, frames, recipe.label_temperature)] if recipe.taught else []
    return teachclip_loss(scale.exp() * texts.sentence @ video.T, weights, teachers, ignore=right)
