"""The video skeleton of a clip: what the bundle's vectors, made at ingest, and the pictures' motion say of it.

Every value of every slot is asked as an ensemble of phrases against "none of these" (methods of MMI-TVR, without its
language model). Scenes, actors, events, signals and hazards come from the vectors; what our own car does comes from
motion alone. No video tower runs: a skeleton costs a few products of small matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.explain.ego_manoeuvres import Manoeuvre
from core.explain.video_skeleton_calibration import LOGIT_SCALE, Calibration, SlotFit, measures
from core.explain.video_skeleton_questions import ONE_OF, Questions
from core.explain.video_skeleton_records import Finding, VideoSkeleton

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

EGO: Final = "ego"
UNCALIBRATED: Final = 0.9
"""From which probability a thing or an event holds where nobody calibrated: a zero-shot model says yes too easily."""
LEAST: Final = 0.02
"""Values less probable than this are kept, but rounded to what they are: next to nothing."""


@dataclass(frozen=True, eq=False)
class ClipEvidence:
    """What a library holds of one clip.

    `student` (Ds,), `frames` (F, Dr) and `video` (Dr,) are unit vectors, `times_s` (F,) seconds in the file.
    """

    clip_id: int
    start_s: float
    end_s: float
    times_s: tuple[float, ...]
    student: F32
    frames: F32
    video: F32


class SkeletonReader:
    """Reads clips with one bundle's questions. `calibration` is None where nobody calibrated the bundle."""

    def __init__(
        self, questions: Questions, calibration: Calibration | None, *, ontology: str = "", bundle: str = ""
    ) -> None:
        self.questions = questions
        self.calibration = calibration
        self._ontology, self._bundle = ontology, bundle

    def read(self, clip: ClipEvidence, ego: Sequence[Manoeuvre] = ()) -> VideoSkeleton:
        """The skeleton of one clip; `ego` is what its motion showed, in seconds of the file."""
        findings: list[Finding] = []
        none: dict[str, float] = {}
        curves = clip.frames.astype(np.float64) @ self.questions.frame.T.astype(np.float64)  # (F, V)
        found = self.probabilities(clip.student[None], clip.video[None], clip.frames[None])[0]  # (V,)
        for slot in dict.fromkeys(slot for slot, _ in self.questions.keys):
            places = self.questions.places(slot)
            if slot in ONE_OF:
                none[slot] = round(max(0.0, 1.0 - float(found[places].sum())), 4)
            best = max(places, key=lambda place: found[place])
            for place in sorted(places, key=lambda place: -found[place]):
                holds = found[place] >= self._slot(slot).threshold and (slot not in ONE_OF or place == best)
                findings.append(self._finding(clip, place, float(found[place]), holds, curves))
        return VideoSkeleton(
            clip_id=clip.clip_id,
            start_s=clip.start_s,
            end_s=clip.end_s,
            findings=(*findings, *_measured(clip, ego)),
            none=none,
            calibrated=self.calibration is not None,
            ontology=self._ontology,
            bundle=self._bundle,
        )

    def probabilities(self, student: F32, video: F32, frames: F32) -> F64:
        """Probability of every value in C clips, (C, V); of an exclusive slot they and "none" sum to one.

        Args:
            student: (C, Ds) unit.
            video: (C, Dr) unit.
            frames: (C, F, Dr) unit.

        """
        asked_student = self.questions.student.astype(np.float64)
        asked_frame = self.questions.frame.astype(np.float64)
        per_frame = np.einsum("cfd,vd->cvf", frames.astype(np.float64), asked_frame)
        found = measures(
            student.astype(np.float64) @ asked_student.T, video.astype(np.float64) @ asked_frame.T, per_frame
        )  # (C, V, 5)
        logits = self._logits(found)
        answer = np.empty_like(logits)
        for slot in dict.fromkeys(slot for slot, _ in self.questions.keys):
            places = self.questions.places(slot)
            if slot in ONE_OF:
                answer[:, places] = _softmax_with_none(logits[:, places])
            else:
                answer[:, places] = 1.0 / (1.0 + np.exp(-np.clip(logits[:, places], -40.0, 40.0)))
        return answer

    def _logits(self, found: F64) -> F64:
        """(C, V) log-odds against "none of these"."""
        if self.calibration is None:
            # zero-shot: scenes by the mean frame, things and events by the best quarter of the frames
            scene = np.array([slot in ONE_OF for slot, _ in self.questions.keys])
            return np.asarray(LOGIT_SCALE * np.where(scene, found[..., 4], found[..., 3]))
        fits = [self.calibration.values[f"{slot}:{value}"] for slot, value in self.questions.keys]
        return np.stack([fit.logit(found[:, place]) for place, fit in enumerate(fits)], axis=-1)

    def _slot(self, slot: str) -> SlotFit:
        if self.calibration is None:
            return SlotFit(threshold=0.5 if slot in ONE_OF else UNCALIBRATED)
        return self.calibration.slots.get(slot, SlotFit())

    def _finding(
        self, clip: ClipEvidence, place: int, probability: float, holds: bool, curves: F64
    ) -> Finding:
        slot, value = self.questions.keys[place]
        curve = smoothed(curves[:, place])
        best = int(curve.argmax())
        fit = self._slot(slot)
        first, last = span(curve, fit.level, fit.flat)
        edges = _edges(clip)
        return Finding(
            slot=slot,
            value=value,
            probability=round(probability, 4) if probability >= LEAST else 0.0,
            holds=bool(holds),
            start_s=round(edges[first], 3),
            end_s=round(edges[last + 1], 3),
            time_s=clip.times_s[best],
            frame=best,
            source="frames",
        )


