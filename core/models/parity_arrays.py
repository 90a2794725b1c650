"""How each array of a golden folder is made from our own modules. Used by `parity` alone.

Names are those of the folders' READMEs: blocks (`vis_block3`, `txt_block0`, `temporal_block1`), embeddings,
pooling steps, X-CLIP's stages, and the training side (losses and gradients of CLIP4Clip, X-CLIP and the
TeachCLIP student).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.clip4clip import Clip4Clip, unit
from core.models.teachclip import TeachClip
from core.models.xclip import Granularities, XClip

GRADIENT_LOSS = "distill_pear_ce_b1_t1_loss"
"""The variant that the folders' gradients belong to: TeachCLIP's shipped configuration."""

_VARIANT = re.compile(r"distill_(pear|ce|l1)_(ce|pear|l1)_b([\d.]+)_t(\d+)_(loss|gt|distill|fine)")

Maker = Callable[[], Tensor]


@dataclass(frozen=True)
class Inputs:
    """One golden batch."""

    ids: Tensor  # (N, W) int64
    video: Tensor  # (V, T, 3, H, W) normalised float32
    mask: Tensor  # (V, T), 1 for real frames


def arrays_of(
    module: Clip4Clip, inputs: Inputs, golden: Mapping[str, np.ndarray[Any, Any]], names: Sequence[str]
) -> Callable[[str], Maker | None]:
    """A function from an array's name to what makes it, or None where nothing does."""
    run = _Run(module, inputs)
    fixed = {**_tower_arrays(run), **_pooling_arrays(run)}
    if isinstance(module, TeachClip):
        fixed |= _student_arrays(run)
    if isinstance(module, XClip):
        fixed |= _xclip_arrays(run)
    if "train_text_index" in golden:
        teachers = _teachers(golden)
        training = _Training(run, torch.from_numpy(golden["train_text_index"]).long(), teachers)
        fixed |= _training_arrays(training)
        if isinstance(module, TeachClip):
            known = {f"grad:{name}" for name, _ in module.named_parameters()}
            fixed |= {name: partial(training.term, name) for name in names if _VARIANT.fullmatch(name)}
            fixed |= {name: partial(training.gradient, name) for name in known.intersection(names)}
    return fixed.get


class _Run:
    """The forward passes, each done once and only when asked for."""

    def __init__(self, module: Clip4Clip, inputs: Inputs) -> None:
        assert module.clip is not None
        self.module, self.clip, self.inputs = module, module.clip, inputs

    @cached_property
    def frames(self) -> Tensor:
        """(V, T, D) raw frame vectors."""
        return self.encode_frames()

    def encode_frames(self) -> Tensor:
        video = self.inputs.video
        return self.clip.encode_image(video.flatten(0, 1)).view(*video.shape[:2], -1)

    @cached_property
    def text(self) -> tuple[Tensor, Tensor]:
        """(N, D) sentences and (N, W, D) words, raw."""
        return self.clip.encode_text(self.inputs.ids)

    @cached_property
    def temporal(self) -> Tensor:
        """(V, T, D) after the header."""
        return self.module.temporal(self.frames, self.inputs.mask)

    @cached_property
    def scale(self) -> Tensor:
        return self.clip.logit_scale.exp()

    @cached_property
    def sim(self) -> Tensor:
        """(N, V) the model's own similarity."""
        return similarity(self.module, *self.text, self.frames, self.inputs.mask)

    @cached_property
    def granularities(self) -> Granularities:
        assert isinstance(self.module, XClip)
        return _granularities(self.module, *self.text, self.frames, self.inputs.mask)

    def traced(self, layer: nn.Module, run: Callable[[], object]) -> Tensor:
        """The output of one layer while `run` runs."""
        kept: list[Tensor] = []
        handle = layer.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
        try:
            with torch.no_grad():
                run()
        finally:
            handle.remove()
        return kept[0]

    def traced_first(self, layer: nn.Module, run: Callable[[], object]) -> Tensor:
        """`traced`, of the batch's first entry."""
        return self.traced(layer, run)[0]


def similarity(module: Clip4Clip, sentences: Tensor, words: Tensor, frames: Tensor, mask: Tensor) -> Tensor:
    """(N, V) with the logit scale, as the published `get_similarity_logits` gives it."""
    if isinstance(module, XClip):
        assert module.clip is not None
        return module.clip.logit_scale.exp() * _granularities(module, sentences, words, frames, mask).score
    return module.similarity(sentences, module.pool(frames, mask).video)


