"""One phase of distillation: steps, validations, checkpoints. Killed and started again, it ends with the same weights.

What a step does depends on its number and the seed only; a checkpoint holds everything else (weights, moments, the
best weights so far and the curves), so a resumed run does not know that it was stopped.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from core.training.optimiser import make_optimiser, rate_at, take_step
from core.training.runs import Run

SAVE_EVERY_S: Final = 60.0
Told = Callable[[str, int, int], None]
"""A line for a person, steps done, steps in all."""


@dataclass(frozen=True)
class Rates:
    """How fast things learn. `heads` and `frame_head` for the heads, `towers` for opened blocks."""

    heads: float = 5e-4
    frame_head: float = 2e-3
    towers: float = 1e-5
    warm_up: float = 0.05
    decay: float = 0.02
    clip_norm: float = 1.0


@dataclass(frozen=True)
class Phase:
    """What is learned, from what, and how often it is looked at.

    `step` gives the loss of a step number and its parts; `validate` figures of val with "merit", by which the best
    weights are chosen. `module` is everything that learns; `log_scale` is part of it.
    """

    name: str
    module: nn.Module
    log_scale: nn.Parameter
    step: Callable[[int], tuple[Tensor, dict[str, float]]]
    validate: Callable[[], dict[str, float]]
    steps: int
    validate_every: int
    rates: Rates


def autocast(device: torch.device) -> AbstractContextManager[Any]:
    """bfloat16 products over float32 master weights on CUDA; nothing on a CPU, where it costs more than it saves."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()


def run_phase(
    phase: Phase,
    run: Run,
    recipe: Mapping[str, Any],
    told: Told = lambda line, done, total: None,
) -> list[dict[str, float]]:
    """Trains (or goes on), leaves the weights that did best on val in the module, and returns the curves.

    Each row of the curves has "step" and losses or, with the prefix "val ", figures of val.
    Raises DrivescopeError(MISMATCH) for a checkpoint of another recipe.
    """
    learned = {name: p for name, p in phase.module.named_parameters() if p.requires_grad}
    rates = phase.rates
    fast = {"frameLinear": rates.frame_head, "clip.": rates.towers}
    optimiser = make_optimiser(learned.items(), rates.heads, rates.decay, fast)
    first, curves, best = 0, list[dict[str, float]](), dict[str, Tensor]()
    best_merit = -math.inf
    if state := run.load(recipe):
        _put(learned, state["weights"])
        optimiser.load_state_dict(state["optimiser"])
        first, best, best_merit = int(state["step"]), state["best"], float(state["merit"])
        curves = json.loads(state["curves"])

    def save(step: int) -> None:
        run.save(
            {
                "recipe": json.dumps(recipe),
                "step": step,
                "weights": {name: p.detach() for name, p in learned.items()},
                "optimiser": optimiser.state_dict(),
                "best": best,
                "merit": best_merit,
                "curves": json.dumps(curves),
            }
        )

    def look(step: int) -> None:
        nonlocal best, best_merit
        figures = phase.validate()
        curves.append({"step": step, **{f"val {name}": value for name, value in figures.items()}})
        if figures["merit"] > best_merit:  # of equal ones the earliest: it has learned the least by heart
            best_merit = figures["merit"]
            best = {name: p.detach().clone() for name, p in learned.items()}

    if not curves:
        look(0)
    began = saved = time.monotonic()
    for step in range(first, phase.steps):
        loss, numbers = phase.step(step)
        torch.autograd.backward(loss)
        share = rate_at(step, phase.steps, rates.warm_up)
        take_step(optimiser, share, rates.clip_norm, phase.log_scale)
        done = step + 1
        curves.append({"step": done, **numbers})
        if done % phase.validate_every == 0 or done == phase.steps:
            look(done)
        seconds = time.monotonic() - began
        told(
            _line(phase.name, done, phase.steps, numbers, curves, seconds / (done - first)), done, phase.steps
        )
        if time.monotonic() - saved >= SAVE_EVERY_S or done == phase.steps:
            save(done)
            saved = time.monotonic()
    _put(learned, best)
    return curves


def chosen_step(curves: Sequence[Mapping[str, float]]) -> int:
    """The step whose weights were kept: the best look at val, the earliest of equal ones. 0: nothing was better."""
    looks = [row for row in curves if "val merit" in row]
    best = max(row["val merit"] for row in looks)
    return int(next(row["step"] for row in looks if row["val merit"] == best))


def _put(learned: Mapping[str, nn.Parameter], weights: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in learned.items():
            parameter.copy_(weights[name])


def _line(
    name: str, done: int, steps: int, numbers: dict[str, float], curves: list[dict[str, float]], pace: float
) -> str:
    """Losses, the last look at val, rate and time left."""
    losses = " ".join(f"{part} {value:.3g}" for part, value in numbers.items())
    seen = next((row for row in reversed(curves) if "val merit" in row), {})
    val = " ".join(
        f"{part.removeprefix('val ')} {seen[part]:.1f}" for part in ("val R@1", "val R@10") if part in seen
    )
    left = pace * (steps - done)
    return f"{name} {done}/{steps}  {losses}  val {val}  {1 / pace:.1f} steps/s, {left / 60:.1f} min left"
