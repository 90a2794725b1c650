"""Thumbnail strips: asked for when a card is painted, newest first, decoded off the GUI thread, bounded.

A strip is one JPEG of twelve tiles. Two bounds: decoded pictures are large and few, JPEG bytes small and
many, so that scrolling back decodes again but seldom asks the engine again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

from PySide6.QtCore import QObject, QRect, QThreadPool, Signal
from PySide6.QtGui import QImage

from core.protocol import THUMBNAIL_TILES, GetThumbnail, Thumbnail
from explorer.engine_client import EngineClient
from explorer.models.jpeg import decode

DECODED_BYTES: Final = 192 * 1024 * 1024
JPEG_BYTES: Final = 48 * 1024 * 1024
IN_FLIGHT: Final = 6
WAITING: Final = 96
Kept = TypeVar("Kept")


class Thumbnails(QObject):
    """The strips of the open library.

    Signals:
        strip_ready(clip_id): `strip` has something new to say about this clip.
        settled(): nothing is asked for or being decoded any more.
    """

    strip_ready = Signal(int)
    settled = Signal()
    _decoded = Signal(int, int, QImage)

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(2)
        self._strips: OrderedDict[int, QImage] = OrderedDict()
        self._jpegs: OrderedDict[int, bytes] = OrderedDict()
        self._empty: set[int] = set()
        self._waiting: OrderedDict[int, None] = OrderedDict()  # the newest last, taken first
        self._asked: set[int] = set()
        self._generation = 0
        self._decoded.connect(self._keep)

    def strip(self, clip_id: int) -> QImage | None:
        """The decoded strip; None while it is on its way (asking for it is what sends it on its way)."""
        strip = self._strips.get(clip_id)
        if strip is not None:
            self._strips.move_to_end(clip_id)
        elif clip_id not in self._empty:
            self._want(clip_id)
        return strip

    def is_empty(self, clip_id: int) -> bool:
        """Whether the engine has no picture of this clip."""
        return clip_id in self._empty

    @property
    def busy(self) -> bool:
        """Whether something is on its way."""
        return bool(self._waiting or self._asked)

    def clear(self) -> None:
        """Another library: forget everything, also what is still on its way."""
        self._generation += 1
        for kept in (self._strips, self._jpegs, self._empty, self._waiting, self._asked):
            kept.clear()

    def forget_waiting(self) -> None:
        """The engine went away: what was asked for, and what was refused meanwhile, has to be asked for again."""
        self._asked.clear()
        self._waiting.clear()
        self._empty.clear()

    def close(self) -> None:
        """Wait for the decoders, before the program ends."""
        self._pool.clear()
        self._pool.waitForDone()

    def _want(self, clip_id: int) -> None:
        if clip_id in self._asked:
            return
        self._waiting[clip_id] = None
        self._waiting.move_to_end(clip_id)
        while len(self._waiting) > WAITING:
            self._waiting.popitem(last=False)
        self._pump()

    def _pump(self) -> None:
        while self._waiting and len(self._asked) < IN_FLIGHT and self._client.ready:
            clip_id, _ = self._waiting.popitem(last=True)
            self._asked.add(clip_id)
            if clip_id in self._jpegs:
                self._jpegs.move_to_end(clip_id)
                self._decode(clip_id, self._jpegs[clip_id])
            else:
                self._request(clip_id)

    def _request(self, clip_id: int) -> None:
        generation = self._generation
        request = self._client.send(lambda number: GetThumbnail(id=number, clip_id=clip_id))
        request.answered.connect(lambda reply: self._on_thumbnail(generation, reply))
        request.failed.connect(lambda _failure: self._nothing(generation, clip_id))
        request.dropped.connect(lambda: self._asked.discard(clip_id))

    def _on_thumbnail(self, generation: int, reply: Thumbnail) -> None:
        if generation != self._generation:
            return
        if not reply.jpeg:
            self._nothing(generation, reply.clip_id)
            return
        self._jpegs[reply.clip_id] = reply.jpeg
        _trim(self._jpegs, JPEG_BYTES, len)
        self._decode(reply.clip_id, reply.jpeg)

    def _decode(self, clip_id: int, jpeg: bytes) -> None:
        generation, decoded = self._generation, self._decoded

        def work() -> None:
            decoded.emit(generation, clip_id, decode(jpeg))

        self._pool.start(work)

    def _keep(self, generation: int, clip_id: int, image: QImage) -> None:
        if generation != self._generation:
            return
        if image.isNull():
            self._nothing(generation, clip_id)
            return
        self._strips[clip_id] = image
        _trim(self._strips, DECODED_BYTES, lambda kept: kept.sizeInBytes())
        self._over(clip_id)

    def _nothing(self, generation: int, clip_id: int) -> None:
        if generation == self._generation:
            self._empty.add(clip_id)
            self._over(clip_id)

    def _over(self, clip_id: int) -> None:
        self._asked.discard(clip_id)
        self.strip_ready.emit(clip_id)
        self._pump()
        if not self.busy:
            self.settled.emit()


def tile_rect(strip: QImage, tile: int) -> QRect:
    """Where tile 0..11 lies in a strip."""
    width = strip.width() / THUMBNAIL_TILES
    left = round(tile * width)
    return QRect(left, 0, round((tile + 1) * width) - left, strip.height())


def _trim(kept: OrderedDict[int, Kept], limit: int, size: Callable[[Kept], int]) -> None:
    """Let the least recently used go until the rest fits; one always stays."""
    total = sum(size(value) for value in kept.values())
    while total > limit and len(kept) > 1:
        _, value = kept.popitem(last=False)
        total -= size(value)
