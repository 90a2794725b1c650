"""Moments held against truth, on drives joined from the demo world.

    python -m core.explain.moments_truth --world DIR [--bundle NAME] [--seeds N]

DIR holds shards of `core.world.dataset`; their clips are joined into drives of two to five minutes (`moments_drives`)
at the level of frame vectors, so a drive is what a library would have cached of one long video. Metrics are those of
QVHighlights (`core/evaluate/moments.py`). Rows:

sliding     frame salience averaged over windows of five lengths, the best ten after suppression: the plain baseline
clips       the clips as the search ranks them (first stage): the answer without this page
moments     `core.explain.moments`

One JSON object goes to standard output and a table to standard error. Choices were made on drives of the
clips with seeds 104000 to 105279, which the bundle of the day had not been trained on, and checked on the validation
set (seeds 50000 on); report the test set.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.moments import MomentQuery, moment_metrics
from core.explain.moments import MOST_MOMENTS, Floats, Footage, find, salience, standardised, suppress
from core.explain.moments_drives import Drive, make_drives
from core.explain.moments_footage import in_order, raw_length, window_vectors
from core.explain.moments_scope import scope_of
from core.files import write_atomically
from core.library.clips import Span
from core.training.dataset import load_clips

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle, QueryVectors
    from core.training.dataset import ClipSet

KINDS: Final = ("all", "event", "clip", "scene")
SHOWN: Final = ("R1@0.5", "R1@0.7", "mAP@0.5", "mAP", "mIoU")
SLIDING_S: Final = (2.67, 5.33, 8.0, 16.0, 24.0)
BATCH: Final = 16
Answer = tuple[Floats, Floats]
"""Windows (P, 2) in seconds and their scores (P,), best first."""


@dataclass(frozen=True)
class ClipVectors:
    """What a library would hold of all N clips: frames (N, F, D), pooled (N, D), student (N, Ds)."""

    frames: np.ndarray[Any, np.dtype[np.float32]]
    video: np.ndarray[Any, np.dtype[np.float32]]
    student: np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class JoinedDrive:
    """A drive as one video."""

    drive: Drive
    footage: Footage
    frames: np.ndarray[Any, np.dtype[np.float32]]
    student: np.ndarray[Any, np.dtype[np.float32]]
    clips_s: Floats  # (C, 2)


def clip_vectors(bundle: ModelBundle, clips: ClipSet, cache: Path | None = None) -> ClipVectors:
    """The vectors of all clips, rounded as a library stores them; kept in `cache`, where there is one."""
    key = hashlib.sha256(f"{bundle.spec.fingerprint} {[t.seed for t in clips.truths]}".encode()).hexdigest()
    file = cache / f"moments-{key[:16]}.npz" if cache else None
    if file and file.exists():
        with np.load(file, allow_pickle=False) as kept:
            return ClipVectors(kept["frames"], kept["video"], kept["student"])
    parts = []
    for first in range(0, len(clips), BATCH):
        some = clips.frames[first : first + BATCH]  # (B, F, h, w, 3)
        prepared = [bundle.prepare(picture.numpy()) for clip in some for picture in clip]
        raw = tuple(each.reshape(len(some), some.shape[1], -1) for each in bundle.encode_frames(prepared))
        pooled = bundle.pool(raw)
        parts.append((pooled.frames, pooled.video, pooled.student))
    stored = [torch.cat(columns).half().float().numpy() for columns in zip(*parts, strict=True)]
    if file:
        write_atomically(file, lambda path: _save(path, stored))
    return ClipVectors(*stored)


def _save(path: Path, stored: list[Any]) -> None:
    with path.open("wb") as out:
        np.savez(out, frames=stored[0], video=stored[1], student=stored[2])


def join(bundle: ModelBundle, vectors: ClipVectors, drive: Drive, seconds: Sequence[float]) -> JoinedDrive:
    """The drive's clips one after the other; `seconds` are their lengths."""
    numbers = list(drive.clips)
    spans = [Span(start, start + length) for start, length in zip(drive.starts_s, seconds, strict=True)]
    video = in_order(spans, vectors.frames[numbers])
    length = raw_length(bundle, vectors.frames[numbers[:8]], vectors.video[numbers[:8]])
    windows = window_vectors(bundle, video, length, lambda: None)
    return JoinedDrive(
        drive,
        Footage.of(video.starts_s, video.ends_s, video.frames, windows),
        video.frames,
        vectors.student[numbers],
        np.array([(span.start_s, span.end_s) for span in spans]),
    )


def by_moments(joined: JoinedDrive, query: QueryVectors) -> Answer:
    """What the window shows."""
    found = salience(joined.footage, query.sentence.numpy())
    best = find(joined.footage, found, scope_of(query.text))
    return np.array([(m.start_s, m.end_s) for m in best]), np.array([m.score for m in best])


