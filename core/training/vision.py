"""The vision tower as training runs it: visible patches only, and a QuickGELU that autograd can do in one pass.

The numbers are those of `Backbone.encode_image` (a test holds them equal); what differs is the cost. Leaving out
half of the patches halves it (FLIP, Li et al., CVPR 2023), silu(1.702 x) / 1.702 is QuickGELU with a fused
backward, which is worth a third of the whole step on a CPU, and attention is written out: torch's fused one takes
four to five times as long backwards for the 60 to 145 tokens of a small picture (measured in bfloat16 on one core).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.backbone import Backbone

QUICK = 1.702


def visible_patches(wanted: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Which patches each image keeps: the wanted ones first, then any.

    Args:
        wanted: (N, P) bool, patches that should not be lost (something small shows there).
        share: how much of an image is kept, 0..1.
        generator: where the draws come from.

    Returns:
        (N, K) int64, sorted, K = round(share * P), at least 1.
    """
    kept = max(1, round(share * wanted.shape[1]))
    order = (torch.rand(wanted.shape, generator=generator) - wanted.float()).argsort(dim=1)  # (N, P)
    return order[:, :kept].sort(dim=1).values


def encode_visible(clip: Backbone, images: Tensor, visible: Tensor | None = None) -> Tensor:
    """Class token and visible patches in the joint space, not normalised.

    Args:
        clip: the towers; its vision tower is used.
        images: (N, 3, h, w) normalised float.
        visible: (N, K) patch numbers in row-major order, or None for all.

    Returns:
        (N, 1 + K, D) float32; row 0 is the frame vector.
    """
    visual = clip.visual
    patches = visual.conv1(images).flatten(2).transpose(1, 2)  # (N, P, Wv)
    positions = visual.positional_embedding  # (1 + P, Wv)
    patches = patches + positions[1:]
    if visible is not None:
        patches = patches.gather(1, visible[..., None].expand(-1, -1, patches.shape[-1]))  # (N, K, Wv)
    start = (visual.class_embedding + positions[0]).expand(len(images), 1, -1)
    x = visual.ln_pre(torch.cat([start.to(patches.dtype), patches], dim=1))  # (N, 1 + K, Wv)
    heads = max(1, clip.dims.vision_width // clip.dims.head_width)
    for block in visual.transformer.resblocks:
        x = _block(block, x, heads, quick=clip.dims.quick_gelu)
    joint: Tensor = visual.ln_post(x) @ visual.proj  # (N, 1 + K, D)
    return joint.float()


def _block(block: nn.Module, x: Tensor, heads: int, quick: bool) -> Tensor:
    """One pre-norm block of open_clip's, from its parameters."""
    N, L, D = x.shape
    p = dict(block.named_parameters())
    y = functional.layer_norm(x, (D,), p["ln_1.weight"], p["ln_1.bias"])
    fused = functional.linear(y, p["attn.in_proj_weight"], p["attn.in_proj_bias"])  # (N, L, 3D)
    q, k, v = fused.view(N, L, 3, heads, D // heads).permute(2, 0, 3, 1, 4)  # each (N, h, L, d)
    near = ((q * (D // heads) ** -0.5) @ k.transpose(-1, -2)).softmax(dim=-1)  # (N, h, L, L)
    mixed = (near @ v).transpose(1, 2).reshape(N, L, D)
    x = x + functional.linear(mixed, p["attn.out_proj.weight"], p["attn.out_proj.bias"])
    y = functional.layer_norm(x, (D,), p["ln_2.weight"], p["ln_2.bias"])
    hidden = functional.linear(y, p["mlp.c_fc.weight"], p["mlp.c_fc.bias"])  # (N, L, 4D)
    hidden = functional.silu(hidden * QUICK) * (1 / QUICK) if quick else functional.gelu(hidden)
    return x + functional.linear(hidden, p["mlp.c_proj.weight"], p["mlp.c_proj.bias"])
