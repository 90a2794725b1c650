"""The distillation's report as one HTML page: tables and curves drawn as SVG, no script, no other file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

WIDTH, HEIGHT, LEFT, BOTTOM = 560, 220, 46, 26
COLOURS: Final = ("#2f81f7", "#e5734a", "#3fa66a", "#a371f7")
TICKS: Final = 4
STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --faint: #888; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 74rem; margin: 2.5rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem } h2 { font-size: 1.1rem; margin-top: 2.2rem }
table { border-collapse: collapse; width: 100% } th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line) }
th { text-align: left; font-weight: 600 } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
td.n { white-space: nowrap } small, .faint { color: var(--faint) }
.plots { display: flex; flex-wrap: wrap; gap: 1.5rem }
svg text { font: 11px system-ui, sans-serif; fill: currentColor }
"""


def page_of(title: str, base: str, told: Mapping[str, Any]) -> str:
    """The page of one report; `told` is the content of report.json."""
    parts = told["data"]["parts"]
    sizes = ", ".join(
        f"{name} {part['videos']} videos, {part['clips']} clips, {part['captions']} captions"
        for name, part in parts.items()
    )
    split = escape(told["split"])
    return "".join(
        (
            "<!doctype html><html lang='en'><meta charset='utf-8'>",
            f"<title>{escape(title)}: distillation</title><style>{STYLE}</style>",
            f"<h1>{escape(title)}</h1><p class='faint'>Distilled from {escape(base)} on "
            f"{escape(told['data']['file'])} ({escape(told['data']['kind'])}). "
            f"Split by video, hash {split}: {sizes}.</p>",
            _problems(told["data"]["problems"]),
            f"<h2>On the test videos <small>split {split}, 95 % bootstrap intervals over captions</small></h2>",
            _systems(told["test"]),
            f"<h2>Gains <small>split {split}, paired over captions</small></h2>",
            _gains(told["gains"]),
            f"<h2>Curves <small>{_kept(told['chosen_step'])}</small></h2><div class='plots'>",
            *(_plots(name, rows) for name, rows in told["curves"].items()),
            "</div>",
            "<h2>Found best</h2>",
            _queries(told["queries"]["best"]),
            "<h2>Found worst</h2>",
            _queries(told["queries"]["worst"]),
            "</html>\n",
        )
    )


def _problems(problems: Sequence[str]) -> str:
    if not problems:
        return ""
    return "<ul>" + "".join(f"<li>{escape(problem)}</li>" for problem in problems) + "</ul>"


def _kept(steps: Mapping[str, int]) -> str:
    """Which weights val chose."""
    return ", ".join(
        f"the {escape(phase)} of step {step} was kept" if step else f"the {escape(phase)} is as it began"
        for phase, step in steps.items()
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: frozenset[int]) -> str:
    """`numbers` are the columns set to the right; cells are HTML already."""

    def row(cells: Sequence[str], tag: str) -> str:
        made = (
            f"<{tag}{' class=n' if at in numbers else ''}>{cell}</{tag}>" for at, cell in enumerate(cells)
        )
        return f"<tr>{''.join(made)}</tr>"

    return f"<table>{row(head, 'th')}{''.join(row(cells, 'td') for cells in rows)}</table>"


def _systems(systems: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    names = list(next(iter(systems.values())))
    rows = []
    for system, found in systems.items():
        cells = [escape(system)]
        for name in names:
            value = found[name]
            cells.append(f"{value['value']:.3g} <small>{value['low']:.3g} to {value['high']:.3g}</small>")
        rows.append(cells)
    return _table(["", *names], rows, frozenset(range(1, len(names) + 1)))


def _gains(gains: Sequence[Mapping[str, Any]]) -> str:
    names = list(gains[0]["metrics"])
    rows = []
    for gain in gains:
        cells = [f"{escape(gain['new'])} against {escape(gain['old'])}"]
        for name in names:
            found = gain["metrics"][name]
            cells.append(
                f"{found['difference']:+.3g} <small>{found['low']:+.3g} to {found['high']:+.3g}, "
                f"p {found['p_value']:.3g}</small>"
            )
        rows.append(cells)
    return _table(["", *names], rows, frozenset(range(1, len(names) + 1)))


def _queries(queries: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            f"{query['rank']:g}",
            f"{query['before']:g}",
            escape(query["text"]),
            escape(query["meant"]),
            escape(query["top"]),
        ]
        for query in queries
    ]
    return _table(["rank", "before", "query", "a clip that it means", "clip on top"], rows, frozenset({0, 1}))


# --- curves -------------------------------------------------------------------------------------------


def _plots(phase: str, rows: Sequence[Mapping[str, float]]) -> str:
    """Two plots of a phase: its losses, and recalls on val."""
    keys = list(dict.fromkeys(key for row in rows for key in row if key != "step"))
    losses = [key for key in keys if not key.startswith("val ")]
    recalls = [key for key in keys if key in ("val R@1", "val R@5", "val R@10")]
    return plot(f"{phase}: losses", rows, losses) + plot(f"{phase}: recall on val, %", rows, recalls)


def plot(title: str, rows: Sequence[Mapping[str, float]], keys: Sequence[str]) -> str:
    """An SVG of some columns over the step."""
    points = {key: [(row["step"], row[key]) for row in rows if key in row] for key in keys}
    points = {key: found for key, found in points.items() if found}
    if not points:
        return ""
    last = max(x for found in points.values() for x, _ in found) or 1
    values = [y for found in points.values() for _, y in found]
    low, high = min(0.0, *values), max(values)
    span = (high - low) or 1.0
    wide, tall = WIDTH - LEFT - 8, HEIGHT - BOTTOM - 30

    def at(x: float, y: float) -> str:
        return f"{LEFT + wide * x / last:.1f},{30 + tall * (1 - (y - low) / span):.1f}"

    drawn = [f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' role='img' aria-label='{escape(title)}'>"]
    drawn.append(f"<text x='{LEFT}' y='14' font-weight='600'>{escape(title)}</text>")
    for tick in range(TICKS + 1):
        y = 30 + tall * tick / TICKS
        drawn.append(f"<line x1='{LEFT}' x2='{WIDTH - 8}' y1='{y:.1f}' y2='{y:.1f}' stroke='#8883'/>")
        drawn.append(
            f"<text x='{LEFT - 6}' y='{y + 4:.1f}' text-anchor='end'>{high - span * tick / TICKS:.3g}</text>"
        )
    drawn.append(f"<text x='{WIDTH - 8}' y='{HEIGHT - 8}' text-anchor='end'>step {last:g}</text>")
    for number, (key, found) in enumerate(points.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(at(x, y) for x, y in found)
        drawn.append(f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='1.6'/>")
        x = LEFT + 100 * number
        drawn.append(f"<rect x='{x}' y='{HEIGHT - 16}' width='10' height='3' fill='{colour}'/>")
        drawn.append(f"<text x='{x + 14}' y='{HEIGHT - 10}'>{escape(key.removeprefix('val '))}</text>")
    return "".join([*drawn, "</svg>"])
