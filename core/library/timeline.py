"""When each frame of a video file is shown, read from its packets without decoding a picture.

Video files lie: declared frame counts and rates are wrong, frames come at uneven times, edit lists hide
frames that are nevertheless stored. The packets' own presentation times are what players obey, so clips are
planned from them. Used by `video.py` (decoding) and by ingest.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from core.errors import DrivescopeError, ErrorKind

Ticks = NDArray[np.int64]
_COUNTED_IN_AVI: Final = ("h264", "hevc")
_UNTOLD: Final = np.iinfo(np.int64).min  # before any time that a packet can have
LONGEST_STILL_S: Final = 60.0
"""A longer time without a new frame is no slow recording but a jump of its clock."""
_PACKETS_A_CHECK: Final = 500
_TRUNCATED_BY: Final = 0.02  # share of the frames that may be missing before a file counts as cut short


@dataclass(frozen=True)
class Timeline:
    """The shown frames of one video stream, and the packets that carry them.

    `shown` are the distinct presentation times of the frames that a player shows, ascending, in ticks of
    `time_base`; time 0 of the video is the first of them. The `packet_*` arrays are in the order of the
    file, which is the order of decoding, and include packets that are decoded but not shown.

    A raw stream that does not tell its rate either is taken to have 25 frames a second.

    `counted` is set for streams whose packets do not tell their presentation time (raw H.264 and HEVC, and
    both inside AVI): the n-th frame that leaves the decoder is shown at `shown[n]`, and there is no seeking.
    """

    time_base: Fraction
    shown: Ticks
    end: int
    packet_pts: Ticks
    packet_dts: Ticks
    packet_key: NDArray[np.bool_]
    counted: bool
    note: str = ""
    """A plain sentence if not the whole file can be read."""

    @property
    def duration_s(self) -> float:
        """From the first shown frame to the end of the last one."""
        return float((self.end - int(self.shown[0])) * self.time_base)

    @property
    def frame_rate(self) -> float:
        """Mean frames a second."""
        return len(self.shown) / self.duration_s

    def seconds(self, ticks: int) -> float:
        """Presentation time in ticks to seconds of the video."""
        return float((ticks - int(self.shown[0])) * self.time_base)

    def on_display(self, time_s: float) -> int:
        """Index into `shown` of the frame that is on the screen at `time_s`: the last one not after it."""
        ticks = int(self.shown[0]) + int(Fraction(time_s).limit_denominator(10**7) / self.time_base)
        return max(0, int(np.searchsorted(self.shown, ticks, side="right")) - 1)

    def is_live(self, start_s: float, end_s: float) -> bool:
        """Whether [start_s, end_s) shows more than the last picture before a jump of the recording's clock."""
        before = self.on_display(start_s)
        next_s = self.duration_s
        if before + 1 < len(self.shown):
            next_s = self.seconds(int(self.shown[before + 1]))
        before_s = self.seconds(int(self.shown[before]))
        return before_s >= start_s or next_s < end_s or next_s - before_s <= LONGEST_STILL_S


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Opens the file's first picture stream for decoding by the calling thread alone.

    Whatever FFmpeg says inside the block is turned into a `DrivescopeError` with a plain sentence.
    """
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            stream = _picture_stream(container, path)
            # PyAV's types do not say so, but it has no decoder for everything
            if stream.codec_context is None:
                raise DrivescopeError(
                    ErrorKind.UNREADABLE,
                    f"The picture in {path.name} is stored in a form that this program cannot decode: convert "
                    "the file to H.264 first.",
                )
            # Every core already runs a worker of its own; a decoder's thread team would fight with them.
            stream.codec_context.thread_type = "NONE"
            stream.codec_context.thread_count = 1
            yield container, stream
    # IndexError and ValueError are PyAV's on damaged headers
    except (av.FFmpegError, OSError, IndexError, ValueError) as error:
        raise unreadable(path, error) from error


def _picture_stream(container: InputContainer, path: Path) -> VideoStream:
    moving = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not moving:
        raise DrivescopeError(
            ErrorKind.UNREADABLE, f"{path.name} holds no moving picture, only sound or data."
        )
    return moving[0]


def printable(text: str) -> str:
    """File names may hold bytes that are no text; a sentence may not."""
    return text.encode("utf-8", "replace").decode("utf-8")


def unreadable(path: Path, error: Exception) -> DrivescopeError:
    """The plain sentence for an error of FFmpeg or of the file system on `path`."""
    detail = f"{type(error).__name__}: {error}"
    # FFmpeg also calls some damage "operation not permitted".
    if isinstance(error, PermissionError) and not os.access(path, os.R_OK):
        sentence = f"{path.name} may not be read: give yourself permission to read it, then index again."
        return DrivescopeError(ErrorKind.NO_PERMISSION, sentence, detail=detail)
    if isinstance(error, FileNotFoundError):
        return DrivescopeError(ErrorKind.NOT_FOUND, f"{path.name} is no longer there.", detail=detail)
    return DrivescopeError(ErrorKind.UNREADABLE, _damage(path), detail=detail)


def _damage(path: Path) -> str:
    """What is wrong with the contents of a file that FFmpeg refuses."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        return f"{path.name} could not be read from the disk ({error.strerror})."
    if not head:
        return f"{path.name} is empty (0 bytes): copy it again from where it was recorded."
    if head[4:8] == b"ftyp":
        return (
            f"{path.name} is damaged or was cut off while recording or copying: the index without which "
            "no frame can be found is missing. Copy it again, or repair it with the camera's own tool."
        )
    return (
        f"{path.name} is not a video: its contents are in no known video format, or its beginning is damaged."
    )


