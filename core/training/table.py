"""The table of the model card: every system on every split, several seeds, from cached frame vectors.

    python -m core.training.table --data DATA/train DATA/even --val DATA/val --test DATA/test --run RUN --out FILE.json

The towers are those of RUN/teacher (stage A). Frames are encoded once; then X-CLIP's heads learn on with all frames
(kept only if val says so), every student learns on the same batches, and what is compared is compared on clips and
sentences that none of it was trained on. Choices are made on val alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.errors import DrivescopeError
from core.models.files import read_tensors, write_json, write_tensors
from core.models.teachclip import TeachClip
from core.models.xclip import XClip
from core.training.dataset import ClipSet, join, load_clips
from core.training.features import encode_clips, encode_texts
from core.training.few import CAPTIONED, train_few
from core.training.free_text import free_text
from core.training.heads import train_heads
from core.training.lanes import Lanes
from core.training.lending import lend, word_vectors
from core.training.own_tower import SEEDS, train_own
from core.training.recipe import HeadRecipe, StudentRecipe, TeacherRecipe
from core.training.scoring import Gallery, Questions, by_side, columns, full_scan
from core.training.sides import side_sentences
from core.training.splits import Split, concepts, instances, paraphrases
from core.training.stage_a import load_teacher
from core.training.student import make_lessons, make_plan, pooled
from core.training.systems import BASE, FEW, SHIPPABLE, train_all
from core.training.table_rows import TEACHER, as_markdown, make_rows, student_scores
from core.training.texts import Texts

Say = Callable[[str], None]

FEW_STEPS = 150
"""Students with few captions are at their best sooner."""


@dataclasses.dataclass(frozen=True)
class Result:
    """The table, and what val chose."""

    table: dict[str, Any]
    teacher: XClip
    student: TeachClip
    name: str


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m core.training.table", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of training shards")
    parser.add_argument("--val", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="run folder of stage A")
    parser.add_argument("--out", type=Path, required=True, help="the table, as JSON")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--clips", type=int, default=None, help="learn from so many clips of each folder only"
    )
    parser.add_argument(
        "--words", type=Path, default=None, help="word vectors: unknown words borrow from known ones"
    )
    parser.add_argument("--bundle", type=Path, default=None, help="also write the bundle that val chose here")
    options = parser.parse_args(arguments)
    try:
        clips = join([load_clips(folder, options.clips) for folder in options.data])
        teacher, texts, recipe = load_teacher(options.run / "teacher")
        result = make_table(
            teacher,
            texts,
            recipe,
            clips,
            load_clips(options.val),
            load_clips(options.test),
            options.run,
            seeds=options.seeds,
            lenders=word_vectors(options.words) if options.words else None,
            say=say,
        )
        write_json(options.out, result.table)
        if options.bundle:
            from core.training.train import write_bundle  # imports this module

            write_bundle(options.bundle, "drive-tiny", result.student, result.teacher, recipe)
    except DrivescopeError as problem:
        sys.stderr.write(problem.sentence + "\n")
        return 2
    sys.stdout.write(as_markdown(result.table) + "\n")
    return 0


def make_table(
    teacher: XClip,
    texts: Texts,
    recipe: TeacherRecipe,
    clips: ClipSet,
    val: ClipSet,
    test: ClipSet,
    folder: Path,
    *,
    seeds: int = 5,
    students: StudentRecipe | None = None,
    heads: HeadRecipe | None = None,
    lenders: tuple[Tensor, Tensor] | None = None,
    say: Say = lambda line: None,
) -> Result:
    """Everything from trained towers to the finished table.

    Args:
        teacher: stage A's, with its towers.
        texts: which words it knows.
        recipe: stage A's.
        clips: what heads and students learn from.
        val: what choices are made on.
        test: what is reported.
        folder: where encoded frames are kept for the next time.
        seeds: of the cheap systems; the others get at most `FEW`.
        students: numbers of the students instead of the standard ones (a test is smaller).
        heads: numbers of the heads' further training.
        lenders: word vectors (`lending.word_vectors`); with them unknown words borrow, and `paraphrase` is asked
            with and without.
        say: where a line for a person goes.

    """
    lanes = Lanes(recipe.lanes, recipe.chunk)
    torch.set_num_threads(recipe.lanes)
    began = time.monotonic()
    assert teacher.clip is not None, "the table needs the towers"
    known = texts.used.clone()
    plain = {"paraphrase": paraphrases(test)}
    told = _encoded(teacher, texts, {f"{name}, no lending": split for name, split in plain.items()})
    lent = lend(teacher.clip, known, *lenders) if lenders else {}
    say(f"{len(lent)} words borrow from known ones")
    splits = {"test": instances(test), "concept": concepts(test), **plain}
    if (free := free_text(test)).queries:
        splits["free text"] = free
    asked = _encoded(teacher, texts, splits) | (told if lent else {})
    path = folder / "frames_test.safetensors"
    found = Gallery(test, cached_frames(teacher, test, recipe, lanes, path), asked)
    path = folder / "frames_val.safetensors"
    asked = _encoded(teacher, texts, {"test": instances(val), "concept": concepts(val)})
    looked = Gallery(val, cached_frames(teacher, val, recipe, lanes, path), asked)
    sided = side_sentences()
    sides = encode_texts(
        teacher.clip, texts, [*(left for _, left, _ in sided), *(right for _, _, right in sided)]
    )
    texts.used = known  # words that only questions have were not trained
    frames = cached_frames(teacher, clips, recipe, lanes, folder / "frames_train.safetensors")
    lessons = make_lessons(teacher, clips, frames, texts, seed=1)
    say(f"encoded {len(clips) + len(val) + len(test)} clips: {(time.monotonic() - began) / 60:.1f} min")
    headed = train_heads(teacher, lessons, heads or HeadRecipe(), _told("heads", say))
    merits = {name: _teacher_merit(one, looked, lanes) for name, one in (("a", teacher), ("b", headed))}
    say(f"val, teacher as stage A left it {merits['a']:.2f}, heads trained on {merits['b']:.2f}")
    chosen = headed if merits["b"] > merits["a"] else teacher
    base = students or BASE
    plan = make_plan(chosen, lessons, base)
    say(f"heads and plan: {(time.monotonic() - began) / 60:.1f} min")
    trained = train_all(lessons, chosen, plan, base, seeds, recipe.lanes, say)
    few = dataclasses.replace(base, steps=min(base.steps, FEW_STEPS))
    trained |= train_few(
        lessons,
        chosen,
        few,
        CAPTIONED,
        min(seeds, FEW),
        lambda one: _student_merit(one, looked),
        recipe.lanes,
    )
    say(f"students: {(time.monotonic() - began) / 60:.1f} min")
    asked = {name: one for name, one in found.questions.items() if name not in told}  # in the teacher's words
    shared, owned = train_own(
        chosen,
        clips,
        lessons,
        base,
        (looked, dataclasses.replace(found, questions=asked)),
        recipe.preprocessing,
        folder,
        min(seeds, SEEDS),
        recipe.lanes,
    )
    trained |= shared
    say(f"towers of their own: {(time.monotonic() - began) / 60:.1f} min")
    val_merit = {name: [_student_merit(student, looked) for student in trained[name]] for name in trained}
    val_merit |= {name: [_merit(scores, looked) for scores, _ in owned[name]] for name in owned}
    best = max(SHIPPABLE, key=lambda name: statistics.mean(val_merit[name]))
    answered = {name: [scores for _, scores in owned[name]] for name in owned}
    rows = make_rows(chosen, trained, answered, best, found, lanes, recipe)
    told_sides = {
        best: by_side(sides.sentence @ pooled(trained[best][0], found.frames, True).T, test),
        TEACHER: by_side(full_scan(chosen, sides, found.frames, lanes), test),
    }
    lanes.close()
    say(f"table: {(time.monotonic() - began) / 60:.1f} min")
    table = {
        "teacher": "heads trained on" if chosen is headed else "as stage A left it",
        "shipped": best,
        "val": {name: [round(m, 3) for m in merits_] for name, merits_ in val_merit.items()},
        "lent_words": len(lent),
        "clips": {"train": len(clips), "val": len(val), "test": len(test)},
        "recipes": {
            "teacher": recipe.as_dict(),
            "heads": (heads or HeadRecipe()).as_dict(),
            "student": base.as_dict(),
        },
        "minutes": round((time.monotonic() - began) / 60, 1),
        **rows,
        "sides": told_sides,
    }
    student = trained[best][max(range(len(trained[best])), key=lambda k: val_merit[best][k])].eval()
    return Result(json.loads(json.dumps(table)), chosen, student, best)


def cached_frames(teacher: XClip, clips: ClipSet, recipe: TeacherRecipe, lanes: Lanes, path: Path) -> Tensor:
    """Raw frame vectors (N, F, D) of clips, from the file if these towers and clips have written it."""
    assert teacher.clip is not None, "frames need the towers"
    mark = torch.tensor(
        [float(teacher.clip.visual.proj.double().abs().sum()), clips.truths[0].seed, len(clips)]
    )
    if path.exists():
        stored = read_tensors(path)
        if torch.equal(stored["mark"], mark):
            return stored["frames"].float()
    frames = encode_clips(teacher.clip, clips, recipe.preprocessing, lanes)
    write_tensors(path, {"frames": frames.half(), "mark": mark})
    return frames.half().float()


def _encoded(teacher: XClip, texts: Texts, splits: dict[str, Split]) -> dict[str, Questions]:
    assert teacher.clip is not None, "questions need the towers"
    return {
        name: Questions(split, encode_texts(teacher.clip, texts, list(split.queries)))
        for name, split in splits.items()
    }


def _merit(scores: Mapping[str, Tensor], gallery: Gallery) -> float:
    """What is chosen by, on val: captions (mean of R@1, R@5, R@10) and concepts (mAP) count alike."""
    _, single = columns(scores["test"], gallery.questions["test"].split)
    _, several = columns(scores["concept"], gallery.questions["concept"].split)
    return float(single[:, :3].mean() + several[:, 0].mean()) / 2


def _student_merit(student: TeachClip, gallery: Gallery) -> float:
    video = {
        name: student_scores(SHIPPABLE[0], student, asked, gallery.frames)
        for name, asked in gallery.questions.items()
    }
    return _merit(video, gallery)


def _teacher_merit(teacher: XClip, gallery: Gallery, lanes: Lanes) -> float:
    asked = gallery.questions
    return _merit({n: full_scan(teacher, q.texts, gallery.frames, lanes) for n, q in asked.items()}, gallery)


def _told(name: str, say: Say) -> Callable[[int, dict[str, float]], None]:
    def report(step: int, numbers: dict[str, float]) -> None:
        say(f"{name}, step {step}: " + " ".join(f"{key} {value:.3g}" for key, value in numbers.items()))

    return report


def say(line: str) -> None:
    """A line with its time, for a person who waits."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