def _measured(clip: ClipEvidence, ego: Sequence[Manoeuvre]) -> list[Finding]:
    """What the motion showed, as findings; its key image is the sampled frame nearest to its middle."""
    findings = []
    for one in ego:
        middle = (one.start_s + one.end_s) / 2
        frame = int(np.abs(np.asarray(clip.times_s) - middle).argmin()) if clip.times_s else 0
        findings.append(
            Finding(
                slot=EGO,
                value=one.value,
                probability=round(one.probability, 4),
                holds=True,
                start_s=round(max(one.start_s, clip.start_s), 3),
                end_s=round(min(one.end_s, clip.end_s), 3),
                time_s=clip.times_s[frame] if clip.times_s else middle,
                frame=frame,
                source="motion",
            )
        )
    return findings


def smoothed(curve: F64) -> F64:
    """A curve over frames (F,) with every frame a little like its neighbours."""
    padded = np.concatenate([curve[:1], curve, curve[-1:]])
    return np.asarray(0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:])


def span(curve: F64, level: float, flat: float) -> tuple[int, int]:
    """First and last frame of the run around the highest one that stays above `level` of the curve's rise."""
    low, high = float(curve.min()), float(curve.max())
    if high - low < flat:
        return 0, len(curve) - 1
    above = curve >= low + level * (high - low)
    first = last = int(curve.argmax())
    while first > 0 and above[first - 1]:
        first -= 1
    while last < len(curve) - 1 and above[last + 1]:
        last += 1
    return first, last


def _edges(clip: ClipEvidence) -> list[float]:
    """Borders between the sampled frames, (F + 1): half way between neighbours, the clip's own at the ends."""
    middles = [(a + b) / 2 for a, b in zip(clip.times_s[:-1], clip.times_s[1:], strict=True)]
    return [clip.start_s, *middles, clip.end_s]


def _softmax_with_none(logits: F64) -> F64:
    """Softmax of (C, V) scores and of "none of these", whose score is zero; the V values' part."""
    top = np.maximum(logits.max(axis=-1, keepdims=True), 0.0)
    grown = np.exp(logits - top)
    return np.asarray(grown / (grown.sum(axis=-1, keepdims=True) + np.exp(-top)))
