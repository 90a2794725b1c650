"""Frames of a video at wanted times (ingest) and all frames of a span (playback), upright, in square pixels.

The frame of a time is the one a player shows then: the last whose presentation time is not after it. To get
there the decoder is sent as little as possible: it jumps to a keyframe if one lies ahead, and frames that no
other frame refers to are left out unless they are wanted. What comes out is bit for bit what a full decode
gives (`tests/core/library/test_video.py` compares).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from core.errors import DrivescopeError, ErrorKind
from core.library.picture import Pixels, shown_size, upright
from core.library.timeline import Timeline, is_counted, open_video, read_timeline

Sample = tuple[float, Pixels]
"""A frame's presentation time in seconds of the video, and its picture (H, W, 3) uint8 RGB."""
_REORDERED_PACKETS: Final = 64
"""More than any codec holds back: among so many packets is the one that is shown first."""


@dataclass(frozen=True)
class VideoProbe:
    """What is known of a video without decoding it. Width and height as shown, in square pixels."""

    path: Path
    width: int
    height: int
    codec: str
    timeline: Timeline

    @property
    def duration_s(self) -> float:
        """From the first shown frame to the end of the last one."""
        return self.timeline.duration_s

    @property
    def fps(self) -> float:
        """Mean frames a second."""
        return self.timeline.frame_rate


def probe(path: Path, check: Callable[[], None] = lambda: None) -> VideoProbe:
    """Reads the packets of the file, calling `check` (which may raise) now and then, and decodes one frame.

    Raises DrivescopeError with a plain reason.
    """
    timeline = read_timeline(path, check)
    with open_video(path) as (container, stream):
        for frame in _decoded(container, stream):
            return VideoProbe(path, *shown_size(frame, stream), stream.codec_context.name, timeline)
    raise DrivescopeError(
        ErrorKind.UNREADABLE, f"No frame of {path.name} can be decoded: the file is damaged."
    )


# --- frames at wanted times -----------------------------------------------------------------------------


def frames_at(path: Path, times: Sequence[float], timeline: Timeline | None = None) -> Iterator[Sample]:
    """The frames on display at `times` (ascending, seconds of the video), one for each, in order.

    A frame that is damaged is replaced by its nearest neighbour. Raises DrivescopeError(UNREADABLE) if
    there is none at all.
    """
    timeline = timeline or read_timeline(path)
    wanted = [timeline.on_display(time_s) for time_s in times]
    if not wanted:
        return
    reformatter = VideoReformatter()
    with open_video(path) as (container, stream):
        if timeline.counted:
            source = _counted(container, stream, timeline, wanted[-1])
        else:
            source = _sparse(container, stream, timeline, sorted(set(wanted)))
        for frame, ticks, repeats in _matched(source, [int(timeline.shown[index]) for index in wanted]):
            picture = upright(frame, stream, reformatter)
            for _ in range(repeats):
                yield timeline.seconds(ticks), picture


def _matched(
    source: Iterator[tuple[int, VideoFrame]], wanted: list[int]
) -> Iterator[tuple[VideoFrame, int, int]]:
    """Each distinct wanted time with its frame and how often it is wanted.

    `source` gives (presentation time, frame) in ascending order. Where the wanted frame itself does not come,
    the one before it stands in, or else the one after it.
    """
    distinct = sorted(set(wanted))
    repeats = {ticks: wanted.count(ticks) for ticks in distinct}
    position = 0
    last: tuple[int, VideoFrame] | None = None
    for ticks, frame in source:
        while position < len(distinct) and distinct[position] < ticks:
            stand_in = last or (ticks, frame)
            yield stand_in[1], stand_in[0], repeats[distinct[position]]
            position += 1
        if position < len(distinct) and distinct[position] == ticks:
            yield frame, ticks, repeats[ticks]
            position += 1
        last = (ticks, frame)
    if position < len(distinct) and last is None:
        raise DrivescopeError(ErrorKind.UNREADABLE, "No frame of this part of the video can be decoded.")
    for ticks in distinct[position:]:
        assert last is not None
        yield last[1], last[0], repeats[ticks]


def _counted(
    container: InputContainer, stream: VideoStream, timeline: Timeline, last: int
) -> Iterator[tuple[int, VideoFrame]]:
    """Every frame up to number `last`, with the time that its place in the sequence gives it."""
    for number, frame in enumerate(_decoded(container, stream)):
        if number > last:
            return
        yield int(timeline.shown[min(number, len(timeline.shown) - 1)]), frame


@dataclass(frozen=True)
class _Run:
    """Packets to read without a jump: from packet number `first` until all of `wanted` have been sent."""

    first: int
    wanted: list[int]


def _runs(timeline: Timeline, wanted: list[int]) -> list[_Run]:
    """Groups wanted times (ticks, ascending) so that a jump is made only where a keyframe lies ahead."""
    keys = np.flatnonzero(timeline.packet_key)
    key_pts = timeline.packet_pts[keys]
    order = np.argsort(key_pts, kind="stable")
    place = {int(pts): number for number, pts in enumerate(timeline.packet_pts.tolist())}
    runs: list[_Run] = []
    sent = -1  # number of the last packet that had to be sent
    for ticks in wanted:
        before = int(np.searchsorted(key_pts[order], ticks, side="right")) - 1
        first = int(keys[order[before]]) if before >= 0 else 0
        if not runs or first > sent + 1:
            runs.append(_Run(first, []))
        runs[-1].wanted.append(ticks)
        sent = max(sent, place[ticks])
    return runs


