"""Captioned footage in: a person's caption file and their library become texts, clips and splits to learn from.

Caption files are read as truth files are (CSV, MSR-VTT JSON, BDD-X CSV; `core/evaluate/datasets.py`). A split is
made by video, never by clip, and copies of one video count as one: what is measured was never learned from. Its hash
is printed with every number. Whatever is odd about the data is said before training starts.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.datasets import read_truth
from core.evaluate.gallery import Gallery, NotFound
from core.evaluate.matching import match
from core.evaluate.truth import RejectedRow, SpanRule, TruthFile

if TYPE_CHECKING:
    from core.library.features import FeatureStore
    from core.library.library import Library

Split = Literal["train", "val", "test"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)
SPLIT_COLUMN: Final = "split"
NAMES: Final[Mapping[str, Split]] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "validate": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
HELD_OUT: Final = 0.15
"""Share of the videos that val and test get, each."""
LEAST_VIDEOS: Final = 8
FEW_CLIPS: Final = 200
"""With fewer clips to learn from, numbers move more by luck than by learning."""
NAMED: Final = 3


@dataclass(frozen=True)
class Part:
    """One split. `clips` are all indexed clips of its videos; `relevant[n]` those that `texts[n]` describes."""

    videos: tuple[str, ...]  # paths
    clips: tuple[int, ...]
    texts: tuple[str, ...]
    relevant: tuple[tuple[int, ...], ...]

    def counts(self) -> dict[str, int]:
        """For JSON."""
        return {"videos": len(self.videos), "clips": len(self.clips), "captions": len(self.texts)}


@dataclass(frozen=True)
class Captioned:
    """Captions and the clips of a library that they describe, by split.

    `split_hash` tells two splits apart: it covers the content of every video and where it went. `problems` are
    sentences for a person; `unmatched` the rows of the file that count for nothing, with their reasons.
    """

    path: Path
    kind: str
    sha256: str
    parts: Mapping[Split, Part]
    split_hash: str
    problems: tuple[str, ...]
    unmatched: tuple[RejectedRow, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "file": str(self.path),
            "kind": self.kind,
            "sha256": self.sha256,
            "split": self.split_hash,
            "parts": {name: self.parts[name].counts() for name in SPLITS},
            "problems": list(self.problems),
            "unmatched": [row.as_dict() for row in self.unmatched],
        }


def read_captioned(path: Path, library: Library, store: FeatureStore, *, seed: int = 0) -> Captioned:
    """The captions of a file and their clips in an open library, split by video.

    A file's own `split` column (train, val, test) is kept if it places every captioned video.

    Raises DrivescopeError(BAD_INPUT) for a file that is no caption file, too few captioned videos, or a split
    of the file's own that puts one video (or a copy of it) on two sides.
    """
    gallery = Gallery(
        library.catalog.clips(),
        indexed=set(store.live_ids().tolist()),
        failures={failure.path: failure.reason for failure in library.catalog.failures()},
    )
    truth = read_truth(path, known_video=gallery.knows)
    queries = match(truth, gallery)
    video_of = {clip_id: video_id for clip_id, (video_id, _, _) in gallery.spans().items()}
    described = {
        query.query_id: (
            query.text,
            tuple(sorted(c for c, g in queries.grades[query.query_id].items() if g > 0)),
        )
        for query in queries.queries
    }
    captioned = {video_of[clip] for _, clips in described.values() for clip in clips}
    videos = {video.video_id: video for video in library.catalog.videos()}
    content = {video_id: videos[video_id].sha256 for video_id in captioned}
    paths = {video_id: video.path for video_id, video in videos.items()}
    groups = sorted(set(content.values()))
    if len(groups) < LEAST_VIDEOS:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"{path} has captions for {_count(len(groups), 'video')} of this library; at least {LEAST_VIDEOS} are "
            "needed: some to learn from, some to choose by, some to measure on.",
        )
    own, complaint = _own_split(truth, gallery, content, paths)
    split = own or split_by_content(groups, seed)
    side = {video_id: split[key] for video_id, key in content.items()}
    parts = {
        name: _part(name, side, described.values(), video_of, gallery.clip_ids, paths) for name in SPLITS
    }
    problems = [
        *complaint,
        *_problems(parts, queries.rejected, [paths[v] for v in videos if v not in captioned], content, paths),
    ]
    return Captioned(
        path=path,
        kind=truth.kind,
        sha256=truth.sha256,
        parts=parts,
        split_hash=hash_of_split(split),
        problems=tuple(problems),
        unmatched=queries.rejected,
    )


def split_by_content(contents: Sequence[str], seed: int) -> dict[str, Split]:
    """A side for every video by the hash of what is in it: names, folders and order do not matter.

    `contents` are distinct hashes of videos, at least three.
    """
    order = sorted(contents, key=lambda key: hashlib.sha256(f"{seed}/{key}".encode()).hexdigest())
    held_out = max(1, round(HELD_OUT * len(order)))
    sides: dict[str, Split] = dict.fromkeys(order, "train")
    sides |= dict.fromkeys(order[:held_out], "test")
    sides |= dict.fromkeys(order[held_out : 2 * held_out], "val")
    return sides


def hash_of_split(split: Mapping[str, Split]) -> str:
    """Twelve hex digits over which video lies where."""
    lines = sorted(f"{side} {key}" for key, side in split.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _own_split(
    truth: TruthFile, gallery: Gallery, content: Mapping[int, str], paths: Mapping[int, str]
) -> tuple[dict[str, Split] | None, list[str]]:
    """The file's own split by content, or None and why it is not used."""
    names = [name.casefold() for name in truth.property_names]
    if SPLIT_COLUMN not in names:
        return None, []
    at = names.index(SPLIT_COLUMN)
    found: dict[str, tuple[Split, int]] = {}
    unknown: set[str] = set()
    for row in truth.rows:
        try:
            video_id, _ = gallery.clips_of(row.video, None, None, SpanRule())
        except NotFound:
            continue
        if video_id not in content:
            continue
        written = row.properties[at] if at < len(row.properties) else ""
        side = NAMES.get(written.casefold())
        if side is None:
            unknown.add(written)
            continue
        known, first = found.setdefault(content[video_id], (side, video_id))
        if known != side:
            same = "" if first == video_id else f" (a copy of {Path(paths[first]).name})"
            raise DrivescopeError(
                ErrorKind.BAD_INPUT,
                f"{truth.path} puts {Path(paths[video_id]).name}{same} into {known} and into {side}: a video may be on "
                "one side only, or what is measured was learned from.",
            )
    missing = set(content.values()) - set(found)
    sides = {side for side, _ in found.values()}
    if unknown or missing or sides != set(SPLITS):
        reason = (
            f"it calls a side “{min(unknown)}”"
            if unknown
            else "it does not name all three of train, val and test"
        )
        return None, [
            f"The split of {truth.path.name} is not used ({reason}): videos were split by their content."
        ]
    return {key: side for key, (side, _) in found.items()}, []


