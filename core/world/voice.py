"""A voice: one set of tables that captions are spoken from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Options = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Voice:
    """Words by what they say. Forms hold {a} (their actor with an article), {n} (without) or {e:manoeuvre}."""

    nouns: Options
    plurals: Options
    colours: Options
    light: Options
    weather: Options
    both: Mapping[tuple[str, str], tuple[str, ...]]  # of light and weather; empty: each is said alone
    titles: Mapping[tuple[str, str], tuple[str, ...]]
    road: Options
    subjects: tuple[str, ...]
    ego: Mapping[str, tuple[tuple[str, str], ...]]  # with "we", with "the car"
    ego_short: Options
    forms: Options
    short: Options
