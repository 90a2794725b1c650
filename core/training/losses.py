"""What training minimises: contrast, and TeachCLIP's two distillations. Called by the trainers only.

Every function takes plain tensors and returns a scalar, so that a teacher may be anything that gives a
(B, B) matrix and (B, F) frame labels. Rows are texts, columns are videos, the diagonal holds the pairs.

Sources: symmetric InfoNCE as in CLIP4Clip (Luo et al. 2021) and X-CLIP (Ma et al., MM'22); Pearson
relation matching and frame-weight distillation as in TeachCLIP (Tian et al., CVPR'24).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

CoarseMethod = Literal["pear", "ce", "l1"]
FineMethod = Literal["ce", "pear", "l1"]


def info_nce(logits: Tensor, ignore: Tensor | None = None) -> Tensor:
    """Symmetric InfoNCE: mean of text-to-video and video-to-text cross entropy.

    `logits` (B, B) float, temperature already applied. `ignore` (B, B) bool marks off-diagonal entries
    that are true matches too (the same caption twice in a batch): they are left out of both sums, so a
    right answer is never pushed away. The published losses have no such mask; None gives exactly them.
    """
    square(logits)
    if ignore is not None:
        keep_pair = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
        logits = logits.masked_fill(ignore & ~keep_pair, float("-inf"))  # (B, B)
    pairs = torch.arange(len(logits), device=logits.device)  # (B,)
    return (functional.cross_entropy(logits, pairs) + functional.cross_entropy(logits.T, pairs)) / 2


def pearson_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """1 - Pearson correlation of matching rows of (N, M), averaged; 0 if rows agree up to scale and shift."""
    student = student - student.mean(dim=-1, keepdim=True)
    teacher = teacher - teacher.mean(dim=-1, keepdim=True)
    return (1 - functional.cosine_similarity(student, teacher, dim=-1, eps=1e-8)).mean()


def coarse_distillation(student: Tensor, teacher: Tensor, method: CoarseMethod = "pear") -> Tensor:
    """How far the student's (B, B) matrix is from the teacher's; both carry their own logit scale.

    "pear": Pearson distance of the softmaxed rows plus that of the softmaxed columns.
    "ce":   cross entropy to the teacher's softmaxes, mean over all B*B entries (not over rows), both ways.
    "l1":   smooth L1 on the raw matrices.
    """
    square(student)
    if method == "l1":
        return functional.smooth_l1_loss(student, teacher)
    if method == "ce":
        return _matrix_cross_entropy(student, teacher) + _matrix_cross_entropy(student.T, teacher.T)
    rows = pearson_distance(student.softmax(-1), teacher.softmax(-1))
    columns = pearson_distance(student.T.softmax(-1), teacher.T.softmax(-1))
    return rows + columns


def _matrix_cross_entropy(student: Tensor, teacher: Tensor) -> Tensor:
    return -(teacher.softmax(-1) * student.log_softmax(-1)).mean()


def fine_distillation(weights: Tensor, labels: Tensor, method: FineMethod = "ce") -> Tensor:
    """How far the student's frame weights are from the teacher's labels for the matched pair.

    `weights` (B, F): softmax of the frame head at temperature 1 (pooling uses 0.1; as published).
    `labels` (B, F): rows sum to 1. "ce" is divided by B *and* F, as published.
    """
    if weights.shape != labels.shape:
        raise ValueError(
            f"frame weights {tuple(weights.shape)} and labels {tuple(labels.shape)} differ in shape"
        )
    if method == "l1":
        return functional.smooth_l1_loss(weights, labels)
    if method == "pear":
        return pearson_distance(weights, labels)
    tiny = torch.finfo(weights.dtype).tiny  # log 0 would make one masked frame poison the whole batch
    return -(labels * weights.clamp_min(tiny).log()).mean()


def frame_labels(
    sentence: Tensor, frames: Tensor, temperature: float = 1.0, mask: Tensor | None = None
) -> Tensor:
    """Teacher's soft frame labels (B, F): softmax over frames of cos(own sentence, frame).

    `sentence` (B, D) and `frames` (B, F, D) need not be unit; frames are those *before* the temporal
    transformer. The published code uses temperature 1 (nearly uniform labels); 0.1 teaches more.
    `mask` (B, F) bool, True = real frame; padded frames get 0.
    """
    cosines = torch.einsum(
        "bd,bfd->bf", functional.normalize(sentence, dim=-1), functional.normalize(frames, dim=-1)
    )  # (B, F)
    if mask is not None:
        cosines = cosines.masked_fill(~mask, float("-inf"))
    return (cosines / temperature).softmax(-1)


@dataclass(frozen=True)
class Teaching:
    """What one teacher says about a batch. `matrix` (B, B) its logits, `frames` (B, F) its frame labels."""

    matrix: Tensor
    frames: Tensor


@dataclass(frozen=True)
class StudentLosses:
    """The total and its three parts, each a scalar tensor (parts before their weights)."""

    total: Tensor
    contrast: Tensor
    coarse: Tensor
    fine: Tensor

    def numbers(self) -> dict[str, float]:
        """Plain floats, for the log."""
        return {name: float(getattr(self, name).detach()) for name in ("total", "contrast", "coarse", "fine")}


def teachclip_loss(
    logits: Tensor,
    weights: Tensor,
    teachers: Sequence[Teaching],
    *,
    coarse: CoarseMethod = "pear",
    fine: FineMethod = "ce",
    beta: float = 1.0,
    ignore: Tensor | None = None,
) -> StudentLosses:
    """TeachCLIP's loss: 0.2 contrast + 1.0 coarse + 2.0 fine; with coarse "ce": contrast + 10 coarse + fine.

    `logits` (B, B) and `weights` (B, F) are the student's; several teachers are averaged; `beta` divides the
    student's and the teachers' matrices. No teacher at all gives the plain contrastive student.
    """
    contrast = info_nce(logits / beta, ignore)
    if not teachers:
        zero = contrast.new_zeros(())
        return StudentLosses(contrast, contrast, zero, zero)
    k = len(teachers)
    coarse_term = (
        sum(
            (coarse_distillation(logits / beta, t.matrix / beta, coarse) for t in teachers),
            logits.new_zeros(()),
        )
        / k
    )
    fine_term = sum((fine_distillation(weights, t.frames, fine) for t in teachers), logits.new_zeros(())) / k
    w_contrast, w_coarse, w_fine = (1.0, 10.0, 1.0) if coarse == "ce" else (0.2, 1.0, 2.0)
    total = w_contrast * contrast + w_coarse * coarse_term + w_fine * fine_term
    return StudentLosses(total, contrast, coarse_term, fine_term)


def square(matrix: Tensor) -> None:
    """Refuse anything but a (B, B) matrix: a transposed or cut batch would train quietly on wrong pairs."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] == 0:
        raise ValueError(f"a similarity matrix must be square and not empty, got {tuple(matrix.shape)}")


