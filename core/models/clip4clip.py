"""CLIP4Clip (Luo et al., 2022): a video is the mean of its frame vectors, after one of three headers.

`meanP` takes the frames as they are; `seqTransf` adds a temporal transformer over frames plus position
rows, with the original frames as a residual; `seqLSTM` does the same with one LSTM layer. Frames are made
unit length before the mean and the mean again after it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.backbone import Backbone
from core.models.temporal import TemporalTransformer

Header = Literal["meanP", "seqTransf", "seqLSTM"]


class Pooled(NamedTuple):
    """One vector per video and the share each frame has in it."""

    video: Tensor  # (B, D) unit
    weights: Tensor  # (B, F), sum 1


def unit(x: Tensor) -> Tensor:
    """L2-normalised along the last axis, without an epsilon, as the published code does it."""
    length: Tensor = x.norm(dim=-1, keepdim=True)
    return x / length


class Clip4Clip(nn.Module):
    """Header and pooling; the towers are `clip`, or None where another module owns them."""

    def __init__(
        self,
        clip: Backbone | None,
        *,
        width: int,
        header: Header = "seqTransf",
        temporal_layers: int = 4,
        positions: int = 77,
        heads: int | None = None,
        unit_frames: bool = True,
    ) -> None:
        super().__init__()
        self.clip = clip
        self.frame_length = 0.0  # above 0: every frame is brought to this length first
        self.unit_frames = unit_frames  # mmaction2's re-implementation averages frames as they are
        self.header: Header = header
        self.width = width
        self.transformerClip: TemporalTransformer | None = None
        if header != "meanP":
            self.frame_position_embeddings = nn.Embedding(positions, width)
            nn.init.normal_(self.frame_position_embeddings.weight, std=0.02)
        if header == "seqTransf":
            heads = heads or max(1, width // 64)
            self.transformerClip = TemporalTransformer(width, temporal_layers, heads)
        elif header == "seqLSTM":
            self.lstm_visual = nn.LSTM(width, width, batch_first=True)

    def start_from_text_tower(self, clip: Backbone) -> None:
        """The papers' initialisation: position rows and the first layers are copies of the text tower's."""
        if self.header == "meanP" or clip.dims.text_width != self.width:
            return
        rows = min(len(self.frame_position_embeddings.weight), clip.dims.context)
        with torch.no_grad():
            self.frame_position_embeddings.weight[:rows] = clip.positional_embedding[:rows]
        if self.transformerClip is not None:
            for ours, theirs in zip(self.transformerClip.resblocks, clip.transformer.resblocks, strict=False):
                ours.load_state_dict(theirs.state_dict())

    def temporal(self, frames: Tensor, mask: Tensor | None = None) -> Tensor:
        """The header's frames, not normalised.

        Args:
            frames: (B, F, D) raw frame vectors; heads that were trained on a library's unit vectors take those,
                because `frame_length` then says how long a frame should be.
            mask: (B, F), 1 for real frames; None when all are.

        """
        if self.frame_length > 0:
            frames = unit(frames) * self.frame_length
        if self.header == "meanP":
            return frames
        if self.transformerClip is not None:
            rows = self.frame_position_embeddings.weight[: frames.shape[1]]  # (F, D)
            moved: Tensor = self.transformerClip(frames + rows, mask)  # (B, F, D)
            return moved + frames
        # A one-way LSTM never looks ahead, so padding after the real frames cannot change them: no packing.
        read: Tensor = self.lstm_visual(frames)[0]  # (B, F, D)
        return read + frames

    def mean_pool(self, frames: Tensor, mask: Tensor | None = None) -> Pooled:
        """Masked mean of unit frames, made unit again. `frames` (B, F, D) come from `temporal`."""
        share = torch.ones(frames.shape[:2], device=frames.device) if mask is None else mask.float()
        share = share / share.sum(dim=1, keepdim=True)  # (B, F)
        frames = unit(frames) if self.unit_frames else frames
        mean = (frames * share.unsqueeze(-1)).sum(dim=1)  # (B, D)
        return Pooled(unit(mean), share)

    def pool(self, frames: Tensor, mask: Tensor | None = None) -> Pooled:
        """Raw frame vectors (B, F, D) to one unit vector per video."""
        return self.mean_pool(self.temporal(frames, mask), mask)

    def similarity(self, sentences: Tensor, videos: Tensor) -> Tensor:
        """Scaled cosines (N, V) of raw sentence vectors (N, D) and unit video vectors (V, D)."""
        assert self.clip is not None, "the scale belongs to the towers"
        return self.clip.logit_scale.exp() * (functional.normalize(sentences, dim=-1) @ videos.T)
