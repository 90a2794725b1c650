"""The same vision transformer in its two forms, packed for a CPU or as modules, behind one set of calls.

`core.explain.vision.PatchVision` is the only caller. Tokens are in the tower's own number format and on its device.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from core.models.ending import VisionEnding
from core.models.packed import PackedVision
from core.models.preprocess import Preprocessing


class Stem(Protocol):
    """A picture tower with a class token, open at every place that explaining needs."""

    grid: tuple[int, int]
    ending: VisionEnding

    def tokens(self, pixels: Tensor) -> Tensor:
        """Uint8 (N, 3, h, w) to what enters the first block: (N, 1 + P, Wv)."""
        ...

    def begin(self, tokens: Tensor, without: int) -> Tensor:
        """Through all blocks but the last `without`, then in float32: (N, 1 + P, Wv)."""
        ...

    def attentions(self, tokens: Tensor) -> list[Tensor]:
        """Every block's attention, heads averaged: (N, L, L) float32 each, first block first."""
        ...

    def read(self, tokens: Tensor) -> Tensor:
        """Tokens with any of the patches left out to frame vectors: float32 (N, D)."""
        ...


class PackedStem:
    """Weights in the CPU's own order; several times as fast."""

    def __init__(self, packed: PackedVision) -> None:
        self._packed = packed
        self.grid, self.ending = packed.grid, packed.ending

    def tokens(self, pixels: Tensor) -> Tensor:
        """As `Stem` says."""
        return self._packed.tokens(pixels)

    def begin(self, tokens: Tensor, without: int) -> Tensor:
        """As `Stem` says."""
        return self._packed.blocks.begin(tokens, without).float()

    def attentions(self, tokens: Tensor) -> list[Tensor]:
        """As `Stem` says."""
        return self._packed.blocks.attentions(tokens)

    def read(self, tokens: Tensor) -> Tensor:
        """As `Stem` says."""
        return self._packed.read(tokens)


class ModuleStem:
    """open_clip's VisionTransformer, on any device."""

    def __init__(self, visual: Any, preprocessing: Preprocessing) -> None:  # noqa: ANN401
        self._visual, self._preprocessing = visual, preprocessing
        rows, columns = visual.grid_size
        self.grid = (int(rows), int(columns))
        self.ending = VisionEnding.of(visual)

    def tokens(self, pixels: Tensor) -> Tensor:
        """As `Stem` says."""
        weight = self._visual.conv1.weight
        images = self._preprocessing.normalise(pixels.to(weight.device)).to(weight.dtype)
        embedded: Tensor = self._visual._embeds(images)
        return embedded

    def begin(self, tokens: Tensor, without: int) -> Tensor:
        """As `Stem` says."""
        blocks = self._visual.transformer.resblocks
        for block in blocks[: max(0, len(blocks) - without)]:
            tokens = block(tokens)
        return tokens.float()

    def attentions(self, tokens: Tensor) -> list[Tensor]:
        """As `Stem` says."""
        found = []
        for block in self._visual.transformer.resblocks:
            tokens, weights = attend(block, tokens)
            found.append(weights.float().mean(dim=1))
        return found

    def read(self, tokens: Tensor) -> Tensor:
        """As `Stem` says."""
        out = self._visual.transformer(tokens)[:, 0]  # (N, Wv)
        joint: Tensor = self._visual.ln_post(out) @ self._visual.proj
        return joint.float()


def attend(block: Any, tokens: Tensor, presence: Tensor | None = None) -> tuple[Tensor, Tensor]:  # noqa: ANN401
    """One block of open_clip's whose attention can be seen.

    Args:
        block: a residual attention block.
        tokens: (N, L, Wv).
        presence: (N, L) how much there is of each token to be read, 1 for all of it; None: 1 everywhere.

    Returns:
        Tokens (N, L, Wv) and attention (N, heads, L, L).

    """
    N, L, Wv = tokens.shape
    heads = block.attn.num_heads
    fused = functional.linear(block.ln_1(tokens), block.attn.in_proj_weight, block.attn.in_proj_bias)
    q, k, v = fused.view(N, L, 3, heads, Wv // heads).permute(2, 0, 3, 1, 4)  # each (N, heads, L, d)
    logits = q @ k.transpose(-1, -2) * (Wv // heads) ** -0.5  # (N, heads, L, L)
    if presence is not None:
        logits = logits + presence.log()[:, None, None, :]
    weights = torch.softmax(logits, dim=-1)
    mixed = block.attn.out_proj((weights @ v).transpose(1, 2).reshape(N, L, Wv))
    tokens = tokens + block.ls_1(mixed)
    return tokens + block.ls_2(block.mlp(block.ln_2(tokens))), weights
