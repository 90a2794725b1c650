"""TeachCLIP's student (Tian et al., CVPR 2024): CLIP4Clip whose mean is weighted by what each frame says.

Attentive frame-feature aggregation (AFA): a two-layer head gives each frame a logit; the softmax at
temperature 0.1 weighs the unit frames. At temperature 1 the same logits meet the teacher's frame labels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.models.backbone import Backbone
from core.models.clip4clip import Clip4Clip, Pooled, unit

POOLING_TEMPERATURE = 0.1


class TeachClip(Clip4Clip):
    """Student. `mask_frames` False is faithful to published weights: padding takes part in the softmax."""

    def __init__(
        self,
        clip: Backbone | None,
        *,
        width: int,
        temporal_layers: int = 4,
        positions: int = 77,
        heads: int | None = None,
        mask_frames: bool = False,
    ) -> None:
        super().__init__(clip, width=width, temporal_layers=temporal_layers, positions=positions, heads=heads)
        self.mask_frames = mask_frames
        self.frameLinear = nn.Linear(width, width)
        self.frameLinear2 = nn.Linear(width, 1)
        for linear in (self.frameLinear, self.frameLinear2):
            nn.init.normal_(linear.weight, std=0.02)
            nn.init.zeros_(linear.bias)

    def frame_logits(self, frames: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, F) raw logits of temporal frames (B, F, D); -inf on padding only with `mask_frames`."""
        logits: Tensor = self.frameLinear2(self.frameLinear(frames).relu()).squeeze(-1)  # (B, F)
        if mask is not None and self.mask_frames:
            logits = logits.masked_fill(mask == 0, float("-inf"))
        return logits

    def attentive_pool(self, frames: Tensor, mask: Tensor | None = None) -> Pooled:
        """AFA over temporal frames (B, F, D)."""
        weights = torch.softmax(self.frame_logits(frames, mask).float() / POOLING_TEMPERATURE, dim=-1)
        video = (weights.unsqueeze(-1) * unit(frames)).sum(dim=1)  # (B, D)
        return Pooled(unit(video), weights)

    def pool(self, frames: Tensor, mask: Tensor | None = None) -> Pooled:
        """Raw frame vectors (B, F, D) to one unit vector per video."""
        return self.attentive_pool(self.temporal(frames, mask), mask)
