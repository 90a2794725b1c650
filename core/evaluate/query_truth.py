"""What the minus words of a query and the line past which clips probably do not match are worth, where truth is known.

    python -m core.evaluate.query_truth --world DIR [--bundle drive-tiny] [--minus 60] [--queries 200]

DIR holds demo clips (`*.mp4` with `*.json` beside them) or shards of `core.world.dataset`.

Minus words: queries "X -Y" are made of facts, of clips with X some having Y and some not. Mean average precision, where
only clips with X and without Y are right, of X alone and of "X -Y", with a paired bootstrap interval of the gain.

The line: for queries with known answers, means of precision and recall of what is above it; of how many it is said that
nothing matches, which is wrong, and of how many when their matches are taken out of the library, which is right. "made"
queries have one to three facts; "written" ones are the window's, where DIR has them. Nothing is right either for
queries that are not about driving.

All figures are of X-CLIP's scores of every clip, as the rerank gives them for up to a thousand. One JSON object goes to
standard output and the same in words to standard error.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.feedback_truth import average_precision, questions, store_of
from core.evaluate.files import read_text
from core.evaluate.resampling import bootstrap_intervals
from core.explain.truth import world_clips
from core.search.line import Line
from core.search.minus import Minus
from core.search.query import read_query
from core.search.rerank import rerank
from core.training.concepts import COLOURED, Fact, facts_of, make_query
from core.world.truth import matches

if TYPE_CHECKING:
    from core.library.features import FeatureStore
    from core.models.bundle import ModelBundle
    from core.world.truth import ClipTruth

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
UNWANTED: Final[tuple[tuple[tuple[Fact, ...], tuple[str, ...]], ...]] = (
    ((("weather", "rain"),), ("rain", "wet road")),
    ((("weather", "snow"),), ("snow", "snowy weather")),
    ((("weather", "fog"),), ("fog", "mist")),
    ((("weather", "clear"),), ("clear weather",)),
    ((("light", "night"),), ("night", "darkness")),
    ((("light", "day"),), ("daylight",)),
    ((("light", "dusk"),), ("dusk",)),
    ((("road", "city"),), ("city",)),
    ((("road", "intersection"),), ("intersection",)),
    ((("road", "highway"),), ("highway", "motorway")),
    ((("road", "rural"),), ("countryside", "country road")),
    ((("road", "roundabout"),), ("roundabout",)),
    ((("road", "tunnel"),), ("tunnel",)),
    *(((("actor", kind),), (kind,)) for kind in ("car", "van", "truck", "bus", "motorcycle", "cyclist")),
    *(((("actor", kind),), (kind,)) for kind in ("pedestrian", "child", "dog", "deer", "ambulance")),
    *(((("actor", kind),), (kind,)) for kind in ("red light", "green light")),
    ((("actor", "sign"),), ("road sign", "traffic sign")),
    ((("actor", "cone"),), ("traffic cone", "cone")),
    *(
        ((("actor", kind, colour),), (f"{colour} {kind}",))
        for kind in sorted(COLOURED - {"motorcycle"})
        for colour in ("red", "blue", "white", "black")
    ),
    ((("event", "cuts in from left"), ("event", "cuts in from right")), ("cut-in",)),
    ((("event", "crosses from left"), ("event", "crosses from right")), ("crossing",)),
    ((("event", "works ahead"),), ("road works",)),
    ((("event", "waits at kerb"),), ("waiting at the kerb",)),
    ((("event", "oncoming"),), ("oncoming traffic",)),
    ((("event", "lead brakes"),), ("braking",)),
    ((("ego", "turns left"),), ("left turn",)),
    ((("ego", "turns right"),), ("right turn",)),
    ((("ego", "overtakes"),), ("overtaking",)),
    ((("ego", "stands"),), ("standing still",)),
    ((("ego", "stops"),), ("stopping",)),
)
"""What a person types after a minus, and the facts of which each one is meant."""
NOT_DRIVING: Final = (
    "a submarine", "a snowman eats soup", "a cat plays the piano", "people dancing at a wedding",
    "an aeroplane takes off", "chef chopping onions in a kitchen", "a football match in a stadium", "dinosaurs",
    "birthday cake with candles", "underwater coral reef", "a baby sleeping", "elephant in the jungle",
    "swimming pool", "a rocket launch", "two people shaking hands in an office", "horse racing",
    "a spaceship lands on mars", "surfing a big wave", "the stock market", "knitting a pullover",
)  # fmt: skip
LEAST: Final = 3
"""Clips with X that have Y, and that have it not: fewer tell nothing."""
MOST_ASKED: Final = 0.4
LEAST_SHARE: Final = 0.15
"""Of the clips with X, so many have Y: with fewer there is nothing to take away."""
_TRIES: Final = 200_000


@dataclass(frozen=True)
class Asked:
    """A query as a person types it, and which of V clips answer it: (V,)."""

    text: str
    right: Mask


# --- minus words --------------------------------------------------------------------------------------


def minus_queries(facts: Sequence[frozenset[Fact]], count: int, seed: int = 1) -> list[Asked]:
    """Different queries "X -Y" of V clips' facts, or as many as can be made."""
    rng = random.Random(seed)
    found: dict[tuple[frozenset[Fact], tuple[Fact, ...]], Asked] = {}
    for _ in range(_TRIES if facts else 0):
        if len(found) == count:
            break
        text, need = make_query(rng.choice(facts), rng, most=2)
        unwanted, words = rng.choice(UNWANTED)
        if (need, unwanted) in found or _about_the_same(need, unwanted[0]):
            continue
        asked = np.array([need <= have for have in facts])
        spoilt = asked & np.array([not have.isdisjoint(unwanted) for have in facts])
        right = asked & ~spoilt
        if min(spoilt.sum(), right.sum()) < LEAST or asked.sum() > MOST_ASKED * len(facts):
            continue
        if spoilt.sum() >= LEAST_SHARE * asked.sum():
            found[need, unwanted] = Asked(f'{text} -"{rng.choice(words)}"', right)
    return list(found.values())


