"""A report as one HTML page that needs nothing beside it: no script, no address, pictures inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from core.evaluate.moments import TOLD_MOMENTS
from core.evaluate.report.contents import Contents
from core.evaluate.report.figures import interval, rank_spread
from core.evaluate.report.html import Html, Part, el, join
from core.evaluate.report.page_cases import cases_section
from core.evaluate.report.page_comparison import comparison_section
from core.evaluate.report.page_facts import facts_section
from core.evaluate.report.style import style_sheet
from core.evaluate.report.tables import number, percent, table
from core.evaluate.slices import LEAST_MEMBERS, Slice
from core.evaluate.ties import EXPECTED

CARDS: Final = ("R@1", "R@5", "R@10", "MdR", "mAP", "nDCG@10")
POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What the page may load: what is in it."""


def page(contents: Contents) -> str:
    """The whole document."""
    title = f"{contents.run.facts['name']}: retrieval report"
    sections = [
        ("metrics", "Metrics", _metrics(contents)),
        ("slices", "Slices", _slices(contents)),
        ("comparison", "Comparison", comparison_section(contents)),
        ("cases", "Cases", cases_section(contents)),
        ("facts", "How it was made", facts_section(contents)),
    ]
    shown = [(name, heading, body) for name, heading, body in sections if body is not None]
    nav = el("nav", *(el("a", heading, href=f"#{name}") for name, heading, _ in shown))
    main = [el("section", el("h2", heading), body, id=name) for name, heading, body in shown]
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("title", title),
        el("style", Html(style_sheet())),
    )
    body = el("body", _opening(contents), nav, *main, _footer(contents))
    return f"<!DOCTYPE html>\n{el('html', head, body, lang='en')}\n"


def _opening(contents: Contents) -> Html:
    facts = contents.run.facts
    made, counts = facts.get("configuration", {}), facts["counts"]
    system = made.get("bundle") or made.get("system") or facts["name"]
    stage = {"first": "first stage only", "reranked": "reranked", "foreign": "ranked elsewhere"}
    told = [
        f"{counts['queries']} queries, {counts['clips']} clips",
        f"{system} ({made['label']})" if made.get("label") else str(system),
        stage.get(contents.run.final_stage, contents.run.final_stage),
        str(facts.get("created", ""))[:16].replace("T", " "),
    ]
    cards = el("div", *(_card(name, contents) for name in CARDS), class_="cards")
    notes = [el("p", note, class_="note") for note in facts.get("notes", ())]
    return el(
        "header",
        el("h1", facts["name"]),
        el("p", " · ".join(part for part in told if part), class_="lead"),
        cards,
        *notes,
    )


def _card(name: str, contents: Contents) -> Html:
    found = contents.metrics[name]
    before = contents.first_metrics
    change = None if before is None else f"first stage {number(before[name]['value'], found['unit'])}"
    return el(
        "div",
        el("span", name, _unit(found), class_="name"),
        el("b", number(found["value"], found["unit"])),
        el("span", _range(found), class_="range"),
        None if change is None else el("div", change, class_="range"),
        class_="card",
    )


def _unit(found: Mapping[str, Any]) -> str:
    return ", %" if found["unit"] == "%" else ""


def _range(found: Mapping[str, Any]) -> str:
    unit = found["unit"]
    return "" if found["low"] is None else f"{number(found['low'], unit)} to {number(found['high'], unit)}"


def _between(ends: Sequence[float] | None) -> str:
    return f"{number(ends[0], '%')} to {number(ends[1], '%')}" if ends else ""


