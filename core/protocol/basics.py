"""The conversation itself: greeting, state, progress, and the ways in which a request can end."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

PROTOCOL_VERSION: Final = 2
MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
CLOSE_UNAUTHORISED: Final = 4401
CLOSE_VERSION: Final = 4426
CLOSE_BAD_MESSAGE: Final = 4400
TOKEN_ENVIRONMENT: Final = "DRIVESCOPE_TOKEN"

EngineStatus = Literal["starting", "warm", "busy", "failed"]


class Message(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=False):
    """Base of all messages; the tag on the wire is the class name."""


# --- window -> engine ---------------------------------------------------------------------------------


class Hello(Message, frozen=True):
    """First message of a connection."""

    token: str
    protocol: int
    client: str = "explorer"


class Cancel(Message, frozen=True):
    """Stop the request `target`. Answered by `Cancelled(id=target)`; never an error."""

    id: int
    target: int


class SetDevice(Message, frozen=True):
    """Move the models to `auto`, `cpu`, `cuda` or `mps`. Answers `Done`; a `State` push follows."""

    id: int
    device: str


class Shutdown(Message, frozen=True):
    """Leave after the running work is cancelled."""

    id: int


# --- engine -> window ---------------------------------------------------------------------------------


class Welcome(Message, frozen=True):
    """The engine accepts the connection."""

    protocol: int
    version: str
    pid: int


class State(Message, frozen=True):
    """Pushed whenever it changes. `detail` is a plain sentence; with `failed` it is the reason."""

    status: EngineStatus
    device: str = ""  # "cpu", "cuda", "mps"
    precision: str = ""  # "float32", "bfloat16", "float16"
    bundle: str = ""
    detail: str = ""
    devices: tuple[str, ...] = ()  # what SetDevice may be given on this machine


class Progress(Message, frozen=True):
    """Long work, several times a second at most. `eta_s` < 0 while it is not known."""

    id: int
    title: str
    stage: str
    done: float
    total: float
    unit: str  # e.g. "clips", "MB"
    rate: float  # units a second
    eta_s: float
    detail: str = ""  # e.g. the file at hand
    realtime: float = 0.0  # seconds of footage per second, where that has a meaning


class Done(Message, frozen=True):
    """The request is carried out and has nothing else to say."""

    id: int


class Cancelled(Message, frozen=True):
    """The request was stopped before its answer. Not an error."""

    id: int


class Failed(Message, frozen=True):
    """The request (or, with id 0, the connection) failed. `sentence` is for the person, `detail` for the log."""

    id: int
    kind: str  # a core.errors.ErrorKind value
    sentence: str
    detail: str = ""


Requests = Hello | Cancel | SetDevice | Shutdown
Replies = Welcome | State | Progress | Done | Cancelled | Failed