def _granularities(
    module: XClip, sentences: Tensor, words: Tensor, frames: Tensor, mask: Tensor
) -> Granularities:
    video = module.pool(frames, mask).video
    return module.granularities(unit(sentences), unit(words), unit(frames), video)


def _tower_arrays(run: _Run) -> dict[str, Maker]:
    """Embeddings and the inside of the towers, for text 0 and for frame 0 of video 0."""
    first_frame, first_text = run.inputs.video[0, :1], run.inputs.ids[:1]

    def see() -> tuple[Tensor, Tensor]:
        return run.clip.encode_image(first_frame, return_patches=True)

    def hidden() -> Tensor:
        frame, patches = see()
        return torch.cat([frame[:, None], patches], dim=1)[0]

    visual, text = run.clip.visual, run.clip.transformer
    makers: dict[str, Maker] = {
        "sent_emb": lambda: run.text[0],
        "word_emb": lambda: run.text[1],
        "frame_emb": lambda: run.frames,
        "vis_hidden_frame0": hidden,
        "vis_ln_pre": lambda: run.traced_first(visual.ln_pre, see),
        "vis_ln_post": lambda: run.traced_first(visual.ln_post, see),
        "logit_scale_exp": lambda: run.scale,
        "sent_feat": lambda: unit(run.text[0]),
    }
    for prefix, blocks, call in (
        ("vis_block", visual.transformer.resblocks, see),
        ("txt_block", text.resblocks, lambda: run.clip.encode_text(first_text)),
    ):
        for number, block in enumerate(blocks):
            makers[f"{prefix}{number}"] = partial(run.traced_first, block, call)
    return makers


def _pooling_arrays(run: _Run) -> dict[str, Maker]:
    """From frame vectors to the video vector and the similarity."""
    mask = run.inputs.mask

    def mean_raw() -> Tensor:
        share = mask.float() / mask.sum(dim=1, keepdim=True)
        return (unit(run.temporal) * share.unsqueeze(-1)).sum(dim=1)

    makers: dict[str, Maker] = {
        "frame_emb_temporal": lambda: run.temporal,
        "frame_feat_norm": lambda: unit(run.temporal),
        "video_mean_raw": mean_raw,
        "video_feat": lambda: run.module.pool(run.frames, mask).video,
        "sim": lambda: run.sim,
        "sim_eval_epoch": lambda: run.sim,
    }
    if (transformer := run.module.transformerClip) is not None:

        def temporal() -> Tensor:
            return run.module.temporal(run.frames, mask)

        makers["temporal_out"] = lambda: run.traced(transformer, temporal)
        for number, block in enumerate(transformer.resblocks):
            makers[f"temporal_block{number}"] = partial(run.traced, block, temporal)
    return makers


def _student_arrays(run: _Run) -> dict[str, Maker]:
    """TeachCLIP's frame aggregation."""
    module, mask = run.module, run.inputs.mask
    assert isinstance(module, TeachClip)

    def pooled() -> Tensor:
        weights = module.attentive_pool(run.temporal, mask).weights
        return (weights.unsqueeze(-1) * unit(run.temporal)).sum(dim=1)

    def mean_video() -> Tensor:
        return module.mean_pool(run.temporal, mask).video

    return {
        "video_feat_mean": mean_video,
        "afa_logit": lambda: module.frame_logits(run.temporal, mask),
        "afa_weight_t1": lambda: module.frame_logits(run.temporal, mask).softmax(dim=-1),
        "afa_weight_t01": lambda: module.attentive_pool(run.temporal, mask).weights,
        "get_video_output": pooled,
        "sim_mean_pooled": lambda: module.similarity(run.text[0], mean_video()),
    }


def _xclip_arrays(run: _Run) -> dict[str, Maker]:
    """X-CLIP's four parts and the steps of the fine one."""
    return {
        "frame_feat_x": lambda: unit(run.frames),
        "word_feat": lambda: unit(run.text[1]),
        "video_sentence_logits": lambda: run.scale * run.granularities.video_sentence,
        "video_word_logits": lambda: run.scale * run.granularities.video_word,
        "sentence_frame_logits": lambda: run.scale * run.granularities.sentence_frame,
        "frame_word_logits": lambda: run.scale * run.granularities.frame_word,
        "fine_grained_sim_scores": lambda: run.granularities.fine.matrix,
        "word_level_logit": lambda: run.granularities.fine.word_level,
        "frame_level_logit": lambda: run.granularities.fine.frame_level,
        "sent2frame_logits": lambda: run.granularities.fine.sentence_to_frames,
        "video2word_logits": lambda: run.granularities.fine.video_to_words,
    }


