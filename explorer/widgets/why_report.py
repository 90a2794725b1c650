"""The tab "Why" as a piece of an HTML page: the sentence, the frames, words, parts and every number."""

from __future__ import annotations

from html import escape

from PySide6.QtGui import QImage

from core.protocol import THUMBNAIL_TILES, RankExplained, ScoreExplained, SkeletonMatch
from explorer import formats, theme
from explorer.exports_html import heat_cell, picture, table
from explorer.models.thumbnails import tile_rect
from explorer.models.why_words import PARTS, learned_text, signed, taken_text, top
from explorer.widgets.why_not import change_title, lacks_text, place_text, unmet_text
from explorer.widgets.why_parts import part_color


def why_report(
    explained: ScoreExplained,
    effects: dict[int, float | None],
    strip: QImage | None,
    rank: RankExplained | None,
    unmet: tuple[SkeletonMatch, ...] = (),
) -> str:
    """A fragment of HTML; every text in it is escaped."""
    parts = [_words(explained, effects)]
    if explained.parts:
        parts.append(_parts(explained))
    parts = [f"<div class='beside'>{''.join(f'<div>{part}</div>' for part in parts)}</div>"]
    parts.append(_frames(explained, strip))
    if rank is not None:
        parts.append(_rank(rank, unmet))
    return "".join(parts)


def _words(explained: ScoreExplained, effects: dict[int, float | None]) -> str:
    rows = []
    for number, word in enumerate(explained.words):
        effect = effects.get(number)
        name = f"<s>{escape(word.text)}</s>" if word.cut else escape(word.text)
        worth = "not read" if word.cut else "" if effect is None else signed(effect)
        booked = signed(word.booked) if explained.parts and not word.cut else ""
        rows.append((name, worth, booked))
    head = ("Word", "Score lost without it", "Booked at the word itself")
    text = table(head if explained.parts else head[:2], [row if explained.parts else row[:2] for row in rows])
    if explained.parts:
        text += (
            f"<p>Booked in all: words {sum(word.booked for word in explained.words):.4f}, start and end marks"
            f" {explained.marks:.4f}, the sentence as a whole {explained.sentence:.4f}; together"
            f" {explained.score:.4f}.</p>"
        )
    for told in (learned_text(explained), taken_text(explained)):
        if told:
            text += f"<p>{escape(told)}</p>"
    return f"<h2>Words</h2>{text}"


def _parts(explained: ScoreExplained) -> str:
    whole = sum(abs(part.share) for part in explained.parts) or 1.0
    bar = "".join(
        f"<span style='background:{theme.color(part_color(place)).name()};width:{100 * abs(part.share) / whole:.2f}%;"
        f"opacity:{1 if part.share >= 0 else 0.5}'></span>"
        for place, part in enumerate(explained.parts)
    )
    rows = [
        (
            escape(PARTS[part.name].title), f"{part.value:.4f}", signed(part.share),
            f"top {top(part.percentile, explained.compared)}", escape(PARTS[part.name].tip),
        )
        for part in explained.parts
    ]  # fmt: skip
    head = ("Part", "Cosine", "Share", f"Among {explained.compared:,} clips", "Meaning")
    total = f"<p>The four shares add up to X-CLIP's score, {explained.score:.4f}.</p>"
    return f"<h2>What the score is made of</h2><div class='bar'>{bar}</div>{table(head, rows)}{total}"


def _frames(explained: ScoreExplained, strip: QImage | None) -> str:
    frames = explained.frames
    read = [word for word in explained.words if word.similarity]
    values = [value for word in read for value in word.similarity]
    low, high = min(values, default=0.0), max(values, default=1.0)
    pictures = ["<th></th>"]
    for number, frame in enumerate(frames):
        image = ""
        if strip is not None:
            tile = number * THUMBNAIL_TILES // len(frames)
            image = picture(strip.copy(tile_rect(strip, tile)), f"Frame {number + 1}")
        pictures.append(
            f"<th>{image}<br>{number + 1}<br><small>{formats.exact_clock(frame.time_s)}</small></th>"
        )
    lines = [f"<tr>{''.join(pictures)}</tr>"]
    for word in read:
        cells = "".join(heat_cell(value, (value - low) / max(high - low, 1e-9)) for value in word.similarity)
        lines.append(f"<tr><th>{escape(word.text)}</th>{cells}</tr>")
    lines.append(_weights("Student's frame weight", [frame.student_weight for frame in frames]))
    if explained.parts:
        lines.append(_weights("X-CLIP's frame weight", [frame.weight or 0.0 for frame in frames]))
        lines.append(_weights("Booked at the frame", [frame.booked for frame in frames]))
    title = "Words by frames (cosine)" if read else "Frames"
    return f"<h2>{title}</h2><table class='heat'>{''.join(lines)}</table>"


def _weights(name: str, values: list[float]) -> str:
    return f"<tr><th>{name}</th>{''.join(f'<td>{value:.3f}</td>' for value in values)}</tr>"


def _rank(rank: RankExplained, unmet: tuple[SkeletonMatch, ...]) -> str:
    text = f"<h2>Why not higher</h2><p>{escape(place_text(rank))}</p>"
    if rank.missing:
        rows = [
            (escape(row.text), escape(row.slot), signed(row.here), signed(row.above)) for row in rank.missing
        ]
        text += f"<p>{escape(lacks_text(sorted(rank.missing, key=lambda row: row.here - row.above)))}</p>"
        text += table(("Words", "Slot", "Worth here", "Worth above"), rows)
    if unmet:
        text += f"<ul>{''.join(f'<li>{escape(unmet_text(match))}</li>' for match in unmet)}</ul>"
    if rank.changes:
        changes = "".join(
            f"<li>{escape(change_title(change))}: “{escape(change.text)}”</li>" for change in rank.changes
        )
        text += f"<p>Smallest changes:</p><ul>{changes}</ul>"
    return text
