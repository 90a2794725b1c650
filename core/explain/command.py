"""`drivescope explain`: one clip's maps, curves and contributions as files that outlive the session.

Into the folder go, for every sampled frame and method, a picture with the map laid over it and the raw map (.npy,
float32, (views, rows, columns) of patches), and one `explanation.json` with everything: curves, where the views lie on
the frame, and X-CLIP's score taken apart by word and frame.
"""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from core.errors import DrivescopeError, ErrorKind
from core.explain.faithfulness import Faithfulness
from core.explain.heatmap import ClipSight, Heatmap
from core.explain.methods import check_method
from core.explain.overlay import overlay, png
from core.explain.targets import Target, difference, phrase, whole_query
from core.explain.words import Anatomy, dissect, words_of
from core.library.clips import Span, sample_times
from core.library.storage import storage_errors, write_bytes
from core.library.video import Sample, frames_at
from core.search.query import positive

if TYPE_CHECKING:
    from core.library.library import Library
    from core.models.bundle import ModelBundle

EXPLANATION: Final = "explanation.json"
ALL_METHODS: Final = "all"
CURVES: Final = ("shares", "deletion", "insertion", "control_deletion")


def explain_clip(
    library: Library,
    bundle: ModelBundle,
    text: str,
    clip_id: int,
    out: Path,
    *,
    method: str = "",
    words: str = "",
    against: str = "",
) -> list[dict[str, Any]]:
    """Explains why a clip answers a query, into the folder `out`.

    Args:
        library: where the clip is.
        bundle: the one that made the library's vectors.
        text: the query.
        clip_id: any clip of the library, found or not.
        out: made where it is not there; files of an earlier call are replaced.
        method: one of `methods.METHODS`, "all", or "" for the default.
        words: ask only for these words of the query, which follow each other in it.
        against: ask for what speaks for the query rather than for this other one.

    Returns:
        One entry per map, in order of time: `method`, `time_s` (in the video), `file`, `raw`, `faithfulness`,
        `reliable`, `control`, `score`, `target` and `frame`.

    """
    if not text.strip():
        raise DrivescopeError(ErrorKind.BAD_INPUT, "The query is empty: type what should be explained.")
    target = choose_target(bundle, text, words, against)
    anatomy = clip_anatomy(library, bundle, positive(text), clip_id)
    samples = clip_samples(library, bundle, clip_id)
    sight = ClipSight.look(bundle, [rgb for _, rgb in samples])
    chosen = (
        sight.methods if method == ALL_METHODS else (check_method(sight.vision, method, bundle.spec.title),)
    )
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        entries = []
        for name in chosen:
            maps = sight.maps(target, name)
            judged = sight.faithfulness(target, maps)
            for one, faith, sample in zip(maps, judged, samples, strict=True):
                entries.append(_write(out, one, faith, sample))
        entries.sort(key=lambda entry: entry["frame"])
        report = {
            "query": text,
            "clip_id": clip_id,
            "bundle": bundle.spec.name,
            "target": target.name,
            "views": [asdict(view) for view in sight.views],
            "words": anatomy.as_dict(),
            "maps": entries,
        }
        write_bytes(out / EXPLANATION, json.dumps(report, ensure_ascii=False, indent=1).encode())
    return [{key: value for key, value in entry.items() if key not in CURVES} for entry in entries]


def choose_target(bundle: ModelBundle, text: str, words: str = "", against: str = "") -> Target:
    """The whole query (without its minus words), a run of its words, or the difference to another query.

    Raises DrivescopeError(BAD_INPUT) for words that the query does not have, or for both at once.
    """
    if words.strip() and against.strip():
        raise DrivescopeError(ErrorKind.BAD_INPUT, "Ask for some words or for a difference, not for both.")
    text = " ".join(positive(text).split())
    if against.strip():
        return difference(bundle, text, positive(against))
    if not words.strip():
        return whole_query(bundle, text)
    there = [word.text for word in words_of(bundle.encode_text(text))]
    wanted = words.lower().split()
    for first in range(len(there) - len(wanted) + 1):
        if there[first : first + len(wanted)] == wanted:
            return phrase(bundle, text, first, first + len(wanted) - 1)
    raise DrivescopeError(
        ErrorKind.BAD_INPUT, f"“{words}” is not in the query as the model reads it: {' · '.join(there)}."
    )


def clip_anatomy(library: Library, bundle: ModelBundle, text: str, clip_id: int) -> Anatomy:
    """The clip's X-CLIP score taken apart, from the vectors in the library."""
    library.catalog.clip(clip_id)  # says so if it is gone
    store = library.features(bundle.spec)
    rows = np.flatnonzero(store.clip_ids == clip_id)
    if len(rows) == 0:
        raise DrivescopeError(
            ErrorKind.NOT_FOUND, f"Clip {clip_id} has no vectors in the library: index its footage again."
        )
    frames = torch.from_numpy(np.array(store.frames[rows[-1]]))  # (F, Dr)
    video = torch.from_numpy(np.array(store.video[rows[-1]]))  # (Dr,)
    return dissect(bundle, bundle.encode_text(text), frames, video)


def clip_samples(library: Library, bundle: ModelBundle, clip_id: int) -> list[Sample]:
    """The clip's frames that the model saw, decoded again: (seconds of the video, HWC uint8)."""
    clip = library.catalog.clip(clip_id)
    times = sample_times(Span(clip.start_s, clip.end_s), bundle.spec.frames)
    return list(frames_at(Path(clip.path), times))


def _write(out: Path, one: Heatmap, faith: Faithfulness, sample: Sample) -> dict[str, Any]:
    """One map's picture and raw numbers; returns its entry."""
    time_s, rgb = sample
    name = f"frame_{one.frame:02d}_{one.method}"
    picture = overlay(rgb, one.on_frame(*rgb.shape[:2]), reliable=faith.reliable)
    raw = io.BytesIO()
    np.save(raw, one.relevance, allow_pickle=False)
    write_bytes(out / f"{name}.png", png(picture), durable=False)
    write_bytes(out / f"{name}.npy", raw.getvalue(), durable=False)
    return {
        "method": one.method,
        "time_s": round(time_s, 3),
        "file": str(out / f"{name}.png"),
        "raw": str(out / f"{name}.npy"),
        "frame": one.frame,
        "target": one.target,
        "score": one.score,
        **faith.as_dict(),
    }
