"""Which clips of two libraries are the same, and what a comparison of two runs had to leave out, in words.

A library numbers its clips itself, so runs of two libraries (another bundle, another crop, footage indexed twice) have
no number in common. Clips are the same if their videos are and their spans agree. Videos are the same if their files
hold the same bytes, or else if they are called the same in both libraries, as two crops of one recording are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.evaluate.pairing import ClipsOfTwo, LeftOut
from core.library.library import Library

if TYPE_CHECKING:
    from core.library.catalog import Catalog

SAME_SPAN_S: Final = 0.25
"""Spans whose ends lie no further apart are the same: the last clip of a copy may lack a few frames."""
BASELINE_FIRST: Final = ("the other run", "this run")
"""What two runs are called where the second one is the subject."""
_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a clip lies: what its video's file holds (sha256) and is called, and its span in seconds."""

    contents: str
    path: str
    start_s: float
    end_s: float

    @property
    def file(self) -> str:
        """The name of the video's file."""
        return self.path.replace("\\", "/").rsplit("/", 1)[-1]

    def __str__(self) -> str:
        return f"{self.file} {self.start_s:g}-{self.end_s:g} s"


Spots = Mapping[int, Spot]
"""Clips by their number in one library."""
_Video = tuple[str, int]
"""What a file holds, and which of the files that hold it, by path."""


@dataclass(frozen=True)
class TwoLibraries:
    """The clips of two libraries. `named` counts those of the second that only their file's name matched."""

    a: Spots
    b: Spots
    clips: ClipsOfTwo
    named: int

    @classmethod
    def of(cls, a: Spots, b: Spots) -> TwoLibraries:
        """Matches the clips of two libraries."""
        same, named = same_clips(a, b)
        return cls(a, b, ClipsOfTwo(a.keys(), b.keys(), same), named)


def two_libraries(a: Path, b: Path) -> TwoLibraries | None:
    """Matches the clips of two libraries; None if it is one. Raises DrivescopeError as `Library.open` does."""
    if a.resolve() == b.resolve():
        return None
    return TwoLibraries.of(spots_of(a), spots_of(b))


def spots_of(folder: Path) -> dict[int, Spot]:
    """The clips of a library. Raises DrivescopeError as `Library.open` does."""
    library = Library.open(folder)
    try:
        return _spots(library.catalog)
    finally:
        library.close()


def _spots(catalog: Catalog) -> dict[int, Spot]:
    contents = {video.video_id: video.sha256 for video in catalog.videos()}
    return {
        clip.clip_id: Spot(contents[clip.video_id], clip.path, clip.start_s, clip.end_s)
        for clip in catalog.clips()
    }


def same_clips(a: Spots, b: Spots) -> tuple[dict[int, int], int]:
    """The clip of a for each clip of b that has one, and how many of them only their file's name matched."""
    videos_a, videos_b = _videos(a), _videos(b)
    names_a = {video: _stem(a[clips[0]].file) for video, clips in videos_a.items()}
    names_b = {video: _stem(b[clips[0]].file) for video, clips in videos_b.items()}
    twice = {
        name for names in (names_a, names_b) for name, count in Counter(names.values()).items() if count > 1
    }
    called = {name: video for video, name in names_a.items() if name not in twice and video not in videos_b}
    found: dict[int, int] = {}
    named = 0
    for video, clips in videos_b.items():
        twin = video if video in videos_a else None if names_b[video] in twice else called.get(names_b[video])
        if twin is not None:
            pairs = _same_spans(a, videos_a[twin], b, clips)
            found |= pairs
            named += len(pairs) if twin != video else 0
    return found, named


def _videos(spots: Spots) -> dict[_Video, list[int]]:
    """The clips of each video in order of time."""
    by_path: dict[tuple[str, str], list[int]] = {}
    for clip_id, spot in sorted(spots.items(), key=lambda item: item[1].start_s):
        by_path.setdefault((spot.contents, spot.path), []).append(clip_id)
    copies: Counter[str] = Counter()
    videos = {}
    for contents, path in sorted(by_path):
        videos[contents, copies[contents]] = by_path[contents, path]
        copies[contents] += 1
    return videos


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0].casefold()


def _same_spans(a: Spots, clips_a: Sequence[int], b: Spots, clips_b: Sequence[int]) -> dict[int, int]:
    """Clips of one video that lie at the same place, each one once."""
    starts_s = [a[clip_a].start_s for clip_a in clips_a]
    taken: set[int] = set()
    pairs = {}
    for clip_b in clips_b:
        first = bisect_left(starts_s, b[clip_b].start_s - SAME_SPAN_S)
        last = bisect_right(starts_s, b[clip_b].start_s + SAME_SPAN_S)
        near = [
            (_apart_s(a[clip_a], b[clip_b]), clip_a) for clip_a in clips_a[first:last] if clip_a not in taken
        ]
        apart_s, nearest = min(near, default=(SAME_SPAN_S + 1.0, -1))
        if apart_s <= SAME_SPAN_S:
            pairs[clip_b] = nearest
            taken.add(nearest)
    return pairs


def _apart_s(a: Spot, b: Spot) -> float:
    return max(abs(a.start_s - b.start_s), abs(a.end_s - b.end_s))


# --- in words -----------------------------------------------------------------------------------------


def told(
    left_out: LeftOut, libraries: TwoLibraries | None = None, names: tuple[str, str] = ("a", "b")
) -> list[str]:
    """What was matched and what was not, in sentences; none where everything took part as it was.

    `names` are what the two runs are called.
    """
    name_a, name_b = names
    lines = []
    spots_a, spots_b = (libraries.a, libraries.b) if libraries else ({}, {})
    unshared = ((left_out.clips_a, spots_a, name_a), (left_out.clips_b, spots_b, name_b))
    if libraries is not None or left_out.clips_a or left_out.clips_b:
        where = "both libraries hold" if libraries is not None else "both runs ranked: the library changed"
        lines.append(f"Ranks are among the {left_out.shared:,} clips that {where}.")
    for clips, spots, name in unshared:
        if clips:
            examples = [str(spots[clip_id]) for clip_id in clips[:_EXAMPLES] if clip_id in spots]
            take = "takes" if len(clips) == 1 else "take"
            lines.append(f"{_count(len(clips), 'clip')} only of {name} {take} no part{_such_as(examples)}.")
    if libraries is not None and libraries.named:
        lines.append(
            f"{_count(libraries.named, 'clip')} were matched by their file's name, because the files differ."
        )
    texts = (
        (left_out.queries_a, f"only in {name_a}"),
        (left_out.queries_b, f"only in {name_b}"),
        (left_out.other_truth, "with other relevant clips in the two runs"),
        (left_out.unanswered, "without a relevant clip among those"),
    )
    for queries, why in texts:
        if queries:
            quoted = [f"“{text}”" for text in queries[:_EXAMPLES]]
            lines.append(f"{_count(len(queries), 'query', 'queries')} {why}{_such_as(quoted)}.")
    return lines


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def _such_as(examples: Sequence[str]) -> str:
    return f", e.g. {', '.join(examples)}" if examples else ""
