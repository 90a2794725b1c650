"""What learns for the table, and its training: every kind of student with several seeds, from one plan."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

from core.models.teachclip import TeachClip
from core.models.xclip import XClip
from core.training.recipe import StudentRecipe
from core.training.student import Lessons, Taught, new_student, train_student, with_colleagues

BASE = StudentRecipe()
SYSTEMS: dict[str, tuple[StudentRecipe, bool]] = {
    "CLIP4Clip seqTransf": (dataclasses.replace(BASE, attentive=False, coarse=False, fine=False), True),
    "student, untaught": (dataclasses.replace(BASE, coarse=False, fine=False), True),
    "student, taught": (BASE, True),
    "student, coarse only": (dataclasses.replace(BASE, fine=False), False),
    "student, fine only": (dataclasses.replace(BASE, coarse=False), False),
    "student, label temperature 1": (dataclasses.replace(BASE, label_temperature=1.0), False),
    "student, taught, from the teacher's head": (dataclasses.replace(BASE, from_teacher=True), False),
    "student, untaught, from the teacher's head": (
        dataclasses.replace(BASE, from_teacher=True, coarse=False, fine=False),
        False,
    ),
    "student, taught, captions count 1, from the teacher's head": (
        dataclasses.replace(BASE, from_teacher=True, contrast=1.0),
        False,
    ),
    "student, two teachers, from the teacher's head": (dataclasses.replace(BASE, from_teacher=True), False),
}
"""What learns, and whether it gets all seeds or only `FEW`."""
COLLEAGUES = {"student, two teachers, from the teacher's head": "student, untaught, from the teacher's head"}
"""Who also learns from trained students, and from which: where those pass the teacher, they have something to say."""
FEW = 3
SHIPPABLE = tuple(name for name, (recipe, _) in SYSTEMS.items() if recipe.attentive and recipe.coarse)


def train_all(
    lessons: Lessons,
    teacher: XClip,
    plan: Sequence[Taught],
    base: StudentRecipe,
    seeds: int,
    lanes: int,
    say: Callable[[str], None],
) -> dict[str, list[TeachClip]]:
    """Every system with every seed, as many at once as there are lanes."""
    lock = threading.Lock()  # a fresh student draws from torch's one generator

    assert teacher.clip is not None, "the scale belongs to the towers"
    scale = teacher.clip.logit_scale.exp()

    def make(name: str, seed: int, plan: Sequence[Taught]) -> TeachClip:
        kind = SYSTEMS[name][0]
        same = {
            field: getattr(kind, field)
            for field in ("attentive", "coarse", "fine", "contrast", "from_teacher")
        }
        recipe = dataclasses.replace(base, **same, label_temperature=kind.label_temperature, seed=seed)
        with lock:
            student = new_student(teacher, recipe)
        return train_student(lessons, teacher, recipe, plan, student=student)

    trained: dict[str, list[TeachClip]] = {}
    for later in (False, True):
        jobs = [
            (name, seed)
            for name, (_, cheap) in SYSTEMS.items()
            for seed in range(1, seeds + 1)
            if (cheap or seed <= FEW) and (name in COLLEAGUES) == later
        ]
        plans = {
            name: with_colleagues(plan, lessons, trained[COLLEAGUES[name]], scale) if later else plan
            for name in dict(jobs)
        }
        with ThreadPoolExecutor(lanes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            made = list(pool.map(make, *zip(*jobs, strict=True), [plans[name] for name, _ in jobs]))
        for (name, _), student in zip(jobs, made, strict=True):
            trained.setdefault(name, []).append(student)
    say(f"{sum(map(len, trained.values()))} students trained")
    return trained