def _metrics(contents: Contents) -> Html:
    before = contents.first_metrics
    tied = any(_tied(found) for found in contents.metrics.values())
    rows: list[list[Part]] = []
    for name, found in contents.metrics.items():
        first = before.get(name) if before else None
        rows.append(
            [
                name + _unit(found),
                *([] if before is None else [number(first["value"], found["unit"]) if first else ""]),
                el("b", number(found["value"], found["unit"])),
                _range(found),
                _bar(found, first),
                *([_orders(found)] if tied else []),
                percent(found.get("unjudged")),
            ]
        )
    head = [
        "",
        *([] if before is None else [">first stage"]),
        ">value",
        ">95 % interval",
        "",
        *([">worst to best order of ties"] if tied else []),
        ">unjudged",
    ]
    ranks = {stage: result.outcomes.rank[:, EXPECTED] for stage, result in contents.run.stages.items()}
    spread = el("div", el("h3", "Where the first relevant clip stands"), rank_spread(ranks), class_="keep")
    lead = (
        "Intervals are bootstrapped over queries. “Unjudged” is how much of the first k clips nobody has judged (of the"
        " first ten for a metric without a k): such clips count as wrong."
    )
    return join(
        el("p", lead, class_="quiet"), table(head, rows), el("div", spread, _beside(contents), class_="two")
    )


def _tied(found: Mapping[str, Any]) -> bool:
    values = [found["optimistic"], found["pessimistic"]]
    return None not in values and values[0] != values[1]


def _orders(found: Mapping[str, Any]) -> str:
    return f"{number(found['pessimistic'], found['unit'])} to {number(found['optimistic'], found['unit'])}"


def _bar(found: Mapping[str, Any], first: Mapping[str, Any] | None) -> Html | None:
    if found["value"] is None or found["low"] is None or found["unit"] == "rank":
        return None
    most = {"%": 100.0, "": 1.0}[found["unit"]]
    most = 4 * most if found["value"] > most else most  # SumR is a sum of four
    mark = first["value"] if first else None
    return interval(found["value"], found["low"], found["high"], most, mark)


def _beside(contents: Contents) -> Html | None:
    """Video to text and moments, where the run has them."""
    parts: list[Part] = []
    if backwards := contents.run.facts.get("video_to_text"):
        rows: list[list[Part]] = [
            [name + _unit(found), el("b", number(found["value"], found["unit"])), _range(found)]
            for name, found in backwards.items()
        ]
        parts += [
            el("h3", "Video to text, first stage"),
            table(["", ">value", ">95 % interval"], rows),
        ]
    if moments := contents.run.facts.get("moments"):
        between = contents.run.facts.get("moment_intervals") or {}
        told: list[list[Part]] = [
            [name + ", %", el("b", number(moments[name], "%")), _between(between.get(name))]
            for name in TOLD_MOMENTS
        ]
        parts += [
            el("h3", "Moments inside the true videos"),
            table(["", ">value", ">95 % interval"], told),
        ]
    return el("div", *parts, class_="keep") if parts else None


def _slices(contents: Contents) -> Html | None:
    if not contents.slices:
        return None
    name = contents.slices[0].result.name
    overall = contents.metrics[name]["value"]
    parts: list[Part] = []
    if contents.worst:
        parts.append(el("h3", "The worst ones"))
        parts.append(_slice_table(contents.worst, overall))
    parts.append(el("h3", f"All with at least {LEAST_MEMBERS} queries"))
    parts.append(_slice_table(contents.slices, overall))
    lead = f"{name} over parts of the queries; parts overlap. The dashed line is all queries, {number(overall, '%')} %."
    if contents.left_out:
        lead += f" {contents.left_out} slices with fewer queries are left out."
    return join(el("p", lead, class_="quiet"), *parts)


def _slice_table(slices: list[Slice], overall: float) -> Html:
    rows: list[list[Part]] = []
    last = ""
    for part in slices:
        found = part.result
        rows.append(
            [
                part.key if part.key != last else "",
                part.value,
                str(part.count),
                el("b", number(found.value, found.unit)),
                f"{number(found.low, found.unit)} to {number(found.high, found.unit)}",
                interval(found.value, found.low, found.high, 100.0, overall),
            ]
        )
        last = part.key
    return table(
        ["property", "value", ">queries", f">{slices[0].result.name}, %", ">95 % interval", ""], rows
    )


def _footer(contents: Contents) -> Html:
    version = contents.run.facts.get("versions", {}).get("drivescope", "")
    return el("footer", f"Written by Drivescope {version} on {contents.written[:16].replace('T', ' ')} UTC.")
