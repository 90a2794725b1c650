"""The public CLIP models that the program knows by name: `resources/models.toml` as typed rows."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from core import paths
from core.models.preprocess import Crop, Preprocessing, check_crop

FILE_NAME: Final = "models.toml"


@dataclass(frozen=True)
class ModelEntry:
    """One open_clip architecture with published weights."""

    name: str
    title: str
    architecture: str  # open_clip's name of the configuration
    tag: str  # open_clip's name of the weights
    repository: str  # on the Hugging Face hub
    weight_files: tuple[str, ...]  # in order of preference; the first one that is there is taken
    tokenizer_file: str  # empty: CLIP's own tokenizer, which needs no file
    padding_token: str
    licence: str
    year: int
    parameters_m: float
    size_mb: float
    relative_speed: float  # images/s as a ratio to ViT-B-32, on the CPU; 0: not measured
    quick_gelu: bool
    crop: Crop  # what its own preprocessing does
    preprocessing: Preprocessing
    note: str

    @property
    def source(self) -> str:
        """Where a person can read about it."""
        return f"https://huggingface.co/{self.repository}"


@lru_cache(maxsize=1)
def entries() -> dict[str, ModelEntry]:
    """All rows, by name, in the file's order."""
    with (paths.resources() / FILE_NAME).open("rb") as file:
        rows: dict[str, dict[str, Any]] = tomllib.load(file)
    return {name: _entry(name, row) for name, row in rows.items()}


def _entry(name: str, row: dict[str, Any]) -> ModelEntry:
    return ModelEntry(
        name=name,
        title=row["title"],
        architecture=row["architecture"],
        tag=row["tag"],
        repository=row["repository"],
        weight_files=tuple(row["weight_files"]),
        tokenizer_file=row.get("tokenizer_file", ""),
        padding_token=row.get("padding_token", ""),
        licence=row["licence"],
        year=int(row["year"]),
        parameters_m=float(row["parameters_m"]),
        size_mb=float(row["size_mb"]),
        relative_speed=float(row["relative_speed"]),
        quick_gelu=bool(row.get("quick_gelu", False)),
        crop=check_crop(row["crop"]),
        preprocessing=Preprocessing.from_dict(row),
        note=row.get("note", ""),
    )
