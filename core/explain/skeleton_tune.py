"""Calibrates a bundle's video skeletons on clips whose truth is known.

    python -m core.explain.skeleton_tune --world DIR [--bundle NAME]

DIR holds validation clips of the demo world (shards of `core.world.dataset`, or mp4 with truth); they must not be the
clips that anything is measured on. For every value a logistic over its five measures is fitted (Platt, 1999), its
weights pulled towards those of its slot, because many values are rare; slots whose values exclude each other get one
softmax with "none of these". Then every slot gets the threshold with the best F1, and the level at which an interval
is cut so that it fits the true one best. Writes `resources/calibration/BUNDLE.json`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.errors import DrivescopeError
from core.explain.ontology import load_ontology
from core.explain.skeleton_world import Facts, WorldClip, facts, world_clips
from core.explain.video_skeleton import SkeletonReader, smoothed, span
from core.explain.video_skeleton_calibration import MEASURES, Calibration, SlotFit, ValueFit, measures, save
from core.explain.video_skeleton_questions import ONE_OF, Questions, ask, askable

F64 = NDArray[np.float64]
LEAST: Final = 3
"""A value that fewer clips show is not calibrated, so it is not asked."""
_PULL: Final = {"weights": 0.002, "own": 0.0005, "offset": 0.0005}
"""How much a unit of each kind of parameter costs, against the mean loss of a clip and value."""
_LEVELS: Final = (0.2, 0.35, 0.5, 0.65, 0.8)
_FLATS: Final = (0.0, 0.05, 0.1, 0.2, 0.3)


def tune(
    bundle: str, fingerprint: str, made_from: str, clips: Sequence[WorldClip], questions: Questions
) -> Calibration:
    """The calibration that these clips give; values that hardly any clip shows are left out."""
    ontology = load_ontology()
    truths = [facts(clip.truth, ontology) for clip in clips]
    found = stacked(clips, questions)  # (C, V, 5)
    values: dict[str, ValueFit] = {}
    for slot in dict.fromkeys(slot for slot, _ in questions.keys):
        places = [
            place
            for place in questions.places(slot)
            if sum(questions.keys[place] in truth for truth in truths) >= LEAST
        ]
        if places:
            labels = np.array([[questions.keys[place] in truth for place in places] for truth in truths])
            fits = _fit(found[:, places], labels, exclusive=slot in ONE_OF)
            for place, fit in zip(places, fits, strict=True):
                values[":".join(questions.keys[place])] = fit
    kept = [place for place, key in enumerate(questions.keys) if ":".join(key) in values]
    questions = Questions(
        tuple(questions.keys[place] for place in kept), questions.student[kept], questions.frame[kept]
    )
    draft = Calibration(bundle, fingerprint, made_from, len(clips), {}, values)
    slots = _slots(SkeletonReader(questions, draft), clips, truths)
    return Calibration(bundle, fingerprint, made_from, len(clips), slots, values)


def stacked(clips: Sequence[WorldClip], questions: Questions) -> F64:
    """The five measures of every clip and value, (C, V, 5)."""
    student = np.stack([clip.evidence.student for clip in clips]).astype(np.float64)
    video = np.stack([clip.evidence.video for clip in clips]).astype(np.float64)
    frames = np.stack([clip.evidence.frames for clip in clips]).astype(np.float64)
    per_frame = np.einsum("cfd,vd->cvf", frames, questions.frame.astype(np.float64))
    return measures(student @ questions.student.T, video @ questions.frame.T, per_frame)


def _fit(found: F64, labels: NDArray[np.bool_], *, exclusive: bool) -> list[ValueFit]:
    """Weights of one slot's V values: shared ones, each value's own part, and offsets, by one convex problem."""
    mean, spread = found.mean(axis=0), np.maximum(found.std(axis=0), 1e-6)  # (V, 5)
    x = torch.from_numpy((found - mean) / spread)  # (C, V, 5)
    y = torch.from_numpy(labels.astype(np.float64))  # (C, V)
    shared = torch.zeros(len(MEASURES), dtype=torch.float64, requires_grad=True)
    own = torch.zeros(x.shape[1], len(MEASURES), dtype=torch.float64, requires_grad=True)
    offset = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([shared, own, offset], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        logits = (x * (shared + own)).sum(dim=-1) + offset  # (C, V)
        if exclusive:
            with_none = torch.cat([logits, torch.zeros(len(logits), 1, dtype=torch.float64)], dim=1)
            target = torch.cat([y, 1.0 - y.sum(dim=1, keepdim=True)], dim=1)
            value = -(target * functional.log_softmax(with_none, dim=1)).sum(dim=1).mean()
        else:
            value = functional.binary_cross_entropy_with_logits(logits, y, reduction="none").mean()
        value = value + _PULL["weights"] * (shared**2).sum() / len(shared)
        value = value + (_PULL["own"] * (own**2).sum() + _PULL["offset"] * (offset**2).sum()) / len(own)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    solver.step(loss)  # type: ignore[no-untyped-call]
    weights = (shared + own).detach().numpy()
    return [
        ValueFit(
            mean=tuple(np.round(mean[place], 6).tolist()),
            spread=tuple(np.round(spread[place], 6).tolist()),
            weights=tuple(np.round(weights[place], 4).tolist()),
            offset=round(float(offset.detach()[place]), 4),
        )
        for place in range(len(own))
    ]


def _slots(reader: SkeletonReader, clips: Sequence[WorldClip], truths: Sequence[Facts]) -> dict[str, SlotFit]:
    """Threshold and interval of every slot."""
    questions = reader.questions
    found = reader.probabilities(
        np.stack([clip.evidence.student for clip in clips]),
        np.stack([clip.evidence.video for clip in clips]),
        np.stack([clip.evidence.frames for clip in clips]),
    )  # (C, V)
    slots = {}
    for slot in dict.fromkeys(slot for slot, _ in questions.keys):
        places = questions.places(slot)
        labels = np.array([[questions.keys[place] in truth for place in places] for truth in truths])
        threshold = 0.5 if slot in ONE_OF else _best_threshold(found[:, places], labels)
        level, flat = (0.0, 1e9) if slot in ONE_OF else _best_span(questions, places, clips, truths)
        slots[slot] = SlotFit(round(threshold, 3), level, flat)
    return slots


def _best_threshold(found: F64, labels: NDArray[np.bool_]) -> float:
    """The probability above which F1 over all values of the slot is largest."""
    best = (-1.0, 0.5)
    for threshold in np.arange(0.1, 0.91, 0.02).tolist():
        said = found >= threshold
        both = float((said & labels).sum())
        best = max(best, (2 * both / max(float(said.sum() + labels.sum()), 1.0), threshold))
    return best[1]


def _best_span(
    questions: Questions, places: list[int], clips: Sequence[WorldClip], truths: Sequence[Facts]
) -> tuple[float, float]:
    """Level and flatness whose intervals overlap the true ones best, on clips that show the value."""
    best = (-1.0, 0.5, 0.0)
    for level in _LEVELS:
        for flat in _FLATS:
            overlaps = []
            for clip, truth in zip(clips, truths, strict=True):
                curves = clip.evidence.frames.astype(np.float64) @ questions.frame.T
                length = clip.evidence.end_s / len(clip.evidence.frames)
                for place in places:
                    if spans := truth.get(questions.keys[place]):
                        first, last = span(smoothed(curves[:, place]), level, flat)
                        overlaps.append(overlap((first * length, (last + 1) * length), spans))
            if overlaps:
                best = max(best, (float(np.mean(overlaps)), level, flat))
    return best[1], best[2]


def overlap(one: tuple[float, float], others: Sequence[tuple[float, float]]) -> float:
    """Largest intersection over union of a span with any of several."""
    best = 0.0
    for start, end in others:
        shared = min(one[1], end) - max(one[0], start)
        union = max(one[1], end) - min(one[0], start)
        best = max(best, max(shared, 0.0) / union if union > 0 else 0.0)
    return best


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; see the module's text."""
    from core.models.registry import DEFAULT_BUNDLE, load_bundle

    parser = argparse.ArgumentParser(
        prog="python -m core.explain.skeleton_tune", description="Calibrate video skeletons."
    )
    parser.add_argument("--world", type=Path, required=True, help="validation clips of the demo world")
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--clips", type=int, default=0, help="only the first N clips")
    parser.add_argument("--out", type=Path, default=None, help="another folder than resources/calibration")
    options = parser.parse_args(arguments)
    try:
        bundle = load_bundle(options.bundle, device="cpu")
        clips = list(world_clips(options.world, bundle, limit=options.clips, motion=False))
        questions = ask(bundle, load_ontology(), askable(load_ontology()))
        made_from = f"{len(clips)} validation clips of the demo world"
        path = save(tune(bundle.spec.name, bundle.spec.fingerprint, made_from, clips, questions), options.out)
    except DrivescopeError as error:
        sys.stderr.write(f"{error.sentence}\n")
        return 2
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
