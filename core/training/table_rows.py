"""The table's rows: every system's numbers on every split, what a pair costs, and the differences that bars name."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from core.models.teachclip import TeachClip
from core.models.xclip import XClip
from core.training.dataset import generator_of
from core.training.lanes import Lanes
from core.training.own_tower import Scores, own_name
from core.training.recipe import TeacherRecipe
from core.training.scoring import (
    Gallery,
    Questions,
    by_event,
    difference,
    full_scan,
    query_means,
    reranked,
    summarise,
)
from core.training.student import pooled
from core.training.systems import SYSTEMS

DEPTHS = (50, 200, 1000)
TEACHER = "teacher, full scan"


def bars(best: str) -> tuple[tuple[str, str], ...]:
    """Which systems are held against which, query by query; `best` is what ships."""
    alike = "student, taught"
    headstart = "student, untaught, from the teacher's head"
    pairs = [
        (one, other)
        for one in (best, alike)
        for other in ("student, untaught", "CLIP4Clip seqTransf", TEACHER)
    ]
    pairs += [(best, headstart), (headstart, TEACHER), ("reranked, best 200", TEACHER)]
    pairs += [(own_name(True, taught), own_name(False, taught)) for taught in (False, True)]
    return tuple(dict.fromkeys(pairs))


@torch.no_grad()
def student_scores(name: str, student: TeachClip, asked: Questions, frames: Tensor) -> Tensor:
    """Cosines (Q, V) of a split's queries with clips, as the system of this name sees them."""
    attentive = name not in SYSTEMS or SYSTEMS[name][0].attentive
    return asked.texts.sentence @ pooled(student, frames, attentive).T


@torch.no_grad()
def make_rows(
    teacher: XClip,
    trained: Mapping[str, Sequence[TeachClip]],
    owned: Mapping[str, Sequence[Scores]],
    best: str,
    found: Gallery,
    lanes: Lanes,
    recipe: TeacherRecipe,
) -> dict[str, Any]:
    """Every system's numbers on the splits, per-event recalls, paired differences, what a pair and a frame cost.

    Args:
        teacher: the one that taught.
        trained: students on its towers by row name, one a seed.
        owned: scores of students with towers of their own, likewise; they may lack splits.
        best: what ships, and is reranked.
        found: test.
        lanes: for the teacher's scan.
        recipe: the towers'.

    """
    D, F, W = recipe.dims.embed_dim, recipe.frames, recipe.words
    one, many = (
        {"bytes": 4 * D, "mul_adds": D, "towers": 1},
        {"bytes": 4 * D * (F + 1), "mul_adds": D * (1 + W + F + W * F), "towers": 1},
    )
    generator = generator_of(1, 0, purpose=3)
    mixed = torch.stack([clip[torch.randperm(F, generator=generator)] for clip in found.frames])
    others = found.frames[torch.randperm(len(found.frames), generator=generator)]
    first = found.frames[:, :1].expand(-1, F, -1)
    rows: dict[str, dict[str, Any]] = {}
    events: dict[str, Any] = {}
    happened = [frozenset(event.name for event in truth.events) for truth in found.clips.truths]
    means: dict[str, dict[str, Tensor]] = {}  # per split and system: (Q, M)

    def put(system: str, split: str, runs: Sequence[Tensor], cost: dict[str, int]) -> None:
        entry = rows.setdefault(system, {"seeds": len(runs), **cost})
        asked = found.questions[split].split
        entry[split] = summarise(runs, asked)
        means.setdefault(split, {})[system] = query_means(runs, asked)
        if split == "test" and system in (best, TEACHER):
            events[system] = by_event(runs, asked, happened)

    for split, asked in found.questions.items():
        mean = teacher.mean_pool(found.frames).video  # the frames as they are, no head
        put("mean pooling", split, [asked.texts.sentence @ mean.T], one)
        for name, students in trained.items():
            put(name, split, [student_scores(name, s, asked, found.frames) for s in students], one)
        for name, answered in owned.items():
            if split in answered[0]:  # a frame is encoded for the student and again for the reranker
                put(name, split, [scores[split] for scores in answered], {**one, "towers": 2})
        whole = full_scan(teacher, asked.texts, found.frames, lanes)
        put(TEACHER, split, [whole], many)
        plain = [student_scores(best, s, asked, found.frames) for s in trained[best]]
        for depth in DEPTHS:
            put(f"reranked, best {depth}", split, [reranked(scores, whole, depth) for scores in plain], many)
        for control, frames in (
            ("frames shuffled", mixed),
            ("first frame only", first),
            ("other clips' frames", others),
        ):
            runs = [student_scores(best, s, asked, frames) for s in trained[best]]
            put(f"control: {control}", split, runs, one)
    shuffled = full_scan(teacher, found.questions["test"].texts, mixed, lanes)
    put("control: teacher, frames shuffled", "test", [shuffled], many)
    return {
        "systems": rows,
        "differences": _differences(bars(best), means, found.questions),
        "events": events,
        "first_stage_ms": _milliseconds(trained[best][0], found),
    }


