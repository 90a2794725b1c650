"""The clips of a library as truth files and foreign runs name them.

Videos are found by their path, by the end of it, by their file name, and by their file name without its ending, in
that order, upper and lower case alike: annotations rarely carry the paths of the machine that reads them. A part of a
video is written the way of the W3C's media fragments, `dash.mp4#t=8,16`; that is also how our own TREC files name
clips.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Protocol
from urllib.parse import quote, unquote, urlsplit

from core.evaluate.truth import SpanRule

_FRAGMENT: Final = re.compile(r"(?P<name>.+)#t=(?P<start>\d+(?:\.\d+)?),(?P<end>\d+(?:\.\d+)?)")
_SAFE: Final = "/:\\,;()[]{}'!$&+=@~^"
"""Characters of a file name that a document id keeps as they are; white space, % and # are escaped."""
_SAME_TIME_S: Final = 0.05
"""Document ids carry times of two decimals; clips closer than this are the same one."""


class ClipLike(Protocol):
    """What a clip of the catalogue tells."""

    @property
    def clip_id(self) -> int:
        """Its number."""

    @property
    def video_id(self) -> int:
        """Its video's number."""

    @property
    def path(self) -> str:
        """Its video's path."""

    @property
    def start_s(self) -> float:
        """Where it begins, seconds."""

    @property
    def end_s(self) -> float:
        """Where it ends, seconds."""

    @property
    def fps(self) -> float:
        """Its video's mean frame rate."""


@dataclass(frozen=True)
class _Video:
    """A video's clips in order of time."""

    video_id: int
    path: str
    clip_ids: tuple[int, ...]
    starts_s: tuple[float, ...]
    ends_s: tuple[float, ...]
    longest_s: float
    fps: float


class NotFound(Exception):  # noqa: N818 - a reason to list, not an error of the program
    """No clip is meant; the message says why, as the end of a sentence about a row."""


class Gallery:
    """The clips that can be ranked, found by name and time.

    `indexed` are the clips that have vectors (None: all of them); `failures` tells why a file, by path, is not in
    the library.
    """

    def __init__(
        self,
        clips: Iterable[ClipLike],
        *,
        indexed: Collection[int] | None = None,
        failures: Mapping[str, str] | None = None,
    ) -> None:
        by_video: dict[int, list[ClipLike]] = {}
        for clip in clips:
            by_video.setdefault(clip.video_id, []).append(clip)
        self._videos = {video_id: _video(part) for video_id, part in by_video.items()}
        all_ids = (clip_id for video in self._videos.values() for clip_id in video.clip_ids)
        self.clip_ids = frozenset(all_ids if indexed is None else set(all_ids) & set(indexed))
        self._failures = {_name(path): reason for path, reason in (failures or {}).items()}
        self._by_name: dict[str, list[_Video]] = {}
        self._by_stem: dict[str, list[_Video]] = {}
        for video in self._videos.values():
            self._by_name.setdefault(_name(video.path), []).append(video)
            self._by_stem.setdefault(_stem(_name(video.path)), []).append(video)
        self._documents: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.clip_ids)

    def knows(self, name: str) -> bool:
        """Whether a text names a video of the library."""
        try:
            self._find(name)
        except NotFound:
            return False
        return True

    def _find(self, name: str) -> _Video:
        """The one video of that name. Raises NotFound."""
        written = _without_host(name).strip().replace("\\", "/")
        path = _plain(written)
        short = path.rsplit("/", 1)[-1]
        for candidates in (
            self._by_name.get(short, []),
            self._by_stem.get(short, []),
            self._by_stem.get(_stem(short), []),
        ):
            if not candidates:
                continue
            folders = path.split("/")[:-1]
            nearer = [v for v in candidates if _folders(v.path)[-len(folders) :] == folders]
            same = [v for v in candidates if folders and _folders(v.path) == folders]
            exact = same or nearer or candidates
            if len(exact) > 1:  # names that differ in their upper and lower case only
                exact = [v for v in exact if v.path.replace("\\", "/").endswith(written)] or exact
            if len(exact) > 1:
                raise NotFound(
                    f"{len(exact)} videos of the library are called {name}: write more of the path"
                )
            return exact[0]
        if short in self._failures:
            raise NotFound(f"the video {name} could not be indexed: {self._failures[short]}")
        raise NotFound(f"the library has no video {name}")

    def seconds_of_frames(self, name: str, first: float, last: float) -> tuple[float, float]:
        """When frame `first` of a video begins and frame `last` ends, by its mean frame rate. Raises NotFound."""
        fps = self._find(name).fps
        if fps <= 0:
            raise NotFound(f"the frame rate of {name} is not known, so its frame numbers say nothing")
        return first / fps, (last + 1) / fps

    def clips_of(
        self, name: str, start_s: float | None, end_s: float | None, rule: SpanRule
    ) -> tuple[int, tuple[int, ...]]:
        """Video and clips that a name and a span mean; without a span all clips. Raises NotFound."""
        video = self._find(name)
        if start_s is None or end_s is None:
            ids: tuple[int, ...] = video.clip_ids
        else:
            ids = _overlapping(video, start_s, end_s, rule)
        kept = tuple(clip_id for clip_id in ids if clip_id in self.clip_ids)
        if not kept:
            raise NotFound(f"the clip that it means in {name} is not indexed")
        return video.video_id, kept

    def spans(self) -> dict[int, tuple[int, float, float]]:
        """(video_id, start_s, end_s) of every clip."""
        return {
            clip_id: (video.video_id, start_s, end_s)
            for video in self._videos.values()
            for clip_id, start_s, end_s in zip(video.clip_ids, video.starts_s, video.ends_s, strict=True)
        }

    def document(self, clip_id: int) -> str:
        """A clip's name in TREC files: as much of the path as tells its video from others, and its span."""
        if not self._documents:
            self._documents = dict(self._all_documents())
        return self._documents[clip_id]

    def _all_documents(self) -> Iterable[tuple[int, str]]:
        names = _shortest_names([video.path for video in self._videos.values()])
        for video in self._videos.values():
            name = quote(names[video.path], safe=_SAFE)
            for clip_id, start_s, end_s in zip(video.clip_ids, video.starts_s, video.ends_s, strict=True):
                yield clip_id, f"{name}#t={round(start_s, 2):g},{round(end_s, 2):g}"

    def clip_of_document(self, document: str) -> int:
        """The one clip that a document id of a foreign run means. Raises NotFound."""
        name, start_s, end_s = split_fragment(document)
        video = self._find(name)
        if start_s is None or end_s is None:
            if len(video.clip_ids) > 1:
                raise NotFound(f"{name} has {len(video.clip_ids)} clips: name one of them, e.g. {name}#t=0,8")
            return video.clip_ids[0]
        for clip_id, start, end in zip(video.clip_ids, video.starts_s, video.ends_s, strict=True):
            if abs(start - start_s) < _SAME_TIME_S and abs(end - end_s) < _SAME_TIME_S:
                return clip_id
        raise NotFound(f"{name} has no clip from {start_s:g} to {end_s:g} s")


