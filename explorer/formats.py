"""Numbers as a person reads them: spans, counts, percentiles, time left."""

from __future__ import annotations

import math
import re


def clock(seconds: float) -> str:
    """Minutes and seconds, rounded down: `1:05`, `1:02:03`."""
    whole = max(0, math.floor(seconds + 1e-6))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def exact_clock(seconds: float) -> str:
    """Minutes and seconds with hundredths: `1:05.40`."""
    hundredths = max(0, round(seconds * 100))
    return f"{clock(hundredths // 100)}.{hundredths % 100:02}"


def span(start_s: float, end_s: float) -> str:
    """A clip's place in its file: `0:08–0:16`."""
    return f"{clock(start_s)}–{clock(end_s)}"


def file_name(path: str) -> str:
    """The last part of an engine's path, whichever system the engine runs on."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or path


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 clip`, `1,204 clips`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def percentile(value: float) -> str:
    """A share from 0 to 100 without pretending: never rounded up to 100."""
    if value >= 100:
        return "100 %"
    if value >= 99:
        return f"{math.floor(value * 10) / 10:.1f} %"
    return f"{math.floor(value)} %"


def footage(seconds: float) -> str:
    """An amount of footage: `48 s`, `12 min`, `3.4 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def time_left(seconds: float) -> str:
    """`0:21 left`, or nothing while it is not known (below 0)."""
    return "" if seconds < 0 else f"{clock(math.ceil(seconds))} left"


def quantity(value: float, unit: str) -> str:
    """A count without a decimal point, anything else with at most one."""
    return f"{value:,.0f}" if value == int(value) or unit != "MB" else f"{value:,.1f}"


def milliseconds(value: float) -> str:
    """`3.9 ms`, `120 ms`."""
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"


def rank_change(first_rank: int, rank: int) -> int:
    """Places gained by the rerank: above 0 the clip moved up."""
    return first_rank - rank if first_rank > 0 and rank > 0 else 0
