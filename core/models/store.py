"""Which public weights are on this machine, and how they come there: by name, or from a local file.

One folder per model under the user's data folder: the weights, a tokenizer where the model has its own, and
`source.json` with sizes and hashes, written last, so that a folder with one is complete.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from core import paths
from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.files import sha256_of, write_atomically
from core.models import download
from core.models.catalogue import ModelEntry, entries
from core.models.files import is_safetensors, may_be_weights, read_json, write_json

DESCRIPTION: Final = "source.json"
TOKENIZER: Final = "tokenizer.json"
OFFLINE_SWITCHES: Final = ("DRIVESCOPE_OFFLINE", "HF_HUB_OFFLINE")


@dataclass(frozen=True)
class StoredModel:
    """The files of one model on this machine."""

    folder: Path
    weights: Path
    weights_sha256: str
    tokenizer: Path | None


def models_folder() -> Path:
    """Where downloaded and imported weights lie."""
    return paths.data_folder() / "models"


def find(entry: ModelEntry) -> StoredModel | None:
    """The stored model, or None when it is not (wholly) there."""
    folder = models_folder() / entry.name
    try:
        description = read_json(folder / DESCRIPTION)
        weights = folder / str(description["weights"])
        whole = all((folder / name).stat().st_size == f["size"] for name, f in description["files"].items())
        sha256 = str(description["files"][weights.name]["sha256"])
    except (DrivescopeError, KeyError, TypeError, OSError):
        return None
    tokenizer = folder / TOKENIZER if entry.tokenizer_file else None
    if not whole or (tokenizer and not tokenizer.is_file()):
        return None
    return StoredModel(folder, weights, sha256, tokenizer)


def require(entry: ModelEntry) -> StoredModel:
    """The stored model, or the one command that brings it."""
    stored = find(entry)
    if stored is None:
        raise DrivescopeError(
            ErrorKind.OFFLINE,
            f"The weights of {entry.name} are not on this machine; `drivescope models get {entry.name}` downloads "
            f"them ({entry.size_mb:.0f} MB).",
        )
    return stored


def fetch_model(
    name: str,
    progress: download.Progress,
    cancelled: Callable[[], bool],
    from_file: str | Path | None = None,
) -> StoredModel:
    """Brings one model of models.toml onto this machine: the only function that uses the network.

    Args:
        name: its name there.
        progress: called with bytes done, bytes in all, bytes per second.
        cancelled: asked between blocks; a cancelled download can be continued later.
        from_file: import this file (or the folder that holds it and its tokenizer) instead of downloading.
    """
    entry = entries().get(name)
    if entry is None:
        raise DrivescopeError(
            ErrorKind.NOT_FOUND, f"There is no model '{name}'; `drivescope models` lists the ones there are."
        )
    stored = find(entry)
    if stored is not None and from_file is None:
        return stored
    folder = models_folder() / entry.name
    if from_file is not None:
        hashes = _import(entry, Path(from_file).expanduser(), folder, progress, cancelled)
    else:
        hashes = _download(entry, folder, progress, cancelled)
    weights = next(file for file in hashes if file != TOKENIZER)
    files = {file: {"size": (folder / file).stat().st_size, "sha256": hashes[file]} for file in hashes}
    origin = "a local file" if from_file is not None else entry.source
    write_json(folder / DESCRIPTION, {"weights": weights, "files": files, "origin": origin})
    return require(entry)


def _download(
    entry: ModelEntry, folder: Path, progress: download.Progress, cancelled: Callable[[], bool]
) -> dict[str, str]:
    """Hashes of the fetched files by name."""
    for switch in OFFLINE_SWITCHES:
        if os.environ.get(switch, "0") not in ("", "0"):
            raise DrivescopeError(
                ErrorKind.OFFLINE,
                f"{switch} is set, so nothing is downloaded; `drivescope models get {entry.name} --from FILE` "
                "imports a local file.",
            )
    base = f"{os.environ.get('HF_ENDPOINT', 'https://huggingface.co')}/{entry.repository}/resolve/main"
    hashes: dict[str, str] = {}
    if entry.tokenizer_file:
        url = f"{base}/{entry.tokenizer_file}"
        try:
            hashes[TOKENIZER] = download.download(url, folder / TOKENIZER, _silent, cancelled)
        except download.NotThereError as error:
            raise DrivescopeError(ErrorKind.NOT_FOUND, f"The server has no file {url}.") from error
    for name in entry.weight_files:
        url, target = f"{base}/{name}", folder / f"weights{Path(name).suffix}"
        try:
            hashes[target.name] = download.download(url, target, progress, cancelled)
            return hashes
        except download.NotThereError:
            continue
    raise DrivescopeError(
        ErrorKind.NOT_FOUND, f"{entry.source} has none of the files {', '.join(entry.weight_files)}."
    )


def _silent(done: float, total: float, rate: float) -> None:
    """Small files need no progress."""


def _import(
    entry: ModelEntry,
    source: Path,
    folder: Path,
    progress: download.Progress,
    cancelled: Callable[[], bool],
) -> dict[str, str]:
    """Copies local files into the store; hashes by name."""
    if source.is_dir():
        weights = next((source / name for name in entry.weight_files if (source / name).is_file()), None)
    else:
        weights = source if source.is_file() else None
    if weights is None:
        wanted = f" (no {' or '.join(entry.weight_files)} in it)" if source.is_dir() else ""
        raise DrivescopeError(ErrorKind.NOT_FOUND, f"There is no weights file {source}{wanted}.")
    if not may_be_weights(weights):
        raise DrivescopeError(
            ErrorKind.UNREADABLE, f"{weights} is not a file of weights (.safetensors, .bin, .pt or .pth)."
        )
    files = {"weights.safetensors" if is_safetensors(weights) else "weights.bin": weights}
    if entry.tokenizer_file:
        tokenizer = weights.parent / entry.tokenizer_file
        if not tokenizer.is_file():
            raise DrivescopeError(
                ErrorKind.NOT_FOUND,
                f"{entry.name} has its own tokenizer: put {entry.tokenizer_file} from {entry.source} beside "
                f"{weights}.",
            )
        files = {TOKENIZER: tokenizer, **files}
    for name, origin in files.items():
        write_atomically(folder / name, partial(_copy, origin, cancelled))
    size = float(weights.stat().st_size)
    progress(size, size, 0.0)
    return {name: sha256_of(folder / name) for name in files}


def _copy(origin: Path, cancelled: Callable[[], bool], target: Path) -> None:
    if cancelled():
        raise Cancelled
    shutil.copyfile(origin, target)
