r"""Everything that ships as drive-tiny, from nothing: the world, the teacher, the students, the table.

    python -m core.training.reproduce --work DIR --out BUNDLE
    python -m core.training.reproduce --work DIR --out BUNDLE --quick     # shows that it runs, not that it is good

Each part is kept in DIR and not made twice; a part that was interrupted goes on where it stopped. `DIR/times.json`
says how long each part took here, `DIR/table.json` what came out. `--words` takes the file of `core.training.lending`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import DrivescopeError
from core.models.files import read_json, write_json
from core.training.dataset import join, load_clips
from core.training.lending import word_vectors
from core.training.recipe import HeadRecipe, StudentRecipe, TeacherRecipe
from core.training.stage_a import load_teacher, train_teacher
from core.training.table import make_table, say
from core.training.table_rows import as_markdown
from core.training.train import write_bundle
from core.world.dataset import make_dataset


@dataclass(frozen=True)
class Part:
    """One set of clips: its folder's name, how many, from which seed, every story equally often or as on a drive.

    `rare` is the share of phrases in rarer words; what measures has none.
    """

    name: str
    clips: int
    seed: int
    even: bool = False
    rare: float = 0.0


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    parts: tuple[Part, ...]
    teacher: TeacherRecipe
    heads: HeadRecipe
    students: StudentRecipe
    seeds: int


FULL = Size(
    (
        Part("val", 300, 50_000),
        Part("test", 1000, 60_000),
        Part("train", 8000, 100_000, rare=TeacherRecipe.rare_words),
        Part("even", 3712, 300_000, even=True, rare=TeacherRecipe.rare_words),
    ),
    TeacherRecipe(steps=6500),
    HeadRecipe(),
    StudentRecipe(),
    seeds=5,
)
QUICK = Size(
    (
        Part("val", 24, 50_000),
        Part("test", 24, 60_000),
        Part("train", 24, 100_000, rare=TeacherRecipe.rare_words),
        Part("even", 8, 300_000, even=True, rare=TeacherRecipe.rare_words),
    ),
    TeacherRecipe(steps=8),
    HeadRecipe(steps=4, batch=8),
    StudentRecipe(steps=4, batch=8),
    seeds=2,
)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m core.training.reproduce", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for clips, checkpoints and the table"
    )
    parser.add_argument("--out", type=Path, required=True, help="bundle folder to write")
    parser.add_argument(
        "--words", type=Path, default=None, help="word vectors, for words that captions never used"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes that render")
    parser.add_argument("--quick", action="store_true", help="a small run of the same parts")
    options = parser.parse_args(arguments)
    try:
        reproduce(options.work, options.out, QUICK if options.quick else FULL, options.words, options.workers)
    except DrivescopeError as problem:
        sys.stderr.write(problem.sentence + "\n")
        return 2
    return 0


def reproduce(work: Path, out: Path, size: Size, words: Path | None = None, workers: int = 2) -> None:
    """Make what is missing in `work`, write the bundle to `out`, print table and times."""
    lenders = word_vectors(words) if words else None
    times = Times(work / "times.json")

    def render() -> None:
        for part in size.parts:
            make_dataset(work / part.name, part.clips, part.seed, workers, even=part.even, rare=part.rare)

    times.of("world", render)
    val, test = load_clips(work / "val"), load_clips(work / "test")
    clips = join([load_clips(work / part.name) for part in size.parts if part.name not in ("val", "test")])

    def train() -> None:
        train_teacher(clips, val, size.teacher, work / "teacher", validate_every=1000, say=say)

    times.of("teacher", train)
    teacher, texts, recipe = load_teacher(work / "teacher")

    def compare() -> None:
        result = make_table(
            teacher,
            texts,
            recipe,
            clips,
            val,
            test,
            work,
            seeds=size.seeds,
            heads=size.heads,
            students=size.students,
            lenders=lenders,
            say=say,
        )
        write_json(work / "table.json", result.table)
        write_bundle(out, "drive-tiny", result.student, result.teacher, recipe)

    times.of("students and table", compare)
    sys.stdout.write(as_markdown(read_json(work / "table.json")) + "\n")
    for name, minutes in times.minutes.items():
        sys.stdout.write(f"{name}: {minutes:.1f} min\n")


class Times:
    """Minutes that each part took, summed over interrupted runs, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.minutes: dict[str, float] = dict(read_json(path)) if path.exists() else {}

    def of(self, name: str, make: Callable[[], None]) -> None:
        """Run one part and add its time, also when it is interrupted."""
        began = time.monotonic()
        try:
            make()
        finally:
            self.minutes[name] = round(self.minutes.get(name, 0.0) + (time.monotonic() - began) / 60, 2)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self._path, self.minutes)


if __name__ == "__main__":
    sys.exit(main())
