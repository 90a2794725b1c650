"""What a distillation came to: numbers with intervals against the library's bundle, curves, best and worst queries.

`report.json` holds everything, `curves.csv` the curves, `report.html` the same for reading; the page needs no
other file and no network. Every number stands beside the split's hash.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import Tensor

from core.evaluate.metrics import RANK_METRICS, Outcomes, metric, summarise
from core.evaluate.resampling import bootstrap_intervals, randomisation_p_value
from core.evaluate.ties import EXPECTED
from core.files import write_atomically
from core.training.captioned import Captioned
from core.training.distill_lessons import Lessons, outcomes_of
from core.training.distill_loop import chosen_step
from core.training.distill_page import page_of
from core.training.distill_systems import PAIRS, PRESENT_RERANKED, STUDENT_RERANKED

SHOWN: Final = (*RANK_METRICS, "mAP")
COMPARED: Final = ("R@1", "R@5", "R@10", "mAP")
EXTREMES: Final = 10


@dataclass(frozen=True)
class Measured:
    """Everything that the report is written from.

    `systems` are similarities (captions, clips) of test by name, as `systems_of` makes them; `paths` gives (path,
    start_s, end_s) of every clip id.
    """

    title: str
    base: str
    captioned: Captioned
    lessons: Lessons
    systems: Mapping[str, Tensor]
    curves: Mapping[str, Sequence[Mapping[str, float]]]
    recipe: Mapping[str, Any]
    paths: Mapping[int, tuple[str, float, float]]


def write_report(folder: Path, measured: Measured) -> dict[str, Any]:
    """Writes the three files; returns the numbers of `report.json` without the curves."""
    outcomes = {
        name: outcomes_of(scores, measured.lessons.sides["test"]) for name, scores in measured.systems.items()
    }
    told = {
        "split": measured.captioned.split_hash,
        "data": measured.captioned.as_dict(),
        "test": {
            name: {metric_name: value.as_dict() for metric_name, value in summarise(found, SHOWN).items()}
            for name, found in outcomes.items()
        },
        "gains": [difference(outcomes, new, old) for new, old in PAIRS],
        "queries": _queries(measured, outcomes),
        "chosen_step": {name: chosen_step(rows) for name, rows in measured.curves.items()},
        "recipe": dict(measured.recipe),
    }
    whole = {**told, "curves": {name: list(rows) for name, rows in measured.curves.items()}}
    _write(folder / "report.json", json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    _write(folder / "curves.csv", curves_csv(measured.curves))
    _write(folder / "report.html", page_of(measured.title, measured.base, whole))
    return told


def difference(outcomes: Mapping[str, Outcomes], new: str, old: str) -> dict[str, Any]:
    """How much better one system is than another on the same queries: paired intervals and p-values by metric."""
    found: dict[str, Any] = {}
    for name in COMPARED:
        read = metric(name).read
        change = read(outcomes[new])[:, EXPECTED] - read(outcomes[old])[:, EXPECTED]  # (Q,)
        low, high = bootstrap_intervals(change[:, None], np.zeros(1, bool))[0]
        found[name] = {
            "difference": float(change.mean()),
            "low": float(low),
            "high": float(high),
            "p_value": randomisation_p_value(change),
        }
    return {"new": new, "old": old, "metrics": found}


def _queries(measured: Measured, outcomes: Mapping[str, Outcomes]) -> dict[str, list[dict[str, Any]]]:
    """The ten captions of test that are found best and worst, with a clip that they mean and the clip on top."""
    side, lessons = measured.lessons.sides["test"], measured.lessons
    now, before = (outcomes[name].rank[:, EXPECTED] for name in (STUDENT_RERANKED, PRESENT_RERANKED))
    # of equal ranks those that won or lost the most
    order = np.lexsort((-(before - now), now))

    def row(at: int) -> dict[str, Any]:
        top = side.clips[int(measured.systems[STUDENT_RERANKED][at].argmax())]
        return {
            "text": lessons.texts[side.texts[at]],
            "rank": float(now[at]),
            "before": float(before[at]),
            "meant": _clip(measured, min(side.relevant[at])),
            "top": _clip(measured, top),
        }

    count = min(EXTREMES, len(order) // 2 or len(order))
    return {
        "best": [row(int(at)) for at in order[:count]],
        "worst": [row(int(at)) for at in order[::-1][:count]],
    }


def _clip(measured: Measured, number: int) -> str:
    path, start_s, end_s = measured.paths[measured.lessons.clip_ids[number]]
    return f"{Path(path).name} {start_s:.1f}-{end_s:.1f} s"


def curves_csv(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """One line for each step of each phase; a cell is empty where nothing was measured."""
    names = list(dict.fromkeys(key for rows in curves.values() for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, ["phase", *names], lineterminator="\n")
    writer.writeheader()
    for phase, rows in curves.items():
        joined: dict[float, dict[str, float]] = {}
        for row in rows:
            joined.setdefault(row["step"], {}).update(row)
        writer.writerows({"phase": phase, **joined[step]} for step in sorted(joined))
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8")

    write_atomically(path, write)
