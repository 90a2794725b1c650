"""The part of a report that shows single queries: the right clip beside the wrong one, frames, maps and words."""

from __future__ import annotations

import base64

from core.evaluate.judgements import Judged
from core.evaluate.report.contents import Contents, Exhibit
from core.evaluate.report.evidence import Evidence, Frame
from core.evaluate.report.figures import difference
from core.evaluate.report.html import Html, Part, el, join
from core.evaluate.report.tables import MINUS, rank, table
from core.evaluate.slices import asked


def cases_section(contents: Contents) -> Html | None:
    """All cases, or None if there is none."""
    if not contents.exhibits:
        return None
    lead = (
        "Left the clip that answers the query, right what stood at rank 1 instead: the three frames that answer most,"
        " and where in them. Maps and words are those of this library's own model; a hatched map failed its"
        " faithfulness test and is no finding."
    )
    shown = [_case(exhibit, contents) for exhibit in contents.exhibits]
    return join(el("p", lead, class_="quiet"), *shown)


def _case(exhibit: Exhibit, contents: Contents) -> Html:
    case, row = exhibit.case, exhibit.case.row
    ranks = f"rank {rank(row.rank)}"
    if len(contents.run.stages) > 1:
        ranks += f", first stage {rank(row.first_rank)}"
    facts = [
        case.why,
        ranks,
        "" if row.gap is None or exhibit.top is None else f"score {row.gap:.4f} behind rank 1",
        f"{row.relevant} relevant clips" if row.relevant > 1 else "",
        f"query {row.query_id}",
    ]
    clips = [_clip(exhibit.truth, "Right", case.truth_rank)]
    if exhibit.top is not None:
        clips.append(_clip(exhibit.top, "Rank 1", None))
    return el(
        "div",
        el("h3", row.text),
        el("p", " · ".join(part for part in facts if part), class_="facts"),
        _chips(row.text, case.judged),
        el("div", *clips, class_="two"),
        _words(exhibit),
        class_="case",
    )


def _chips(text: str, judged: tuple[Judged, ...]) -> Html | None:
    chips = [
        el("span", f"{key.removeprefix('asked ')}: {value.removeprefix('no ')}", class_=_chip(value))
        for key, values in asked(text).items()
        for value in values
    ]
    for one in judged:
        told = ", ".join((one.verdict.value, *one.tags)) + (f": {one.note}" if one.note else "")
        chips.append(el("span", f"clip {one.clip_id} {told} ({one.author})", class_="chip judged"))
    return el("div", *chips, class_="chips") if chips else None


def _chip(value: str) -> str:
    return "chip no" if value.startswith("no ") else "chip"


def _clip(evidence: Evidence, title: str, place: int | None) -> Html:
    heading = f"{title}, at rank {place}" if place else title
    name = f" · {evidence.video}, {evidence.start_s:g}–{evidence.end_s:g} s" if evidence.video else ""
    caption = el("figcaption", el("b", heading), f" · clip {evidence.clip_id}{name}")
    pictures = [_picture(frame.picture, f"frame at {frame.time_s:.1f} s") for frame in evidence.frames]
    maps = [
        _picture(frame.heat, f"where the frame at {frame.time_s:.1f} s answers the query")
        for frame in evidence.frames
        if frame.heat is not None
    ]
    times = [_time(frame) for frame in evidence.frames]
    lacks = el("p", evidence.lacks, class_="quiet small") if evidence.lacks else None
    return el("figure", caption, el("div", *pictures, *maps, *times, class_="frames"), lacks)


def _time(frame: Frame) -> Html:
    doubt = el("span", " unreliable", class_="doubt") if not frame.reliable else None
    return el("span", f"{frame.time_s:.1f} s", doubt)


def _picture(jpeg: bytes, told: str) -> Html:
    data = base64.b64encode(jpeg).decode("ascii")
    return el("img", src=f"data:image/jpeg;base64,{data}", alt=told, width=288, height=162)


def _words(exhibit: Exhibit) -> Html | None:
    """What each word brought both clips; the bar is the right clip's lead through that word."""
    words = exhibit.words
    if not words:
        return None
    if exhibit.top is None or any(wrong is None for _, _, wrong in words):
        rows: list[list[Part]] = [[word, _brought(right)] for word, right, _ in words]
        return table(["word", ">brought"], rows, "words")
    leads = [right - (wrong or 0.0) for _, right, wrong in words]
    most = max(map(abs, leads))
    told: list[list[Part]] = [
        [word, _brought(right), _brought(wrong or 0.0), _brought(lead, "+"), difference(lead, most)]
        for (word, right, wrong), lead in zip(words, leads, strict=True)
    ]
    return table(["word", ">brought the right clip", ">brought rank 1", ">lead", ""], told, "words")


def _brought(value: float, sign: str = "-") -> str:
    return f"{value:{sign}.4f}".replace("-", MINUS)
