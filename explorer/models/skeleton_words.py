"""Skeletons in a person's words: verdicts, sentences, places in time, and where a figure comes from."""

from __future__ import annotations

from typing import Final

from core.protocol import SkeletonMatch, SkeletonSource, SkeletonValue, SkeletonVerdict
from explorer import formats

VERDICTS: Final[dict[SkeletonVerdict, tuple[str, str, str]]] = {
    "matched": ("✓", "matched", "up"),
    "weak": ("~", "weak", "warning"),
    "missing": ("–", "missing", "text_3"),
    "contradicted": ("✗", "contradicted", "error"),
    "unchecked": ("?", "not checked", "text_3"),
}
"""Sign, word and colour token of each verdict."""
SOURCES: Final[dict[SkeletonSource, str]] = {
    "frames": "seen in the frames",
    "video": "seen over the whole clip",
    "motion": "measured from motion",
    "person": "set by hand",
}


def summary(matches: tuple[SkeletonMatch, ...]) -> str:
    """`4 of 5 matched · 1 contradicted`; what a query without slots gets is a sentence."""
    if not matches:
        return "Nothing in the query could be read as something to look for in a clip."
    counts = {name: sum(one.verdict == name for one in matches) for name in VERDICTS}
    parts = [f"{counts['matched']} of {len(matches)} matched"]
    parts += [
        f"{counts[name]} {VERDICTS[name][1]}" for name in VERDICTS if name != "matched" and counts[name]
    ]
    return " · ".join(parts)


def asked(match: SkeletonMatch) -> str:
    """What the query says of one thing."""
    return f"not: {match.title}" if match.negated else match.title


def answer(match: SkeletonMatch) -> str:
    """What the clip says to it."""
    found = match.found
    if match.slot == "order":
        return {
            "matched": "in this order",
            "contradicted": "in another order",
            "weak": "nearly together",
        }.get(match.verdict, "not both seen")
    if match.verdict == "unchecked":
        return "not looked for"
    if found is None or (not found.holds and match.verdict in ("missing", "matched")):
        return "not seen"
    return found.title


def span(value: SkeletonValue) -> str:
    """`0:02.70–0:04.90`, where a value holds."""
    return f"{formats.exact_clock(value.start_s)}–{formats.exact_clock(value.end_s)}"


def place(match: SkeletonMatch) -> str:
    """When the clip shows its answer, and from what that is known: `0:02.70–0:04.90 · motion`."""
    found = match.found
    if found is None or not found.holds:
        return ""
    return f"{span(found)} · {'by hand' if found.source == 'person' else found.source}"


def source(value: SkeletonValue) -> str:
    """Where a value comes from; a correction with its author and day."""
    if value.source == "person" and value.author:
        return f"set by {value.author}, {value.made[:10]}"
    return SOURCES[value.source]


def value_tip(value: SkeletonValue) -> str:
    """One sentence about a value's figure."""
    if value.source == "person":
        return f"A person said so ({source(value)}); click to see {formats.exact_clock(value.time_s)}."
    how = (
        "how surely its motion shows it"
        if value.source == "motion"
        else "how probable it is that the clip shows it"
    )
    frame = formats.exact_clock(value.time_s)
    return f"{value.probability:.2f} is {how}, from 0 to 1; click to see the frame at {frame}."


def match_tip(match: SkeletonMatch) -> str:
    """The verdict in a sentence, what was left aside, and what a click does."""
    parts = [match.reason]
    if match.unchecked:
        parts.append(f"Nobody looked whether it is {', '.join(match.unchecked)}.")
    if match.found is not None:
        parts.append(f"Click to see the frame at {formats.exact_clock(match.found.time_s)}.")
    return " ".join(parts)
