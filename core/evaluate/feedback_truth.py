"""What relevance feedback gains, on clips whose truth is known.

    python -m core.evaluate.feedback_truth --world DIR [--bundle drive-tiny] [--queries 400] [--judged 10]

DIR holds demo clips (`*.mp4` with `*.json` beside them) or shards of `core.world.dataset`. Queries are made from facts
that hold of 3 to 25 percent of the clips, so every right answer is known; they are asked in words that the towers
learned ("known") and in words that no caption ever used ("unheard", `core.world.wording_unseen`), which is what a
person's own words are to a model. A judge who knows the truth marks the first ten clips of a ranking; the ranking
learns, and is measured on what is left: mean average precision of the clips that were not judged, before and after
(the residual collection of Rocchio, 1971, and of Salton and Buckley, 1990), with a paired bootstrap interval.
"liked" is a judge who marks the first three relevant ones among the ten and nothing else.

One JSON object goes to standard output and a table to standard error. The weights in `core.search.feedback` were
chosen on the val clips; report others.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import torch

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.resampling import bootstrap_intervals
from core.evaluate.ties import precision_sum
from core.explain.truth import world_clips
from core.library.features import FeatureStore
from core.search.feedback import AWAY, TOWARDS, Lesson
from core.search.rerank import rerank
from core.training.concepts import Fact, facts_of, make_query, say, say_in
from core.world.truth import ClipTruth
from core.world.wording_unseen import UNSEEN

if TYPE_CHECKING:
    from core.explain.truth import WorldClip
    from core.models.bundle import ModelBundle

Floats = npt.NDArray[np.float64]
Scores = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
LEAST_RIGHT: Final = 3
MOST_RIGHT: Final = 0.25
LIKED: Final = 3
WORDS: Final = ("known", "unheard")
STAGES: Final = ("first", "reranked")
_TRIES: Final = 20_000
_BATCH: Final = 16
_ORDER: Final = ("event", "actor", "without", "ego", "road", "weather", "light")


@dataclass(frozen=True)
class Question:
    """One need in both kinds of words, and which of V clips answer it: (V,)."""

    texts: dict[str, str]
    right: Mask


# --- questions ----------------------------------------------------------------------------------------


def questions(facts: Sequence[frozenset[Fact]], count: int, seed: int = 5) -> list[Question]:
    """Different needs of one to three facts, each with all the clips that it is true of; fewer if none are left."""
    rng = random.Random(seed)
    found: dict[frozenset[Fact], Question] = {}
    for _ in range(_TRIES):
        if len(found) == count or not facts:
            break
        text, need = make_query(rng.choice(facts), rng)
        right = np.array([need <= have for have in facts])
        if need not in found and LEAST_RIGHT <= right.sum() <= MOST_RIGHT * len(facts):
            found[need] = Question({"known": text, "unheard": unheard(need, rng)}, right)
    return list(found.values())


def unheard(need: frozenset[Fact], rng: random.Random) -> str:
    """The need in words that no caption of the training uses; what has none is said as usual."""
    ordered = sorted(need, key=lambda fact: (_ORDER.index(fact[0]), fact))
    return " ".join(say_in(UNSEEN, fact, rng) or say(fact, rng) for fact in ordered)


# --- vectors and judges -------------------------------------------------------------------------------


def store_of(
    bundle: ModelBundle, clips: Iterator[WorldClip], folder: Path
) -> tuple[FeatureStore, list[ClipTruth]]:
    """The vectors of all clips as a library would store them, and what is true of each."""
    store, truths = FeatureStore.create(folder, bundle.spec), list[ClipTruth]()
    while some := list(islice(clips, _BATCH)):
        prepared = [bundle.prepare(picture) for clip in some for picture in clip.frames]
        raw = tuple(
            each.reshape(len(some), bundle.spec.frames, -1) for each in bundle.encode_frames(prepared)
        )
        store.append(bundle.pool(raw), range(len(truths), len(truths) + len(some)))
        truths += [clip.truth for clip in some]
        sys.stderr.write(f"\r{len(truths)} clips")
    sys.stderr.write("\n")
    store.refresh()
    return store, truths


def average_precision(scores: Scores, right: Mask, judged: Mask) -> float:
    """Of the ranking by `scores` (V,) without the clips that were `judged`; some right one has to be left."""
    left = right[~judged][np.argsort(-scores[~judged], kind="stable")]
    return precision_sum(left) / int(left.sum())


def marks(scores: Scores, right: Mask, judged: int, *, liked: bool) -> tuple[npt.NDArray[np.int64], ...]:
    """Rows of the clips that a judge calls relevant and not relevant, of the first `judged` ones."""
    first = np.argsort(-scores, kind="stable")[:judged]
    good = first[right[first]]
    return (good[:LIKED], good[:0]) if liked else (good, first[~right[first]])


def gains(
    bundle: ModelBundle,
    store: FeatureStore,
    asked: Sequence[Question],
    words: str,
    stage: str,
    *,
    judged: int,
    liked: bool,
    weights: tuple[float, float],
) -> Floats:
    """(Q, 2) average precision before and after, of the queries that leave something to judge and to find."""
    live = np.arange(store.rows)
    rows = []
    for question in asked:
        query = bundle.encode_text(question.texts[words])
        if stage == "first":
            scores = np.asarray(store.student, np.float32) @ query.student.cpu().numpy()
        else:
            scores, _ = rerank(bundle, query, store, live)
        good, bad = marks(scores, question.right, judged, liked=liked)
        seen = np.isin(live, [*good, *bad])
        if not seen.any() or not (question.right & ~seen).any():
            continue
        lesson = Lesson(bundle, store, query, good, bad, live, towards=weights[0], away=weights[1])
        added = lesson.first(live) if stage == "first" else lesson.reranked(live)
        rows.append([average_precision(each, question.right, seen) for each in (scores, scores + added)])
    return np.array(rows, np.float64).reshape(-1, 2)


def measure(
    bundle: ModelBundle, world: Path, count: int, judged: int, weights: tuple[float, float] = (TOWARDS, AWAY)
) -> dict[str, Any]:
    """Everything the command prints. Raises DrivescopeError for a folder without clips, or with too few of them."""
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        clips = world_clips(world, range(bundle.spec.frames))
        store, truths = store_of(bundle, clips, Path(folder) / "features")
        asked = questions([facts_of(truth) for truth in truths], count)
        if not asked:
            raise DrivescopeError(ErrorKind.BAD_INPUT, f"{world} holds too few clips to ask about.")
        told = []
        for words in WORDS:
            for stage in STAGES:
                for liked in (False, True):
                    found = gains(
                        bundle, store, asked, words, stage, judged=judged, liked=liked, weights=weights
                    )
                    judge = "liked" if liked else f"first {judged}"
                    told.append({"words": words, "stage": stage, "judge": judge, **_figures(found)})
    return {
        "bundle": bundle.spec.name,
        "clips": len(truths),
        "queries": len(asked),
        "weights": list(weights),
        "gains": told,
    }


def _figures(found: Floats) -> dict[str, Any]:
    """The means of (Q, 2) in percent, and the interval of their difference."""
    if len(found) == 0:
        return {"queries": 0}
    change = found[:, 1] - found[:, 0]
    low, high = bootstrap_intervals(change[:, None], np.zeros(1, bool))[0]
    before, after = found.mean(axis=0)
    figures = {"before": before, "after": after, "gain": change.mean(), "low": low, "high": high}
    return {"queries": len(found), **{name: round(100 * float(value), 2) for name, value in figures.items()}}


def table(answer: dict[str, Any]) -> str:
    """The same for a person."""
    lines = [f"{'words':<8} {'stage':<9} {'judge':<9} {'queries':>7} {'before':>7} {'after':>7}   gain"]
    for row in answer["gains"]:
        head = f"{row['words']:<8} {row['stage']:<9} {row['judge']:<9} {row['queries']:>7}"
        if row["queries"]:
            head += f" {row['before']:>7.1f} {row['after']:>7.1f}"
            head += f"   {row['gain']:+.1f} ({row['low']:+.1f} to {row['high']:+.1f})"
        lines.append(head)
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; see the module's text."""
    from core.models.registry import DEFAULT_BUNDLE, load_bundle

    parser = argparse.ArgumentParser(
        prog="python -m core.evaluate.feedback_truth", description="What relevance feedback gains."
    )
    parser.add_argument("--world", type=Path, required=True, help="demo clips with truth, or shards")
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--queries", type=int, default=400, metavar="N", help="at most (default 400)")
    parser.add_argument("--judged", type=int, default=10, metavar="N", help="clips of a ranking (default 10)")
    parser.add_argument("--towards", type=float, default=TOWARDS, metavar="W", help=f"default {TOWARDS}")
    parser.add_argument("--away", type=float, default=AWAY, metavar="W", help=f"default {AWAY}")
    options = parser.parse_args(arguments)
    try:
        bundle = load_bundle(options.bundle, device="cpu")
        weights = (options.towards, options.away)
        answer = measure(bundle, options.world, options.queries, options.judged, weights)
    except DrivescopeError as error:
        sys.stderr.write(f"{error.sentence}\n")
        return 2
    sys.stderr.write(f"{table(answer)}\n")
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
