"""Messages about libraries, queries, pictures and model bundles: the window's daily work."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from core.protocol.basics import Message

THUMBNAIL_TILES: Final = 12
"""A clip's thumbnail is one JPEG strip of this many tiles side by side, in order of time."""

NAMED_WORDS: Final = 4
"""In a sentence about words of a query; of more of them, the rest are counted."""

Stage = Literal["first", "reranked"]


# --- window -> engine ---------------------------------------------------------------------------------


class OpenLibrary(Message, frozen=True):
    """Open (or create, if `create`) a library folder; `demo` is the bundled demo library.

    Answers `LibraryOpened`, with `Progress` before it while the demo library is built.
    """

    id: int
    path: str
    bundle: str = ""  # only for a new library; empty means the default bundle
    create: bool = False


class Filters(msgspec.Struct, frozen=True):
    """Which clips may be ranked at all. Empty means every clip."""

    video_ids: tuple[int, ...] = ()
    name_contains: str = ""


class Feedback(msgspec.Struct, frozen=True):
    """Clips that were judged for a query, from which its ranking learns."""

    relevant: tuple[int, ...] = ()
    not_relevant: tuple[int, ...] = ()


class Search(Message, frozen=True):
    """Rank the open library's clips. Answers `Ranked(stage="first")`, then `Ranked(stage="reranked")`.

    The last one comes once more, with its line, if it says `line_follows`.
    """

    id: int
    text: str
    k: int = 200  # hits returned
    rerank: bool = True
    filters: Filters = Filters()
    joint: bool = False  # weigh the agreement of the skeletons into the rerank
    learn_from: str = ""  # rank by what this author judged for the query as well


class SearchLike(Message, frozen=True):
    """Rank the open library's clips by how like they are to one. Answers one `Ranked` with an empty query."""

    id: int
    clip_id: int
    k: int = 200  # hits returned
    filters: Filters = Filters()


class AddFootage(Message, frozen=True):
    """Index files and folders into the open library. `Progress` while it runs, then `FootageAdded`."""

    id: int
    paths: tuple[str, ...]
    clip_seconds: float = 8.0
    stride_s: float = 0.0  # 0: the same as clip_seconds
    drop_missing: bool = False  # forget videos whose files are gone (the window asks the person first)


class GetThumbnail(Message, frozen=True):
    """Answers `Thumbnail` with the clip's strip of `THUMBNAIL_TILES` tiles."""

    id: int
    clip_id: int


class GetFrames(Message, frozen=True):
    """Decode the clip's exact span. Answers `FrameChunk`s in order, the last one with `last=True`."""

    id: int
    clip_id: int
    max_height: int = 480


class GetLibrary(Message, frozen=True):
    """Answers `LibraryOpened` with fresh counts, videos and failures of the open library."""

    id: int


class GetModels(Message, frozen=True):
    """Answers `Models`: every known bundle and whether its weights are on this machine."""

    id: int


class FetchModel(Message, frozen=True):
    """Download a bundle's weights (only ever on a person's request), or import `from_file`.

    `Progress` while it runs, then `Models`.
    """

    id: int
    name: str
    from_file: str = ""


# --- engine -> window ---------------------------------------------------------------------------------


class VideoInfo(msgspec.Struct, frozen=True):
    """One file of the library. `missing` says that the file was gone when last looked for."""

    video_id: int
    path: str
    name: str
    duration_s: float
    clips: int
    missing: bool = False


class FailureInfo(msgspec.Struct, frozen=True):
    """A file that could not be indexed, and why, in one sentence."""

    path: str
    kind: str
    reason: str


class LibraryInfo(msgspec.Struct, frozen=True):
    """What the open library holds and which bundle made its vectors."""

    path: str
    name: str
    bundle: str
    bundle_label: str  # e.g. "trained on the demo world", "zero-shot", "CLIP4Clip checkpoint"
    crop: str
    clips: int
    video_seconds: float
    videos: tuple[VideoInfo, ...] = ()
    failures: tuple[FailureInfo, ...] = ()
    notes: tuple[str, ...] = ()  # plain sentences for the person, e.g. synthetic weights on real footage
    example_queries: tuple[str, ...] = ()
    build: str = ""  # another one at the same path: it was built anew there, and nothing shown is of it


class LibraryOpened(Message, frozen=True):
    """Answer to `OpenLibrary` and `GetLibrary`."""

    id: int
    library: LibraryInfo


class LibraryChanged(Message, frozen=True):
    """Pushed when clips became searchable or went away, or the library was built anew in its place.

    The window may ask `GetLibrary`. Changes by other processes are seen within seconds.
    """

    clips: int


