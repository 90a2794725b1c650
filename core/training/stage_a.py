"""The loop of stage A: steps, reports, validations, checkpoints; a killed run goes on as if nothing had happened."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from core.errors import DrivescopeError, ErrorKind
from core.models.backbone import Backbone
from core.models.bundle_io import DESCRIPTION, RERANKER, STUDENT
from core.models.files import read_tensors
from core.models.strict import check_keys, shapes_of
from core.models.xclip import XClip
from core.training.dataset import ClipSet, clips_of_step
from core.training.names import Names
from core.training.optimiser import make_optimiser, rate_at, take_step
from core.training.recipe import TeacherRecipe
from core.training.runs import Run
from core.training.start import wake
from core.training.teacher import TeacherStep, new_teacher
from core.training.texts import UNKNOWN, Texts, settle_unknown_words
from core.training.validation import Validation


@sdpa_kernel(SDPBackend.MATH)  # the fused attention is slow backwards for sentences of a dozen tokens
def train_teacher(
    clips: ClipSet,
    val: ClipSet | None,
    recipe: TeacherRecipe,
    folder: Path,
    *,
    save_every_s: float = 180.0,
    validate_every: int = 250,
    report_every: int = 10,
    stop_at: int | None = None,
    start: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[XClip, Texts]:
    """Train (or go on training) and return the teacher, its untrained words settled.

    Args:
        clips: what is learned from.
        val: what is only looked at; None leaves validation out.
        recipe: every number of the run; a checkpoint of another recipe is refused.
        folder: checkpoint, log and events.
        save_every_s: seconds between checkpoints.
        validate_every: steps between validations.
        report_every: steps between lines in the log.
        stop_at: end before this step with a checkpoint, as if killed (a test does this).
        start: another run's folder, or a bundle's, whose teacher this run begins with.
        say: where a line for a person goes.

    """
    run = Run(folder)
    torch.set_flush_denormal(True)
    teacher, names, texts = new_teacher(recipe), Names(recipe.dims.embed_dim), Texts(recipe.words)
    assert teacher.clip is not None, "the teacher is trained with its towers"
    optimiser = make_optimiser(
        [*teacher.named_parameters(), *((f"names.{name}", p) for name, p in names.named_parameters())],
        recipe.rate,
        recipe.decay,
        {"names.": recipe.name_rate},
    )
    first = 0
    if state := run.load(recipe.as_dict()):
        teacher.load_state_dict(state["teacher"])
        names.load_state_dict(state["names"])
        optimiser.load_state_dict(state["optimiser"])
        texts.used = state["used"]
        first = int(state["step"])
        say(f"going on from step {first}")
    else:
        names.start_from(clips)
        if start is None:
            _wake(teacher.clip, texts, clips, recipe)
        else:
            texts.used = (
                _take_bundle(teacher, start)
                if (start / DESCRIPTION).is_file()
                else _take_over(teacher, names, optimiser, start)
            )
            say(f"beginning with the teacher of {start}")
        run.note(
            event="begin", recipe=recipe.as_dict(), clips=len(clips), parameters=parameter_count(teacher)
        )

    def save(step: int) -> None:
        run.save(
            {
                "step": step,
                "recipe": json.dumps(recipe.as_dict()),
                "teacher": teacher.state_dict(),
                "names": names.state_dict(),
                "optimiser": optimiser.state_dict(),
                "used": texts.used,
            }
        )

    work = TeacherStep(teacher, names, texts, clips, recipe)
    checks = Validation(val) if val is not None else None
    saved = time.monotonic()
    for step in range(first, recipe.steps if stop_at is None else min(stop_at, recipe.steps)):
        numbers = work(step)
        share = rate_at(step, recipe.steps, recipe.warm_up, recipe.least_rate / recipe.rate)
        numbers["norm"] = take_step(optimiser, share, recipe.clip_norm, teacher.clip.logit_scale)
        done = step + 1
        if done % report_every == 0 or done == recipe.steps:
            numbers["scale"] = math.exp(teacher.clip.logit_scale.item())
            say(run.report(done, recipe.steps, done - first, numbers))
        if checks is not None and (done % validate_every == 0 or done == recipe.steps):
            checks.encode(teacher, texts, recipe, work.lanes)
            table = checks.of_teacher(teacher)
            run.note(event="val", step=done, **table)
            say(f"val at {done}: " + " ".join(f"{name} {value:.1f}" for name, value in table.items()))
        if time.monotonic() - saved > save_every_s or done == recipe.steps:
            save(done)
            saved = time.monotonic()
    if stop_at is not None and first < stop_at < recipe.steps:
        save(stop_at)
    work.lanes.close()
    settle_unknown_words(teacher.clip, texts.used)
    return teacher.eval(), texts


def load_teacher(folder: Path) -> tuple[XClip, Texts, TeacherRecipe]:
    """The teacher of a run's last checkpoint, its untrained words settled, with the words and recipe it had.

    Raises DrivescopeError when there is no checkpoint or it is damaged.
    """
    state = Run(folder).load(None)
    if state is None:
        raise DrivescopeError(ErrorKind.NOT_FOUND, f"There is no checkpoint in {folder}.")
    recipe = TeacherRecipe.from_dict(json.loads(state["recipe"]))
    teacher, texts = new_teacher(recipe), Texts(recipe.words)
    teacher.load_state_dict(state["teacher"])
    texts.used = state["used"]
    assert teacher.clip is not None, "the teacher was trained with its towers"
    settle_unknown_words(teacher.clip, texts.used)
    return teacher.eval().requires_grad_(False), texts, recipe


def _take_over(teacher: XClip, names: Names, optimiser: torch.optim.Optimizer, start: Path) -> Tensor:
    """Another run's weights and moments; returns which words it knew. Rates and what things weigh stay this run's.

    The moments matter: AdamW without them takes its first steps at full size in every direction and forgets all.
    """
    state = Run(start).load(None)
    if state is None:
        raise DrivescopeError(ErrorKind.NOT_FOUND, f"There is no checkpoint in {start} to begin with.")
    assert teacher.clip is not None, "the teacher is trained with its towers"
    old = state["teacher"]
    teacher.load_state_dict({name: grown(old[name], value) for name, value in teacher.state_dict().items()})
    places, reached = teacher.clip.positional_embedding, len(old["word_logit_weight"])
    if reached < teacher.words:
        with torch.no_grad():  # places that no sentence reached begin like the last one that some did
            places[reached:] = places[reached - 1]
    saved = state["optimiser"]
    for group, old_group in zip(optimiser.param_groups, saved["param_groups"], strict=True):
        # What an older run did not have comes last in its group, and begins without moments.
        for parameter, number in zip(group["params"], old_group["params"], strict=False):
            optimiser.state[parameter] = {
                name: grown(value, torch.zeros_like(parameter)) if value.ndim else value
                for name, value in saved["state"][number].items()
            }
    before = state["names"]
    with torch.no_grad():
        names.scale.copy_(before["scale"])
        names.bias.copy_(before["bias"] + (names.weight / before.get("weight", 1.0)).log())
        for name, head, weight in (
            ("places", names.places, names.places_weight),
            ("moments", names.moments, names.moments_weight),
        ):
            head.weight.copy_(before[f"{name}.weight"])
            head.bias.copy_(before[f"{name}.bias"] + (weight / before[f"{name}_weight"]).log())
        if "sides.weight" in before:
            names.sides.weight.copy_(before["sides.weight"])
            names.sides.bias.copy_(before["sides.bias"])
    used: Tensor = state["used"]
    return used


def grown(old: Tensor, new: Tensor) -> Tensor:
    """`new` with `old`'s values in the corner that both have: a run for longer sentences has larger matrices."""
    if old.shape == new.shape:
        return old
    corner = tuple(slice(min(a, b)) for a, b in zip(old.shape, new.shape, strict=True))
    result = new.detach().clone()
    result[corner] = old[corner]
    return result


