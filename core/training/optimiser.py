"""AdamW, its parameter groups and its schedule, for the teacher and the student alike.

Rates are for float32 master weights: the published 1e-7 for CLIP only worked because fp16 moments underflow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

NO_DECAY = (
    "embedding",
    "positional",
    "logit_scale",
    "_mat_weight",
    "word_logit",
    "frame_logit",
    "bias",
    "ln_",
)
LARGEST_SCALE = math.log(100.0)


def rate_at(step: int, steps: int, warm_up: float, least: float = 0.0) -> float:
    """Share of the peak rate: linear warm-up over `warm_up` of all steps, then half a cosine down to `least`."""
    rising = max(1, round(warm_up * steps))
    if step < rising:
        return (step + 1) / rising
    progress = (step - rising) / max(1, steps - rising)
    return least + (1 - least) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def make_optimiser(
    named: Iterable[tuple[str, nn.Parameter]], rate: float, decay: float, fast: dict[str, float] | None = None
) -> torch.optim.AdamW:
    """AdamW without decay on embeddings, norms, biases and X-CLIP's matrices (decay would pull those off identity).

    `fast` maps a part of a name to its own rate. Every group remembers its peak rate as "peak".
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in named:
        if not parameter.requires_grad:
            continue
        own = next((value for part, value in (fast or {}).items() if part in name), rate)
        plain = parameter.ndim < 2 or any(part in name for part in NO_DECAY)
        groups.setdefault((own, 0.0 if plain else decay), []).append(parameter)
    parts = [
        {"params": members, "lr": own, "peak": own, "weight_decay": wd}
        for (own, wd), members in groups.items()
    ]
    return torch.optim.AdamW(parts, lr=rate, betas=(0.9, 0.98), eps=1e-8, fused=True)


def take_step(optimiser: torch.optim.AdamW, share: float, clip_norm: float, scale: Tensor | None) -> float:
    """One update at `share` of the peak rates; returns the gradient's norm before clipping.

    `scale` (the log of the logit scale) is held at or below ln 100, as all three papers do.
    """
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    norm = float(nn.utils.clip_grad_norm_(parameters, clip_norm))
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * share
    if math.isfinite(norm):  # one bad batch must not end a night's run
        optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    if scale is not None:
        with torch.no_grad():
            scale.clamp_(max=LARGEST_SCALE)
    return norm
