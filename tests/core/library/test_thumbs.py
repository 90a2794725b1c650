import cv2
import numpy as np
import pytest

from core.library import thumbs


def decoded(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


@pytest.mark.parametrize("shape", [(360, 640), (1080, 1920), (90, 160), (162, 288)])
def test_a_wide_frame_fills_the_tile(shape):
    tile = thumbs.tile(np.full((*shape, 3), 200, np.uint8))
    assert tile.shape == (162, 288, 3)
    assert tile.min() == 200


@pytest.mark.parametrize(
    ("shape", "box"), [((640, 360), (162, 91)), ((480, 640), (162, 216)), ((100, 400), (72, 288))]
)
def test_other_shapes_stand_whole_between_black_bars(shape, box):
    tile = thumbs.tile(np.full((*shape, 3), 200, np.uint8))
    rows, columns = np.nonzero(tile[:, :, 0])
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == box
    assert abs((rows.min() + rows.max()) / 2 - 80.5) <= 0.5
    assert abs((columns.min() + columns.max()) / 2 - 143.5) <= 0.5


@pytest.mark.parametrize("count", [1, 5, 12, 30])
def test_a_strip_has_twelve_tiles_in_order(count):
    tiles = [np.full((162, 288, 3), 8 * n, np.uint8) for n in range(count)]
    strip = decoded(thumbs.strip(tiles))
    assert strip.shape == (162, 12 * 288, 3)
    shades = [float(strip[:, n * 288 + 50 : n * 288 + 200].mean()) for n in range(12)]
    assert shades == sorted(shades)
    assert shades[0] == pytest.approx(0, abs=2)
    assert shades[-1] == pytest.approx(8 * (count - 1), abs=2)


def test_colours_are_not_swapped():
    red = np.zeros((162, 288, 3), np.uint8)
    red[:, :, 0] = 250
    assert decoded(thumbs.strip([red]))[80, 500].tolist() == pytest.approx([250, 0, 0], abs=4)


def test_strips_lie_a_thousand_to_a_folder(tmp_path):
    thumbs.write_strip(tmp_path, 12345, b"jpeg")
    assert (tmp_path / "thumbs" / "12" / "12345.jpg").read_bytes() == b"jpeg"
    assert thumbs.read_strip(tmp_path, 12345) == b"jpeg"
    thumbs.drop_strip(tmp_path, 12345)
    thumbs.drop_strip(tmp_path, 12345)
    assert thumbs.read_strip(tmp_path, 12345) == b""


@pytest.mark.parametrize("shape", [(360, 640), (720, 1280), (848, 464), (1080, 1920), (161, 287), (325, 577)])
def test_a_tile_is_the_frame_made_smaller_without_aliasing(shape):
    """Against one plain area resize, on a picture with fine stripes that would shimmer if they were skipped."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    rgb = np.stack([127 + 120 * np.sin(x * 2.5), 255 * y / shape[0], 255 * x / shape[1]], -1).astype(np.uint8)
    tile = thumbs.tile(rgb)
    rows, columns = np.nonzero(tile.any(-1))
    inner = tile[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(float)
    plain = cv2.resize(rgb, inner.shape[1::-1], interpolation=cv2.INTER_AREA).astype(float)
    smooth = [cv2.GaussianBlur(picture, (0, 0), 2) for picture in (inner, plain)]
    assert np.abs(smooth[0] - smooth[1])[4:-4, 4:-4].mean() < 3