def split_fragment(document: str) -> tuple[str, float | None, float | None]:
    """The name and span of `dash%20cam.mp4#t=8,16`; a name without a span as it is."""
    found = _FRAGMENT.fullmatch(document)
    if found is None:
        return document, None, None
    return unquote(found["name"]), float(found["start"]), float(found["end"])


def _video(clips: list[ClipLike]) -> _Video:
    clips = sorted(clips, key=lambda clip: (clip.start_s, clip.clip_id))
    return _Video(
        clips[0].video_id,
        clips[0].path,
        tuple(clip.clip_id for clip in clips),
        tuple(clip.start_s for clip in clips),
        tuple(clip.end_s for clip in clips),
        max(clip.end_s - clip.start_s for clip in clips),
        clips[0].fps,
    )


def _without_host(name: str) -> str:
    """The path of a URL; any other name, and a URL that is none, as it is."""
    if "://" not in name:
        return name
    try:
        return urlsplit(name).path
    except ValueError:
        return name


def _plain(path: str) -> str:
    """A path for comparison: no matter the slashes, the case, and how a system composes accents."""
    return unicodedata.normalize("NFC", path.replace("\\", "/")).casefold()


def _name(path: str) -> str:
    return _plain(path).rsplit("/", 1)[-1]


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


def _folders(path: str) -> list[str]:
    return _plain(path).split("/")[:-1]


def _shortest_names(paths: list[str]) -> dict[str, str]:
    """For each path its file name, with as many folders before it as no other path shares."""
    parts = {path: path.replace("\\", "/").split("/") for path in paths}
    names = {path: split[-1] for path, split in parts.items()}
    for depth in range(2, max((len(split) for split in parts.values()), default=1) + 1):
        shared = {name for name, count in Counter(n.casefold() for n in names.values()).items() if count > 1}
        if not shared:
            break
        names = {
            path: "/".join(parts[path][-depth:]) if name.casefold() in shared else name
            for path, name in names.items()
        }
    return names


def _overlapping(video: _Video, start_s: float, end_s: float, rule: SpanRule) -> tuple[int, ...]:
    """Clips that meet the span by the rule. Raises NotFound, naming the best clip that does not."""
    first = bisect_left(video.starts_s, start_s - video.longest_s)
    last = bisect_right(video.starts_s, end_s)
    shares = [(rule.share(start_s, end_s, video.starts_s[i], video.ends_s[i]), i) for i in range(first, last)]
    found = tuple(video.clip_ids[i] for share, i in shares if share >= rule.threshold and share > 0)
    if found:
        return found
    best, at = max(shares, default=(0.0, -1))
    span = f"{start_s:g} to {end_s:g} s"
    if best <= 0:
        ends = max(video.ends_s)
        raise NotFound(f"no clip of {_name(video.path)} lies at {span}; its clips end at {ends:g} s")
    clip = f"{video.starts_s[at]:g} to {video.ends_s[at]:g} s"
    raise NotFound(
        f"no clip of {_name(video.path)} meets {span} well enough: "
        f"the best, {clip}, has {rule.overlap} {best:.2f}, below {rule.threshold:g}"
    )