def _sparse(
    container: InputContainer, stream: VideoStream, timeline: Timeline, wanted: list[int]
) -> Iterator[tuple[int, VideoFrame]]:
    """Frames around the wanted ones (indices into `shown`): all of those, and the ones they are built from."""
    for run in _runs(timeline, [int(timeline.shown[index]) for index in wanted]):
        missing = set(run.wanted)
        packets = _packets_from(container, stream, timeline, run)
        for frame in _decoded_until(packets, stream, missing):
            if frame.pts is not None:
                yield frame.pts, frame


def _packets_from(
    container: InputContainer, stream: VideoStream, timeline: Timeline, run: _Run
) -> Iterator[av.Packet]:
    """Packets from the run's first one on, also where the container's own index leads past it."""
    if run.first == 0:
        yield from container.demux(stream)
        return
    pts, dts = int(timeline.packet_pts[run.first]), int(timeline.packet_dts[run.first])
    for target in (dts, int(timeline.packet_dts[0])):
        container.seek(target, stream=stream, backward=True)
        for packet in (packets := container.demux(stream)):
            if packet.pts == pts:
                yield packet
                yield from packets
                return
            if packet.size == 0 or (packet.dts is not None and packet.dts > dts):
                break  # too far: from the beginning, then


def _decoded_until(
    packets: Iterator[av.Packet], stream: VideoStream, missing: set[int]
) -> Iterator[VideoFrame]:
    """Decodes until every packet in `missing` (ticks) was sent, and empties the decoder."""
    decoder = stream.codec_context
    for packet in packets:
        if packet.size == 0:
            break
        is_wanted = packet.pts in missing
        decoder.skip_frame = "DEFAULT" if is_wanted else "NONREF"
        yield from _frames_of(packet, stream)
        if is_wanted:
            missing.remove(packet.pts)
            if not missing:
                break
    yield from _frames_of(None, stream)


def _frames_of(packet: av.Packet | None, stream: VideoStream) -> list[VideoFrame]:
    """What the decoder gives for one packet; a damaged one gives nothing."""
    try:
        return stream.codec_context.decode(packet)
    except (av.InvalidDataError, av.EOFError):
        return []


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Every frame that can be decoded from here on."""
    for packet in container.demux(stream):
        yield from _frames_of(packet if packet.size else None, stream)


# --- all frames of a span -------------------------------------------------------------------------------


def frames_of_span(path: Path, start_s: float, end_s: float, max_height: int) -> Iterator[Sample]:
    """Every frame shown in [start_s, end_s), in order, at most `max_height` pixels high.

    At least one comes: for a span between two frames, the one on display. Raises DrivescopeError if the file
    cannot be read.
    """
    reformatter = VideoReformatter()
    with open_video(path) as (container, stream):
        before: tuple[float, VideoFrame] | None = None
        given = 0
        for time_s, frame in _from(path, container, stream, start_s):
            if time_s >= end_s:
                break
            if time_s < start_s:
                before = (time_s, frame)
                continue
            given += 1
            yield time_s, upright(frame, stream, reformatter, max_height)
        if not given and before is not None:
            yield before[0], upright(before[1], stream, reformatter, max_height)


def _from(
    path: Path, container: InputContainer, stream: VideoStream, start_s: float
) -> Iterator[tuple[float, VideoFrame]]:
    """Frames with their times in seconds of the video, from a keyframe at or before `start_s`."""
    base, zero = stream.time_base, _first_shown(container, stream)
    if base is None or zero is None or is_counted(container, stream):
        timeline = read_timeline(path)
        with open_video(path) as fresh:  # raw streams cannot go back
            for ticks, frame in _counted(*fresh, timeline, len(timeline.shown)):
                yield timeline.seconds(ticks), frame
        return
    target = zero + int(Fraction(start_s).limit_denominator(10**7) / base)
    _seek_before(container, stream, target, zero, base)
    decoder = stream.codec_context
    for packet in container.demux(stream):
        decoder.skip_frame = "NONREF" if packet.pts is not None and packet.pts < target - 1 else "DEFAULT"
        for frame in _frames_of(packet if packet.size else None, stream):
            if frame.pts is not None:
                yield float((frame.pts - zero) * base), frame


def _first_shown(container: InputContainer, stream: VideoStream) -> int | None:
    """Presentation time of the first shown frame in ticks, or None if packets do not tell."""
    packets = itertools.islice(container.demux(stream), _REORDERED_PACKETS)
    times = [packet.pts for packet in packets if packet.pts is not None and not packet.is_discard]
    return min(times, default=None)


def _seek_before(
    container: InputContainer, stream: VideoStream, target: int, zero: int, base: Fraction
) -> None:
    """Moves so that a keyframe shown at or before `target` comes before any that is shown later.

    A container's index may lead to a later one (it is ordered by decoding time) or into the middle of a group
    of pictures (MPEG-TS has none), so what comes there is looked at, and if need be the search goes back.
    """
    step = int(1 / base)
    attempt = target
    while attempt > zero:
        container.seek(attempt, stream=stream, backward=True)
        key = next((packet for packet in container.demux(stream) if packet.is_keyframe), None)
        if key is not None and key.pts is not None and key.pts <= target:
            container.seek(attempt, stream=stream, backward=True)
            return
        attempt -= step
        step *= 2
    container.seek(zero - 1, stream=stream, backward=True)
