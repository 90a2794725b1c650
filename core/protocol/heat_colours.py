"""The colours of heat, for the window and for saved pictures: one table, so that both mean the same.

A path through OKLab (Ottosson, 2020), in which equal distances look equally far apart: from dark violet through red
and orange to pale yellow, ever lighter, walked in equal steps. Little heat covers little of the frame's own colours.
"""

from __future__ import annotations

from typing import Final

MOST_COVERED: Final = 0.75
"""How much of a frame's colour the hottest place may lose."""

Point = tuple[float, float, float]

_STATIONS: Final[tuple[Point, ...]] = (
    (0.30, 0.060, -0.110),
    (0.42, 0.135, -0.085),
    (0.53, 0.185, -0.005),
    (0.64, 0.165, 0.080),
    (0.75, 0.090, 0.130),
    (0.85, 0.020, 0.150),
    (0.95, -0.020, 0.100),
)
"""(L, a, b) that the path goes by."""


def cover(heat: float) -> float:
    """How much of the frame's colour the heat (0 to 1) takes the place of, at full opacity."""
    covered: float = MOST_COVERED * heat**0.5
    return covered


def _srgb(point: Point) -> tuple[int, int, int]:
    """OKLab to 8-bit sRGB."""
    L, a, b = point
    l_, m_, s_ = (
        L + 0.3963378 * a + 0.2158038 * b,
        L - 0.1055613 * a - 0.0638542 * b,
        L - 0.0894842 * a - 1.2914855 * b,
    )
    l3, m3, s3 = l_**3, m_**3, s_**3
    linear = (
        4.0767417 * l3 - 3.3077116 * m3 + 0.2309699 * s3,
        -1.2684380 * l3 + 2.6097574 * m3 - 0.3413194 * s3,
        -0.0041961 * l3 - 0.7034186 * m3 + 1.7076147 * s3,
    )
    red, green, blue = (
        round(255 * (12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055)) for c in linear
    )
    return red, green, blue


def _on_the_way(position: float) -> Point:
    """Between the stations, as a Catmull-Rom curve. `position` counts stations, from 0 to one less than there are."""
    leg = min(int(position), len(_STATIONS) - 2)
    t = position - leg
    before, start, end, after = (
        _STATIONS[min(max(place, 0), len(_STATIONS) - 1)] for place in range(leg - 1, leg + 3)
    )
    return tuple(  # type: ignore[return-value]
        0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * q - p - 3 * r + s) * t**3)
        for p, q, r, s in zip(before, start, end, after, strict=True)
    )


def _walk(steps: int = 256, fine: int = 1024) -> tuple[tuple[int, int, int], ...]:
    """The path at equal distances."""
    points = [_on_the_way(place / fine * (len(_STATIONS) - 1)) for place in range(fine + 1)]
    walked = [0.0]
    for place, point in enumerate(points[1:]):
        walked.append(
            walked[-1] + sum((p - q) ** 2 for p, q in zip(points[place], point, strict=True)) ** 0.5
        )
    found, place = [], 0
    for step in range(steps):
        while walked[place] < step / (steps - 1) * walked[-1] - 1e-12:
            place += 1
        found.append(_srgb(points[place]))
    return tuple(found)


COLOURS: Final = _walk()
"""256 times (red, green, blue), 0 to 255, from no heat to the most."""
