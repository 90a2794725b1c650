"""Every number of the training in one place; it is stored with the checkpoint and printed in the model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.models.backbone import ClipDims
from core.models.preprocess import Preprocessing

DRIVE_TINY = ClipDims(
    image_height=72,
    image_width=128,
    patch=8,
    vision_width=192,
    vision_layers=6,
    text_width=192,
    text_layers=4,
    embed_dim=192,
)


@dataclass(frozen=True)
class Phase:
    """A stretch of the run: up to share `until` of all steps, `clips` x `frames` images, `patches` of each seen."""

    until: float
    clips: int
    frames: int
    patches: float


@dataclass(frozen=True)
class TeacherRecipe:
    """Towers and X-CLIP, end to end. Weights of losses are relative to the caption contrast."""

    dims: ClipDims = DRIVE_TINY
    words: int = 40
    frames: int = 12
    temporal_layers: int = 2
    steps: int = 1000
    seed: int = 1
    rate: float = 1e-3
    least_rate: float = 1e-5
    warm_up: float = 0.08
    decay: float = 0.05
    clip_norm: float = 1.0
    phases: tuple[Phase, ...] = (
        Phase(0.35, 64, 4, 0.4),
        Phase(0.70, 48, 6, 0.4),  # what only motion shows needs moments close together
        Phase(0.93, 32, 8, 0.4),
        Phase(1.00, 24, 8, 1.0),  # and the end sees whole pictures, as a search does
    )
    queries: int = 48
    sided: int = 16  # more of them that name a side, each with its mirror image
    name_rate: float = 5e-3  # of the sigmoid losses' scales and biases, which have far to go
    weight_video: float = 0.5  # the same contrast on the plain cosine, which the student inherits
    weight_queries: float = 1.0
    weight_words: float = 0.5  # and on X-CLIP's frame-word part, which learns nothing inside the mean
    weight_patches: float = 2.0
    weight_frames: float = 0.4
    weight_facts: float = 0.2
    weight_sides: float = 1.0
    weight_mirrors: float = 0.5
    weight_places: float = 0.15
    weight_moments: float = 0.3
    unknown_words: float = 0.08
    rare_words: float = 0.35  # share of the names and facts said in `wording_rare`
    jitter: float = 0.15
    shift: int = 6
    lanes: int = 2
    chunk: int = 64

    def phase(self, step: int) -> Phase:
        """The phase of a step."""
        for phase in self.phases:
            if step < phase.until * self.steps:
                return phase
        return self.phases[-1]

    @property
    def preprocessing(self) -> Preprocessing:
        """What the towers want to see."""
        return Preprocessing(self.dims.image_height, self.dims.image_width)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> TeacherRecipe:
        """The inverse of `as_dict`. Raises KeyError or TypeError on values of another form."""
        dims = ClipDims(**values["dims"])
        return TeacherRecipe(
            **{**values, "dims": dims, "phases": tuple(Phase(**p) for p in values["phases"])}
        )


@dataclass(frozen=True)
class StudentRecipe:
    """TeachCLIP's student on the teacher's frozen towers (methods: rates retuned for float32 heads)."""

    steps: int = 250
    seed: int = 1
    batch: int = 128
    rate: float = 5e-4
    head_rate: float = 2e-3  # the two layers that weigh frames learn faster, as published
    tower_rate: float = 3e-5  # of opened blocks, where the student has towers of its own
    warm_up: float = 0.05
    decay: float = 0.02
    clip_norm: float = 1.0
    query_share: float = 0.4  # how many texts are made queries instead of captions
    label_temperature: float = 0.1
    attentive: bool = True  # False: the mean of the temporal frames, CLIP4Clip's seqTransf
    coarse: bool = True
    fine: bool = True
    contrast: float = 0.2  # what the captions themselves count beside a teacher; TeachCLIP's
    from_teacher: bool = False  # begin with the teacher's temporal transformer instead of a fresh one

    @property
    def taught(self) -> bool:
        """Whether a teacher says anything at all."""
        return self.coarse or self.fine

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class HeadRecipe:
    """X-CLIP's temporal transformer and matrices, trained on with all frames of frozen towers."""

    steps: int = 300
    seed: int = 1
    batch: int = 64
    rate: float = 3e-4
    warm_up: float = 0.1
    decay: float = 0.02
    clip_norm: float = 1.0
    query_share: float = 0.4

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)
