"""A picture tower opened up: patch tokens, attention, feature maps, and pictures with patches taken away.

Three forms cover every bundle. `PatchVision` is a vision transformer read at its class token (CLIP's own form, any
patch size, any grid). `TrunkVision` is a tower of timm's within open_clip: convolutional ones, and transformers that
pool their patches by attention (SigLIP, Perception Encoder); `ResNetVision` is CLIP's own ResNet. Of these two only
the last feature map is known.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.errors import DrivescopeError, ErrorKind
from core.explain.stems import ModuleStem, PackedStem, Stem, attend
from core.models.open_clip_tower import OpenClipTower
from core.models.preprocess import Preprocessing
from core.models.towers import ClipTower, Tower


class Vision(ABC):
    """What every form can do. Pixels are uint8 (N, 3, h, w) of `preprocess.prepare`; cells are row-major."""

    grid: tuple[int, int]
    """Rows and columns of cells."""

    @property
    def cells(self) -> int:
        """How many cells a picture has."""
        return self.grid[0] * self.grid[1]

    @abstractmethod
    def encode_kept(self, pixels: Tensor, kept: Tensor) -> Tensor:
        """Frame vectors of pictures of which only some cells are there.

        Args:
            pixels: (N, 3, h, w) uint8.
            kept: (N, R, K) int64, the cells that stay, R different sets for each picture. K may be 0.

        Returns:
            (N, R, D) float32 on the CPU, not normalised.

        """


class PatchVision(Vision):
    """A vision transformer with a class token, its last blocks (of a small one, all) opened for gradients."""

    def __init__(self, stem: Stem) -> None:
        self._stem = stem
        self.grid = stem.grid
        self.opened = stem.ending.blocks

    @torch.no_grad()
    def entry(self, pixels: Tensor, last: int | None = None) -> Tensor:
        """The tokens that enter the `last` blocks (None: all that are opened), float32 (N, 1 + P, Wv)."""
        return self._stem.begin(self._stem.tokens(pixels), last or len(self.opened))

    def finish(
        self, tokens: Tensor, last: int | None = None, presence: Tensor | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """The `last` blocks, as `stems.attend` does them.

        Returns:
            Tokens (N, L, Wv), and every block's attention (N, heads, L, L).

        """
        attentions = []
        for block in self.opened[-(last or len(self.opened)) :]:
            tokens, weights = attend(block, tokens, presence)
            attentions.append(weights)
        return tokens, attentions

    def to_joint(self, tokens: Tensor) -> Tensor:
        """Tokens (..., Wv) to the space that texts are in (..., D)."""
        joint: Tensor = self._stem.ending.norm(tokens) @ self._stem.ending.projection
        return joint

    def values(self, tokens: Tensor) -> Tensor:
        """The value path of the last block, for every token that enters it: (N, L, Wv) to (N, L, Wv)."""
        attention = self.opened[-1].attn
        Wv = tokens.shape[-1]
        read = self.opened[-1].ln_1(tokens)
        values = functional.linear(read, attention.in_proj_weight[2 * Wv :], attention.in_proj_bias[2 * Wv :])
        moved: Tensor = attention.out_proj(values)
        return moved

    @torch.no_grad()
    def attentions(self, pixels: Tensor) -> list[Tensor]:
        """Every block's attention, heads averaged: (N, L, L) float32 each, first block first."""
        return self._stem.attentions(self._stem.tokens(pixels))

    @torch.no_grad()
    def encode_kept(self, pixels: Tensor, kept: Tensor) -> Tensor:
        """Patches that are not kept are not there at all: a transformer needs no grey to fill a hole.

        Cheaper than painting over them, and nothing strange is shown (Naseer et al., NeurIPS 2021).
        """
        tokens = self._stem.tokens(pixels)  # (N, 1 + P, Wv)
        N, R, K = kept.shape
        start = torch.zeros(N, R, 1, dtype=torch.int64)
        rows = torch.cat([start, kept + 1], dim=2).view(N, R * (1 + K), 1).to(tokens.device)
        chosen = tokens.gather(1, rows.expand(-1, -1, tokens.shape[-1]))  # (N, R * (1 + K), Wv)
        return self._stem.read(chosen.view(N * R, 1 + K, -1)).cpu().view(N, R, -1)


