"""Heatmaps held against truth: whether they point at what the query names.

    python -m core.explain.truth --world DIR [--bundle NAME] [--clips N]

On the demo world every actor's box is known. For each kind of actor that a clip shows, "a cyclist" is asked, and every
method's map is held against the boxes:

pointing   share of maps whose peak lies in a box (Zhang et al., the pointing game, ECCV 2016), half a patch of
           tolerance, because a map has no finer answer; `chance` is the share of patches that would have been a hit
energy     share of the heat that lies inside the boxes (Wang et al., Score-CAM, 2020); `area` is the boxes' share
faithful   mean insertion minus deletion area (`core.explain.faithfulness`), and how many maps beat their random orders

The area is measured three ways on the same pictures: how sure the tower is of the query beside its rivals of the
ontology, which is what the window shows; beside the other kinds asked here, which is RISE's class probability with
the classes of this test (`among_kinds`); and by the bare cosine (`cosine`). `several` is the first over frames that
show more than one kind: where there is one thing to see, attention that knows no query answers every query.

DIR holds demo clips (`*.mp4` with `*.json` beside them) or shards of `core.world.dataset`. One JSON object goes to
standard output and a table to standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.errors import DrivescopeError, ErrorKind
from core.explain.heatmap import ClipSight
from core.explain.pointing import Tally, boxes_of, measure
from core.explain.rivals import certainty, rivals_of
from core.explain.targets import whole_query
from core.library.video import frames_at
from core.world.truth import ACTOR_KINDS, ClipTruth, FrameTruth

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle

NAMES: Final = {
    "red light": "a red traffic light",
    "green light": "a green traffic light",
    "sign": "a road sign",
    "cone": "a traffic cone",
    "ambulance": "an ambulance",
}
FRAMES: Final = (1, 4, 7, 10)
"""Neighbours show nearly the same; these four stand for a clip's twelve."""


@dataclass(frozen=True)
class WorldClip:
    """Some frames of a clip with what is true of each."""

    truth: ClipTruth
    frames: list[NDArray[np.uint8]]
    moments: list[FrameTruth]


def judge_clip(bundle: ModelBundle, clip: WorldClip, methods: Sequence[str]) -> dict[tuple[str, str], Tally]:
    """Every kind that the clip shows, by every method: (method, kind) to its tally."""
    sight = ClipSight.look(bundle, clip.frames)
    shown = [boxes_of(clip.truth, moment) for moment in clip.moments]
    found: dict[tuple[str, str], Tally] = defaultdict(Tally)
    for kind in sorted({kind for boxes in shown for kind in boxes}):
        numbers = [number for number, boxes in enumerate(shown) if kind in boxes]
        target = whole_query(bundle, query_of(kind))
        rivals = rivals_of(bundle, target)
        kinds = torch.stack(
            [bundle.encode_text(query_of(other)).sentence for other in ACTOR_KINDS if other != kind]
        )
        scores = (
            partial(certainty, direction=target.direction, rivals=rivals),
            partial(certainty, direction=target.direction, rivals=kinds),
            partial(_cosine, direction=target.direction),
        )
        largest = max(numbers, key=lambda number: sum(box.area for box in shown[number][kind]))
        maps = {method: sight.maps(target, method, numbers) for method in methods or sight.methods}
        thinned = sight.thinned([by[numbers.index(largest)] for by in maps.values()])
        for method, thin in zip(maps, thinned, strict=True):
            tally = found[method, kind]
            for one in maps[method]:
                tally.add(measure(one, shown[one.frame][kind]))
            own, among_kinds, cosine = (thin.judged(score) for score in scores)
            tally.faithfulness.append(own.value)
            tally.reliable += own.reliable
            tally.among_kinds.append(among_kinds.value)
            tally.cosine.append(cosine.value)
            if len(shown[largest]) > 1:
                tally.several.append(own.value)
    return found


def _cosine(vectors: Tensor, direction: Tensor) -> Tensor:
    """The score without rivals: (..., D) to (...,)."""
    return functional.normalize(vectors, dim=-1) @ direction


