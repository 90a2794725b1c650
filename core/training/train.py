"""Stage A and a student from shards of clips: the teacher's command, and the shortest way to a bundle.

    python -m core.training.train --data DATA/train DATA/even --val DATA/val --run RUN --out BUNDLE --steps 1000
    python -m core.training.train ... --run RUN/2 --start BUNDLE --teacher-only    # more steps from a bundle

How `resources/weights/drive-tiny` was made is in its card; `core.training.reproduce` makes all of it from nothing, and
`core.training.table` compares what stage B can be.

Stage A trains the towers and the X-CLIP teacher, stage B the TeachCLIP student, once taught and once not; the one
that does better on val is written. Stop it whenever you like: the same command goes on from the last checkpoint
and ends with the same weights. `--export` trains no further and writes a bundle from the checkpoint as it is now.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from functools import partial
from pathlib import Path

import torch

from core.errors import DrivescopeError
from core.models.bundle_io import BundleConfig, save_bundle
from core.models.files import write_json
from core.models.teachclip import TeachClip
from core.models.xclip import XClip
from core.training.dataset import ClipSet, join, load_clips
from core.training.features import encode_clips
from core.training.lanes import Lanes
from core.training.recipe import StudentRecipe, TeacherRecipe
from core.training.runs import Run
from core.training.stage_a import train_teacher
from core.training.student import make_lessons, make_plan, train_student
from core.training.texts import Texts
from core.training.validation import Validation

NOTE = "Towers, X-CLIP teacher and TeachCLIP student, trained on procedurally drawn dashcam clips only."


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        _train(options)
    except DrivescopeError as problem:
        sys.stderr.write(problem.sentence + "\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core.training.train", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of training shards")
    parser.add_argument("--val", type=Path, required=True, help="folder of validation shards")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints and logs")
    parser.add_argument("--out", type=Path, required=True, help="bundle folder to write")
    parser.add_argument("--steps", type=int, default=TeacherRecipe.steps, help="steps of stage A")
    parser.add_argument(
        "--rate", type=float, default=TeacherRecipe.rate, help="peak learning rate of stage A"
    )
    parser.add_argument("--student-steps", type=int, default=StudentRecipe.steps)
    parser.add_argument("--seed", type=int, default=TeacherRecipe.seed)
    parser.add_argument("--clips", type=int, default=None, help="use only so many training clips")
    parser.add_argument("--start", type=Path, default=None, help="run or bundle folder to begin with")
    parser.add_argument(
        "--warm-up", type=float, default=TeacherRecipe.warm_up, help="share of stage A's steps"
    )
    parser.add_argument(
        "--validate-every", type=int, default=250, help="steps of stage A between validations"
    )
    parser.add_argument("--teacher-only", action="store_true", help="stop after stage A")
    parser.add_argument("--name", default="drive-tiny")
    parser.add_argument(
        "--export", action="store_true", help="no training: write the bundle of the checkpoint"
    )
    return parser


def _train(options: argparse.Namespace) -> None:
    torch.set_num_threads(2)
    clips = join([load_clips(folder, options.clips) for folder in options.data])
    val = load_clips(options.val)
    recipe = TeacherRecipe(steps=options.steps, rate=options.rate, seed=options.seed, warm_up=options.warm_up)
    run = options.run / "teacher"
    began = time.monotonic()
    start = (
        options.start / "teacher" if options.start and (options.start / "teacher").is_dir() else options.start
    )
    stop = 0 if options.export else None
    teacher, texts = train_teacher(
        clips, val, recipe, run, stop_at=stop, start=start, validate_every=options.validate_every, say=_say
    )
    _say(f"stage A took {(time.monotonic() - began) / 60:.1f} min")
    if options.teacher_only:
        return
    students = stage_b(teacher, texts, clips, val, recipe, options)
    best = max(students, key=lambda made: _merit(made[1]))
    write_bundle(options.out, options.name, best[0], teacher, recipe)
    write_json(options.run / "figures.json", {name: table for _, table, name in students})
    _say(f"wrote {options.out} with the {best[2]} student")


def stage_b(
    teacher: XClip,
    texts: Texts,
    clips: ClipSet,
    val: ClipSet,
    recipe: TeacherRecipe,
    options: argparse.Namespace,
) -> list[tuple[TeachClip, dict[str, float], str]]:
    """The student taught, and the same network untaught: (student, val table, name) of each."""
    assert teacher.clip is not None, "the towers are the teacher's"
    lanes = Lanes(recipe.lanes, recipe.chunk)
    checks = Validation(val)
    checks.encode(teacher, texts, recipe, lanes)
    log = Run(options.run / "student")
    log.note(event="teacher", **checks.of_teacher(teacher))
    frames = encode_clips(teacher.clip, clips, recipe.preprocessing, lanes)  # (N, F, D)
    lanes.close()
    lessons = make_lessons(teacher, clips, frames, texts, options.seed)
    plain = StudentRecipe(steps=options.student_steps, seed=options.seed)
    kinds = {
        "taught": plain,
        "untaught": dataclasses.replace(plain, coarse=False, fine=False),
    }
    plan = make_plan(teacher, lessons, plain)
    made = []
    for name, one in kinds.items():
        student = train_student(lessons, teacher, one, plan, partial(_report, name))
        student.eval()
        table = checks.of_student(student)
        both = {f"reranked {key}": value for key, value in checks.of_both(student, teacher).items()}
        log.note(event=name, recipe=one.as_dict(), **table, **both)
        _say(f"{name}: {_short(table)} | {_short(both)}")
        made.append((student, {**table, **both}, name))
    return made


def write_bundle(folder: Path, name: str, student: TeachClip, teacher: XClip, recipe: TeacherRecipe) -> None:
    """The bundle folder: student with the shared towers, reranker without."""
    towers, teacher.clip = teacher.clip, None
    config = BundleConfig(
        name=name,
        title="Drive Tiny",
        label="trained on the demo world",
        preprocessing=recipe.preprocessing,
        crop="squash",
        frames=recipe.frames,
        words=recipe.words,
        synthetic=True,
        note=NOTE,
    )
    try:
        save_bundle(folder, student, teacher, config)
    finally:
        teacher.clip = towers


def _merit(table: dict[str, float]) -> float:
    """What a student is chosen by, on val: captions and queries count alike."""
    return table["R@1"] + table["R@5"] + table["R@10"] + 3 * table["mAP"]


def _report(name: str, step: int, numbers: dict[str, float]) -> None:
    _say(f"{name} student, step {step}: {_short(numbers)}")


def _short(numbers: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.3g}" for name, value in numbers.items())


def _say(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
