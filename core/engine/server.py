"""The transport: one WebSocket server on 127.0.0.1 that hands typed requests to a `Session`.

What it refuses, and how: a handshake with an `Origin` header (a web page can reach loopback ports) with
HTTP 403; a wrong token or another protocol version with `Failed` and a close code of our own; a frame that is no
message with `Failed` and close code 4400; a frame beyond `MAX_MESSAGE_BYTES` with close code 1009 before it is
read whole. None of these disturbs other connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import http
import inspect
import logging
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor
from os import getpid
from typing import Final

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as HandshakeRequest
from websockets.http11 import Response

from core import protocol
from core.engine.host import Host, version
from core.engine.session import Session
from core.engine.workers import CHECK_S
from core.errors import ErrorKind

log = logging.getLogger(__name__)
HELLO_SECONDS: Final = 10.0
OUTGOING_MESSAGES: Final = 64
"""Replies that may wait for a slow window before the worker that makes them is held back."""
LOOK_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 60.0
"""So long a worker is held back; what the window has not taken by then is dropped."""


class EngineServer:
    """Accepts connections, checks their greeting, and runs one `Session` each."""

    def __init__(self, host: Host, token: str) -> None:
        self._host = host
        self._token = token
        self._server: Server | None = None
        self.stopped = asyncio.Event()

    async def start(self, port: int = 0) -> int:
        """Listen on 127.0.0.1 and return the port (0 asks the system for a free one)."""
        self._server = await serve(
            self._connection,
            "127.0.0.1",
            port,
            process_request=_refuse_web_pages,
            max_size=protocol.MAX_MESSAGE_BYTES,
            compression=None,  # JPEG does not shrink
            ping_interval=20,
            ping_timeout=None,  # a window that is stopped in a debugger keeps its session
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _connection(self, connection: ServerConnection) -> None:
        try:
            if not await self._greet(connection):
                return
            await self._converse(connection)
        except ConnectionClosed:
            log.info("a window left")

    async def _greet(self, connection: ServerConnection) -> bool:
        """Check the first message. Returns whether the connection may go on."""
        refusal = self._refusal(await _first_message(connection))
        if refusal is not None:
            await _refuse(connection, *refusal)
            return False
        welcome = protocol.Welcome(protocol=protocol.PROTOCOL_VERSION, version=version(), pid=getpid())
        await connection.send(protocol.encode(welcome))
        return True

    def _refusal(self, hello: protocol.Request | None) -> tuple[ErrorKind, str, int] | None:
        """Why a connection that began with this message may not go on: kind, sentence, close code."""
        if not isinstance(hello, protocol.Hello):
            return ErrorKind.BAD_INPUT, "The first message must be Hello.", protocol.CLOSE_BAD_MESSAGE
        if not hmac.compare_digest(hello.token.encode(), self._token.encode()):
            sentence = "The engine refused this window: the token is not the one it was started with."
            return ErrorKind.UNAUTHORISED, sentence, protocol.CLOSE_UNAUTHORISED
        if hello.protocol != protocol.PROTOCOL_VERSION:
            older = "window" if hello.protocol < protocol.PROTOCOL_VERSION else "engine"
            sentence = (
                f"The window speaks protocol {hello.protocol}, the engine {protocol.PROTOCOL_VERSION}: "
                f"update the {older}."
            )
            return ErrorKind.VERSION, sentence, protocol.CLOSE_VERSION
        return None

    async def _converse(self, connection: ServerConnection) -> None:
        loop = asyncio.get_running_loop()
        outgoing: asyncio.Queue[protocol.Reply] = asyncio.Queue(OUTGOING_MESSAGES)
        sender = asyncio.create_task(_send_all(connection, outgoing))
        session = Session(self._host, _poster(loop, outgoing), self.stopped.set)
        watch = asyncio.create_task(_watch(session, self._host.workers.pictures))
        try:
            while True:
                try:
                    request = protocol.decode_request(await _binary(connection, None))
                except (msgspec.MsgspecError, TypeError) as error:
                    sentence = "The engine could not read a message and closed this connection."
                    await _refuse(
                        connection, ErrorKind.BAD_INPUT, sentence, protocol.CLOSE_BAD_MESSAGE, str(error)
                    )
                    return
                session.receive(request)
        finally:
            session.close()
            for task in (watch, sender):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                    await task


def _poster(
    loop: asyncio.AbstractEventLoop, outgoing: asyncio.Queue[protocol.Reply]
) -> Callable[[protocol.Reply], None]:
    """A `post` that any thread may call: it waits while a slow window has not taken what is there.

    From the loop's own thread it never waits; progress that would have to wait is dropped: newer will follow.
    """

    async def put(reply: protocol.Reply) -> None:
        await outgoing.put(reply)

    def post(reply: protocol.Reply) -> None:
        if isinstance(reply, protocol.Progress) and outgoing.full():
            return
        try:
            running: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is loop:
            task = loop.create_task(put(reply))
            _pending.add(task)
            task.add_done_callback(_pending.discard)
            return
        waiting = put(reply)
        try:
            future = asyncio.run_coroutine_threadsafe(waiting, loop)
        except RuntimeError:  # the loop has ended: nobody listens any more
            waiting.close()
            return
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not loop.is_closed() and time.monotonic() < give_up:
            try:
                future.result(timeout=CHECK_S)
                return
            except TimeoutError:
                continue
            except CancelledError:  # the engine leaves
                return
        if not loop.is_closed():
            future.cancel()  # a window that takes nothing
        elif inspect.getcoroutinestate(waiting) == inspect.CORO_CREATED:
            waiting.close()  # the loop ended before it came to this

    return post


_pending: set[asyncio.Task[None]] = set()
"""Tasks under way: asyncio holds them weakly, and an unheld one may vanish before it ran."""


async def _watch(session: Session, executor: Executor) -> None:
    """Have the session look at its library every `LOOK_SECONDS`, in a thread: a disk may take its time."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await asyncio.get_running_loop().run_in_executor(executor, session.look_again)


async def _send_all(connection: ServerConnection, outgoing: asyncio.Queue[protocol.Reply]) -> None:
    while True:
        await connection.send(protocol.encode(await outgoing.get()))


async def _first_message(connection: ServerConnection) -> protocol.Request | None:
    """What a window said first, or None if that was nothing or no message."""
    try:
        return protocol.decode_request(await _binary(connection, HELLO_SECONDS))
    except (msgspec.MsgspecError, TypeError, TimeoutError):
        return None


async def _binary(connection: ServerConnection, seconds: float | None) -> bytes:
    """The next frame. Raises TypeError for a text frame, TimeoutError if none came in time."""
    frame = await asyncio.wait_for(connection.recv(), seconds)
    if isinstance(frame, str):
        raise TypeError("messages are binary frames")
    return frame


async def _refuse(
    connection: ServerConnection, kind: ErrorKind, sentence: str, code: int, detail: str = ""
) -> None:
    await connection.send(protocol.encode(protocol.Failed(id=0, kind=kind, sentence=sentence, detail=detail)))
    await connection.close(code, sentence[:120])


def _refuse_web_pages(connection: ServerConnection, request: HandshakeRequest) -> Response | None:
    if "Origin" in request.headers:
        return connection.respond(http.HTTPStatus.FORBIDDEN, "The engine does not speak with web pages.\n")
    return None
