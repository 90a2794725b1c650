"""Every message between the window and the engine: the only part of `core` that the window imports.

One WebSocket on 127.0.0.1, binary frames, each frame one msgpack-encoded Struct tagged by its class name.
The window sends `Hello` first; the engine answers `Welcome` or `Failed` and a close code. Every request
carries an `id` chosen by the window; every reply repeats it; replies to a cancelled or superseded id are
dropped by whoever sees them late. `State` and `LibraryChanged` are pushed with no id. A request has one
answer unless its replies have a field `last`; `Search` has one answer a stage, and the last one again if its line had
to be found first.

Only numbers, short strings and JPEG bytes cross this wall. Paths in messages are the engine's paths: the
window shows them and never opens them. Times are seconds from the start of the file (float), spans are
half open [start_s, end_s), ranks start at 1.

The messages lie in a module a subject; this page gathers them, and its names are the ones to import.
"""

from __future__ import annotations

import msgspec

from core.protocol import (
    basics,
    evaluating,
    explaining,
    judging,
    moments,
    query_sets,
    retrieval,
    saving,
    skeletons,
    words,
)
from core.protocol.basics import *  # noqa: F403 - the modules are one page in several files
from core.protocol.basics import Message
from core.protocol.evaluating import *  # noqa: F403
from core.protocol.explaining import *  # noqa: F403
from core.protocol.judging import *  # noqa: F403
from core.protocol.moments import *  # noqa: F403
from core.protocol.query_sets import *  # noqa: F403
from core.protocol.retrieval import *  # noqa: F403
from core.protocol.saving import *  # noqa: F403
from core.protocol.skeletons import *  # noqa: F403
from core.protocol.words import *  # noqa: F403

Request = (
    basics.Requests
    | retrieval.Requests
    | query_sets.Requests
    | evaluating.Requests
    | judging.Requests
    | explaining.Requests
    | moments.Requests
    | words.Requests
    | skeletons.Requests
    | saving.SaveClips
)
Reply = (
    basics.Replies
    | retrieval.Replies
    | query_sets.Replies
    | evaluating.Replies
    | judging.Judgements
    | explaining.Replies
    | moments.Replies
    | words.Replies
    | skeletons.Replies
    | saving.ClipsSaved
)

_encoder = msgspec.msgpack.Encoder()
_request_decoder: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_reply_decoder: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


def encode(message: Message) -> bytes:
    """One message as one binary frame."""
    return _encoder.encode(message)


def decode_request(frame: bytes) -> Request:
    """What the window sent. Raises msgspec.DecodeError or ValidationError on anything else."""
    return _request_decoder.decode(frame)


def decode_reply(frame: bytes) -> Reply:
    """What the engine sent. Raises msgspec.DecodeError or ValidationError on anything else."""
    return _reply_decoder.decode(frame)
