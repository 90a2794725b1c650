"""The heatmap methods: from pictures and a direction to one number per patch. One table, one form for all.

agreement  patches that answer the query and that the score depends on: `patches`, cubed, times `removal`. The default.
patches    the patch tokens as the model ends with them, compared with the text; what drive-tiny was trained to have.
value      the value path of the last block, compared with the text (Zhou et al., MaskCLIP, ECCV 2022): plain CLIP's
           final patch tokens are known to point away from what they should show, their values are not.
removal    what the score would lose, to first order, if a patch could not be read (after Deiseroth et al., AtMan,
           NeurIPS 2023, which takes patches away one by one). In a tower that is too large to be opened whole, if
           its last blocks could not read it.
relevance  attention of the last blocks, weighted by the gradient of the score (Chefer et al., ICCV 2021).
rollout    attention multiplied through all blocks (Abnar & Zuidema, ACL 2020); it does not know the query, so it
           is what the others have to beat.
features   last feature map times the gradient of the score (Selvaraju et al., Grad-CAM, ICCV 2017): the one method
           for convolutional towers and for those that pool by attention.

`value` takes the answer to neutral prompts off and is smoothed by the spatial matrix G of MMI-TVR (ACM MM 2024):
neighbours and look-alikes speak together. Patch tokens that were trained to answer need neither (on the demo world
the neutral prompts cost `patches` a quarter of its hits, G another part). `python -m core.explain.truth` measures all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from core.errors import DrivescopeError, ErrorKind
from core.explain.targets import Target
from core.explain.vision import PatchVision, TrunkVision, Vision

Method = Literal["agreement", "patches", "value", "removal", "relevance", "rollout", "features"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)
DEFAULT_METHOD: Final[Method] = "agreement"
RELEVANCE_BLOCKS: Final = 2
"""Chefer et al. on CLIP: attention of earlier blocks says less and less about where in the picture something is."""
TIE_BREAK: Final = 0.01
NEAR_PATCHES: Final = 1.0
"""Sigma of the geometric half of G, in patches."""


def methods_of(vision: Vision) -> tuple[Method, ...]:
    """The methods that a tower allows, the default first."""
    if isinstance(vision, PatchVision):
        return (DEFAULT_METHOD, *(m for m in METHODS if m not in {DEFAULT_METHOD, "features"}))
    return ("features",)


def check_method(vision: Vision, name: str, title: str) -> Method:
    """The method called `name` ("": the default), or a sentence that says which ones the tower allows."""
    allowed = methods_of(vision)
    for method in allowed:
        if name in ("", method):
            return method
    if name in METHODS:
        sentence = f"The method '{name}' does not apply to {title}, whose tower is of another kind"
    else:
        sentence = f"There is no heatmap method called '{name}'"
    raise DrivescopeError(ErrorKind.BAD_INPUT, f"{sentence}: choose one of {', '.join(allowed)}.")


def relevance_of(vision: Vision, pixels: Tensor, target: Target, method: Method) -> Tensor:
    """What each cell brought to the score of its picture.

    Args:
        vision: of the tower that the target belongs to.
        pixels: (N, 3, h, w) uint8.
        target: what is asked for.
        method: one that `methods_of` allows.

    Returns:
        (N, rows, columns) float32 on the CPU, signed, without a scale of its own.

    """
    if isinstance(vision, PatchVision):
        flat = _OF_PATCHES[method](vision, pixels, target)
    else:
        assert isinstance(vision, TrunkVision)
        flat = by_features(vision, pixels, target)
    return flat.float().cpu().view(len(pixels), *vision.grid)


@torch.no_grad()
def by_patches(vision: PatchVision, pixels: Tensor, target: Target) -> Tensor:
    """Final patch tokens against the text: (N, P)."""
    tokens, _ = vision.finish(vision.entry(pixels, 1), 1)
    return functional.normalize(vision.to_joint(tokens[:, 1:]), dim=-1) @ target.direction.to(tokens)


@torch.no_grad()
def by_value(vision: PatchVision, pixels: Tensor, target: Target) -> Tensor:
    """The last block's values against the text: (N, P)."""
    z = functional.normalize(
        vision.to_joint(vision.values(vision.entry(pixels, 1))[:, 1:]), dim=-1
    )  # (N, P, D)
    answers = z @ (target.direction - target.neutral).to(z)  # (N, P)
    return torch.einsum("npq,nq->np", smoothing(z, vision.grid), answers)


