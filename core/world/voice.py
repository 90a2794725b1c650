"""A voice: one set of tables that captions are spoken from, and the article that its nouns get."""

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


def article(noun: str) -> str:
    """The noun with "a" or "an" before it."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