class TrunkVision(Vision):
    """A tower of timm's, up to its last feature map and from there on."""

    def __init__(self, visual: Any, preprocessing: Preprocessing) -> None:  # noqa: ANN401
        self._visual = visual
        self._preprocessing = preprocessing
        probe = torch.zeros(1, 3, preprocessing.height, preprocessing.width, dtype=torch.uint8)
        features = self.features(probe)
        if features.ndim == 4:
            self.grid = (int(features.shape[2]), int(features.shape[3]))
        else:
            patch = visual.trunk.patch_embed.grid_size
            self.grid = (int(patch[0]), int(patch[1]))

    @torch.no_grad()
    def features(self, pixels: Tensor) -> Tensor:
        """The last feature map: (N, C, rows, columns), or tokens (N, L, C)."""
        return self._last_map(self._images(pixels))

    def pooled(self, features: Tensor) -> Tensor:
        """Features to frame vectors (N, D)."""
        vectors: Tensor = self._visual.head(self._visual.trunk.forward_head(features))
        return vectors

    @torch.no_grad()
    def encode_kept(self, pixels: Tensor, kept: Tensor) -> Tensor:
        """Cells that are not kept are painted in the mean colour, which the tower sees as zero."""
        N, R, _ = kept.shape
        images = self._images(pixels)
        mask = torch.zeros(N, R, self.cells).scatter_(2, kept, 1.0).view(N * R, 1, *self.grid)
        mask = functional.interpolate(mask, size=images.shape[-2:], mode="nearest").to(images)
        shown = images.repeat_interleave(R, dim=0) * mask  # (N * R, 3, h, w)
        return self.pooled(self._last_map(shown)).float().cpu().view(N, R, -1)

    def _last_map(self, images: Tensor) -> Tensor:
        """Normalised (N, 3, h, w) to what `features` gives."""
        found: Tensor = self._visual.trunk.forward_features(images)
        return found

    def _images(self, pixels: Tensor) -> Tensor:
        """(N, 3, h, w) normalised, in the tower's number format and on its device."""
        weight = next(self._visual.parameters())
        return self._preprocessing.normalise(pixels.to(weight.device)).to(weight.dtype)


class ResNetVision(TrunkVision):
    """CLIP's ResNet (Radford et al., 2021): four stages of convolutions, then one attention that pools."""

    def pooled(self, features: Tensor) -> Tensor:
        """Features (N, C, rows, columns) to frame vectors (N, D)."""
        vectors: Tensor = self._visual.attnpool(features)
        return vectors

    def _last_map(self, images: Tensor) -> Tensor:
        found: Tensor = self._visual.stem(images)
        for stage in ("layer1", "layer2", "layer3", "layer4"):
            found = getattr(self._visual, stage)(found)
        return found


def open_vision(tower: Tower, title: str) -> Vision:
    """The form that fits a tower. Raises DrivescopeError(BAD_INPUT) for one that cannot be looked into."""
    if isinstance(tower, ClipTower):
        packed = tower.packed_vision
        return PatchVision(PackedStem(packed) if packed else ModuleStem(tower.visual, tower.preprocessing))
    if isinstance(tower, OpenClipTower):
        visual = tower.model.visual
        if _reads_class_token(visual):
            return PatchVision(ModuleStem(visual, tower.preprocessing))
        if hasattr(getattr(visual, "trunk", None), "forward_head"):
            return TrunkVision(visual, tower.preprocessing)
        if hasattr(visual, "layer4") and hasattr(visual, "attnpool"):
            return ResNetVision(visual, tower.preprocessing)
    raise DrivescopeError(
        ErrorKind.BAD_INPUT,
        f"There are no heatmaps for {title}: its picture tower does not show where in a frame it looks.",
    )


def _reads_class_token(visual: Any) -> bool:  # noqa: ANN401 - open_clip has no types
    """Whether a tower has the parts that `PatchVision` opens."""
    parts = ("_embeds", "transformer", "ln_post", "proj", "grid_size")
    if not all(hasattr(visual, part) for part in parts) or visual.proj is None:
        return False
    plain = all(isinstance(block.attn, nn.MultiheadAttention) for block in visual.transformer.resblocks)
    return plain and visual.attn_pool is None and visual.pool_type == "tok"