def _take_bundle(teacher: XClip, folder: Path) -> Tensor:
    """A bundle's towers and reranker; returns which words it knew. Moments are not in it: begin gently.

    Raises DrivescopeError when the bundle is of another form than the recipe's.
    """
    assert teacher.clip is not None, "the teacher is trained with its towers"
    towers = {k: v for k, v in read_tensors(folder / STUDENT).items() if k.startswith("clip.")}
    state = {k: v.float() for k, v in (towers | read_tensors(folder / RERANKER)).items()}
    check_keys(shapes_of(teacher), state, folder)
    teacher.load_state_dict(state)
    rows = teacher.clip.token_embedding.weight.detach()  # (vocabulary, Wt)
    known = (rows != rows[UNKNOWN]).any(dim=1)  # what was never trained is the stand-in
    known[UNKNOWN] = True
    return known


def _wake(clip: Backbone, texts: Texts, clips: ClipSet, recipe: TeacherRecipe) -> None:
    """First values from one frame and one caption of each of some clips."""
    some = clips_of_step(len(clips), 128, recipe.seed, 0)
    images = clips.frames[some, 0].permute(0, 3, 1, 2)  # (N, 3, h, w)
    ids, _ = texts.batch([clips.captions[i][0] for i in some])
    wake(clip, recipe.preprocessing.normalise(images), ids)


def parameter_count(module: torch.nn.Module) -> int:
    """How many numbers are learned."""
    return sum(p.numel() for p in module.parameters())
