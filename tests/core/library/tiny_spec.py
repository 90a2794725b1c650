"""A bundle's description, as much of it as the library looks at; without torch, as subprocesses start faster."""

import dataclasses
import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class TinySpec:
    """As much of a BundleSpec as the library looks at."""

    name: str = "tiny"
    crop: str = "center"
    frames: int = 12
    student_dim: int = 6
    reranker_dim: int = 4
    weights_sha256: tuple[str, ...] = ("0" * 64,)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(repr(dataclasses.astuple(self)).encode()).hexdigest()

    @property
    def feature_id(self) -> str:
        return f"{self.name}-{self.fingerprint[:12]}"
