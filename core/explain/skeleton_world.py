"""What a clip's video skeleton ought to say, known exactly: the demo world's truth in the words of the ontology.

Used to calibrate a bundle (`skeleton_tune`) and to measure it (`skeleton_truth`), and by nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import DrivescopeError, ErrorKind
from core.explain.ego_manoeuvres import Manoeuvre, manoeuvres
from core.explain.ego_motion import measure, thinned
from core.explain.ontology import Ontology
from core.explain.video_skeleton import EGO, ClipEvidence
from core.library.clips import Span, sample_times
from core.library.video import frames_at, frames_of_span
from core.world.truth import ClipTruth, shown

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle

Facts = dict[tuple[str, str], list[tuple[float, float]]]
"""What holds, and when (seconds from the clip's start)."""
SMALLEST: Final = 0.0002
"""Share of the frame from which a traffic light can be made out."""
_STANDS_MPS: Final = 0.1
_SAME: Final = {"wait": "stationary"}
"""Our own car waits: its motion shows that it stands, not why."""


@dataclass(frozen=True, eq=False)
class WorldClip:
    """One clip of the demo world; `ego` is None where its frames are too few to see motion."""

    truth: ClipTruth
    evidence: ClipEvidence
    ego: tuple[Manoeuvre, ...] | None


def facts(truth: ClipTruth, ontology: Ontology) -> Facts:
    """The slots' true values with their spans. Weather and light are not known in a tunnel, where nobody sees them."""
    whole = [(0.0, truth.duration_s)]
    found: Facts = {}

    def add(name: str, spans: list[tuple[float, float]], ego: bool = False) -> None:
        concept = ontology.of_world(name)
        if concept is not None and spans:
            slot = ("ego" if ego else "action") if concept.table == "manoeuvre" else concept.table
            value = _SAME.get(concept.id, concept.id) if ego else concept.id
            found.setdefault((slot, value), []).extend(spans)

    add(f"road:{truth.road}", whole)
    if truth.road != "tunnel":
        add(f"weather:{truth.weather}", whole)
        add(f"light:{truth.light}", whole)
    half = truth.duration_s / max(len(truth.frames), 1) / 2
    for actor in truth.actors:
        times = [
            frame.time_s
            for frame in truth.frames
            if shown(truth, actor.id, frame.time_s - half / 2, frame.time_s + half / 2)
        ]
        if len(times) >= 2:
            add(f"actor:{actor.kind}", [(max(0.0, times[0] - half), times[-1] + half)])
    for event in truth.events:
        ours = event.name.startswith("ego") or event.name == "waits at red"
        if not event.name.startswith("light turns"):
            add(f"event:{event.name}", [(event.start_s, event.end_s)], ego=ours)
    for state in ("red", "green"):
        times = [frame.time_s for frame in truth.frames if _lamp(truth, frame.time_s, state)]
        if times:
            add(f"actor:{state} light", [(max(0.0, times[0] - half), times[-1] + half)])
    _add_standing(truth, found)
    if not any(slot == EGO for slot, _ in found):
        add(f"ego:{truth.ego}", whole, ego=True)
    return {key: _merged(spans) for key, spans in found.items()}


def _add_standing(truth: ClipTruth, found: Facts) -> None:
    """Whenever our car stands, whatever the script called it."""
    times = [frame.time_s for frame in truth.frames if frame.speed_mps < _STANDS_MPS]
    step = truth.duration_s / max(len(truth.frames), 1)
    found.pop((EGO, "stationary"), None)
    if len(times) * step >= 1.0:
        found[EGO, "stationary"] = [(max(0.0, times[0] - step / 2), times[-1] + step / 2)]


def _lamp(truth: ClipTruth, time_s: float, state: str) -> bool:
    """Whether a signal that shows `state` can be made out at that frame."""
    for frame in truth.frames:
        if frame.time_s == time_s:
            seen = {box.actor_id for box in frame.boxes if box.area >= SMALLEST}
            return any(known.startswith(state) and actor in seen for actor, known in frame.signals.items())
    return False


def _merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans that touch become one."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def world_clips(
    folder: Path, bundle: ModelBundle, *, limit: int = 0, motion: bool = True
) -> Iterator[WorldClip]:
    """The clips of a folder of demo clips (`*.mp4` with `*.json`) or of training shards, encoded by a bundle.

    Raises DrivescopeError(NOT_FOUND) if there are none.
    """
    videos, shards = sorted(folder.glob("*.mp4")), sorted(folder.glob("shard_*.npz"))
    if not videos and not shards:
        raise DrivescopeError(ErrorKind.NOT_FOUND, f"{folder} holds no clips of the demo world.")
    source = _of_videos(videos, bundle) if videos else _of_shards(shards)
    for given, (truth, frames, video) in enumerate(source):
        if limit and given == limit:
            return
        ego = None
        if video is not None and motion:
            times, pictures = thinned(
                frames_of_span(video, 0.0, truth.duration_s, 252), len(truth.frames) / 8
            )
            ego = manoeuvres(measure(times, pictures))
        yield WorldClip(truth, _evidence(bundle, truth, frames), ego)


def _of_videos(
    videos: list[Path], bundle: ModelBundle
) -> Iterator[tuple[ClipTruth, list[NDArray[np.uint8]], Path | None]]:
    for video in videos:
        truth = ClipTruth.from_json(video.with_suffix(".json").read_text(encoding="utf-8"))
        times = sample_times(Span(0.0, truth.duration_s), bundle.spec.frames)
        yield truth, [rgb for _, rgb in frames_at(video, times)], video


def _of_shards(shards: list[Path]) -> Iterator[tuple[ClipTruth, list[NDArray[np.uint8]], Path | None]]:
    for shard in shards:
        pixels = np.load(shard, allow_pickle=False)["frames"]  # (n, 12, h, w, 3)
        lines = shard.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
        for clip, line in zip(pixels, lines, strict=True):
            yield ClipTruth.from_dict(json.loads(line)["truth"]), list(clip), None


def _evidence(bundle: ModelBundle, truth: ClipTruth, frames: list[NDArray[np.uint8]]) -> ClipEvidence:
    """What a library would hold of the clip."""
    raw = bundle.encode_frames([bundle.prepare(rgb) for rgb in frames])
    vectors = bundle.pool(tuple(part[None] for part in raw))
    return ClipEvidence(
        clip_id=truth.seed,
        start_s=0.0,
        end_s=truth.duration_s,
        times_s=tuple((number + 0.5) * truth.duration_s / len(frames) for number in range(len(frames))),
        student=vectors.student[0].numpy(),
        frames=vectors.frames[0].numpy(),
        video=vectors.video[0].numpy(),
    )
