"""Every way to name a bundle, in one place.

`drive-tiny` is shipped; the names of models.toml are public CLIPs; `file:` names researchers' checkpoints;
`distilled:NAME` was trained on this machine; anything else is the path of a bundle folder.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

import torch

from core import paths
from core.errors import DrivescopeError, ErrorKind
from core.models import catalogue, file_bundle, store, zero_shot
from core.models.bundle import ModelBundle
from core.models.bundle_io import DESCRIPTION, describe, open_bundle
from core.models.device import choose_device, choose_precision
from core.models.preprocess import Crop, check_crop
from core.models.store import fetch_model
from core.protocol import ModelInfo

DEFAULT_BUNDLE: Final = "drive-tiny"
DISTILLED: Final = "distilled:"

__all__ = [
    "DEFAULT_BUNDLE",
    "available_bundles",
    "bundle_folder",
    "distilled_folder",
    "fetch_model",
    "load_bundle",
]


def load_bundle(
    name: str = DEFAULT_BUNDLE,
    *,
    device: str = "auto",
    precision: str = "auto",
    crop: str | None = None,
    frames: int | None = None,
) -> ModelBundle:
    """Loads a bundle by name.

    Args:
        name: a shipped bundle, a name of models.toml, `file:PATH`, `file:STUDENT,RERANKER`, `distilled:NAME`,
            or the path of a bundle folder.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto", "float32", "bfloat16" or "float16"; of the towers, heads stay float32.
        crop: another crop than the bundle's own (its features then have another fingerprint).
        frames: another number of frames per clip, likewise.

    """
    bundle = _load(name, choose_device(device), precision, None if crop is None else check_crop(crop), frames)
    bundle.spec = dataclasses.replace(bundle.spec, reference=_reference(name))
    return bundle


def _reference(name: str) -> str:
    """What loads the same bundle again from any working folder: relative paths are made absolute."""
    if name.startswith(file_bundle.PREFIX):
        return file_bundle.name_of(file_bundle.parse(name))
    if name.startswith(DISTILLED) or (paths.resources() / "weights" / name).is_dir():
        return name
    folder = Path(name).expanduser()
    return str(folder.absolute()) if folder.is_dir() else name


def _load(
    name: str, place: torch.device, precision: str, chosen_crop: Crop | None, frames: int | None
) -> ModelBundle:
    if name.startswith(file_bundle.PREFIX):
        return file_bundle.open_file_bundle(
            name, place, choose_precision(precision, place), chosen_crop, frames
        )
    if (entry := catalogue.entries().get(name)) is not None:
        stored = store.require(entry)
        chosen = choose_precision(precision, place)
        return zero_shot.open_zero_shot(entry, stored, place, chosen, chosen_crop, frames)
    folder = bundle_folder(name)
    width = int(describe(folder).get("student", {}).get("clip", {}).get("vision_width", 768))
    return open_bundle(folder, place, choose_precision(precision, place, width), chosen_crop, frames)


def available_bundles() -> list[ModelInfo]:
    """Rows of the models page: shipped bundles, those trained here, and every entry of models.toml."""
    rows = [
        _folder_row(folder, prefix)
        for root, prefix in ((paths.resources() / "weights", ""), (distilled_folder(), DISTILLED))
        for folder in sorted(root.glob("*"))
        if (folder / DESCRIPTION).is_file()
    ]
    return [*rows, *map(_entry_row, catalogue.entries().values())]


def _folder_row(folder: Path, prefix: str) -> ModelInfo:
    """A bundle folder's row; a damaged one is shown as such and does not hide the others."""
    try:
        return _whole_row(folder, prefix, describe(folder))
    except (DrivescopeError, KeyError, TypeError, ValueError) as error:
        reason = (
            error.sentence if isinstance(error, DrivescopeError) else f"{folder / DESCRIPTION} is incomplete."
        )
        return ModelInfo(
            name=prefix + folder.name,
            title=folder.name,
            source="",
            licence="",
            parameters_m=0.0,
            input_size="",
            relative_speed=0.0,
            present=False,
            note=reason,
        )


def _whole_row(folder: Path, prefix: str, facts: dict[str, Any]) -> ModelInfo:
    dims = facts["student"]["clip"]
    size = sum((folder / name).stat().st_size for name in facts["files"] if (folder / name).is_file())
    return ModelInfo(
        name=prefix + folder.name,
        title=facts["title"],
        source="shipped with Drivescope" if not prefix else "trained on this machine",
        licence="Apache-2.0" if not prefix else "yours",
        parameters_m=round(size / 2e6, 1),  # float16: two bytes each
        input_size=f"{dims['image_height']}x{dims['image_width']}",
        relative_speed=float(facts.get("relative_speed", 0.0)),
        present=True,
        size_mb=round(size / 1e6, 1),
        note=facts["label"] + (f". {facts['note']}" if facts.get("note") else ""),
    )


def _entry_row(entry: catalogue.ModelEntry) -> ModelInfo:
    return ModelInfo(
        name=entry.name,
        title=entry.title,
        source=entry.source,
        licence=entry.licence,
        parameters_m=entry.parameters_m,
        input_size=f"{entry.preprocessing.height}x{entry.preprocessing.width}",
        relative_speed=entry.relative_speed,
        present=store.find(entry) is not None,
        size_mb=entry.size_mb,
        note=f"{zero_shot.LABEL}. {entry.note}",
    )


def distilled_folder() -> Path:
    """Where bundles trained on this machine lie."""
    return paths.data_folder() / "distilled"


def bundle_folder(name: str) -> Path:
    """The folder that a name stands for, or a sentence that says what there is."""
    if name.startswith(DISTILLED):
        folder = distilled_folder() / Path(name.removeprefix(DISTILLED)).name
    elif (paths.resources() / "weights" / name / DESCRIPTION).is_file():
        folder = paths.resources() / "weights" / name
    else:
        folder = Path(name).expanduser()
    if not (folder / DESCRIPTION).is_file():
        raise DrivescopeError(
            ErrorKind.NOT_FOUND, f"There is no bundle '{name}'; `drivescope models` lists the ones there are."
        )
    return folder
