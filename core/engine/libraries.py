"""Libraries as the window sees them: opening one, making one, describing one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core import paths
from core.library.demo import open_demo
from core.library.library import Library
from core.protocol import FailureInfo, LibraryInfo, OpenLibrary, VideoInfo

if TYPE_CHECKING:
    from core.library.ingest import IngestProgress
    from core.models.bundle import ModelBundle

EXAMPLE_QUERIES: Final = (
    "a pedestrian crosses in front of the car",
    "the car ahead brakes",
    "a cyclist rides on the right",
    "night drive on a wet road",
    "waiting at a red light",
    "an oncoming truck on a country road",
)
SYNTHETIC_NOTE: Final = (
    "The bundle {bundle} has only ever seen the synthetic demo world: on real footage its ranking shows how the "
    "program works, not what the footage shows. For real work index with a public CLIP (see Models)."
)


def open_library(
    request: OpenLibrary,
    bundle: Callable[[str], ModelBundle],
    progress: Callable[[IngestProgress], None],
    cancelled: Callable[[], bool],
) -> Library:
    """The library that the request names, built or created if it asks for that.

    `bundle` gives the loaded bundle of a name (empty: the default) and is only asked when a library is made.
    """
    if request.path == paths.DEMO_NAME:
        return open_demo(bundle(""), progress, cancelled)
    folder = paths.library_folder(request.path)
    if request.create and not (folder / "library.db").exists():
        return Library.create(folder, bundle(request.bundle).spec)
    return Library.open(folder)


def describe(library: Library, bundle: ModelBundle) -> LibraryInfo:
    """What the window shows of an open library."""
    is_demo = library.folder == paths.library_folder(paths.DEMO_NAME)
    videos = tuple(
        VideoInfo(
            video_id=v.video_id,
            path=v.path,
            name=Path(v.path).name,
            duration_s=v.duration_s,
            clips=v.clips,
            missing=not Path(v.path).exists(),
        )
        for v in library.catalog.videos()
    )
    notes = []
    if bundle.spec.synthetic and not is_demo and videos:
        notes.append(SYNTHETIC_NOTE.format(bundle=bundle.spec.name))
    return LibraryInfo(
        path=str(library.folder),
        build="-".join(map(str, library.build)),
        name="Demo library" if is_demo else library.folder.name,
        bundle=bundle.spec.name,
        bundle_label=bundle.spec.label,
        crop=bundle.spec.crop,
        clips=sum(v.clips for v in videos),
        video_seconds=sum(v.duration_s for v in videos),
        videos=videos,
        failures=tuple(FailureInfo(f.path, f.kind, f.reason) for f in library.catalog.failures()),
        notes=tuple(notes),
        example_queries=_demo_queries() if is_demo else EXAMPLE_QUERIES,
    )


def _demo_queries() -> tuple[str, ...]:
    file = paths.resources() / "demo" / "queries.json"
    try:
        return tuple(entry["query"] for entry in json.loads(file.read_text("utf-8")))[:8]
    except (OSError, ValueError, KeyError, TypeError):  # examples are a courtesy, not a condition
        return EXAMPLE_QUERIES
