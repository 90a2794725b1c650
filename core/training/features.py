"""Vectors of whole clip sets, without gradients: what validation scores and what the student learns from."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from core.models.backbone import Backbone
from core.models.preprocess import Preprocessing
from core.models.xclip import XClip
from core.training.dataset import ClipSet
from core.training.lanes import Lanes
from core.training.texts import Texts
from core.training.vision import encode_visible


@torch.no_grad()
def encode_clips(clip: Backbone, clips: ClipSet, preprocessing: Preprocessing, lanes: Lanes) -> Tensor:
    """Raw frame vectors (N, F, D) of every clip."""
    N, F = clips.frames.shape[:2]

    def encode(images: Tensor, start: int) -> Tensor:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
            pixels = preprocessing.normalise(images.permute(0, 3, 1, 2))
            return encode_visible(clip, pixels)[:, 0]

    parts = [
        lanes.forward(encode, clips.frames[start : start + 64].flatten(0, 1)).features.detach()
        for start in range(0, N, 64)
    ]
    return torch.cat(parts).view(N, F, -1)


class TextVectors:
    """Sentence (N, D) and word (N, W, D) unit vectors with the mask (N, W), W the model's word limit."""

    def __init__(self, sentence: Tensor, words: Tensor, mask: Tensor) -> None:
        self.sentence, self.words, self.mask = sentence, words, mask

    def __len__(self) -> int:
        return len(self.sentence)

    def pick(self, rows: Tensor) -> TextVectors:
        """Some rows, cut to the longest of them."""
        mask = self.mask[rows]
        longest = int(mask.sum(dim=1).max())
        return TextVectors(self.sentence[rows], self.words[rows, :longest].float(), mask[:, :longest])


@torch.no_grad()
def encode_texts(clip: Backbone, texts: Texts, sentences: list[str]) -> TextVectors:
    """All sentences; word vectors are kept in bfloat16, they are many."""
    sentence, words, masks = [], [], []
    for start in range(0, len(sentences), 512):
        ids, mask = texts.batch(sentences[start : start + 512])
        with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
            whole, single = clip.encode_text(ids)
        missing = texts.words - ids.shape[1]
        sentence.append(functional.normalize(whole.float(), dim=-1))
        unit_words = functional.normalize(single.float(), dim=-1).bfloat16()
        words.append(functional.pad(unit_words, (0, 0, 0, missing)))
        masks.append(functional.pad(mask, (0, missing)))
    return TextVectors(torch.cat(sentence), torch.cat(words), torch.cat(masks))


@torch.no_grad()
def teacher_scores(teacher: XClip, texts: TextVectors, frames: Tensor, chunk: int = 64) -> Tensor:
    """X-CLIP's similarity without logit scale of all texts (N) with all clips' raw frames (V, F, D): (N, V)."""
    video = teacher.pool(frames).video  # (V, D)
    unit_frames = functional.normalize(frames, dim=-1)  # (V, F, D)
    rows = []
    for start in range(0, len(texts), chunk):
        part = texts.pick(torch.arange(start, min(start + chunk, len(texts))))
        rows.append(teacher.granularities(part.sentence, part.words, unit_frames, video, part.mask).score)
    return torch.cat(rows)
