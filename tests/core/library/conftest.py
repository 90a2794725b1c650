"""A tiny encoder that fits the library's `FrameEncoder`, and small videos made on the spot."""

import sqlite3
import threading
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from core.library.library import Library

from .tiny_spec import TinySpec


@dataclass
class TinyVectors:
    student: torch.Tensor
    frames: torch.Tensor
    video: torch.Tensor
    frame_weights: torch.Tensor


class TinyEncoder:
    """Vectors from a frame's mean colours: different scenes differ, equal frames agree."""

    def __init__(self, spec: TinySpec | None = None) -> None:
        self.spec = spec or TinySpec()
        self.seen: list[int] = []  # batch sizes
        self.threads: set[str] = set()
        self.torch_threads: set[int] = set()

    def prepare(self, rgb):
        assert rgb.dtype == np.uint8
        assert rgb.ndim == 3
        assert rgb.shape[2] == 3
        small = torch.from_numpy(np.ascontiguousarray(rgb[::8, ::8])).permute(2, 0, 1)
        pooled = torch.nn.functional.adaptive_avg_pool2d(small.float(), (2, 2))
        return (pooled.round().to(torch.uint8)[None],)  # (1, 3, 2, 2)

    def encode_frames(self, prepared):
        self.seen.append(len(prepared))
        self.threads.add(threading.current_thread().name)
        self.torch_threads.add(torch.get_num_threads())
        return (torch.cat([p[0] for p in prepared]).flatten(1).float(),)  # (N, 12)

    def pool(self, frames):
        unit = torch.nn.functional.normalize
        B, F, _ = frames[0].shape
        return TinyVectors(
            student=unit(frames[0].mean(1)[:, :6] + 1, dim=-1),
            frames=unit(frames[0][:, :, :4] + 1, dim=-1),
            video=unit(frames[0].mean(1)[:, :4] + 1, dim=-1),
            frame_weights=torch.full((B, F), 1 / F),
        )


@pytest.fixture
def encoder() -> TinyEncoder:
    return TinyEncoder()


@pytest.fixture
def library(tmp_path, encoder):
    made = Library.create(tmp_path / "library", encoder.spec)
    yield made
    made.close()


def picture(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Frame `number` of every test video: a colour that tells the number, brighter in the upper left."""
    colour = np.array([number * 3 % 256, number * 7 % 256, number // 4 % 256], np.uint8)
    rgb = np.broadcast_to(colour, (height, width, 3)).copy()
    rgb[: height // 2, : width // 2] = 255
    return rgb


def make_video(
    path: Path,
    seconds: float = 2.0,
    *,
    fps: int = 10,
    codec: str = "libx264",
    form: str | None = None,
    size: tuple[int, int] = (64, 48),
    times: list[int] | None = None,
    options: dict[str, str] | None = None,
    pixels: str = "yuv420p",
    aspect: Fraction | None = None,
    picture=picture,
) -> Path:
    """Writes a video; `times` are presentation times in thousandths of a second instead of a steady rate."""
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        stream.codec_context.time_base = Fraction(1, 1000 if times else fps)
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        for number in range(len(times) if times else round(seconds * fps)):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), format="rgb24").reformat(format=pixels)
            frame.pts = times[number] if times else number
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def every_frame(path: Path) -> list[np.ndarray]:
    """The slow reference: every frame that a plain decode gives, in order, (H, W, 3) uint8."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def nobody_may_write(monkeypatch):
    """SQLite opens for reading only, as in a folder where it cannot put its log."""
    connect = sqlite3.connect

    def read_only(place, *arguments, **options):
        if not options.get("uri") and place != ":memory:":
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        return connect(place, *arguments, **options)

    monkeypatch.setattr(sqlite3, "connect", read_only)
