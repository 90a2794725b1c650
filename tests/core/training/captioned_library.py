"""A library with vectors but without footage, and captions for it: what distillation from frozen towers needs."""

import csv

import torch
from torch.nn import functional

from core.library.catalog import VideoFacts
from core.library.clips import Span
from core.library.library import Library
from core.models.bundle import ClipVectors

COLOURS = ("red", "blue", "green", "white", "black", "yellow")
THINGS = ("car", "bus", "dog", "cyclist")


def caption_of(number: int) -> str:
    thing = THINGS[number % len(THINGS)]
    return f"a {COLOURS[number % len(COLOURS)]} {thing} at place {number}"


def facts_of(path: str, content: str, clips: int) -> VideoFacts:
    return VideoFacts(
        path=path, size=1, mtime_ns=1, sha256=content, duration_s=8.0 * clips, fps=25.0, width=64, height=36,
        codec="h264", clip_seconds=8.0, stride_s=0.0
    )  # fmt: skip


def add_video(library, store, bundle, path: str, *, content: str = "", clips: int = 1, seed: int = 0):
    """A video whose clips' frames are noise around one vector; returns the clips' ids."""
    generator = torch.Generator().manual_seed(seed)
    F, D = bundle.spec.frames, bundle.spec.reranker_dim
    video_id = library.catalog.add_video(facts_of(path, content or f"sha of {path}", clips))
    ids = library.catalog.add_clips(video_id, [Span(8.0 * n, 8.0 * n + 8) for n in range(clips)])
    own = torch.randn(clips, 1, D, generator=generator) + 0.5 * torch.randn(clips, F, D, generator=generator)
    frames = functional.normalize(own, dim=-1)
    pooled = bundle.pool((frames * 8,))
    store.append(ClipVectors(pooled.student, frames, pooled.video, pooled.frame_weights), ids)
    return ids


def make_library(folder, bundle, videos: int = 12, clips: int = 2) -> Library:
    library = Library.create(folder, bundle.spec)
    store = library.features(bundle.spec)
    for number in range(videos):
        add_video(library, store, bundle, f"/footage/drive{number:02}.mp4", clips=clips, seed=number)
    return library


def write_captions(path, rows, header=("video", "start_s", "end_s", "caption")):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def captions_for(path, videos: int = 12, clips: int = 2):
    """One caption for each clip of `make_library`."""
    rows = [
        (f"drive{number:02}.mp4", 8 * clip, 8 * clip + 8, caption_of(2 * number + clip))
        for number in range(videos)
        for clip in range(clips)
    ]
    return write_captions(path, rows)
