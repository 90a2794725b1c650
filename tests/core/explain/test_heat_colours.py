"""The colours of heat: equal steps look equally large, and only get lighter."""

import numpy as np
import pytest

from core.protocol.heat_colours import COLOURS, MOST_COVERED, cover


def oklab(rgb: np.ndarray) -> np.ndarray:
    """8-bit sRGB (N, 3) to OKLab, by the two matrices of Ottosson's page."""
    c = rgb / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.cbrt(linear @ np.array(to_lms).T) @ np.array(to_lab).T


def test_equal_heat_steps_are_equal_steps_for_the_eye():
    lab = oklab(np.array(COLOURS, float))
    assert lab.shape == (256, 3)
    steps = np.linalg.norm(lab[16::16] - lab[:-16:16], axis=1)  # single ones drown in rounding to 8 bits
    assert steps.max() / steps.min() < 1.15
    assert (np.diff(lab[:, 0]) > -2e-3).all()
    assert np.diff(lab[::8, 0]).min() > 0
    assert lab[-1, 0] - lab[0, 0] > 0.6


def test_little_heat_covers_little():
    assert cover(0.0) == 0
    assert cover(1.0) == pytest.approx(MOST_COVERED)
    assert MOST_COVERED < 0.8
    assert all(cover(heat / 100) < cover((heat + 1) / 100) for heat in range(100))
