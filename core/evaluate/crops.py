r"""Which crop finds the most for what it costs, on the demo clips, whose truth is known.

    python -m core.evaluate.crops [--bundle drive-tiny] [--view 16:9] [--view 4:3] [--view 2:1] [--captions 3]

Every clip is decoded once; its frames are cut to the view's shape (the middle of the picture), brought to the towers'
shape by each crop, and searched with the example queries and with captions, in two stages as the program does it. One
JSON object is printed. Cost is this thread's own time on a core for resizing and encoding a clip, and the number of
images that the towers see of one frame. "three" sees three times as many: it is called best only if it beats the best
single crop by more than luck (95 % bootstrap interval of the paired average precision above zero).

Measured with drive-tiny in bfloat16 on the 150 demo clips, 20 queries and 450 captions, mean average precision of all:

    view   center  letterbox  squash  three   three against the best single crop
    16:9   0.906   0.906      0.906   0.906   the towers' own shape: all are the same picture
    4:3    0.898   0.910      0.900   0.859   -0.051 (-0.071 to -0.032)
    2:1    0.912   0.900      0.908   0.909   -0.004 (-0.009 to +0.001)

A single crop costs a third of three. Squash, the default of our own bundle, is 0.009 below letterbox at 4:3 and 0.004
below center at 2:1, and with the drive-tiny before this one it was best at 4:3: single crops differ by little, and
which is best changes with the weights (no interval was computed for pairs of them). Three is never worth its price
with these towers. That says nothing of towers with a square input.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core import paths
from core.errors import DrivescopeError, ErrorKind
from core.evaluate.demo_truth import caption_rows, query_rows
from core.evaluate.metrics import Outcomes, metric, outcome, summarise
from core.evaluate.resampling import bootstrap_intervals
from core.evaluate.ties import EXPECTED
from core.library.clips import Span, sample_times
from core.library.timeline import read_timeline
from core.library.video import frames_at
from core.models.preprocess import CROPS, Crop, prepare
from core.models.registry import DEFAULT_BUNDLE, load_bundle

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle

Pixels = NDArray[np.uint8]
Clip = tuple[str, Sequence[Pixels]]
"""A name and its F frames (H, W, 3)."""
Queries = Mapping[str, frozenset[int]]
"""Texts and the numbers of the clips that answer them."""
VIEWS: Final = ("16:9", "4:3", "2:1")
SHOWN: Final = ("mAP", "R@1", "R@5", "R@10")


@dataclass
class Seen:
    """What one crop makes of the clips, and what that took."""

    clips: list[tuple[Tensor, ...]] = field(default_factory=list)  # per clip and tower (F, D)
    seconds: float = 0.0
    images: int = 0
    frames: int = 0

    @property
    def images_a_frame(self) -> float:
        """How many images the towers saw of one frame."""
        return self.images / max(1, self.frames)


def cut_view(rgb: Pixels, aspect: float) -> Pixels:
    """The middle of a picture (H, W, 3) with this width over height: as wide or as high as the picture allows."""
    height, width = rgb.shape[:2]
    if width > height * aspect:
        keep = max(1, round(height * aspect))
        return rgb[:, (width - keep) // 2 :][:, :keep]
    keep = max(1, round(width / aspect))
    return rgb[(height - keep) // 2 :][:keep]


def look(
    bundle: ModelBundle, clips: Iterable[Clip], aspects: Sequence[float]
) -> dict[tuple[float, Crop], Seen]:
    """Every clip in every view by every crop."""
    found: dict[tuple[float, Crop], Seen] = {(aspect, crop): Seen() for aspect in aspects for crop in CROPS}
    for _, frames in clips:
        for (aspect, crop), seen in found.items():
            views = [cut_view(rgb, aspect) for rgb in frames]
            began = time.thread_time()
            prepared = [
                tuple(prepare(rgb, tower.preprocessing, crop) for tower in bundle.towers) for rgb in views
            ]
            seen.clips.append(bundle.encode_frames(prepared))
            seen.seconds += time.thread_time() - began
            seen.images += sum(len(view[0]) for view in prepared)
            seen.frames += len(prepared)
    return found


def search(bundle: ModelBundle, seen: Seen, queries: Queries) -> Outcomes:
    """The reranked results of queries whose answers (numbers of clips) are known, over all clips."""
    towers = range(len(bundle.towers))
    pooled = bundle.pool(tuple(torch.stack([clip[t] for clip in seen.clips]) for t in towers))
    rows = []
    for text, answers in queries.items():
        score = bundle.rerank(bundle.encode_text(text), pooled.frames, pooled.video).score.numpy()  # (V,)
        order = np.argsort(-score, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(score[order]) != 0])
        rows.append(outcome(order.astype(np.int64), starts, dict.fromkeys(answers, 1), len(score)))
    return Outcomes.stack(rows)


def tell(
    bundle: ModelBundle, seen: Mapping[Crop, Seen], sets: Mapping[str, Mapping[str, frozenset[int]]]
) -> dict[str, Any]:
    """Figures and cost of each crop of one view, and which crop is best for what it costs.

    `sets` are queries by the name of their set. Crops that show the towers the same are measured and told alike.
    """
    first = next(iter(seen.values()))
    alike = all(
        torch.equal(a, b)
        for one in seen.values()
        for ours, theirs in zip(one.clips, first.clips, strict=True)
        for a, b in zip(ours, theirs, strict=True)
    )
    told: dict[str, Any] = {}
    precision: dict[Crop, NDArray[np.float64]] = {}
    found: dict[str, Outcomes] = {}
    for crop, one in seen.items():
        if not found or not alike:
            found = {name: search(bundle, one, queries) for name, queries in sets.items()}
        told[crop] = {
            "images_a_frame": round(one.images_a_frame, 2),
            "seconds_a_clip": round(one.seconds / max(1, len(one.clips)), 4),
            **{
                name: {key: value.as_dict() for key, value in summarise(outcomes, SHOWN).items()}
                for name, outcomes in found.items()
            },
        }
        precision[crop] = np.concatenate([metric("mAP").read(o)[:, EXPECTED] for o in found.values()])
    if alike:
        return {"crops": told, "alike": True, "best": bundle.spec.crop}
    return {"crops": told, "alike": False, **choose(precision)}


def choose(precision: Mapping[Crop, NDArray[np.float64]]) -> dict[str, Any]:
    """The best crop per cost from each one's average precisions (Q,) of the same queries."""
    single = max(
        (crop for crop in precision if crop != "three"), key=lambda crop: float(precision[crop].mean())
    )
    change = precision["three"] - precision[single]
    low, high = bootstrap_intervals(change[:, None], np.zeros(1, bool))[0]
    return {
        "best": "three" if low > 0 else single,
        "best_single": single,
        "three_gains": {"mAP": float(change.mean()), "low": float(low), "high": float(high)},
        "mean_precision": {crop: round(float(values.mean()), 4) for crop, values in precision.items()},
    }


