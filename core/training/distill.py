"""`drivescope distill`: from captioned footage of a library to a bundle of the user's own domain.

    captions + library -> splits by video -> X-CLIP teacher (trained here, or given) -> TeachCLIP student -> bundle

With frozen towers (the default) nothing is decoded: the library's frame vectors are what is learned from, and
minutes on a CPU are enough. `finetune` opens top blocks of the towers, for which the clips are decoded once. A stopped
run goes on where it was when the same command is given again. Test is looked at once, at the end.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from core.errors import DrivescopeError, ErrorKind
from core.files import check_target_folder
from core.models.bundle_io import DESCRIPTION, BundleConfig, save_bundle
from core.models.device import choose_device
from core.models.file_bundle import PREFIX
from core.models.registry import DISTILLED, distilled_folder, load_bundle
from core.training.captioned import read_captioned
from core.training.distill_lessons import (
    Lessons,
    Student,
    Teacher,
    figures_of,
    new_student,
    new_teacher,
    outcomes_of,
)
from core.training.distill_loop import Phase, Rates, Told, run_phase
from core.training.distill_report import Measured, write_report
from core.training.distill_rows import Rows, Say, TextRows, decoded, key_of
from core.training.distill_systems import systems_of
from core.training.distill_towers import (
    AnyTower,
    FrozenTower,
    OpenTower,
    TowerWeights,
    frame_length_of,
    weights_of,
)
from core.training.runs import Run

if TYPE_CHECKING:
    from core.library.library import Library
    from core.models.bundle import ModelBundle

WORK, REPORT = "training", "report"
LABEL_TEMPERATURE: Final = 0.1
"""The published 1 makes nearly uniform frame labels; 0.1 teaches which frames matter (methods: measured toy check)."""
EPOCHS: Final = 30
STEPS: Final = (100, 1000)
BATCH: Final = 128
OPEN_BATCH: Final = 32
MOST_VAL, MOST_TEST = 1000, 5000
LOOKS: Final = 20
"""Times that val is looked at in one phase."""


@dataclass(frozen=True)
class Request:
    """What a person asks for. `steps` 0: as many as the data wants; `teacher` "": trained here."""

    captions: Path
    out: str
    teacher: str = ""
    finetune: int = 0
    steps: int = 0
    seed: int = 0
    device: str = "auto"


@dataclass(frozen=True)
class Made:
    """The parts of the bundle to be, after training."""

    student: Student
    teacher: Teacher
    own_teacher: bool
    curves: dict[str, list[dict[str, float]]]


def bundle_name(out: str) -> tuple[Path, str]:
    """Folder and reference of `--out`: a plain name lies among this machine's distilled bundles, a path where it says.

    Raises DrivescopeError(BAD_INPUT) for a name that is no name, and for one that is taken, and as
    `check_target_folder` does where nothing can be written.
    """
    plain = out.removeprefix(DISTILLED)
    is_name = out.startswith(DISTILLED) or not ("/" in out or "\\" in out or out.startswith((".", "~")))
    if not plain or (is_name and Path(plain).name != plain):
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"'{out}' is no name for a bundle: give a plain name, or a folder's path."
        )
    folder = distilled_folder() / plain if is_name else Path(out).expanduser().absolute()
    if (folder / DESCRIPTION).exists():
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"There is already a bundle in {folder}: choose another --out, or delete that folder.",
        )
    if folder.exists() and not folder.is_dir():
        raise DrivescopeError(ErrorKind.BAD_INPUT, f"{folder} is a file: name a folder for the bundle.")
    check_target_folder(folder)
    return folder, DISTILLED + plain if is_name else str(folder)


class Distillation:
    """One run of the command."""

    def __init__(self, library: Library, base: ModelBundle, request: Request, say: Say, told: Told) -> None:
        self.library, self.base, self.request = library, base, request
        self.folder, self.reference = bundle_name(request.out)
        self._say, self._told = say, told
        self._device = choose_device(request.device)
        self._store = library.features(base.spec)
        self.captioned = read_captioned(request.captions, library, self._store, seed=request.seed)
        self._weights = weights_of(library.made_with.reference)
        batch = OPEN_BATCH if request.finetune else BATCH
        self._lessons = Lessons(self.captioned, batch, request.seed, MOST_VAL, MOST_TEST)
        low, high = STEPS
        self._steps = request.steps or min(high, max(low, EPOCHS * self._lessons.steps_per_epoch))
        self._words = (
            base.spec.context_words if base.reranker.transformerClip else min(32, base.spec.context_words)
        )
        self._rates = Rates()
        row_of = {clip: row for row, clip in enumerate(self._store.clip_ids.tolist())}
        self._rows = [row_of[clip] for clip in self._lessons.clip_ids]
        self._opened: OpenTower | None = None
        self._key = key_of(base.spec.fingerprint, self._lessons.texts, self._lessons.clip_ids, self._words)

    def carry_out(self) -> dict[str, Any]:
        """Trains, writes the bundle and its report; returns what `--json` prints."""
        given = self._given_teacher() if self.request.teacher else None
        made = self._train(given)
        self._save(made, given)
        answer = self._report(made)
        shutil.rmtree(self.folder / WORK)  # checkpoints and vectors; the bundle is whole
        return answer

    @property
    def recipe(self) -> dict[str, Any]:
        """Everything that decides the weights."""
        return {
            "base": self.base.spec.fingerprint,
            "captions": self.captioned.sha256,
            "split": self.captioned.split_hash,
            "clips": len(self._lessons.clip_ids),
            "texts": len(self._lessons.texts),
            "teacher": self.request.teacher,
            "finetune": self.request.finetune,
            "steps": self._steps,
            "seed": self.request.seed,
            "words": self._words,
            "label_temperature": LABEL_TEMPERATURE,
            "rates": asdict(self._rates),
            "device": self._device.type,
        }

    # --- towers ---------------------------------------------------------------------------------------

    def _texts_of(self, bundle: ModelBundle, name: str, limit: int) -> TextRows:
        rows = TextRows(self.folder / WORK, name, bundle, key_of(self._key, bundle.spec.fingerprint), limit)
        rows.fill(self._lessons.texts, self._say)
        return rows

    def _frozen(self) -> FrozenTower:
        texts = self._texts_of(self.base, "texts", self._words)
        return FrozenTower(texts, self._store.frames, self._rows, self._device)

    def _open(self) -> OpenTower:
        tower = OpenTower(self._weights, self.request.finetune, self._words, self._device)
        lessons = self._lessons
        tower.fill(
            self.folder / WORK,
            self.library,
            self.base,
            lessons.clip_ids,
            lessons.texts,
            key_of(self._key, self.request.finetune),
            self._say,
        )
        self._opened = tower
        return tower

    # --- teachers -------------------------------------------------------------------------------------

    def _given_teacher(self) -> tuple[ModelBundle, TowerWeights, Teacher]:
        """A trained X-CLIP, with what its own towers say of every clip (the library's vectors where it made them)."""
        spec = self.base.spec
        name = self.request.teacher
        bundle = load_bundle(
            PREFIX + name if Path(name).expanduser().is_file() else name,
            device=self.request.device,
            crop=spec.crop,
            frames=spec.frames,
        )
        if bundle.reranker.header == "meanP":
            raise DrivescopeError(
                ErrorKind.BAD_INPUT, f"{name} has no trained X-CLIP heads, so it has nothing to teach."
            )
        weights = weights_of(bundle.spec.reference)
        texts = self._texts_of(bundle, "teacher", bundle.spec.context_words)
        if bundle.spec.fingerprint == spec.fingerprint:
            frames, video, rows = self._store.frames, self._store.video, self._rows
        else:
            frames, video = self._seen_by(bundle)
            rows = list(range(len(self._lessons.clip_ids)))
        tower = FrozenTower(texts, frames, rows, self._device)
        heads = load_bundle(bundle.spec.reference, device="cpu", crop=spec.crop, frames=spec.frames).reranker
        teacher = Teacher(heads, tower, weights.log_scale, self._device, video, rows)
        return bundle, weights, teacher.eval().requires_grad_(False)

    def _seen_by(self, bundle: ModelBundle) -> tuple[Any, Any]:
        """Unit frames (N, F, D) and video vectors (N, D) of another bundle's reranker; the clips are decoded."""
        spec, clips = bundle.spec, self._lessons.clip_ids
        key = key_of(self._key, spec.fingerprint)
        work = self.folder / WORK
        frames = Rows(work / "teacher.frames.f16", "<f2", (spec.frames, spec.reranker_dim), key)
        video = Rows(work / "teacher.video.f16", "<f2", (spec.reranker_dim,), key)
        frames.cut(video.count)
        for prepared in decoded(self.library, clips[video.count :], spec.frames, bundle):
            pooled = bundle.pool(tuple(part[None] for part in bundle.encode_frames(prepared)))
            frames.append(pooled.frames.numpy())
            video.append(pooled.video.numpy())
            self._say("the teacher looks at the clips", video.count / len(clips))
        return frames.array, video.array

    # --- training -------------------------------------------------------------------------------------

    def _train(self, given: tuple[ModelBundle, TowerWeights, Teacher] | None) -> Made:
        curves = {}
        length = frame_length_of(self.base)
        tower: AnyTower = self._open() if self.request.finetune else self._frozen()
        seed, scale = self.request.seed, self._weights.log_scale
        if given is None:
            heads = new_teacher(self.base, self._words, length, seed)
            teacher = Teacher(heads, tower, scale, self._device)
            curves["teacher"] = self._learn(
                "teacher", teacher, lambda step: teacher.loss(*self._lessons.batch(step))
            )
            teacher.requires_grad_(False)
            if isinstance(tower, OpenTower):
                tower = tower.settle(len(self._lessons.clip_ids), len(self._lessons.texts))
                teacher.tower = tower
        else:
            teacher = given[2]
        start = teacher.heads if given is None else None
        student = Student(new_student(self.base, start, length, seed), tower, scale, self._device)

        def lesson(step: int) -> tuple[torch.Tensor, dict[str, float]]:
            clips, rows, right = self._lessons.batch(step)
            return student.loss(clips, rows, right, [teacher.teach(rows, clips, LABEL_TEMPERATURE)])

        curves["student"] = self._learn("student", student, lesson)
        student.requires_grad_(False)
        if isinstance(tower, OpenTower):  # the teacher was given: the student's own towers learned
            student.tower = tower.settle(len(self._lessons.clip_ids), len(self._lessons.texts))
        return Made(student, teacher, given is None, curves)

    def _learn(
        self,
        name: str,
        learner: Student | Teacher,
        step: Callable[[int], tuple[torch.Tensor, dict[str, float]]],
    ) -> list[dict[str, float]]:
        val = self._lessons.sides["val"]
        phase = Phase(
            name=name,
            module=learner,
            log_scale=learner.log_scale,
            step=step,
            validate=lambda: figures_of(outcomes_of(learner.scores(val.texts, val.clips), val)),
            steps=self._steps,
            validate_every=max(1, self._steps // LOOKS),
            rates=self._rates,
        )
        return run_phase(phase, Run(self.folder / WORK / name), {"phase": name, **self.recipe}, self._told)

    # --- what comes out -------------------------------------------------------------------------------

    def _save(self, made: Made, given: tuple[ModelBundle, TowerWeights, Teacher] | None) -> None:
        spec = self.base.spec
        student, reranker = made.student.heads.cpu(), made.teacher.heads.cpu()
        clip = self._opened.clip.cpu() if self._opened else self._weights.backbone()
        with torch.no_grad():
            clip.logit_scale.fill_(float(made.student.log_scale))
        student.clip, reranker.clip, preprocessing = clip, None, None
        if given is not None and (self._opened or given[0].spec.fingerprint != spec.fingerprint):
            reranker.clip, preprocessing = given[1].backbone(), given[1].preprocessing
        how = f"top {self.request.finetune} blocks opened" if self.request.finetune else "frozen backbone"
        counts = self.captioned.parts["train"].counts()
        taught = (
            f"taught by {Path(self.request.teacher).name}"
            if self.request.teacher
            else "teacher trained first"
        )
        config = BundleConfig(
            name=self.reference if self.reference.startswith(DISTILLED) else self.folder.name,
            title=f"{self.folder.name} (from {spec.title})",
            label=f"distilled from your captions ({how})",
            preprocessing=self._weights.preprocessing,
            crop=spec.crop,
            frames=spec.frames,
            words=given[0].spec.context_words if given else self._words,
            synthetic=spec.synthetic,
            padded_words=given[0].padded_words if given else False,
            note=f"TeachCLIP student of {spec.name}, {taught}, on {counts['captions']} captions of "
            f"{counts['clips']} clips; split {self.captioned.split_hash}.",
            reranker_preprocessing=preprocessing,
        )
        save_bundle(self.folder, student, reranker, config)

    def _report(self, made: Made) -> dict[str, Any]:
        for learner in (made.student, made.teacher):
            learner.to(self._device)
        systems = systems_of(
            self.base, self._store, self._frozen(), self._rows, self._lessons, made.student, made.teacher
        )
        gained = write_report(
            self.folder / REPORT,
            Measured(
                title=self.folder.name,
                base=self.base.spec.title,
                captioned=self.captioned,
                lessons=self._lessons,
                systems=systems,
                curves=made.curves,
                recipe=self.recipe,
                paths={
                    clip.clip_id: (clip.path, clip.start_s, clip.end_s)
                    for clip in self.library.catalog.clips()
                },
            ),
        )
        return {
            "bundle": self.reference,
            "folder": str(self.folder),
            "report": str(self.folder / REPORT / "report.html"),
            "device": self._device.type,
            "switchable": not self.request.finetune and made.own_teacher,
            **gained,
        }


def distill(
    library: Library,
    base: ModelBundle,
    request: Request,
    *,
    say: Say = lambda line, share: None,
    told: Told = lambda line, done, total: None,
    warn: Callable[[Sequence[str]], None] = lambda problems: None,
) -> dict[str, Any]:
    """Makes a bundle from captions of a library's clips; returns what `--json` prints.

    `say` hears what is being prepared, `told` every step, `warn` once, before training, what is odd about the data.
    Raises DrivescopeError for files, data and settings from which nothing can be made.
    """
    run = Distillation(library, base, request, say, told)
    warn(run.captioned.problems)
    return run.carry_out()