class Hit(msgspec.Struct, frozen=True):
    """One ranked clip.

    `score` is the first-stage cosine, `rerank_score` the X-CLIP similarity without its scale (None before
    the rerank or past its K), both less what the query's minus words took and with what judged clips add; in the
    stage that decided the rank `taken` and `learned` are how much that was, and `percentile` is the share of the
    searched clips (0-100) that score no higher. `keyframe` is the tile (0-11) that answers the query best.
    """

    rank: int
    clip_id: int
    video_id: int
    video: str
    start_s: float
    end_s: float
    score: float
    first_rank: int
    percentile: float
    rerank_score: float | None = None
    keyframe: int = 0
    taken: float = 0.0
    learned: float = 0.0


def in_order_of_time(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Hits by the path of their video, numbers in it counted (`drive_9` before `drive_10`), then by their start."""
    return tuple(sorted(hits, key=lambda hit: (_by_number(hit.video), hit.video, hit.start_s, hit.end_s)))


def _by_number(path: str) -> tuple[str | int, ...]:
    """A path as a file browser orders it. Text stands at even places and numbers at odd ones, so all compare."""
    return tuple(
        int(part) if place % 2 else part for place, part in enumerate(re.split("([0-9]+)", path.casefold()))
    )


def passed_over(unlearned: tuple[str, ...]) -> str:
    """What to tell a person of the words of a query that the model never learned; "" where there are none."""
    if not unlearned:
        return ""
    if len(unlearned) == 1:
        return f"“{unlearned[0]}” is a word that this model has not learned; it is passed over."
    named = [f"“{word}”" for word in unlearned]
    if len(named) > NAMED_WORDS:
        named = [*named[: NAMED_WORDS - 1], f"{len(named) - NAMED_WORDS + 1} more"]
    told = f"{', '.join(named[:-1])} and {named[-1]}"
    return f"{told} are words that this model has not learned; they are passed over."


class Ranked(Message, frozen=True):
    """The ranking of one stage. `notes` are plain sentences, e.g. which words were beyond the limit."""

    id: int
    stage: Stage
    query: str
    hits: tuple[Hit, ...]
    searched_clips: int
    timings_ms: dict[str, float]
    words: tuple[str, ...] = ()  # the query as the model read it, a word each
    cut_words: tuple[str, ...] = ()  # what lay beyond the model's limit
    notes: tuple[str, ...] = ()
    final: bool = True  # False on a first stage that a rerank will follow
    without: tuple[str, ...] = ()  # what must not be there: the words behind a minus
    likely: int | None = None  # past this rank clips probably do not match; None: it cannot be told
    learned: Feedback | None = None  # what this ranking learned from; None: it is the query's own
    unlearned: tuple[str, ...] = ()  # words as typed, minus words too, that the model never learned
    line_follows: bool = False  # it can, and is being found: the same ranking comes once more, with `likely`

    @property
    def settled(self) -> bool:
        """Whether no further stage will reorder this ranking."""
        return self.final or self.stage == "reranked"


class FootageAdded(Message, frozen=True):
    """Answer to `AddFootage`. `missing` are videos whose files are gone and that were kept."""

    id: int
    videos: int
    clips: int
    added: int
    removed: int
    seconds: float
    video_seconds: float
    failed: tuple[FailureInfo, ...] = ()
    missing: tuple[str, ...] = ()


class Thumbnail(Message, frozen=True):
    """One JPEG strip of `THUMBNAIL_TILES` equal tiles; empty bytes if the clip has none."""

    id: int
    clip_id: int
    jpeg: bytes


class FrameImage(msgspec.Struct, frozen=True):
    """One decoded frame: its number within the clip, its presentation time in the file, a JPEG."""

    number: int
    time_s: float
    jpeg: bytes


class FrameChunk(Message, frozen=True):
    """Some frames of a clip in order of time. `expected` is an estimate of how many there will be."""

    id: int
    clip_id: int
    frames: tuple[FrameImage, ...]
    expected: int
    last: bool = False


class ModelInfo(msgspec.Struct, frozen=True):
    """One row of the models page."""

    name: str
    title: str
    source: str
    licence: str
    parameters_m: float
    input_size: str  # "224x224" (height x width)
    relative_speed: float  # images/s as a ratio to ViT-B-32 on the reference machine; 0: not measured
    present: bool
    size_mb: float = 0.0
    note: str = ""


class Models(Message, frozen=True):
    """Answer to `GetModels` and `FetchModel`."""

    id: int
    models: tuple[ModelInfo, ...]


Requests = (
    OpenLibrary | Search | SearchLike | AddFootage | GetThumbnail | GetFrames | GetLibrary | GetModels | FetchModel
)  # fmt: skip
Replies = (
    LibraryOpened | LibraryChanged | Ranked | FootageAdded | Thumbnail | FrameChunk | Models
)  # fmt: skip
