"""A report's pictures that are drawn, not photographed: intervals, ranks of two systems, how ranks are spread."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from core.evaluate.compare import PairedQuery
from core.evaluate.report.html import Html, el, join
from core.evaluate.ties import FloatArray

SIDE: Final = 440
_LEFT: Final = 52
_TOP: Final = 12
_BUCKETS: Final = ((1, "1"), (5, "2–5"), (10, "6–10"), (50, "11–50"), (100, "51–100"), (math.inf, "over 100"))
"""Ranks that are told apart, by their upper end."""


def interval(value: float, low: float, high: float, most: float, mark: float | None = None) -> Html:
    """A value with its interval on a line from 0 to `most`; `mark` is a second value to compare with."""

    def at(number: float) -> float:
        return round(100 * min(max(number / most, 0), 1), 2)

    band = el("i", class_="band", style=f"left:{at(low)}%;width:{max(at(high) - at(low), 0.6):.2f}%")
    compared = None if mark is None else el("i", class_="mark", style=f"left:{at(mark)}%")
    tick = el("i", class_="tick", style=f"left:{at(value)}%")
    return el("div", band, compared, tick, class_="track")


def difference(value: float, most: float) -> Html:
    """A signed value from the middle: to the right above 0, to the left below. `most` fills half."""
    half = round(50 * min(abs(value) / most, 1), 2) if most > 0 else 0
    side = f"left:{50 if value >= 0 else 50 - half}%;width:{half}%"
    return el("div", el("i", class_="for" if value >= 0 else "against", style=side), class_="diff")


def scatter(pairs: Sequence[PairedQuery], clips: int, name_a: str, name_b: str) -> Html:
    """Rank of every query under both systems on logarithmic axes; equal points are one larger dot.

    Below the diagonal b is better.
    """
    top = max(2.0, clips, *(max(pair.rank_a, pair.rank_b) for pair in pairs))
    span = SIDE - _LEFT - _TOP

    def x(rank: float) -> float:
        return round(_LEFT + span * math.log(rank) / math.log(top), 1)

    def y(rank: float) -> float:
        return round(SIDE - x(rank), 1)

    drawn = []
    for tick in _ticks(top):
        drawn.append(el("line", x1=x(tick), y1=y(1), x2=x(tick), y2=y(top), class_="grid"))
        drawn.append(el("line", x1=x(1), y1=y(tick), x2=x(top), y2=y(tick), class_="grid"))
        drawn.append(el("text", f"{tick:g}", x=x(tick), y=SIDE - _LEFT + 26, text_anchor="middle"))
        drawn.append(el("text", f"{tick:g}", x=_LEFT - 15, y=y(tick) + 4, text_anchor="end"))
    drawn.append(el("line", x1=x(1), y1=y(1), x2=x(top), y2=y(top), class_="axis"))
    middle = _LEFT + span / 2
    drawn.append(el("text", f"rank: {name_a}", x=middle, y=SIDE - 6, text_anchor="middle"))
    turned = f"rotate(-90 10 {SIDE - middle})"
    drawn.append(el("text", f"rank: {name_b}", x=10, y=SIDE - middle, text_anchor="middle", transform=turned))
    spots: dict[tuple[float, float], list[PairedQuery]] = {}
    for pair in pairs:
        spots.setdefault((x(pair.rank_a), y(pair.rank_b)), []).append(pair)
    for (left, height), here in sorted(spots.items(), key=lambda spot: -len(spot[1])):
        kind = "draw" if here[0].gain == 0 else "win" if here[0].gain > 0 else "loss"
        radius = round(min(3.0 * math.sqrt(len(here)), 12), 1)
        title = el("title", _told(here))
        drawn.append(el("g", title, el("circle", cx=left, cy=height, r=radius, class_=f"dot {kind}")))
    label = f"Ranks of {len(pairs)} queries in {name_a} and {name_b}"
    return el("svg", *drawn, viewBox=f"0 0 {SIDE} {SIDE}", role="img", aria_label=label)


def _told(pairs: Sequence[PairedQuery]) -> str:
    more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
    names = "; ".join(pair.text for pair in pairs[:3])
    return f"{pairs[0].rank_a:g} became {pairs[0].rank_b:g}: {names}{more}"


def _ticks(top: float) -> list[float]:
    """1, 2, 5, 10 and so on up to `top`; only powers of ten where those would crowd."""
    steps = (1, 2, 5) if top <= 200 else (1,)
    found = [step * 10.0**power for power in range(int(math.log10(top)) + 1) for step in steps]
    return [tick for tick in found if tick <= top]


def rank_spread(stages: Mapping[str, FloatArray]) -> Html:
    """How many queries have their first relevant clip at which ranks: one row of bars for each stage.

    `stages` holds expected ranks (Q,) by stage, the last stage last.
    """
    counts = {stage: Counter(_bucket(float(rank)) for rank in ranks) for stage, ranks in stages.items()}
    used = [name for _, name in _BUCKETS if any(found[name] for found in counts.values())]
    most = max(1, *(found[name] for found in counts.values() for name in used))
    width, height, base = 440, 200, 160
    step = (width - 8) / max(len(used), 1)
    bar = min(36.0, (step - 12) / len(counts))
    drawn = [el("line", x1=0, y1=base, x2=width, y2=base, class_="axis")]
    for column, name in enumerate(used):
        middle = 4 + step * (column + 0.5)
        drawn.append(el("text", name, x=round(middle, 1), y=base + 16, text_anchor="middle"))
        for place, found in enumerate(counts.values()):
            left = middle - bar * len(counts) / 2 + bar * place
            tall = (base - 24) * found[name] / most
            kind = "final" if place == len(counts) - 1 else "first"
            drawn.append(
                el("rect", x=round(left + 1, 1), y=round(base - tall, 1), width=round(bar - 2, 1),
                   height=round(tall, 1), class_=kind)
            )  # fmt: skip
            if found[name]:
                number = {"x": round(left + bar / 2, 1), "y": round(base - tall - 4, 1)}
                drawn.append(el("text", f"{found[name]}", text_anchor="middle", **number))
    keys = join(*(_key(stage, place, len(counts), height) for place, stage in enumerate(counts)))
    label = "How many queries have their first relevant clip at which ranks"
    return el("svg", *drawn, keys, viewBox=f"0 0 {width} {height}", role="img", aria_label=label)


def _key(stage: str, place: int, stages: int, height: int) -> Html:
    left = 4 + 110 * place
    kind = "final" if place == stages - 1 else "first"
    swatch = el("rect", x=left, y=height - 11, width=10, height=10, class_=kind)
    return join(swatch, el("text", stage, x=left + 15, y=height - 2))


def _bucket(rank: float) -> str:
    return next(name for most, name in _BUCKETS if rank <= most)