def _part(
    name: Split,
    side: Mapping[int, Split],
    described: Iterable[tuple[str, tuple[int, ...]]],
    video_of: Mapping[int, int],
    indexed: frozenset[int],
    paths: Mapping[int, str],
) -> Part:
    """A caption that also fits videos of another side is here with its clips of this side only."""
    here = {video_id for video_id, where in side.items() if where == name}
    own: dict[str, set[int]] = defaultdict(set)
    for text, clips in described:
        if kept := [clip for clip in clips if video_of[clip] in here]:
            own[text].update(kept)
    return Part(
        videos=tuple(sorted(paths[video_id] for video_id in here)),
        clips=tuple(sorted(clip for clip in indexed if video_of[clip] in here)),
        texts=tuple(own),
        relevant=tuple(tuple(sorted(clips)) for clips in own.values()),
    )


def _problems(
    parts: Mapping[Split, Part],
    rejected: Sequence[RejectedRow],
    without_caption: Sequence[str],
    content: Mapping[int, str],
    paths: Mapping[int, str],
) -> list[str]:
    """What a person should know before training starts, in sentences."""
    found = []
    if rejected:
        found.append(
            f"Rows of the file that describe no clip: {len(rejected)}, e.g. row {rejected[0].row}: "
            f"{rejected[0].reason}."
        )
    if without_caption:
        found.append(
            f"Videos of the library without a caption, which take no part: {len(without_caption)} "
            f"({_names(without_caption)})."
        )
    copies = defaultdict(list)
    for video_id, key in content.items():
        copies[key].append(paths[video_id])
    for same in copies.values():
        if len(same) > 1:
            found.append(f"{_names(same)} are copies of one video; they are on one side of the split.")
    learned = set(parts["train"].texts)
    repeated = [text for text in parts["test"].texts if text in learned]
    if repeated:
        found.append(
            f"Captions of test that occur word for word in train as well: {len(repeated)} "
            f"(“{repeated[0][:60]}”)."
        )
    empty = len(parts["train"].clips) - len({clip for clips in parts["train"].relevant for clip in clips})
    if empty:
        found.append(
            f"{_count(empty, 'clip')} of train videos have no caption; nothing is learned from them."
        )
    if len(parts["train"].clips) - empty < FEW_CLIPS:
        found.append(
            f"Only {_count(len(parts['train'].clips) - empty, 'clip')} to learn from and "
            f"{_count(len(parts['test'].texts), 'caption')} to measure on: mind how wide the intervals are."
        )
    return found


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _names(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return ", ".join(Path(path).name for path in paths[:NAMED]) + more
