"""From a decoded frame to a tower's input, without open_clip and without floats.

The resize is torch's antialiased uint8 bicubic, which agrees with PIL's to a cosine of 0.999998 and costs
a third of it. Crop arithmetic follows torchvision's Resize + CenterCrop, so a square tower sees the very
pixels that its published preprocessing would show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.errors import DrivescopeError, ErrorKind

Crop = Literal["center", "letterbox", "squash", "three"]
Interpolation = Literal["bicubic", "bilinear"]
CROPS: Final[tuple[Crop, ...]] = get_args(Crop)

CLIP_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Final = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class Preprocessing:
    """What one tower wants to see: height x width in pixels, and the normalisation of RGB in [0, 1]."""

    height: int
    width: int
    mean: tuple[float, float, float] = CLIP_MEAN
    std: tuple[float, float, float] = CLIP_STD
    interpolation: Interpolation = "bicubic"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON and for the fingerprint."""
        return {
            "height": self.height,
            "width": self.width,
            "mean": list(self.mean),
            "std": list(self.std),
            "interpolation": self.interpolation,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Preprocessing:
        """The inverse of `as_dict`."""
        mean, std = (tuple(float(v) for v in values[key]) for key in ("mean", "std"))
        if len(mean) != 3 or len(std) != 3:
            raise ValueError("mean and std need three numbers each")
        return cls(int(values["height"]), int(values["width"]), mean, std, values["interpolation"])

    def normalise(self, pixels: Tensor) -> Tensor:
        """Uint8 (N, 3, h, w) to normalised float32 of the same shape."""
        mean = torch.tensor(self.mean, device=pixels.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=pixels.device).view(1, 3, 1, 1)
        return (pixels.float() / 255.0 - mean) / std


def check_crop(crop: str) -> Crop:
    """The crop's name, or a sentence that lists the ones there are."""
    for known in CROPS:
        if crop == known:
            return known
    raise DrivescopeError(
        ErrorKind.BAD_INPUT, f"There is no crop called '{crop}'; choose one of {', '.join(CROPS)}."
    )


def prepare(rgb: np.ndarray[Any, Any], preprocessing: Preprocessing, crop: Crop) -> Tensor:
    """One frame for one tower.

    Args:
        rgb: HWC uint8, any size.
        preprocessing: the tower's size and interpolation (mean colours the letterbox bars).
        crop: "center" covers the tower's rectangle and cuts the rest away; "letterbox" shows all and pads;
            "squash" shows all and changes the aspect; "three" covers and takes both ends and the middle.

    Returns:
        (V, 3, height, width) uint8. V is 3 for "three" unless the frame has the tower's aspect, else 1.

    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"A frame must be height x width x 3 bytes, this one is {rgb.shape} {rgb.dtype}.",
        )
    image = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1).unsqueeze(0)  # (1, 3, H, W)
    height, width = preprocessing.height, preprocessing.width
    if crop == "squash":
        return _resize(image, height, width, preprocessing.interpolation)
    if crop == "letterbox":
        return _letterbox(image, preprocessing)
    image = _resize(image, *_covering_size(image, height, width), preprocessing.interpolation)
    excess_y, excess_x = image.shape[2] - height, image.shape[3] - width
    # round() is half-to-even here as in torchvision's CenterCrop
    corners = [(round(excess_y / 2), round(excess_x / 2))]
    if crop == "three" and (excess_y or excess_x):
        corners = [(0, 0), corners[0], (excess_y, excess_x)]
    return torch.cat([image[:, :, y : y + height, x : x + width] for y, x in corners])  # (V, 3, h, w)


def _covering_size(image: Tensor, height: int, width: int) -> tuple[int, int]:
    """The size that just covers the target with the frame's own aspect (the long side is truncated)."""
    H, W = image.shape[2:]
    if W * height >= H * width:
        return height, max(width, int(height * W / H))
    return max(height, int(width * H / W)), width


def _letterbox(image: Tensor, preprocessing: Preprocessing) -> Tensor:
    """The whole frame inside the target, bars in the mean colour (which the tower sees as zero)."""
    height, width = preprocessing.height, preprocessing.width
    H, W = image.shape[2:]
    scale = min(height / H, width / W)
    inner_h, inner_w = max(1, min(height, round(H * scale))), max(1, min(width, round(W * scale)))
    colour = torch.tensor([round(255 * m) for m in preprocessing.mean], dtype=torch.uint8)
    canvas = colour.view(1, 3, 1, 1).repeat(1, 1, height, width)  # (1, 3, h, w)
    top, left = (height - inner_h) // 2, (width - inner_w) // 2
    inner = _resize(image, inner_h, inner_w, preprocessing.interpolation)
    canvas[:, :, top : top + inner_h, left : left + inner_w] = inner
    return canvas


def _resize(image: Tensor, height: int, width: int, interpolation: Interpolation) -> Tensor:
    """Antialiased uint8 resize of (1, 3, H, W)."""
    if image.shape[2:] == (height, width):
        return image
    return functional.interpolate(image, size=(height, width), mode=interpolation, antialias=True)