def _about_the_same(need: frozenset[Fact], unwanted: Fact) -> bool:
    """Whether a minus would take back what is asked for, or names another value of what has only one."""
    return any(
        fact[0] == "without"
        or fact[:2] == unwanted[:2]
        or fact[2:3] == unwanted[1:2]
        or (fact[0] == unwanted[0] and fact[0] in ("road", "weather", "light", "ego"))
        for fact in need
    )


def with_and_without_minus(bundle: ModelBundle, store: FeatureStore, queries: Sequence[Asked]) -> Floats:
    """(Q, 2) average precision of what is asked for alone, and with the minus words."""
    live, nobody = np.arange(store.rows), np.zeros(store.rows, bool)
    rows = []
    for each in queries:
        query = read_query(each.text)
        scores, _ = rerank(bundle, bundle.encode_text(query.positive), store, live)
        left: npt.NDArray[np.float32] = scores - Minus(bundle, store, query.without, live).reranked(live)
        rows.append([average_precision(one, each.right, nobody) for one in (scores, left)])
    return np.array(rows, np.float64).reshape(-1, 2)


# --- the line -----------------------------------------------------------------------------------------


def above_the_line(
    bundle: ModelBundle, store: FeatureStore, cut: float, queries: Sequence[str]
) -> npt.NDArray[np.bool_]:
    """(Q, V) which clips a query's line leaves above it."""
    live = np.arange(store.rows)
    scores = [rerank(bundle, bundle.encode_text(text), store, live)[0] for text in queries]
    return np.stack(scores) >= cut if scores else np.empty((0, len(live)), bool)


def line_figures(above: Mask, right: Mask) -> dict[str, Any]:
    """Of (Q, V) clips above the line, where the clips in `right` (Q, V) answer the queries, some each."""
    hits = (above & right).sum(axis=1)
    return {
        "queries": len(above),
        "precision": _percent(hits / np.maximum(1, above.sum(axis=1))),
        "recall": _percent(hits / right.sum(axis=1)),
        "nothing_said": int((~above.any(axis=1)).sum()),
        "nothing_said_without_matches": int((~(above & ~right).any(axis=1)).sum()),
    }


def written_queries(folder: Path, truths: Sequence[ClipTruth]) -> list[Asked]:
    """The window's example queries, if `folder` is where they lie."""
    file = folder / "queries.json"
    entries = json.loads(read_text(file).text) if file.exists() else []
    asked = [
        Asked(e["query"], np.array([matches(truth, e["predicate"]) for truth in truths])) for e in entries
    ]
    return [each for each in asked if each.right.any()]


