"""What a teacher is worth where captions are few: the same student, with and without it, on some captioned clips.

Who has thousands of clips and captions for a hundred can train on the hundred. With a teacher the other clips count as
well: nobody need have described a clip for the teacher to say how well it fits a sentence (Hinton et al., 2015, call
such clips the transfer set). Both students stop where val likes them best, else the one without a teacher would only
show what too long a training does.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

from core.models.teachclip import TeachClip
from core.models.xclip import XClip
from core.training.dataset import rng_of
from core.training.recipe import StudentRecipe
from core.training.student import (
    Batch,
    Lessons,
    Taught,
    new_student,
    right_of,
    teach,
    train_student,
)

CAPTIONED = (100, 400)
"""How many clips have captions: one table row with and one without a teacher for each."""

Merit = Callable[[TeachClip], float]


def few_name(captioned: int, taught: bool) -> str:
    """The row's name in the table."""
    if taught:
        return f"{captioned} captioned clips, the others without captions, taught"
    return f"{captioned} captioned clips only, untaught"


def train_few(
    lessons: Lessons,
    teacher: XClip,
    base: StudentRecipe,
    counts: Sequence[int],
    seeds: int,
    merit: Merit,
    lanes: int,
) -> dict[str, list[TeachClip]]:
    """Students by row name, one a seed; a seed also draws which clips are the captioned ones."""
    jobs = [
        (min(count, len(lessons.frames)), taught, seed)
        for count in counts
        for taught in (False, True)
        for seed in range(1, seeds + 1)
    ]
    starts = [new_student(teacher, dataclasses.replace(base, seed=seed)) for _, _, seed in jobs]

    def make(job: tuple[int, bool, int], student: TeachClip) -> TeachClip:
        captioned, taught, seed = job
        recipe = dataclasses.replace(base, seed=seed, coarse=taught, fine=taught)
        plan = few_plan(teacher, lessons, recipe, captioned)
        return at_its_best(lessons, teacher, recipe, plan, student, merit)

    with ThreadPoolExecutor(lanes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        made = list(pool.map(make, jobs, starts))
    found: dict[str, list[TeachClip]] = {}
    for (captioned, taught, _), student in zip(jobs, made, strict=True):
        found.setdefault(few_name(captioned, taught), []).append(student)
    return found


def few_plan(teacher: XClip, lessons: Lessons, recipe: StudentRecipe, captioned: int) -> tuple[Taught, ...]:
    """The batches of one student; the recipe's seed decides which clips have captions and which come when.

    Without a teacher a batch is captioned clips only. With one half of it are clips without captions; the sentences
    that are held against them are other clips' own.
    """
    known = random.Random(recipe.seed).sample(range(len(lessons.frames)), captioned)
    others = sorted(set(range(len(lessons.frames))) - set(known))
    most = recipe.batch // 2 if recipe.taught and others else recipe.batch
    untold = torch.empty(0), torch.empty(0)
    plan = []
    for step in range(recipe.steps):
        rng = rng_of(recipe.seed, step)
        paired = rng.sample(known, min(most, captioned))
        alone = rng.sample(others, min(recipe.batch - len(paired), len(others))) if recipe.taught else []
        asked = [*paired, *rng.choices(known, k=len(alone))]  # whose texts
        rows = [
            rng.choice((lessons.made if rng.random() < recipe.query_share else lessons.rows)[i])
            for i in asked
        ]
        clips = [*paired, *alone]
        batch = Batch(
            torch.tensor(clips), torch.tensor(rows), right_of(lessons, clips, rows), pairs=len(paired)
        )
        plan.append(teach(teacher, lessons, batch) if recipe.taught else Taught(batch, *untold))
    return tuple(plan)


def at_its_best(
    lessons: Lessons,
    teacher: XClip,
    recipe: StudentRecipe,
    plan: Sequence[Taught],
    student: TeachClip,
    merit: Merit,
) -> TeachClip:
    """Train a student and leave it as it was when `merit` was highest, before the first step included."""

    def state() -> dict[str, torch.Tensor]:
        return {k: v.clone() for k, v in student.state_dict().items() if not k.startswith("clip.")}

    best, kept = merit(student), state()

    def look(step: int, numbers: dict[str, float]) -> None:
        nonlocal best, kept
        if (found := merit(student)) > best:
            best, kept = found, state()

    train_student(lessons, teacher, recipe, plan, look, student)
    student.load_state_dict(kept, strict=False)
    return student
