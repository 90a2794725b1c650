"""Truth files for the demo library, whose clips were rendered from a world that is known exactly.

    python -m core.evaluate.demo_truth queries.csv    the window's example queries, every clip that answers them
    python -m core.evaluate.demo_truth captions.csv --captions 3    sentences about each clip, which alone answers them

Light, weather and road become columns, so that slices can be made of them. Both files are what
`drivescope evaluate --library demo --queries FILE` reads.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from core import paths
from core.errors import DrivescopeError, ErrorKind
from core.evaluate.files import read_text
from core.files import write_atomically
from core.world.captions import captions
from core.world.truth import ClipTruth, matches

HEADER = ("query", "video", "relevance", "light", "weather", "road")
Row = tuple[str, str, int, str, str, str]


def truths(folder: Path) -> dict[str, ClipTruth]:
    """What is known of each demo clip, by its file name. Raises DrivescopeError(NOT_FOUND) if there is none."""
    found = {
        path.with_suffix(".mp4").name: ClipTruth.from_json(read_text(path).text)
        for path in sorted(folder.glob("demo_*.json"))
    }
    if not found:
        raise DrivescopeError(
            ErrorKind.NOT_FOUND,
            f"The demo clips are not in {folder}: install Drivescope from its repository.",
        )
    return found


def query_rows(folder: Path) -> Iterator[Row]:
    """The example queries with every clip that answers them; their columns are what the query itself asks for."""
    known = truths(folder)
    for example in json.loads(read_text(folder / "queries.json").text):
        wanted = example["predicate"]
        asked = [str(wanted[key]) if isinstance(wanted.get(key), str) else "" for key in HEADER[3:]]
        for video, truth in known.items():
            if matches(truth, wanted):
                yield (example["query"], video, 1, asked[0], asked[1], asked[2])


def caption_rows(folder: Path, count: int, seed: int = 0) -> Iterator[Row]:
    """`count` sentences about each clip; one that fits several clips is relevant for each that it was made for."""
    generator = np.random.default_rng(seed)
    for video, truth in truths(folder).items():
        for caption in dict.fromkeys(captions(truth, generator, count)):
            yield caption, video, 1, truth.light, truth.weather, truth.road


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Writes a truth file, whole or not at all."""

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows(rows)

    write_atomically(path, write)


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes one truth file."""
    parser = argparse.ArgumentParser(description="Write a truth file for the demo library.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--captions", type=int, default=0, metavar="N", help="N sentences a clip")
    options = parser.parse_args(arguments)
    folder = paths.resources() / "demo"
    try:
        rows = caption_rows(folder, options.captions) if options.captions else query_rows(folder)
        write_rows(options.file, rows)
    except DrivescopeError as error:
        sys.stderr.write(f"{error.sentence}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