# --- the command --------------------------------------------------------------------------------------


def measure(bundle: ModelBundle, world: Path, minus: int, queries: int) -> dict[str, Any]:
    """Everything the command prints. Raises DrivescopeError for a folder without clips, or with too few of them."""
    with tempfile.TemporaryDirectory() as folder:
        clips = world_clips(world, range(bundle.spec.frames))
        store, truths = store_of(bundle, clips, Path(folder) / "features")
        facts = [facts_of(truth) for truth in truths]
        subtracting = minus_queries(facts, minus)
        made = [Asked(question.texts["known"], question.right) for question in questions(facts, queries)]
        if not subtracting or not made:
            raise DrivescopeError(ErrorKind.BAD_INPUT, f"{world} holds too few clips to ask about.")
        precision = with_and_without_minus(bundle, store, subtracting)
        cut = Line(store, store.refresh(), np.arange(store.rows)).find(bundle).reranked
        line: dict[str, Any] = {"cut": cut}
        for name, asked in (("written", written_queries(world, truths)), ("made", made)):
            if asked and cut is not None:
                above = above_the_line(bundle, store, cut, [each.text for each in asked])
                line[name] = line_figures(above, np.stack([each.right for each in asked]))
        if cut is not None:
            above = above_the_line(bundle, store, cut, NOT_DRIVING)
            line["not_driving"] = {"queries": len(above), "nothing_said": int((~above.any(axis=1)).sum())}
    low, high = bootstrap_intervals((precision[:, 1] - precision[:, 0])[:, None], np.zeros(1, bool))[0]
    return {
        "bundle": bundle.spec.name,
        "clips": len(truths),
        "minus": {
            "queries": len(precision),
            "plain": _percent(precision[:, 0]),
            "minus": _percent(precision[:, 1]),
            "gain": _percent(precision[:, 1] - precision[:, 0]),
            "low": _percent(low),
            "high": _percent(high),
        },
        "line": line,
    }


def _percent(values: Floats | float) -> float:
    """The mean in percent."""
    return round(100 * float(np.mean(values)), 1)


def in_words(answer: dict[str, Any]) -> str:
    """The same for a person."""
    minus, line = answer["minus"], answer["line"]
    told = [
        f"{answer['bundle']} on {answer['clips']} clips",
        f"minus words: mAP {minus['plain']} without the minus, {minus['minus']} with it, a gain of {minus['gain']} "
        f"({minus['low']} to {minus['high']}), {minus['queries']} queries",
    ]
    if line["cut"] is None:
        return "\n".join([*told, "the line: these scores show none"])
    told.append(f"the line at {line['cut']:.3f}, X-CLIP score")
    for name in ("written", "made"):
        if of := line.get(name):
            told.append(
                f"  {of['queries']} {name} queries: precision {of['precision']}, recall {of['recall']}; that nothing "
                f"matches is said of {of['nothing_said']}, and of {of['nothing_said_without_matches']} when their "
                "matches are taken out"
            )
    nonsense = line["not_driving"]
    told.append(
        f"  {nonsense['queries']} queries that are not about driving: that nothing matches is said of "
        f"{nonsense['nothing_said']}"
    )
    return "\n".join(told)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; see the module's text."""
    from core.models.registry import DEFAULT_BUNDLE, load_bundle

    parser = argparse.ArgumentParser(
        prog="python -m core.evaluate.query_truth", description="What minus words and the line are worth."
    )
    parser.add_argument("--world", type=Path, required=True, help="demo clips with truth, or shards")
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument(
        "--minus", type=int, default=60, metavar="N", help="queries with a minus (default 60)"
    )
    parser.add_argument("--queries", type=int, default=200, metavar="N", help="made queries (default 200)")
    options = parser.parse_args(arguments)
    try:
        bundle = load_bundle(options.bundle, device="cpu")
        answer = measure(bundle, options.world, options.minus, options.queries)
    except DrivescopeError as error:
        sys.stderr.write(f"{error.sentence}\n")
        return 2
    sys.stderr.write(f"{in_words(answer)}\n")
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
