"""A clip's thumbnail: its sampled frames as small tiles side by side, one JPEG file per clip.

The window shows one tile on the card and moves through the strip under the pointer, so a hover costs no
decoding. A tile is 16:9; frames of other shapes stand in it between black bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.library.storage import storage_errors, write_bytes
from core.protocol import THUMBNAIL_TILES

Pixels = NDArray[np.uint8]
TILE_WIDTH: Final = 288
TILE_HEIGHT: Final = 162
_QUALITY: Final = 80
_FOLDER: Final = "thumbs"
_PER_FOLDER: Final = 1000


def tile(rgb: Pixels) -> Pixels:
    """A frame, (H, W, 3) uint8, as a tile, (162, 288, 3) uint8, whole and in its own proportions."""
    height, width = rgb.shape[:2]
    scale = min(TILE_WIDTH / width, TILE_HEIGHT / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(_shrunk(rgb, int(1 / scale)), size, interpolation=cv2.INTER_LINEAR)
    if size == (TILE_WIDTH, TILE_HEIGHT):
        return np.asarray(small, np.uint8)
    framed = np.zeros((TILE_HEIGHT, TILE_WIDTH, 3), np.uint8)
    left, top = (TILE_WIDTH - size[0]) // 2, (TILE_HEIGHT - size[1]) // 2
    framed[top : top + size[1], left : left + size[0]] = small
    return framed


def _shrunk(rgb: Pixels, times: int) -> Pixels:
    """The mean of every `times` x `times` pixels; what is left at the right and below is less than a tile's pixel.

    Whole numbers are OpenCV's fast path: with the bilinear rest three to seven times as fast as one area resize.
    """
    if times < 2:
        return rgb
    height, width = rgb.shape[0] // times, rgb.shape[1] // times
    whole = rgb[: height * times, : width * times]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def strip(tiles: Sequence[Pixels]) -> bytes:
    """`THUMBNAIL_TILES` tiles in order of time as one JPEG; fewer or more given ones are spread over them."""
    chosen = np.linspace(0, len(tiles) - 1, THUMBNAIL_TILES).round().astype(int)
    picture = np.concatenate([tiles[number] for number in chosen], axis=1)  # (162, 12 * 288, 3)
    _, jpeg = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return jpeg.tobytes()


def tiles_of_strip(jpeg: bytes) -> list[Pixels]:
    """A strip's `THUMBNAIL_TILES` tiles, (162, 288, 3) uint8 RGB each; none if there is no strip."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if picture is None:
        return []
    return [np.asarray(tile, np.uint8) for tile in np.split(picture[:, :, ::-1], THUMBNAIL_TILES, axis=1)]


def strip_path(library: Path, clip_id: int) -> Path:
    """Where the clip's strip lies; a thousand to a folder."""
    return library / _FOLDER / str(clip_id // _PER_FOLDER) / f"{clip_id}.jpg"


def write_strip(library: Path, clip_id: int, jpeg: bytes) -> None:
    """Stores the clip's strip. Raises DrivescopeError(DISK_FULL) among others."""
    path = strip_path(library, clip_id)
    with storage_errors(library / _FOLDER):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, jpeg, durable=False)  # a lost picture is no lost work


def read_strip(library: Path, clip_id: int) -> bytes:
    """The clip's strip, or nothing if it has none."""
    try:
        return strip_path(library, clip_id).read_bytes()
    except FileNotFoundError:
        return b""


def drop_strip(library: Path, clip_id: int) -> None:
    """Removes the clip's strip if it has one."""
    strip_path(library, clip_id).unlink(missing_ok=True)
