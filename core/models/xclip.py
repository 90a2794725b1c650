"""X-CLIP (Ma et al., ACM MM 2022): one similarity from four granularities, used as the reranker.

video-sentence, video-word, sentence-frame and frame-word; each many-valued one is reduced by attention over
its similarity matrix (AOSM): softmax at temperature 0.01, right-multiplied by a learned square matrix, then a
weighted sum. Frames are CLIP's own, before the temporal module; only the video vector has seen it.

Published weights were trained with padding words and frames taking part, so without masks they do here too.
Our own training gives masks: padding then has no attention and no similarity.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from core.models.backbone import Backbone
from core.models.clip4clip import Clip4Clip, Header

TEMPERATURE = 0.01


class FineScores(NamedTuple):
    """The frame-word part with its steps: N texts, W words, V videos, F frames."""

    matrix: Tensor  # (N, W, V, F) word x frame similarities
    word_level: Tensor  # (N, V, F) words attended away: how well each frame answers the sentence's words
    frame_level: Tensor  # (N, W, V) frames attended away: how well each word is shown
    sentence_to_frames: Tensor  # (N, V)
    video_to_words: Tensor  # (N, V)


class Granularities(NamedTuple):
    """The four parts, cosines without the logit scale; the similarity is their mean."""

    video_sentence: Tensor  # (N, V)
    video_word: Tensor  # (N, V)
    sentence_frame: Tensor  # (N, V)
    frame_word: Tensor  # (N, V)
    fine: FineScores

    @property
    def score(self) -> Tensor:
        """(N, V) mean of the four parts."""
        return (self.video_sentence + self.video_word + self.sentence_frame + self.frame_word) / 4


def attention(scores: Tensor, dim: int, matrix: Tensor, mask: Tensor | None = None) -> Tensor:
    """How much each entry counts when an axis is attended away: softmax(x / 0.01) times the matrix.

    The weights have the shape of `scores`. A learned matrix may make them negative or sum to something but 1.

    Args:
        scores: similarities of any shape.
        dim: the axis that is attended away, of length n.
        matrix: (>=n, >=n) learned mixing; its first n rows and columns are used.
        mask: broadcastable to scores, False where an entry is padding.

    """
    n = scores.shape[dim]
    sharp = scores.float() / TEMPERATURE
    if mask is not None:
        sharp = sharp.masked_fill(~mask, float("-inf"))
    weights = sharp.softmax(dim=dim).movedim(dim, -1) @ matrix[:n, :n].float()
    return weights.movedim(-1, dim)


def attend(scores: Tensor, dim: int, matrix: Tensor, mask: Tensor | None = None) -> Tensor:
    """Attention over a similarity's own axis: the sum of its entries, weighted by `attention`, padding zero."""
    weights = attention(scores, dim, matrix, mask)
    if mask is not None:
        scores = scores.masked_fill(~mask, 0.0)
    return (weights * scores).sum(dim=dim)


class XClip(Clip4Clip):
    """Reranker: header, four-granularity similarity and its eight matrices."""

    def __init__(
        self,
        clip: Backbone | None,
        *,
        width: int,
        words: int,
        frames: int,
        header: Header = "seqTransf",
        temporal_layers: int = 4,
        positions: int = 77,
        heads: int | None = None,
    ) -> None:
        super().__init__(
            clip,
            width=width,
            header=header,
            temporal_layers=temporal_layers,
            positions=positions,
            heads=heads,
        )
        self.words, self.frames = words, frames
        self.global_mat_weight = nn.Parameter(torch.eye(width))
        self.local_mat_weight = nn.Parameter(torch.eye(width))
        self.word_logit_weight = nn.Parameter(torch.eye(words))
        self.frame_logit_weight = nn.Parameter(torch.eye(frames))
        self.word_mat_weight = nn.Parameter(torch.eye(words))
        self.frame_mat_weight = nn.Parameter(torch.eye(frames))
        self.word_mat_weight2 = nn.Parameter(torch.eye(words))
        self.frame_mat_weight2 = nn.Parameter(torch.eye(frames))

    def granularities(
        self,
        sentence: Tensor,
        words: Tensor,
        frames: Tensor,
        video: Tensor,
        word_mask: Tensor | None = None,
        frame_mask: Tensor | None = None,
    ) -> Granularities:
        """The four similarities of every text with every video.

        Args:
            sentence: (N, D) unit.
            words: (N, W, D) unit.
            frames: (V, F, D) unit, raw CLIP frames.
            video: (V, D) unit, from `pool`.
            word_mask: (N, W) bool, True for real words; None: all positions take part (published weights).
            frame_mask: (V, F) bool, likewise.

        """
        word_axis = None if word_mask is None else word_mask[:, :, None].bool()  # (N, W, 1)
        frame_axis = None if frame_mask is None else frame_mask[None].bool()  # (1, V, F)
        by_video = words @ video.T  # (N, W, V)
        by_frame = torch.einsum("nd,vfd->nvf", sentence, frames)  # (N, V, F)
        fine = self._fine(words, frames, word_axis, frame_axis)
        return Granularities(
            video_sentence=(sentence @ self.global_mat_weight) @ video.T,
            video_word=attend(by_video, 1, self.word_logit_weight, word_axis),
            sentence_frame=attend(by_frame, 2, self.frame_logit_weight, frame_axis),
            frame_word=fine.sentence_to_frames / 2 + fine.video_to_words / 2,
            fine=fine,
        )

    def _fine(
        self, words: Tensor, frames: Tensor, word_axis: Tensor | None, frame_axis: Tensor | None
    ) -> FineScores:
        """Frame-word: once words then frames, once frames then words."""
        matrix = torch.einsum("nwd,vfd->nwvf", words @ self.local_mat_weight, frames)  # (N, W, V, F)
        over_words = None if word_axis is None else word_axis[..., None]  # (N, W, 1, 1)
        over_frames = None if frame_axis is None else frame_axis[:, None]  # (1, 1, V, F)
        word_level = attend(matrix, 1, self.word_mat_weight, over_words)  # (N, V, F)
        frame_level = attend(matrix, 3, self.frame_mat_weight, over_frames)  # (N, W, V)
        return FineScores(
            matrix=matrix,
            word_level=word_level,
            frame_level=frame_level,
            sentence_to_frames=attend(word_level, 2, self.frame_mat_weight2, frame_axis),
            video_to_words=attend(frame_level, 1, self.word_mat_weight2, word_axis),
        )
