"""The part of a report that says how a run was made, so that it can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.evaluate.report.contents import Contents
from core.evaluate.report.html import Html, Part, el, join
from core.evaluate.report.tables import table

LISTED: Final = 20
_TITLES: Final = {
    "configuration": "Configuration",
    "hashes": "Hashes",
    "versions": "Versions",
    "timings": "Timings",
    "counts": "Counts",
}


def facts_section(contents: Contents) -> Html:
    """Configuration, hashes, versions, timings, and rows that count for nothing."""
    facts = contents.run.facts
    parts: list[Part] = [_list({"run": contents.run.run_id, "created": facts.get("created", "")})]
    if contents.against is not None:
        parts.append(_list({"compared with": contents.against.run_id}))
    if contents.judgements_used:
        parts.append(el("p", "The truth is the file's under what people judged in this library."))
    for key, title in _TITLES.items():
        if facts.get(key):
            parts += [el("h3", title), _list(facts[key], mono=key == "hashes")]
    rejected = contents.run.rejected
    if rejected:
        rows: list[list[Part]] = [
            [str(row.get("row", "")), row.get("query", ""), row.get("video", ""), row.get("reason", "")]
            for row in rejected[:LISTED]
        ]
        more = f" (the first {LISTED} of {len(rejected)})" if len(rejected) > LISTED else ""
        parts += [el("h3", f"Rows of the truth file that mean no clip{more}")]
        parts.append(table([">row", "query", "video", "reason"], rows))
    return join(*parts)


def _list(facts: Mapping[str, Any], *, mono: bool = False) -> Html:
    items = []
    for key, value in facts.items():
        if value in (None, "", [], ()):
            continue
        items += [el("dt", key.replace("_", " ")), el("dd", _told(value), class_="mono" if mono else None)]
    return el("dl", *items)


def _told(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_told(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_told(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
