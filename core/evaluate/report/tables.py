"""Tables and numbers of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.evaluate.report.html import Html, Part, el

MINUS: Final = "\u2212"


def table(head: Sequence[str], rows: Sequence[Sequence[Part]], class_: str = "") -> Html:
    """A table. A heading that begins with > stands over numbers."""
    right = [name.startswith(">") for name in head]
    heads = [
        el("th", name.lstrip(">"), class_="n" if n else None) for name, n in zip(head, right, strict=True)
    ]
    body = [
        el("tr", *(el("td", cell, class_=_kind(cell, n)) for cell, n in zip(row, right, strict=True)))
        for row in rows
    ]
    return el("table", el("thead", el("tr", *heads)), el("tbody", *body), class_=class_ or None)


def _kind(cell: Part, right: bool) -> str | None:
    if right:
        return "n"
    return "bar" if isinstance(cell, Html) and cell.startswith("<div") else None


def number(value: float | None, unit: str = "") -> str:
    """A metric as it is read: percentages and ranks with one decimal, shares (no unit) with three; a true minus."""
    if value is None:
        return "–"
    return f"{value:,.1f}".replace("-", MINUS) if unit else f"{value:.3f}".replace("-", MINUS)


def signed(value: float, unit: str = "") -> str:
    """The same with its sign."""
    told = number(value, unit)
    return told if told.startswith(MINUS) or not told.strip("0.,") else f"+{told}"


def rank(value: float) -> str:
    """A rank: whole where it is, as expected ranks of ties are not."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def percent(share: float | None) -> str:
    """A share (0-1) in percent."""
    return "" if share is None else f"{100 * share:.0f} %"
