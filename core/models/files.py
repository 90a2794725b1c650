"""Small file helpers of the models' room: JSON and safetensors with plain sentences."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from core.errors import DrivescopeError, ErrorKind
from core.files import write_atomically, write_text


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Indented UTF-8 JSON, atomically."""
    write_text(path, json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or a sentence about the file."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DrivescopeError(ErrorKind.NOT_FOUND, f"There is no file {path}.") from error
    except PermissionError as error:
        raise DrivescopeError(ErrorKind.NO_PERMISSION, f"{path} may not be read by this user.") from error
    except (OSError, ValueError) as error:
        raise DrivescopeError(
            ErrorKind.UNREADABLE, f"{path} is not readable JSON.", detail=str(error)
        ) from error
    if not isinstance(values, dict):
        raise DrivescopeError(ErrorKind.UNREADABLE, f"{path} does not hold a JSON object.")
    return values


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """A safetensors file, atomically."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}

    def write(temporary: Path) -> None:
        try:
            save_file(plain, temporary)
        except SafetensorError as error:  # hides the operating system's number in its text
            number = re.search(r"os error (\d+)", str(error))
            raise OSError(int(number.group(1)) if number else errno.EIO, str(error)) from error

    write_atomically(path, write)


def is_safetensors(path: Path) -> bool:
    """By content: eight bytes of a length, then a JSON object."""
    with path.open("rb") as file:
        return file.read(9)[8:9] == b"{"


def may_be_weights(path: Path) -> bool:
    """By its first bytes: safetensors, torch's zip archive, or torch's pickle of before 2020."""
    with path.open("rb") as file:
        start = file.read(2)
    return start in (b"PK", b"\x80\x02") or is_safetensors(path)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file, or a sentence about it."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise DrivescopeError(ErrorKind.NOT_FOUND, f"There is no weights file {path}.")
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except PermissionError as error:
        raise DrivescopeError(ErrorKind.NO_PERMISSION, f"{path} may not be read by this user.") from error
    except (SafetensorError, OSError) as error:
        raise DrivescopeError(
            ErrorKind.UNREADABLE,
            f"{path} is not a whole safetensors file; get it again.",
            detail=str(error),
        ) from error
    return tensors
