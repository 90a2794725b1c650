"""An explanation in plain words: one sentence for the whole, and what each figure is called and means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.protocol import Hit, PartName, ScoreExplained


@dataclass(frozen=True)
class PartText:
    """What a granularity is called and what it means, in one sentence."""

    title: str
    tip: str


PARTS: Final[dict[PartName, PartText]] = {
    "video_sentence": PartText(
        "Whole video, whole query", "How well the clip as one picture and the query as one sentence agree."
    ),
    "video_word": PartText(
        "Whole video, each word", "How well the clip as one picture agrees with the words that fit it best."
    ),
    "sentence_frame": PartText(
        "Each frame, whole query", "How well the frames that fit best agree with the query as one sentence."
    ),
    "frame_word": PartText(
        "Each frame, each word", "How well the best frames agree with the words that fit them best."
    ),
}
_SMALL: Final = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "on",
        "in",
        "at",
        "and",
        "or",
        "to",
        "is",
        "are",
        "was",
        "by",
        "with",
        "from",
        "for",
        "our",
        "we",
        "it",
        "its",
        "this",
        "that",
        "as",
    ]
)
_CLEAR: Final = 0.02
"""A difference of cosines below this is not worth a word."""
_WELL, _FAIRLY = 75.0, 40.0


def signed(value: float) -> str:
    """A contribution: `+0.053`, `−0.310`, `0.000`."""
    text = f"{abs(value):.3f}"
    return text if text == "0.000" else f"{'+' if value > 0 else '−'}{text}"


def sentence(
    hit: Hit, searched: int, explained: ScoreExplained, effects: dict[int, float], *, rerank_on: bool
) -> str:
    """The explanation in a line or two, for somebody who has never seen the model."""
    place = f"Rank {hit.rank} of {searched:,}" if searched else f"Rank {hit.rank}"
    if explained.stage == "first":
        why = "the rerank is off" if not rerank_on else "the rerank did not reach this clip"
        parts = [f"{place} by the student alone, because {why}: its one vector for the clip has cosine"
                 f" {explained.score:.3f} with the query"]  # fmt: skip
    else:
        parts = [f"{place}: {_whole(explained)}"]
        seen = _seen(explained)
        if seen:
            parts.append(seen)
    told = _worth(explained, effects)
    return "; ".join(parts + ([told] if told else [])) + "."


def taken_text(explained: ScoreExplained) -> str:
    """What the query's minus words took off the score that is explained; "" without such words."""
    if not explained.taken:
        return ""
    most = max(explained.taken, key=lambda word: word.taken)
    if round(most.taken, 3) == 0:
        words = " or ".join(f"“{word.text}”" for word in explained.taken)
        return f"Nothing is taken off: the clip shows no more of {words} than a typical one."
    return (
        f"−{most.taken:.3f} because the clip shows more of “{most.text}” than a typical one. All else here is about"
        " the query without its minus words."
    )


def learned_text(explained: ScoreExplained) -> str:
    """What judged clips did to the score and the rank; "" where the ranking learned from none."""
    learned = explained.learned
    if learned is None:
        return ""
    place = {
        "relevant": "It stands with the first because you judged it relevant. ",
        "not": "It stands with the last because you judged it not relevant. ",
        "": "",
    }[learned.judged]
    added = signed(learned.added)
    why = "Nothing" if added == "0.000" else added
    rank = f"rank {learned.rank_without}" if learned.rank_without else "a rank far behind the first thousand"
    return (
        f"{place}{why} comes from its likeness to the clips that you judged; by the query alone it has {rank}, and all"
        " else here is about the query alone."
    )


def _whole(explained: ScoreExplained) -> str:
    part = explained.parts[0]
    how = "well" if part.percentile >= _WELL else "fairly" if part.percentile >= _FAIRLY else "poorly"
    if part.percentile >= 100:
        beside = "no other clip fits better"
    elif part.percentile >= 50:
        beside = f"among the {top(part.percentile, explained.compared)} that fit best"
    else:
        beside = f"{100 - part.percentile:.0f} % of the clips fit better"
    return f"the video as a whole fits {how} ({beside})"


def top(percentile: float, compared: int) -> str:
    """The share of clips that are at least as good, the clip itself among them: `2 %`; never 0."""
    share = 100.0 - percentile + 100.0 / max(compared, 1)
    return f"{max(share, 0.1):.1f} %" if share < 1 else f"{min(share, 100.0):.0f} %"


def _seen(explained: ScoreExplained) -> str:
    """The word that some frames answer much better than others, and which."""
    best, gap = -1, _CLEAR
    for number, word in enumerate(explained.words):
        if word.similarity and not is_small(word.text):
            rise = max(word.similarity) - sum(word.similarity) / len(word.similarity)
            if rise > gap:
                best, gap = number, rise
    if best < 0:
        return ""
    return f"“{bare(explained.words[best].text)}” is seen best in {frames_text(peak(explained.words[best].similarity))}"


def _worth(explained: ScoreExplained, effects: dict[int, float]) -> str:
    """The word that speaks most for the clip, and the one that speaks most against it."""
    if not effects:
        return ""
    words = explained.words
    most = max(effects, key=lambda number: effects[number])
    least = min(effects, key=lambda number: effects[number])
    told = []
    if effects[most] > _CLEAR:
        told.append(f"“{bare(words[most].text)}” adds most")
    if effects[least] < -_CLEAR:
        told.append(f"“{bare(words[least].text)}” speaks against it")
    return ", ".join(told)


def peak(values: tuple[float, ...]) -> tuple[int, int]:
    """The run of frames around the best one that is nearly as good: first and last, from 0."""
    best = max(range(len(values)), key=lambda number: values[number])
    floor = min(values) + 0.6 * (values[best] - min(values))
    first = last = best
    while first > 0 and values[first - 1] >= floor:
        first -= 1
    while last + 1 < len(values) and values[last + 1] >= floor:
        last += 1
    return first, last


def frames_text(span: tuple[int, int]) -> str:
    """`frame 4` or `frames 3–6`, counted from 1."""
    first, last = span
    return f"frame {first + 1}" if first == last else f"frames {first + 1}–{last + 1}"


def lit(values: tuple[float, ...]) -> tuple[float, ...]:
    """How brightly each frame is lit for a word: 0 for its worst frame, 1 for its best; none if all are alike."""
    if not values or max(values) - min(values) < _CLEAR:
        return ()
    low, high = min(values), max(values)
    return tuple((value - low) / (high - low) for value in values)


def is_small(word: str) -> bool:
    """Whether a word only holds the sentence together."""
    return bare(word).lower() in _SMALL


def bare(word: str) -> str:
    """A word without the marks around it."""
    return word.strip(".,;:!?\"'()") or word


def word_tip(text: str, effect: float | None, score: float, *, cut: bool, muted: bool) -> str:
    """What a chip says when the pointer rests on it."""
    if cut:
        return f"“{text}” lies beyond the model's limit: it was not read and adds nothing."
    if muted:
        return f"“{text}” is left out of the tried query; click to take it back."
    click = "Click to see how the ranks would move without it."
    if effect is None:
        return f"What “{text}” is worth is being computed. {click}"
    if abs(effect) < 5e-4:
        return f"Without “{text}” the score would stay {score:.3f}. {click}"
    side = (
        "lower: the word speaks for this clip" if effect > 0 else "higher: the word speaks against this clip"
    )
    return f"Without “{text}” the score {score:.3f} would be {abs(effect):.3f} {side}. {click}"
