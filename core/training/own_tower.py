"""Shared frozen tower against own tower (methods 1.5): students that see with the teacher's eyes or with their own.

TeachCLIP's student has towers of its own, which learn with it; ours shares the frozen ones of its teacher, so that a
frame is encoded once for both stages. What that costs is measured here on some clips: students that begin alike and
get the same lessons in the same batches, with the tower as it is or with its top blocks opened. The vectors in the
index are as many either way, but a library whose reranker keeps the teacher's tower encodes every frame twice.
"""

from __future__ import annotations

import copy
import dataclasses
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from core.models.preprocess import Preprocessing
from core.models.teachclip import TeachClip
from core.models.xclip import XClip
from core.training.dataset import ClipSet
from core.training.distill_towers import OpenTower, TowerWeights
from core.training.recipe import StudentRecipe
from core.training.scoring import Gallery
from core.training.student import Lessons, make_plan, new_student, pooled, train_student

BLOCKS = 1
"""Opened at the top of both towers, besides their last norms and projections."""
CLIPS, STEPS, BATCH = 1000, 100, 32
SEEDS = 3
"""Five minutes each; nothing else of the table costs so much."""
AT_ONCE = 32
"""Clips or texts encoded together."""

Scores = Mapping[str, Tensor]
"""Similarities (Q, V) by split."""


def own_name(own: bool, taught: bool) -> str:
    """The row's name in the table."""
    told = "taught" if taught else "untaught"
    return (
        f"student, {told}, {'own tower, frames encoded twice' if own else 'shared tower, the same lessons'}"
    )


def train_own(
    teacher: XClip,
    clips: ClipSet,
    lessons: Lessons,
    base: StudentRecipe,
    galleries: Sequence[Gallery],
    preprocessing: Preprocessing,
    folder: Path,
    seeds: int,
    lanes: int,
) -> tuple[dict[str, list[TeachClip]], dict[str, list[tuple[Scores, ...]]]]:
    """Students on the shared tower, and what students with towers of their own answer, by row name, one a seed.

    Args:
        teacher: whose towers, temporal transformer and words all of them begin with.
        clips: what is learned from; some of them, evenly chosen, are used.
        lessons: of these clips.
        base: the students' numbers, of which steps and batch are cut.
        galleries: what the second ones' scores are wanted for, in this order.
        preprocessing: of the towers.
        folder: where the frames' tokens lie meanwhile: 0.7 MB a clip for towers of drive-tiny's size.
        seeds: of each row.
        lanes: students at once.

    """
    chosen = range(0, len(clips), -(-len(clips) // CLIPS))
    some = lessons.of(chosen)
    recipe = dataclasses.replace(
        base, steps=min(base.steps, STEPS), batch=min(base.batch, BATCH), from_teacher=True
    )
    plan = make_plan(teacher, some, recipe)
    seen = [clips.frames[list(chosen)], *(gallery.clips.frames for gallery in galleries)]
    texts = [
        *lessons.sentences,
        *(q for g in galleries for asked in g.questions.values() for q in asked.split.queries),
    ]
    folder = folder / "own_tower"
    tower = _opened(teacher, seen, texts, preprocessing, folder)
    jobs = [
        (own, taught, seed)
        for own in (False, True)
        for taught in (False, True)
        for seed in range(1, seeds + 1)
    ]
    recipes = [dataclasses.replace(recipe, coarse=taught, fine=taught, seed=seed) for _, taught, seed in jobs]
    starts = [new_student(teacher, one) for one in recipes]

    def make(job: tuple[bool, bool, int], recipe: StudentRecipe, student: TeachClip) -> tuple[Scores, ...]:
        own = copy.deepcopy(tower) if job[0] else None
        train_student(some, teacher, recipe, plan, student=student, tower=own)
        return answers(student, own, galleries, len(some.frames), len(lessons.sentences)) if own else ()

    # the fused attention is slow backwards for a dozen words
    with (
        sdpa_kernel(SDPBackend.MATH),
        ThreadPoolExecutor(lanes, initializer=torch.set_num_threads, initargs=(1,)) as pool,
    ):
        answered = list(pool.map(make, jobs, recipes, starts))
    shutil.rmtree(folder)
    shared: dict[str, list[TeachClip]] = {}
    owned: dict[str, list[tuple[Scores, ...]]] = {}
    for (own, taught, _), student, scores in zip(jobs, starts, answered, strict=True):
        if own:
            owned.setdefault(own_name(own, taught), []).append(scores)
        else:
            shared.setdefault(own_name(own, taught), []).append(student)
    return shared, owned


@torch.no_grad()
def answers(
    student: TeachClip, tower: OpenTower, galleries: Sequence[Gallery], clip: int, text: int
) -> tuple[Scores, ...]:
    """Each gallery's scores by a student that sees with `tower`, where they begin at the numbers `clip` and `text`."""
    found = []
    for gallery in galleries:
        frames = [tower.frames(part) for part in _parts(clip, len(gallery.clips))]
        video = pooled(student, torch.cat(frames), True)  # (V, D)
        clip += len(gallery.clips)
        scores = {}
        for name, asked in gallery.questions.items():
            sentences = [tower.texts(part).sentence for part in _parts(text, len(asked.split.queries))]
            scores[name] = torch.cat(sentences) @ video.T
            text += len(asked.split.queries)
        found.append(scores)
    return tuple(found)


def _parts(first: int, count: int) -> Iterator[range]:
    """The numbers from `first` on, a few at once."""
    for start in range(first, first + count, AT_ONCE):
        yield range(start, min(start + AT_ONCE, first + count))


def _opened(
    teacher: XClip, seen: Sequence[Tensor], texts: Sequence[str], preprocessing: Preprocessing, folder: Path
) -> OpenTower:
    """The teacher's towers with their top opened, and what lies below of clips (N, F, h, w, 3) and texts."""
    assert teacher.clip is not None, "the table needs the towers"
    state = {name: tensor.detach() for name, tensor in teacher.clip.state_dict().items()}
    tower = OpenTower(
        TowerWeights(teacher.clip.dims, state, preprocessing), BLOCKS, teacher.words, torch.device("cpu")
    )

    def pictures(_: int) -> Iterator[Tensor]:
        for part in seen:
            for start in range(0, len(part), AT_ONCE):
                frames = part[start : start + AT_ONCE].flatten(0, 1)  # (n * F, h, w, 3)
                yield preprocessing.normalise(frames.permute(0, 3, 1, 2))

    shutil.rmtree(folder, ignore_errors=True)  # what a killed run left
    tower.read(folder, "", pictures, (sum(map(len, seen)), seen[0].shape[1], 1), texts)
    return tower