def _differences(
    pairs: Sequence[tuple[str, str]],
    means: Mapping[str, Mapping[str, Tensor]],
    questions: Mapping[str, Questions],
) -> list[dict[str, Any]]:
    """One entry a bar: the two systems, and per split the first one's advantage over the second."""
    return [
        {
            "system": system,
            "against": other,
            **{
                split: difference(rows[system], rows[other], questions[split].split)
                for split, rows in means.items()
                if system in rows and other in rows
            },
        }
        for system, other in pairs
    ]


def _milliseconds(student: TeachClip, found: Gallery) -> float:
    """Median time of one query's scores and best hundred, the vectors at hand."""
    video = pooled(student, found.frames, True).contiguous()  # (V, D)
    query = found.questions["test"].texts.sentence[0]
    times = []
    for _ in range(50):
        began = time.perf_counter()
        (video @ query).topk(min(100, len(video)))
        times.append(time.perf_counter() - began)
    return round(1000 * statistics.median(times), 3)


def as_markdown(table: Mapping[str, Any]) -> str:
    """The table for a model card, with intervals for the first number of each split, and the paired differences."""
    head = "| | seeds | R@1 | R@5 | R@10 | MdR | MnR | paraphrase R@1 / R@5 / R@10 | concept mAP | nDCG@10 |"
    lines = [head, "|" + "---|" * 10]
    for system, row in table["systems"].items():
        cells = [system, str(row["seeds"]), *(_cell(row["test"][m], m) for m in row["test"])]
        told, asked = row.get("paraphrase"), row.get("concept")
        cells.append(" / ".join(f"{told[m]['mean']:.1f}" for m in ("R@1", "R@5", "R@10")) if told else "")
        cells += [_cell(asked[m], m) for m in asked] if asked else ["", ""]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| the same queries | against | R@1 | R@1, R@5, R@10 | concept mAP |", "|" + "---|" * 5]
    for entry in table["differences"]:
        cells = [entry["system"], entry["against"], *(_gain(entry["test"][m]) for m in ("R@1", "recall"))]
        lines.append("| " + " | ".join([*cells, _gain(entry["concept"]["mAP"])]) + " |")
    systems = list(table["sides"])
    lines += [
        "",
        "| side told, 50 is chance | clips | " + " | ".join(systems) + " |",
        "|" + "---|" * (2 + len(systems)),
    ]
    for name, row in table["sides"][systems[0]].items():
        told = [f"{table['sides'][system][name]['told']:.1f}" for system in systems]
        lines.append("| " + " | ".join([name, str(row["left"] + row["right"]), *told]) + " |")
    return "\n".join(lines)


def _cell(value: Mapping[str, float], metric: str) -> str:
    if metric in ("R@1", "mAP", "R@5"):
        return f"{value['mean']:.1f} ({value['low']:.1f} to {value['high']:.1f})"
    return f"{value['mean']:.1f}"


def _gain(value: Mapping[str, float]) -> str:
    return f"{value['mean']:+.1f} ({value['low']:+.1f} to {value['high']:+.1f})"
