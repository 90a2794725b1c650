"""Strict loading of a state dict, with sentences that name the keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from core.errors import DrivescopeError, ErrorKind

CLIP = "clip."
NAMED = 5
"""How many keys a sentence names before it counts the rest."""


def load_strictly(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Loads float32 copies into `module` (which may be on the meta device); see `check_keys`."""
    check_keys(shapes_of(module), tensors, path)
    module.load_state_dict({name: value.float() for name, value in tensors.items()}, assign=True)


def load_heads(
    heads: nn.Module, towers: Mapping[str, tuple[int, ...]], tensors: Mapping[str, Tensor], path: Path
) -> dict[str, Tensor]:
    """Loads heads that have no towers of their own, and returns the towers' float32 tensors.

    `towers` are names and shapes below `clip.`, as `ClipDims.shapes` gives them; as strict as `load_strictly`
    of the whole would be.
    """
    check_keys({**shapes_of(heads), **{CLIP + name: shape for name, shape in towers.items()}}, tensors, path)
    load_strictly(heads, {name: t for name, t in tensors.items() if not name.startswith(CLIP)}, path)
    heads.eval()
    return {name: tensors[CLIP + name].float() for name in towers}


def shapes_of(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a module's state dict."""
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def check_keys(wanted: Mapping[str, tuple[int, ...]], tensors: Mapping[str, Tensor], path: Path) -> None:
    """Every key must be there, none may be left over, shapes must fit; the `DrivescopeError` names the first few.

    `path` is for the sentence only.
    """
    missing = sorted(set(wanted) - set(tensors))
    unexpected = sorted(set(tensors) - set(wanted))
    misshaped = [
        f"{name} ({_size(tensors[name].shape)} instead of {_size(shape)})"
        for name, shape in sorted(wanted.items())
        if name in tensors and tuple(tensors[name].shape) != shape
    ]
    wrong = {"misses": missing, "has unexpected": unexpected, "has mis-shaped": misshaped}
    sentences = [f"{what} {_names(names)}" for what, names in wrong.items() if names]
    if sentences:
        raise DrivescopeError(
            ErrorKind.UNREADABLE,
            f"{path} does not fit the architecture that it claims: it {'; it '.join(sentences)}.",
        )


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a scalar"


def _names(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    noun = "key" if len(names) == 1 else "keys"
    return f"{noun} {', '.join(names[:NAMED])}{more}"