def by_clips(joined: JoinedDrive, query: QueryVectors) -> Answer:
    """The drive's clips in the order of the first stage."""
    scores = joined.student.astype(np.float64) @ query.student.numpy().astype(np.float64)
    order = np.argsort(-scores, kind="stable")[:MOST_MOMENTS]
    return joined.clips_s[order], scores[order]


def by_sliding(joined: JoinedDrive, query: QueryVectors) -> Answer:
    """Windows of five lengths, half overlapping, by the mean cosine of their frames with the query."""
    footage = joined.footage
    curve = standardised((joined.frames @ query.sentence.numpy()).astype(np.float64))
    sums = np.concatenate([[0.0], np.cumsum(curve)])
    step_s = float(np.median(footage.ends_s - footage.starts_s))
    spans = [
        (first, first + size)
        for size in (min(len(curve), max(1, round(length_s / step_s))) for length_s in SLIDING_S)
        for first in range(0, len(curve) - size + 1, max(1, size // 2))
    ]
    scores = np.array([(sums[end] - sums[first]) / (end - first) for first, end in spans])
    seconds = np.array([footage.span_s(*span) for span in spans])
    kept = suppress(seconds, scores, MOST_MOMENTS)
    return seconds[kept], scores[kept]


SYSTEMS: Final[dict[str, Callable[[JoinedDrive, QueryVectors], Answer]]] = {
    "sliding": by_sliding,
    "clips": by_clips,
    "moments": by_moments,
}


def measure(bundle: ModelBundle, drives: Sequence[JoinedDrive]) -> dict[str, dict[str, dict[str, float]]]:
    """System -> kind of query -> metrics in percent, with `queries` counted."""
    asked: dict[str, dict[str, list[MomentQuery]]] = {name: {} for name in SYSTEMS}
    for joined in drives:
        for one in joined.drive.asked:
            query = bundle.encode_text(one.text)
            for name, system in SYSTEMS.items():
                windows, scores = system(joined, query)
                result = MomentQuery.of(windows, scores, one.spans)
                for kind in ("all", one.kind):
                    asked[name].setdefault(kind, []).append(result)
    return {
        name: {
            kind: {"queries": float(len(kinds[kind])), **moment_metrics(kinds[kind])}
            for kind in KINDS
            if kind in kinds
        }
        for name, kinds in asked.items()
    }


def table(answer: dict[str, dict[str, dict[str, float]]]) -> str:
    """The report for a person."""
    lines = [f"{'system':<9} {'queries':<8} {'n':>5} " + " ".join(f"{name:>8}" for name in SHOWN)]
    for name, kinds in answer.items():
        for kind, row in kinds.items():
            figures = " ".join(f"{row[metric]:>8.1f}" for metric in SHOWN)
            lines.append(f"{name:<9} {kind:<8} {row['queries']:>5.0f} {figures}")
    return "\n".join(lines)


def run(
    bundle: ModelBundle, world: Path, seeds: int, most: int | None = None, cache: Path | None = None
) -> dict[str, Any]:
    """Joins, asks and measures. Raises DrivescopeError for a folder without shards or with too few clips."""
    clips = load_clips(world, most)
    vectors = clip_vectors(bundle, clips, cache)
    joined = []
    for seed in range(seeds):
        for drive in make_drives(clips.truths, clips.captions, seed):
            seconds = [clips.truths[number].duration_s for number in drive.clips]
            joined.append(join(bundle, vectors, drive, seconds))
    if not joined:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"The clips of {world} do not make a drive of two minutes."
        )
    minutes = [sum(end - start for start, end in drive.clips_s) / 60 for drive in joined]
    return {
        "bundle": bundle.spec.name,
        "fingerprint": bundle.spec.fingerprint[:12],
        "clips": len(clips),
        "drives": len(joined),
        "minutes": [round(min(minutes), 2), round(max(minutes), 2)],
        "systems": measure(bundle, joined),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; see the module's text."""
    from core.models.registry import DEFAULT_BUNDLE, load_bundle

    parser = argparse.ArgumentParser(
        prog="python -m core.explain.moments_truth", description="Hold moments against truth."
    )
    parser.add_argument("--world", type=Path, required=True, help="a folder of shards")
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="join the clips N times anew")
    parser.add_argument("--clips", type=int, metavar="N", help="only the first N clips")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the clips' vectors here")
    options = parser.parse_args(arguments)
    try:
        bundle = load_bundle(options.bundle, device="cpu")
        answer = run(bundle, options.world, options.seeds, options.clips, options.cache)
    except DrivescopeError as error:
        print(error.sentence, file=sys.stderr)  # noqa: T201 - a command
        return 2
    print(table(answer["systems"]), file=sys.stderr)  # noqa: T201
    print(json.dumps(answer))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