def query_of(kind: str) -> str:
    """The text that asks for a kind."""
    return NAMES.get(kind, f"a {kind}")


def world_clips(folder: Path, frames: Sequence[int] = FRAMES) -> Iterator[WorldClip]:
    """The clips of a folder of demo clips or of training shards, the given ones of twelve frames each.

    Raises DrivescopeError(NOT_FOUND) if there are none.
    """
    videos, shards = sorted(folder.glob("*.mp4")), sorted(folder.glob("shard_*.npz"))
    if not videos and not shards:
        raise DrivescopeError(ErrorKind.NOT_FOUND, f"{folder} holds no clips of the demo world.")
    for video in videos:
        truth = ClipTruth.from_json(video.with_suffix(".json").read_text(encoding="utf-8"))
        moments = [_nearest(truth, (number + 0.5) * truth.duration_s / 12) for number in frames]
        rgb = [picture for _, picture in frames_at(video, [m.time_s for m in moments])]
        yield WorldClip(truth, rgb, moments)
    for shard in shards:
        pixels = np.load(shard, allow_pickle=False)["frames"]  # (n, 12, h, w, 3)
        lines = shard.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
        for clip, line in zip(pixels, lines, strict=True):
            truth = ClipTruth.from_dict(json.loads(line)["truth"])
            yield WorldClip(truth, [clip[n] for n in frames], [truth.frames[n] for n in frames])


def _nearest(truth: ClipTruth, time_s: float) -> FrameTruth:
    return min(truth.frames, key=lambda frame: abs(frame.time_s - time_s))


def report(tallies: dict[tuple[str, str], Tally]) -> dict[str, Any]:
    """Rows by method: `overall` over all maps, and one per kind."""
    answer: dict[str, Any] = {}
    for method in sorted({method for method, _ in tallies}):
        overall = Tally()
        kinds = {kind: tally for (by, kind), tally in sorted(tallies.items()) if by == method}
        for tally in kinds.values():
            overall.add(tally)
        answer[method] = {
            "overall": overall.row(),
            "kinds": {kind: tally.row() for kind, tally in kinds.items()},
        }
    return answer


def table(answer: dict[str, Any]) -> str:
    """The report for a person."""
    lines = [f"{'method':<10} {'actor':<12} {'maps':>5} {'point':>6} {'chance':>6} {'x':>6} {'energy':>6} {'area':>6} {'faith':>6} {'relia':>5} {'several':>7} {'kinds':>6} {'cosine':>6}"]  # fmt: skip # noqa: E501
    for method, rows in answer.items():
        for kind, row in {"overall": rows["overall"], **rows["kinds"]}.items():
            lines.append(
                f"{method:<10} {kind:<12} {row['maps']:>5} {row['pointing']:>6.2f} {row['chance']:>6.3f} "
                f"{row['times_chance']:>6.1f} {row['energy']:>6.3f} {row['area']:>6.3f} "
                f"{row['faithfulness']:>6.3f} {row['reliable']:>5.2f} {row['several']:>7.3f} "
                f"{row['among_kinds']:>6.3f} {row['cosine']:>6.3f}"
            )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; see the module's text."""
    from core.models.registry import DEFAULT_BUNDLE, load_bundle

    parser = argparse.ArgumentParser(
        prog="python -m core.explain.truth", description="Hold heatmaps against truth."
    )
    parser.add_argument("--world", type=Path, required=True)
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--methods", nargs="*", default=[], metavar="M", help="default: all")
    options = parser.parse_args(arguments)
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    try:
        bundle = load_bundle(options.bundle, device="cpu")
        for number, clip in enumerate(world_clips(options.world)):
            if number == options.clips:
                break
            for key, tally in judge_clip(bundle, clip, options.methods).items():
                tallies[key].add(tally)
    except DrivescopeError as error:
        print(error.sentence, file=sys.stderr)  # noqa: T201 - a command
        return 2
    answer = report(tallies)
    print(table(answer), file=sys.stderr)  # noqa: T201
    print(json.dumps({"bundle": options.bundle, "methods": answer}))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