def by_relevance(vision: PatchVision, pixels: Tensor, target: Target) -> Tensor:
    """Gradient-weighted attention from the class token to the patches through the last blocks: (N, P)."""
    with torch.enable_grad():
        entry = vision.entry(pixels, RELEVANCE_BLOCKS).requires_grad_(True)
        tokens, attentions = vision.finish(entry, RELEVANCE_BLOCKS)
        gradients = torch.autograd.grad(_score(vision.to_joint(tokens[:, 0]), target), attentions)
    N, _, L, _ = attentions[0].shape
    reached = torch.eye(L, device=tokens.device).expand(N, L, L)
    for weights, gradient in zip(attentions, gradients, strict=True):
        step = (weights.detach() * gradient).clamp(min=0).mean(dim=1)  # (N, L, L), mean over heads
        reached = reached + step @ reached
    return reached[:, 0, 1:]


def by_removal(vision: PatchVision, pixels: Tensor, target: Target) -> Tensor:
    """The score's derivative by how much of a patch there is to be read in the opened blocks: (N, P)."""
    entry = vision.entry(pixels)  # (N, 1 + P, Wv)
    presence = torch.ones(entry.shape[:2], device=entry.device)  # (N, 1 + P)
    with torch.enable_grad():
        tokens, _ = vision.finish(entry, presence=presence.requires_grad_(True))
        (gradient,) = torch.autograd.grad(_score(vision.to_joint(tokens[:, 0]), target), presence)
    return gradient[:, 1:]


def by_agreement(vision: PatchVision, pixels: Tensor, target: Target) -> Tensor:
    """Both as deviations from the frame's mean, multiplied where both are above it: (N, P).

    The answers are cubed, because of the two they point better (48 validation clips of the demo world: pointing 0.75
    rather than 0.73, energy 0.43 rather than 0.38).
    """
    answers = _deviation(by_patches(vision, pixels, target))
    losses = _deviation(by_removal(vision, pixels, target))
    both = answers.clamp(min=0) ** 3 * losses.clamp(min=0)
    return both + TIE_BREAK * losses  # most patches have no product, but an order there must be


def by_rollout(vision: PatchVision, pixels: Tensor, target: Target) -> Tensor:
    """Attention of all blocks multiplied, half of every step staying where it is: (N, P)."""
    attentions = vision.attentions(pixels)
    stay = torch.eye(attentions[0].shape[-1], device=attentions[0].device)
    reached = stay.expand_as(attentions[0])
    for weights in attentions:
        reached = (0.5 * weights + 0.5 * stay) @ reached
    return reached[:, 0, 1:]


def by_features(vision: TrunkVision, pixels: Tensor, target: Target) -> Tensor:
    """Each place's features times the gradient of the score there, which a linear pooling makes exact: (N, P)."""
    features = vision.features(pixels)
    with torch.enable_grad():
        features = features.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(_score(vision.pooled(features).float(), target), features)
    product = (features.detach() * gradient).float()
    if product.ndim == 4:
        return product.sum(dim=1).flatten(1)
    return product.sum(dim=-1)[:, -vision.cells :]  # without class or register tokens, which come first


def _deviation(values: Tensor) -> Tensor:
    """(N, P) in standard deviations from each picture's mean."""
    centred = values - values.mean(dim=1, keepdim=True)
    return centred / values.std(dim=1, keepdim=True).clamp(min=1e-12)


def _score(frames: Tensor, target: Target) -> Tensor:
    """The sum of the scores of raw frame vectors (N, D): pictures do not see each other, so it is one gradient."""
    return (functional.normalize(frames, dim=-1) @ target.direction.to(frames)).sum()


def smoothing(z: Tensor, grid: tuple[int, int]) -> Tensor:
    """MMI-TVR's G: half nearness, half likeness of patches, each row summing to one.

    Args:
        z: (N, P, D) unit patch vectors.
        grid: rows and columns, P of them.

    Returns:
        (N, P, P).

    """
    rows, columns = torch.arange(grid[0], device=z.device), torch.arange(grid[1], device=z.device)
    places = torch.cartesian_prod(rows, columns).to(z.dtype)  # (P, 2)
    near = (-torch.cdist(places, places).square() / (2 * NEAR_PATCHES**2)).exp()  # (P, P)
    alike = (z @ z.transpose(-1, -2)).clamp(min=0)  # (N, P, P)
    both = 0.5 * near + 0.5 * alike
    return both / both.sum(dim=-1, keepdim=True)


_OF_PATCHES: Final[dict[Method, Callable[[PatchVision, Tensor, Target], Tensor]]] = {
    "agreement": by_agreement,
    "patches": by_patches,
    "value": by_value,
    "removal": by_removal,
    "relevance": by_relevance,
    "rollout": by_rollout,
}
