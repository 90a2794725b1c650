"""`drivescope moments`: where in one video of a library a query is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import DrivescopeError, ErrorKind
from core.explain.moments import find, salience
from core.explain.moments_footage import footage_of
from core.explain.moments_scope import scope_of
from core.search.query import positive

if TYPE_CHECKING:
    from core.library.catalog import VideoRow
    from core.search.pipeline import Searcher


def moments_of_video(searcher: Searcher, text: str, part: str = "") -> dict[str, Any]:
    """The query's moments in the video whose path contains `part` (empty: the video of the best clip).

    Returns `query`, `scope`, `video`, `duration_s`, `moments` (best first, each with `start_s`, `end_s`, `score`,
    `salience`, `peak_s`) and `curve`, one [start_s, end_s, salience, cosine] a sampled frame.

    Raises DrivescopeError(NOT_FOUND) for a library without clips or a part that no path has, and (BAD_INPUT) for one
    that several have or an empty query.
    """
    video = _video(searcher, text, part)
    catalog = searcher.library.catalog
    clips = sorted(catalog.clips(video.video_id), key=lambda clip: clip.start_s)
    store = searcher.library.features(searcher.bundle.spec)
    footage = footage_of(searcher.bundle, store, clips, lambda: None)
    sought = positive(text)
    scope = scope_of(sought)
    found = salience(footage, searcher.bundle.encode_text(sought).sentence.cpu().numpy())
    columns = (footage.starts_s, footage.ends_s, found.curve, found.cosine)
    return {
        "query": text,
        "scope": scope.name,
        "video": video.path,
        "duration_s": video.duration_s,
        "moments": [
            {name: getattr(moment, name) for name in moment.__dataclass_fields__}
            for moment in find(footage, found, scope)
        ],
        "curve": [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)],
    }


def _video(searcher: Searcher, text: str, part: str) -> VideoRow:
    videos = {video.video_id: video for video in searcher.library.catalog.videos()}
    if not part:
        (first,) = searcher.search(text, k=1, rerank_clips=0)
        if not first.hits:
            raise DrivescopeError(
                ErrorKind.NOT_FOUND, "The library has no clips: index footage into it first."
            )
        return videos[first.hits[0].video_id]
    if not text.strip():
        raise DrivescopeError(ErrorKind.BAD_INPUT, "The query is empty: type what you look for.")
    named = [video for video in videos.values() if part.casefold() in video.path.casefold()]
    if len(named) == 1:
        return named[0]
    if not named:
        raise DrivescopeError(ErrorKind.NOT_FOUND, f"No video of the library has “{part}” in its path.")
    raise DrivescopeError(
        ErrorKind.BAD_INPUT,
        f"“{part}” is in the paths of {len(named)} videos, e.g. {named[0].path}: give more of the path.",
    )
