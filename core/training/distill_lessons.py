"""What distillation learns and how it is measured: batches of clips with captions, teacher, student, val figures.

The teacher is X-CLIP (Ma et al., 2022), the student TeachCLIP's (Tian et al., 2024): temporal transformer and frame
aggregation. Pads are masked. With frozen towers both are the frozen-backbone variants of the published models.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.evaluate.metrics import RANK_METRICS, Outcomes, outcome, summarise
from core.models.bundle import ModelBundle
from core.models.clip4clip import Clip4Clip
from core.models.teachclip import TeachClip
from core.models.temporal import Block
from core.models.xclip import XClip
from core.training.captioned import SPLITS, Captioned, Split
from core.training.distill_loop import autocast
from core.training.distill_rows import TextBatch
from core.training.distill_towers import AnyTower
from core.training.losses import Teaching, frame_labels, info_nce, teachclip_loss

FRESH_LAYERS: Final = 2
"""Temporal blocks of heads that begin anew: half of the papers', which trained on ten thousand videos."""
CHUNK: Final = 64
"""Captions that meet all clips at once."""
CLIP_CHUNK: Final = 512


@dataclass(frozen=True)
class Side:
    """One split by numbers: its clips, its captions, and the clips (by number) that each caption describes."""

    clips: tuple[int, ...]
    texts: tuple[int, ...]
    relevant: tuple[frozenset[int], ...]


