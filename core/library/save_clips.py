"""Clips as video files of their own: exactly the span, every frame with its own time, and a list that says so.

Called by `drivescope search --save-clips` and by the window. Copying packets would be quicker but begins at the key
image before the span; what is saved here is what was ranked, and it plays wherever H.264 does. Sound is left out.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.files import replacing, sha256_of, write_text, writing_errors
from core.library.catalog import ClipRow, FailureRow
from core.library.picture import Pixels
from core.library.timeline import printable
from core.library.video import frames_of_span

LIST: Final = "clips.csv"
_TICKS: Final = 90_000
_ANY_HEIGHT: Final = 1 << 16
_LONGEST_STEM: Final = 80
_BT709: Final = 1  # for colours, primaries and transfer alike (ITU-T H.273)


@dataclass(frozen=True)
class SavedClip:
    """A line of the list. Times are seconds of the source, of the first frame saved and after the last."""

    file: str
    rank: int
    clip_id: int
    video: str
    start_s: float
    end_s: float
    frames: int
    sha256: str


@dataclass(frozen=True)
class SaveReport:
    """What was saved, and the clips that could not be."""

    saved: tuple[SavedClip, ...]
    failed: tuple[FailureRow, ...]


def save_clips(
    clips: Sequence[tuple[int, ClipRow]],
    folder: Path,
    *,
    progress: Callable[[int, str], None] = lambda done, name: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> SaveReport:
    """Writes each clip, given with its rank, as an MP4 into `folder`, and `clips.csv` about all of them.

    A clip whose video is gone or damaged is listed and stops nothing. `progress` hears how many are done, and the
    next one's name. Raises Cancelled (the clips that are whole stay, with their list), and DrivescopeError for a
    folder that cannot be written.
    """
    saved: list[SavedClip] = []
    failed: list[FailureRow] = []
    with writing_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        for done, (rank, clip) in enumerate(clips):
            name = _name(rank, clip)
            progress(done, name)
            try:
                path = clip.footage()
                with writing_errors(folder / name), replacing(folder / name) as target:
                    start_s, end_s, frames = _save(path, clip, target, cancelled)
                facts = (start_s, end_s, frames, sha256_of(folder / name))
                saved.append(SavedClip(name, rank, clip.clip_id, printable(clip.path), *facts))
            except DrivescopeError as error:
                if error.kind not in (ErrorKind.NOT_FOUND, ErrorKind.UNREADABLE):
                    raise
                failed.append(FailureRow(printable(clip.path), error.kind.value, printable(error.sentence)))
    finally:
        if saved:
            write_text(folder / LIST, _table(saved))
    return SaveReport(tuple(saved), tuple(failed))


def _name(rank: int, clip: ClipRow) -> str:
    """`003 night_drive 16.00-24.00.mp4`: in order of rank, and a name that every system takes."""
    stem = re.sub(r'[^\w .()\[\]+=@#,;&%~-]|[/\\:*?"<>|]', "_", printable(Path(clip.path).stem))[
        :_LONGEST_STEM
    ]
    return f"{rank:03d} {stem} {clip.start_s:.2f}-{clip.end_s:.2f}.mp4"


def _table(saved: Sequence[SavedClip]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([field.name for field in fields(SavedClip)])
    writer.writerows(astuple(clip) for clip in saved)
    return out.getvalue()


def _save(path: Path, clip: ClipRow, target: Path, cancelled: Callable[[], bool]) -> tuple[float, float, int]:
    """Encodes the span's frames; (time of the first frame, end of the span, number of frames)."""
    first_s, count, stream = 0.0, 0, None
    try:
        with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as out:
            for time_s, rgb in frames_of_span(path, clip.start_s, clip.end_s, _ANY_HEIGHT):
                if cancelled():
                    raise Cancelled
                if stream is None:
                    first_s, stream = time_s, _stream(out, rgb, clip.fps)
                out.mux(stream.encode(_frame(rgb, stream, time_s - first_s)))
                count += 1
            if stream is not None:
                out.mux(stream.encode())
    except av.FFmpegError as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror) from error  # the disk's own word
        raise DrivescopeError(
            ErrorKind.UNREADABLE, f"A clip of {path.name} could not be packed as a video.", detail=str(error)
        ) from error
    return round(first_s, 3), round(clip.end_s, 3), count


def _stream(out: OutputContainer, rgb: Pixels, fps: float) -> VideoStream:
    """Near to lossless for the eye, quick to write, in the colours of high-definition video."""
    height, width = rgb.shape[:2]
    quality = {"crf": "18", "preset": "veryfast"}
    stream = out.add_stream("libx264", rate=max(1, round(fps)), options=quality)
    stream.width, stream.height = width // 2 * 2, height // 2 * 2  # half as many colours as pixels, both ways
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, _TICKS)
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    return stream


def _frame(rgb: Pixels, stream: VideoStream, time_s: float) -> VideoFrame:
    even = np.ascontiguousarray(rgb[: stream.height, : stream.width])
    frame = VideoFrame.from_ndarray(even, format="rgb24").reformat(
        format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
    )
    frame.pts, frame.time_base = round(time_s * _TICKS), Fraction(1, _TICKS)
    return frame
