"""X-CLIP's heads trained on with frozen towers, all frames at hand: the cheap place to learn what only motion shows.

End to end, a step can afford three or four frames of a clip; from cached frame vectors it has all twelve.
"""

from __future__ import annotations

import copy
import math

import torch
from torch.nn import functional

from core.models.xclip import XClip
from core.training.losses import info_nce
from core.training.optimiser import make_optimiser, rate_at, take_step
from core.training.recipe import HeadRecipe
from core.training.student import Lessons, Report, draw_batch

WEIGHT_VIDEO = 0.5


def train_heads(teacher: XClip, lessons: Lessons, recipe: HeadRecipe, report: Report | None = None) -> XClip:
    """A copy of the teacher on the same towers whose temporal transformer and matrices have learned on.

    Args:
        teacher: X-CLIP with its towers, which stay as they are.
        lessons: raw frames and texts of the training clips under these towers.
        recipe: every number of it.
        report: called now and then with the step and the losses.

    """
    towers, teacher.clip = teacher.clip, None
    try:
        made = copy.deepcopy(teacher).requires_grad_(True)
    finally:
        teacher.clip = towers
    assert towers is not None, "the towers are the teacher's"
    scale = torch.nn.Parameter(towers.logit_scale.detach().clone())
    optimiser = make_optimiser([*made.named_parameters(), ("logit_scale", scale)], recipe.rate, recipe.decay)
    for step in range(recipe.steps):
        batch = draw_batch(lessons, recipe, step)
        frames, texts = lessons.frames[batch.clips], lessons.texts.pick(batch.rows)  # (B, F, D)
        video = made.pool(frames).video  # (B, D)
        unit_frames = functional.normalize(frames, dim=-1)
        score = made.granularities(texts.sentence, texts.words, unit_frames, video, texts.mask).score
        plain = texts.sentence @ video.T
        fine = info_nce(scale.exp() * score, batch.right)
        coarse = info_nce(scale.exp() * plain, batch.right)
        torch.autograd.backward(fine + WEIGHT_VIDEO * coarse)
        share = rate_at(step, recipe.steps, recipe.warm_up)
        take_step(optimiser, share, recipe.clip_norm, scale)
        if report is not None and (step % 50 == 49 or step + 1 == recipe.steps):
            losses = {"captions": float(fine.detach()), "video": float(coarse.detach())}
            report(step + 1, {**losses, "scale": math.exp(scale.item())})
    made.clip = towers
    return made.eval().requires_grad_(False)