class Lessons:
    """Captions and clips as numbers from 0; the same sentence is one caption, whichever splits it occurs in."""

    def __init__(self, captioned: Captioned, batch: int, seed: int, most_val: int, most_test: int) -> None:
        self.clip_ids = [clip for name in SPLITS for clip in captioned.parts[name].clips]
        number = {clip: at for at, clip in enumerate(self.clip_ids)}
        texts: dict[str, int] = {}
        most = {"train": None, "val": most_val, "test": most_test}
        self.sides: dict[Split, Side] = {}
        for name in SPLITS:
            part = captioned.parts[name]
            chosen = _some(len(part.texts), most[name], seed)
            self.sides[name] = Side(
                tuple(number[clip] for clip in part.clips),
                tuple(texts.setdefault(part.texts[at], len(texts)) for at in chosen),
                tuple(frozenset(number[clip] for clip in part.relevant[at]) for at in chosen),
            )
        self.texts = list(texts)
        train = self.sides["train"]
        self._describes = dict(zip(train.texts, train.relevant, strict=True))
        self._captions: dict[int, list[int]] = {}
        for text, clips in self._describes.items():
            for clip in sorted(clips):
                self._captions.setdefault(clip, []).append(text)
        self._learned_from = sorted(self._captions)
        self._batch, self._seed = min(batch, len(self._learned_from)), seed

    @property
    def steps_per_epoch(self) -> int:
        """Batches until every captioned clip was seen once."""
        return max(1, len(self._learned_from) // self._batch)

    def batch(self, step: int) -> tuple[list[int], list[int], Tensor]:
        """Clips (B), one caption of each (B), and which pairs are right, (B, B) bool with captions as rows.

        Each epoch is one shuffle; a batch never holds a clip twice.
        """
        epoch, place = divmod(step, self.steps_per_epoch)
        order = list(self._learned_from)
        random.Random(f"{self._seed}/{epoch}").shuffle(order)
        clips = order[place * self._batch : (place + 1) * self._batch]
        rng = random.Random(f"{self._seed}/{step}/captions")
        rows = [rng.choice(self._captions[clip]) for clip in clips]
        right = [[clip in self._describes[row] for clip in clips] for row in rows]
        return clips, rows, torch.tensor(right)


def _some(count: int, most: int | None, seed: int) -> list[int]:
    """All numbers below `count`, or `most` of them, chosen once and in order."""
    if most is None or count <= most:
        return list(range(count))
    return sorted(random.Random(f"{seed}/some").sample(range(count), most))


# --- heads --------------------------------------------------------------------------------------------


def new_teacher(base: ModelBundle, words: int, frame_length: float, seed: int) -> XClip:
    """X-CLIP's heads: from the base's where those were trained, else such that they begin as its zero-shot."""
    start = base.reranker
    fresh = start.transformerClip is None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = XClip(
            None,
            width=start.width,
            words=words,
            frames=start.frames,
            temporal_layers=FRESH_LAYERS if fresh else _layers(start),
            positions=77 if fresh else len(start.frame_position_embeddings.weight),
            heads=None if fresh else _attention_heads(start),
        )
    made.frame_length = frame_length
    _begin(made, start, fresh)
    return made


def new_student(base: ModelBundle, teacher: XClip | None, frame_length: float, seed: int) -> TeachClip:
    """TeachCLIP's student: from the base's first stage where that was trained, else from `teacher`'s video vector.

    `teacher` is one on the same frames, or None: then a new student begins as the base's zero-shot mean. A new
    frame head says the same of every frame at first, so that nothing but the temporal blocks decides.
    """
    trained = base.student.transformerClip is not None and len(base.towers) == 1
    start = base.student if trained else teacher or base.reranker
    fresh = start.transformerClip is None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = TeachClip(
            None,
            width=start.width,
            temporal_layers=FRESH_LAYERS if fresh else _layers(start),
            positions=77 if fresh else len(start.frame_position_embeddings.weight),
            heads=None if fresh else _attention_heads(start),
            mask_frames=True,
        )
    nn.init.zeros_(made.frameLinear2.weight)
    made.frame_length = frame_length
    _begin(made, start, fresh)
    return made


def _begin(made: Clip4Clip, start: Clip4Clip, fresh: bool) -> None:
    """Takes over what fits; a fresh temporal transformer begins as the identity, which no caption has to teach it."""
    own = made.state_dict()
    theirs = start.state_dict()
    made.load_state_dict(
        {
            name: theirs[name] if name in theirs and theirs[name].shape == v.shape else v
            for name, v in own.items()
        }
    )
    if fresh and made.transformerClip is not None:
        nn.init.zeros_(made.frame_position_embeddings.weight)
        for block in made.transformerClip.resblocks:
            assert isinstance(block, Block)
            last = block.mlp[-1]
            assert isinstance(last, nn.Linear)
            for linear in (block.attn.out_proj, last):
                nn.init.zeros_(linear.weight)
                nn.init.zeros_(linear.bias)


def _layers(heads: Clip4Clip) -> int:
    assert heads.transformerClip is not None
    return len(heads.transformerClip.resblocks)


def _attention_heads(heads: Clip4Clip) -> int:
    assert heads.transformerClip is not None
    first = heads.transformerClip.resblocks[0]
    assert isinstance(first, Block)
    return first.attn.num_heads


# --- teacher ------------------------------------------------------------------------------------------


class Learner(nn.Module):
    """Heads, the towers below them (whose opened part learns too) and the logit scale."""

    log_scale: nn.Parameter

    def __init__(self, heads: Clip4Clip, tower: AnyTower, log_scale: float, device: torch.device) -> None:
        super().__init__()
        self.heads = heads.to(device).requires_grad_(True)
        self.tower = tower
        self.log_scale = nn.Parameter(torch.tensor(log_scale, device=device))
        self._device = device

    def video(self, clips: Sequence[int], frames: Tensor) -> Tensor:
        """Video vectors (B, D) of the clips with these numbers, whose frames are (B, F, D)."""
        return self.heads.pool(frames).video

    @torch.no_grad()
    def videos(self, clips: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Video vectors (V, D) and unit frames (V, F, D) of many clips, for measuring."""
        parts = []
        for at in range(0, len(clips), CHUNK):
            frames = self.tower.frames(clips[at : at + CHUNK])
            parts.append((self.video(clips[at : at + CHUNK], frames), functional.normalize(frames, dim=-1)))
        return torch.cat([video for video, _ in parts]), torch.cat([frames for _, frames in parts])


class Teacher(Learner):
    """X-CLIP over a tower. `known` (rows, D) are its video vectors where another program made them already."""

    heads: XClip

    def __init__(
        self,
        heads: XClip,
        tower: AnyTower,
        log_scale: float,
        device: torch.device,
        known: Any = None,  # noqa: ANN401 - any array
        rows: Sequence[int] = (),
    ) -> None:
        super().__init__(heads, tower, log_scale, device)
        self._known, self._rows = known, np.asarray(rows, np.int64)

    def video(self, clips: Sequence[int], frames: Tensor) -> Tensor:
        """Video vectors (B, D) of the clips with these numbers."""
        if self._known is None:
            return self.heads.pool(frames).video
        return torch.from_numpy(np.asarray(self._known[self._rows[list(clips)]], np.float32)).to(self._device)

    def logits(self, texts: TextBatch, video: Tensor, frames: Tensor) -> Tensor:
        """(N, V) with the scale."""
        return scores_of(self.heads, texts, video, frames) * self.log_scale.exp()

    def loss(
        self, clips: Sequence[int], rows: Sequence[int], right: Tensor
    ) -> tuple[Tensor, dict[str, float]]:
        """X-CLIP's own: symmetric contrast on the mean of the four granularities."""
        with autocast(self._device):
            frames, texts = self.tower.frames(clips), self.tower.texts(rows)
            video = self.video(clips, frames)
            logits = self.logits(texts, video, functional.normalize(frames, dim=-1))
        loss = info_nce(logits.float(), right.to(self._device))
        return loss, {"loss": float(loss.detach())}

    @torch.no_grad()
    def scores(self, rows: Sequence[int], clips: Sequence[int]) -> Tensor:
        """Similarity without scale of many captions (N) with many clips (V), on the CPU."""
        video, frames = self.videos(clips)
        return all_scores(self.heads, self.tower, rows, video, frames)

    @torch.no_grad()
    def teach(self, rows: Sequence[int], clips: Sequence[int], temperature: float) -> Teaching:
        """Its logits (B, B) and frame labels (B, F) of a batch."""
        frames = self.tower.frames(clips)
        texts = self.tower.texts(rows)
        matrix = self.logits(texts, self.video(clips, frames), functional.normalize(frames, dim=-1))
        return Teaching(matrix.float(), frame_labels(texts.sentence, frames, temperature))


def scores_of(heads: XClip, texts: TextBatch, video: Tensor, frames: Tensor) -> Tensor:
    """X-CLIP's similarity (N, V) without scale."""
    return heads.granularities(texts.sentence, texts.words, frames, video, texts.mask).score


@torch.no_grad()
def all_scores(heads: XClip, tower: AnyTower, rows: Sequence[int], video: Tensor, frames: Tensor) -> Tensor:
    """The same for any number of captions and clips, in parts, on the CPU."""
    found = []
    for at in range(0, len(rows), CHUNK):
        texts = tower.texts(rows[at : at + CHUNK])
        parts = [
            scores_of(heads, texts, video[v : v + CLIP_CHUNK], frames[v : v + CLIP_CHUNK]).float().cpu()
            for v in range(0, len(video), CLIP_CHUNK)
        ]
        found.append(torch.cat(parts, dim=1))
    return torch.cat(found)


# --- student ------------------------------------------------------------------------------------------


class Student(Learner):
    """TeachCLIP's student over a tower."""

    heads: TeachClip

    def loss(
        self,
        clips: Sequence[int],
        rows: Sequence[int],
        right: Tensor,
        teachers: Sequence[Teaching],
    ) -> tuple[Tensor, dict[str, float]]:
        """TeachCLIP's three losses; all heads in float32, products in bfloat16 on CUDA."""
        with autocast(self._device):
            frames, texts = self.tower.frames(clips), self.tower.texts(rows)
            temporal = self.heads.temporal(frames)  # (B, F, D)
            video = self.heads.attentive_pool(temporal).video  # (B, D)
            weights = self.heads.frame_logits(temporal)  # (B, F)
            logits = self.log_scale.exp() * texts.sentence @ video.T  # (B, B)
        losses = teachclip_loss(
            logits.float(), weights.float().softmax(-1), teachers, ignore=right.to(self._device)
        )
        return losses.total, losses.numbers()

    @torch.no_grad()
    def scores(self, rows: Sequence[int], clips: Sequence[int]) -> Tensor:
        """Cosines of many captions (N) with many clips (V), on the CPU."""
        video, _ = self.videos(clips)
        sentences = [self.tower.texts(rows[at : at + CHUNK]).sentence for at in range(0, len(rows), CHUNK)]
        return (torch.cat(sentences) @ video.T).float().cpu()


# --- figures ------------------------------------------------------------------------------------------


def outcomes_of(scores: Tensor, side: Side) -> Outcomes:
    """Per-caption results of a similarity matrix (captions, clips) of one split."""
    column = {clip: at for at, clip in enumerate(side.clips)}
    rows = []
    for row, relevant in zip(scores.numpy(), side.relevant, strict=True):
        order = np.argsort(-row, kind="stable")
        ranked = row[order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        grades = {column[clip]: 1 for clip in relevant}
        rows.append(outcome(order.astype(np.int64), starts, grades, len(side.clips)))
    return Outcomes.stack(rows)


def figures_of(outcomes: Outcomes) -> dict[str, float]:
    """R@1, R@5, R@10, MdR, MnR and mAP, and the merit by which weights are chosen: mean recall plus mAP in percent.

    mAP moves when recalls of a small val set stand still.
    """
    found = {name: v.value for name, v in summarise(outcomes, (*RANK_METRICS, "mAP"), resamples=1).items()}
    recall = (found["R@1"] + found["R@5"] + found["R@10"]) / 3
    return {**found, "merit": recall + 100 * found["mAP"]}
