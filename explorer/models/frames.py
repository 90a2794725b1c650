"""The frames of one clip for the player: JPEGs kept whole, pictures decoded a little ahead of the eye."""

from __future__ import annotations

import bisect
from collections import OrderedDict
from typing import Final

from PySide6.QtCore import QObject, QThreadPool, Signal
from PySide6.QtGui import QImage

from core.protocol import Failed, FrameChunk, FrameImage, GetFrames
from explorer.engine_client import EngineClient, Request
from explorer.models.jpeg import decode

DECODED_FRAMES: Final = 64
AHEAD: Final = 8


class Frames(QObject):
    """The clip that is open in the player.

    Signals:
        arrived(): more frames are there, or the last one is.
        picture_ready(place): the frame at this place is decoded.
        failed(sentence): this clip cannot be played, and why.
    """

    arrived = Signal()
    picture_ready = Signal(int)
    failed = Signal(str)
    _decoded = Signal(int, int, QImage)

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.clip_id = 0
        self.complete = False
        self.expected = 0
        self._client = client
        self._request: Request | None = None
        self._frames: list[FrameImage] = []
        self._times: list[float] = []
        self._pictures: OrderedDict[int, QImage] = OrderedDict()
        self._decoding: set[int] = set()
        self._generation = 0
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(2)
        self._decoded.connect(self._keep)

    def open(self, clip_id: int, max_height: int) -> None:
        """Ask for a clip's frames; the clip before is forgotten."""
        self.clear()
        self.clip_id = clip_id
        generation = self._generation
        request = self._client.send(
            lambda number: GetFrames(id=number, clip_id=clip_id, max_height=max_height)
        )
        self._request = request
        request.answered.connect(lambda chunk: self._on_chunk(generation, chunk))
        request.failed.connect(lambda failure: self._on_failed(generation, failure))
        request.finished.connect(lambda: self._on_finished(request))

    def clear(self) -> None:
        """Nothing is open."""
        self._generation += 1
        if self._request is not None:
            self._request.cancel()
        self._request = None
        self.clip_id = 0
        self.complete = False
        self.expected = 0
        self._frames, self._times = [], []
        self._pictures.clear()
        self._decoding.clear()

    def close(self) -> None:
        """Wait for the decoders, before the program ends."""
        self.clear()
        self._pool.clear()
        self._pool.waitForDone()

    @property
    def count(self) -> int:
        """How many frames are there."""
        return len(self._frames)

    def time_s(self, place: int) -> float:
        """When the frame at `place` is shown, in seconds of the file."""
        return self._times[place]

    def number(self, place: int) -> int:
        """The frame's own number within the clip."""
        return self._frames[place].number

    def place_at(self, time_s: float) -> int:
        """The frame on screen at `time_s`: the last one that does not start later."""
        return max(0, bisect.bisect_right(self._times, time_s + 1e-6) - 1)

    def picture(self, place: int) -> QImage | None:
        """The decoded frame, or None while it is being decoded; those ahead are started too."""
        if not 0 <= place < self.count:
            return None
        for ahead in range(place, place + AHEAD):
            self._decode(ahead % self.count)
        found = self._pictures.get(place)
        if found is not None:
            self._pictures.move_to_end(place)
        return found

    def _on_chunk(self, generation: int, chunk: FrameChunk) -> None:
        if generation != self._generation:
            return
        self._frames.extend(chunk.frames)
        self._times.extend(frame.time_s for frame in chunk.frames)
        self.expected = max(chunk.expected, self.count)
        if chunk.last:
            self.complete, self.expected = True, self.count
            if not self._frames:
                self.failed.emit("No frame of this clip could be decoded.")
                return
        self.arrived.emit()

    def _on_failed(self, generation: int, failure: Failed) -> None:
        if generation == self._generation:
            self.failed.emit(failure.sentence)

    def _on_finished(self, request: Request) -> None:
        if self._request is request:
            self._request = None

    def _decode(self, place: int) -> None:
        if place in self._pictures or place in self._decoding:
            return
        self._decoding.add(place)
        generation, decoded, jpeg = self._generation, self._decoded, self._frames[place].jpeg

        def work() -> None:
            decoded.emit(generation, place, decode(jpeg))

        self._pool.start(work)

    def _keep(self, generation: int, place: int, image: QImage) -> None:
        if generation != self._generation:
            return
        self._decoding.discard(place)
        self._pictures[place] = image
        while len(self._pictures) > DECODED_FRAMES:
            self._pictures.popitem(last=False)
        self.picture_ready.emit(place)