# --- the demo's clips and questions -------------------------------------------------------------------


def demo_clips(folder: Path, frames: int, most: int | None = None) -> Iterator[Clip]:
    """The shipped clips, each as one clip of the library would be sampled."""
    for path in sorted(folder.glob("demo_*.mp4"))[:most]:
        timeline = read_timeline(path)
        times = sample_times(Span(0.0, timeline.duration_s), frames)
        yield path.name, [rgb for _, rgb in frames_at(path, times, timeline)]


def demo_queries(folder: Path, captions: int, names: Sequence[str]) -> dict[str, dict[str, frozenset[int]]]:
    """Example queries with all their answers, and captions with their clips, by number of the clip."""
    number = {name: at for at, name in enumerate(names)}
    sets: dict[str, dict[str, frozenset[int]]] = {}
    for name, rows in (("queries", query_rows(folder)), ("captions", caption_rows(folder, captions))):
        answers: dict[str, set[int]] = {}
        for text, video, *_ in rows:
            if video in number:
                answers.setdefault(text, set()).add(number[video])
        sets[name] = {text: frozenset(clips) for text, clips in answers.items()}
    return sets


def aspect_of(text: str) -> float:
    """`16:9` as a number. Raises DrivescopeError(BAD_INPUT)."""
    width, _, height = text.partition(":")
    try:
        aspect = float(width) / float(height)
    except (ValueError, ZeroDivisionError):
        aspect = 0.0
    if not 0.1 <= aspect <= 10:
        raise DrivescopeError(ErrorKind.BAD_INPUT, f"'{text}' is no shape of a picture; write it as 16:9.")
    return aspect


def measure(bundle: ModelBundle, views: Sequence[str], captions: int, most: int | None) -> dict[str, Any]:
    """Everything the command prints."""
    folder = paths.resources() / "demo"
    aspects = {view: aspect_of(view) for view in views}
    names: list[str] = []

    def noted() -> Iterator[Clip]:
        for clip in demo_clips(folder, bundle.spec.frames, most):
            names.append(clip[0])
            yield clip

    found = look(bundle, noted(), list(aspects.values()))
    sets = demo_queries(folder, captions, names)
    told = {}
    for view, aspect in aspects.items():
        told[view] = tell(bundle, {crop: found[aspect, crop] for crop in CROPS}, sets)
        sys.stderr.write(f"{view}: {told[view]['best']}\n")
    return {
        "bundle": bundle.spec.name,
        "default": bundle.spec.crop,
        "precision": bundle.precision,
        "clips": len(names),
        "queries": {name: len(queries) for name, queries in sets.items()},
        "views": told,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m core.evaluate.crops", description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--view", action="append", metavar="W:H", help=f"default: {', '.join(VIEWS)}")
    parser.add_argument("--captions", type=int, default=3, metavar="N", help="sentences a clip (default 3)")
    parser.add_argument("--clips", type=int, default=None, metavar="N", help="only the first N")
    options = parser.parse_args(arguments)
    try:
        bundle = load_bundle(options.bundle)
        told = measure(bundle, options.view or VIEWS, options.captions, options.clips)
    except DrivescopeError as error:
        sys.stderr.write(f"{error.sentence}\n")
        return 2
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
