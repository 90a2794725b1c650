"""One way to compile a kernel: numba, cached, strict floating point (no fastmath, so ids repeat bit for bit).

numba's own cache looks only at the file of the outermost kernel, so an edited helper in another file
would be ignored. The cache folder therefore carries a hash of every kernel source of this room.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numba
import platformdirs

F = TypeVar("F", bound=Callable[..., object])


def _choose_cache() -> str:
    """A writable folder for compiled kernels, named by the sources that they come from."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for root in (platformdirs.user_cache_dir("drivescope"), tempfile.gettempdir()):
        folder = Path(root) / "kernels" / digest.hexdigest()[:16]
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return str(folder)
    return ""


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = _choose_cache()


def kernel(function: F) -> F:
    """Compile `function` at its first call. IEEE arithmetic; division by zero gives inf, as in C."""
    cached = bool(os.environ.get("NUMBA_CACHE_DIR") or numba.config.CACHE_DIR)
    return cast(F, numba.njit(function, cache=cached, error_model="numpy"))
