"""The part of a report that lays two systems side by side, and the reranker beside the first stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.evaluate.compare import Comparison, PairedQuery
from core.evaluate.metrics import metric
from core.evaluate.report.contents import Contents
from core.evaluate.report.figures import scatter
from core.evaluate.report.html import Html, Part, el, join
from core.evaluate.report.tables import number, rank, signed, table

LISTED: Final = 10
METRICS: Final = ("R@1", "R@5", "R@10", "MdR", "MnR", "mAP", "nDCG@10", "MRR")


def comparison_section(contents: Contents) -> Html | None:
    """Both comparisons, or None if there is nothing to compare with."""
    clips = int(contents.run.facts["counts"]["clips"])
    parts: list[Part] = []
    against, comparison, hurt = contents.against, contents.comparison, contents.hurt
    if comparison is not None and against is not None and hurt is not None and comparison.pairs == hurt.pairs:
        told = (
            f"{against.facts['name']} ranks as this run's first stage does: this is the comparison with both."
        )
        parts.append(el("p", told, class_="quiet"))
    elif comparison is not None and against is not None:
        name_a, name_b = against.facts["name"], contents.run.facts["name"]
        if name_a == name_b:
            name_a, name_b = against.run_id, contents.run.run_id
        parts.append(el("h3", f"{name_b} against {name_a}"))
        parts += [el("p", line, class_="quiet") for line in contents.matching]
        parts.append(_side_by_side(comparison, comparison.left_out.shared, name_a, name_b))
        parts.append(_lists(comparison, f"Lost against {name_a}", f"Won over {name_a}"))
    if hurt is not None:
        parts.append(el("h3", "Reranking against the first stage"))
        parts.append(_side_by_side(hurt, clips, "first stage", "reranked"))
        parts.append(_lists(hurt, "Where reranking hurt", "Where reranking helped"))
    return join(*parts) if parts else None


def _side_by_side(comparison: Comparison, clips: int, name_a: str, name_b: str) -> Html:
    rows: list[list[Part]] = []
    for name in METRICS:
        found, unit = comparison.metrics[name], metric(name).unit
        rows.append(
            [
                name + (", %" if unit == "%" else ""),
                number(found.a, unit),
                number(found.b, unit),
                el("b", signed(found.difference, unit)),
                f"{signed(found.low, unit)} to {signed(found.high, unit)}",
                "" if found.p_value is None else _p_value(found.p_value),
            ]
        )
    values = table(["", f">{name_a}", f">{name_b}", ">difference", ">95 % interval", ">p"], rows)
    others = comparison.only_a + comparison.only_b
    left_out = (
        f" {others} queries that only one run has, or that were judged since, take no part." if others else ""
    )
    told = el(
        "p",
        el("span", f"{len(comparison.wins)} queries better", class_="up"),
        ", ",
        el("span", f"{len(comparison.losses)} worse", class_="down"),
        f", {comparison.draws} alike. p is that of a paired randomisation test.{left_out}",
    )
    picture = scatter(comparison.pairs, clips, name_a, name_b)
    caption = el(
        "p",
        "Below the diagonal the second one is better; a larger dot is more queries.",
        class_="quiet small",
    )
    return el("div", el("div", told, values), el("figure", picture, caption), class_="sides")


def _p_value(value: float) -> str:
    return f"{value:.4f}" if value >= 0.0001 else "< 0.0001"


def _lists(comparison: Comparison, lost: str, won: str) -> Html | None:
    losses, wins = comparison.losses[:LISTED], comparison.wins[:LISTED]
    if not losses and not wins:
        return None
    return el("div", _list(lost, losses, "down"), _list(won, wins, "up"), class_="two")


def _list(title: str, pairs: Sequence[PairedQuery], kind: str) -> Html:
    if not pairs:
        return el("div", el("h3", title), el("p", "No query.", class_="quiet"))
    rows: list[list[Part]] = [
        [pair.text, rank(pair.rank_a), el("span", rank(pair.rank_b), class_=kind)] for pair in pairs
    ]
    return el("div", el("h3", title), table(["query", ">rank", ">became"], rows))