def _teachers(golden: Mapping[str, np.ndarray[Any, Any]]) -> list[tuple[Tensor, Tensor]]:
    """The given (B, B) matrices and (B, T) frame labels, teacher 1 first."""
    found: list[tuple[Tensor, Tensor]] = []
    while (matrix := golden.get(f"teacher{len(found) + 1}_sim")) is not None:
        frames = golden[f"teacher{len(found) + 1}_frames"]
        found.append((torch.from_numpy(matrix).float(), torch.from_numpy(frames).float()))
    return found


class _Training:
    """The square batch of the folder: text `index[b]` with video b."""

    def __init__(self, run: _Run, index: Tensor, teachers: list[tuple[Tensor, Tensor]]) -> None:
        self.run, self.index, self.teachers = run, index, teachers

    @cached_property
    def sim(self) -> Tensor:
        """(B, B)."""
        return self.run.sim[self.index]

    def terms(self, sim: Tensor, weights: Tensor, name: str) -> Tensor:
        """One number of one loss variant, from its array's name."""
        from core.training.losses import Teaching, teachclip_loss  # models do not otherwise need training

        match = _VARIANT.fullmatch(name)
        assert match is not None
        coarse, fine, beta, count, term = match.groups()
        losses = teachclip_loss(
            sim,
            weights,
            [Teaching(*teacher) for teacher in self.teachers[: int(count)]],
            coarse=coarse,  # type: ignore[arg-type]
            fine=fine,  # type: ignore[arg-type]
            beta=float(beta),
        )
        parts = {"loss": losses.total, "gt": losses.contrast, "distill": losses.coarse, "fine": losses.fine}
        return parts[term]

    def frame_weights(self, temporal: Tensor) -> Tensor:
        """(B, T) at temperature 1, as the fine loss sees them."""
        assert isinstance(self.run.module, TeachClip)
        return self.run.module.frame_logits(temporal, self.run.inputs.mask).softmax(dim=-1)

    def term(self, name: str) -> Tensor:
        return self.terms(self.sim, self.frame_weights(self.run.temporal), name)

    @cached_property
    def gradients(self) -> dict[str, Tensor]:
        """Of the shipped configuration's total, before clipping; the forward pass is done anew."""
        run, module = self.run, self.run.module
        module.zero_grad()
        module.requires_grad_(True)
        sentences, words = run.clip.encode_text(run.inputs.ids[self.index])
        frames = run.encode_frames()
        sim = similarity(module, sentences, words, frames, run.inputs.mask)
        weights = self.frame_weights(module.temporal(frames, run.inputs.mask))
        self.terms(sim, weights, GRADIENT_LOSS).backward()  # type: ignore[no-untyped-call]
        return {name: p.grad for name, p in module.named_parameters() if p.grad is not None}

    def gradient(self, name: str) -> Tensor:
        return self.gradients[name.removeprefix("grad:")]

    def total_norm(self) -> Tensor:
        norms = torch.stack([gradient.norm() for gradient in self.gradients.values()])
        total: Tensor = torch.linalg.vector_norm(norms)
        return total


def _training_arrays(training: _Training) -> dict[str, Maker]:
    """Losses of CLIP4Clip and X-CLIP, and what the TeachCLIP teacher answers."""

    def cross_entropy(matrix: Tensor) -> Tensor:
        return functional.cross_entropy(matrix, torch.arange(len(matrix)))

    def labels() -> Tensor:
        from core.training.losses import frame_labels

        return frame_labels(training.run.text[0][training.index], training.run.frames)

    makers: dict[str, Maker] = {
        "train_sim": lambda: training.sim,
        "fwd_sim": lambda: training.sim,
        "sentence2frames": labels,
        "train_loss_t2v": lambda: cross_entropy(training.sim),
        "train_loss_v2t": lambda: cross_entropy(training.sim.T),
        "train_loss": lambda: (cross_entropy(training.sim) + cross_entropy(training.sim.T)) / 2,
    }
    if isinstance(training.run.module, TeachClip):
        makers["train_frameweight"] = lambda: training.frame_weights(training.run.temporal)
        makers["grad_total_norm"] = training.total_norm
    return makers