class _Packet(NamedTuple):
    """What a packet says of its frame; times in ticks. Its data is let go, a video of an hour has gigabytes."""

    pts: int | None
    dts: int | None
    duration: int
    is_key: bool
    is_hidden: bool


def read_timeline(path: Path, check: Callable[[], None] = lambda: None) -> Timeline:
    """Reads every packet of the file once, calling `check` (which may raise) now and then.

    Raises DrivescopeError(UNREADABLE) if no frame can be found.
    """
    with open_video(path) as (container, stream):
        packets = list(_packets(container, stream, check))
        if not packets or stream.time_base is None:
            raise DrivescopeError(ErrorKind.UNREADABLE, f"{path.name} holds no frame that can be read.")
        return _timeline(path, container, stream, packets)


def _packets(container: InputContainer, stream: VideoStream, check: Callable[[], None]) -> Iterator[_Packet]:
    """All packets of the file, or those before the place where it cannot be read any more."""
    source = container.demux(stream)
    for number in itertools.count():
        if number % _PACKETS_A_CHECK == 0:
            check()
        try:
            packet = next(source, None)
        except av.InvalidDataError:
            return
        if packet is None:
            return
        if packet.size > 0:
            hidden = bool(packet.is_discard)
            yield _Packet(packet.pts, packet.dts, packet.duration or 0, packet.is_keyframe, hidden)


def _timeline(path: Path, container: InputContainer, stream: VideoStream, packets: list[_Packet]) -> Timeline:
    time_base = stream.time_base
    assert time_base is not None
    untimed = sum(packet.pts is None for packet in packets) > len(packets) / 2
    shown_packets = [packet for packet in packets if not packet.is_hidden]
    frame_ticks = _frame_ticks(stream, time_base)
    if untimed:
        shown = np.arange(len(shown_packets), dtype=np.int64) * frame_ticks
    else:
        shown = np.unique(np.array([p.pts for p in shown_packets if p.pts is not None], np.int64))
    if not len(shown):
        raise DrivescopeError(ErrorKind.UNREADABLE, f"{path.name} holds no frame that can be shown.")
    end = int(shown[-1]) + _last_frame_ticks(shown_packets, shown, frame_ticks)
    if (end - int(shown[0])) * time_base > LONGEST_STILL_S * len(shown):
        raise DrivescopeError(
            ErrorKind.UNREADABLE,
            f"The times of the frames in {path.name} make no sense: the file is damaged.",
        )
    return Timeline(
        time_base=time_base,
        shown=shown,
        end=end,
        packet_pts=np.array([_UNTOLD if p.pts is None else p.pts for p in packets], np.int64),
        packet_dts=np.array([p.pts or 0 if p.dts is None else p.dts for p in packets], np.int64),
        packet_key=np.array([p.is_key for p in packets], np.bool_),
        counted=untimed or is_counted(container, stream),
        note=_truncation(path, stream, len(packets), float((end - int(shown[0])) * time_base))
        or _jump(path, shown, time_base),
    )


def is_counted(container: InputContainer, stream: VideoStream) -> bool:
    """Whether packets carry times that are not those of their frames: AVI knows no reordering of frames."""
    return container.format.name == "avi" and stream.codec_context.name in _COUNTED_IN_AVI


def _frame_ticks(stream: VideoStream, time_base: Fraction) -> int:
    # A raw stream's own rate is in its headers; the container's `average_rate` would be FFmpeg's default of 25.
    rate = stream.guessed_rate or stream.average_rate or Fraction(25)
    return max(1, round(1 / (rate * time_base)))


def _last_frame_ticks(packets: list[_Packet], shown: Ticks, frame_ticks: int) -> int:
    """How long the last frame stays on the screen: as its packet says, else as long as the others do."""
    said = next((packet.duration for packet in packets if packet.pts == shown[-1]), 0)
    if said:
        return said
    return int(np.median(np.diff(shown))) if len(shown) > 1 else frame_ticks


def _truncation(path: Path, stream: VideoStream, packets: int, readable_s: float) -> str:
    """A sentence if the file declares clearly more frames or a clearly longer picture than it holds."""
    declared_s = _declared_seconds(stream)
    if stream.frames:
        is_whole = packets >= stream.frames * (1 - _TRUNCATED_BY) - 1
    else:
        is_whole = readable_s >= declared_s * (1 - _TRUNCATED_BY) - 1
    if is_whole:
        return ""
    return (
        f"{path.name} is cut short: {readable_s:.1f} of its {declared_s:.1f} seconds can be read and were "
        "indexed. Copy the file again to get the rest."
    )


def _jump(path: Path, shown: Ticks, time_base: Fraction) -> str:
    """A sentence if the clock of the recording jumped."""
    longest_s = float(int(np.diff(shown).max(initial=0)) * time_base)
    if longest_s <= LONGEST_STILL_S:
        return ""
    return f"The clock of {path.name} jumps by {longest_s:.0f} s: where it shows no frame there are no clips."


def _declared_seconds(stream: VideoStream) -> float:
    """How long the stream says that it is (Matroska in a tag, H:M:S); 0 if it does not."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    try:
        hours, minutes, seconds = stream.metadata["DURATION"].split(":")
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    except (KeyError, ValueError):
        return 0.0