def query_nce(logits: Tensor, relevant: Tensor) -> Tensor:
    """Contrast of queries that fit several videos: each right one against all wrong ones, never against a right one.

    `logits` (Q, V) with temperature applied; `relevant` (Q, V) bool, at least one True a row.
    """
    wrong = logits.masked_fill(relevant, float("-inf")).logsumexp(dim=-1, keepdim=True)  # (Q, 1)
    each = functional.softplus(wrong - logits)  # (Q, V): -log(e^s / (e^s + sum of wrong))
    return ((each * relevant).sum(dim=-1) / relevant.sum(dim=-1)).mean()


def presence(cosines: Tensor, scale: Tensor, bias: Tensor, present: Tensor, weight: Tensor) -> Tensor:
    """Is each of P things there? Sigmoid loss summed over things, mean over places (SigLIP, Zhai et al. 2023).

    `cosines` (..., P) of places with things' names, `scale` () log, `bias` (P,), `present` (..., P) bool;
    `weight` (P,) multiplies the positives of each thing: rare ones would otherwise never be learned.
    """
    logits = cosines * scale.exp() + bias
    loss = functional.binary_cross_entropy_with_logits(
        logits, present.to(logits.dtype), pos_weight=weight, reduction="none"
    )
    return loss.sum(dim=-1).mean()
