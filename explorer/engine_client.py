"""The window's end of the wire: messages out, replies in, each reply brought to the request it answers.

Replies to a request that was cancelled, answered or superseded are dropped here, so that nobody above has
to think about them. Only this file and the engine's server know that the transport is a WebSocket.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import msgspec
from PySide6.QtCore import QByteArray, QObject, QTimer, QUrl, Signal
from PySide6.QtWebSockets import QWebSocket

from core import protocol
from explorer.logs import log


class Request(QObject):
    """A question on its way.

    Signals:
        answered(reply): once per answer; a search has two, frames come in many chunks.
        progressed(progress): while long work runs.
        failed(failure): the engine could not; no further signal but `finished` follows.
        dropped(): cancelled by us, or the engine went away before the answer.
        finished(): exactly once, after the last of the above.
    """

    answered = Signal(object)
    progressed = Signal(object)
    failed = Signal(object)
    dropped = Signal()
    finished = Signal()

    def __init__(self, number: int, client: EngineClient) -> None:
        super().__init__(client)
        self.number = number

    def cancel(self) -> None:
        """Tell the engine to stop and forget whatever it still answers."""
        client = self.parent()  # asked for, not kept: a child that holds its parent frees it while dying
        if isinstance(client, EngineClient):
            client.cancel(self)


class EngineClient(QObject):
    """One connection.

    Signals:
        connected(welcome): the engine accepted us; requests may be sent.
        disconnected(sentence): the connection is gone, with the reason if the engine gave one.
        state_changed(state): pushed by the engine.
        library_grew(clips): clips became searchable or went away.
    """

    connected = Signal(object)
    disconnected = Signal(str)
    state_changed = Signal(object)
    library_grew = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.ready = False
        self._token = ""
        self._refusal = ""
        self._ids = itertools.count(1)
        self._pending: dict[int, Request] = {}
        self._socket: QWebSocket | None = None

    def connect_to(self, port: int, token: str) -> None:
        """Open the connection and greet. Answered by `connected` or `disconnected`."""
        self._drop_socket()
        self._token = token
        self._refusal = ""
        self._socket = self._new_socket()
        self._socket.open(QUrl(f"ws://127.0.0.1:{port}"))

    def close(self) -> None:
        """Hang up."""
        self._drop_socket()
        self._forget_all()

    def _new_socket(self) -> QWebSocket:
        """One socket per connection.

        A QWebSocket that was cut off within a frame goes on waiting for the rest of it and five seconds
        later closes whatever connection it has by then, so none is ever used twice.
        """
        socket = QWebSocket(parent=self)
        socket.setMaxAllowedIncomingMessageSize(protocol.MAX_MESSAGE_BYTES)
        socket.setMaxAllowedIncomingFrameSize(protocol.MAX_MESSAGE_BYTES)
        socket.connected.connect(self._greet)
        socket.disconnected.connect(self._on_disconnected)
        socket.errorOccurred.connect(self._on_disconnected)  # a refused connection says only this
        socket.binaryMessageReceived.connect(self._receive)
        return socket

    def _drop_socket(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.blockSignals(True)
            socket.abort()
            socket.deleteLater()

    def send(self, make: Callable[[int], protocol.Message]) -> Request:
        """Send the message that `make` builds around a fresh id.

        Without a connection the request is dropped at once (after the caller had time to connect signals).
        """
        request = Request(next(self._ids), self)
        self._pending[request.number] = request
        if self.ready:
            self._write(make(request.number))
        else:
            QTimer.singleShot(0, request, lambda: self._drop(request))
        return request

    def cancel(self, request: Request) -> None:
        """Stop a request; quiet if it is already answered."""
        if request.number in self._pending:
            if self.ready:
                self._write(protocol.Cancel(id=next(self._ids), target=request.number))
            self._drop(request)

    @property
    def pending(self) -> int:
        """How many requests wait for an answer."""
        return len(self._pending)

    def _greet(self) -> None:
        self._write(protocol.Hello(token=self._token, protocol=protocol.PROTOCOL_VERSION))

    def _write(self, message: protocol.Message) -> None:
        if self._socket is not None:
            self._socket.sendBinaryMessage(QByteArray(protocol.encode(message)))

    def _receive(self, frame: QByteArray) -> None:
        try:
            reply = protocol.decode_reply(bytes(frame.data()))
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            log.error("unreadable message from the engine: %s", error)
            return
        match reply:
            case protocol.State():
                self.state_changed.emit(reply)
            case protocol.LibraryChanged():
                self.library_grew.emit(reply.clips)
            case protocol.Welcome():
                self.ready = True
                self.connected.emit(reply)
            case protocol.Failed(id=0):
                log.error("engine refused: %s (%s)", reply.sentence, reply.detail)
                self._refusal = reply.sentence
            case _:
                self._deliver(reply)

    def _deliver(self, reply: protocol.Reply) -> None:
        request = self._pending.get(getattr(reply, "id", 0))
        if request is None:
            return  # late: cancelled, superseded or answered
        if ends_request(reply):
            del self._pending[request.number]
            self._tell(request, reply)
            request.finished.emit()
            request.deleteLater()
        else:
            self._tell(request, reply)

    @staticmethod
    def _tell(request: Request, reply: protocol.Reply) -> None:
        match reply:
            case protocol.Progress():
                request.progressed.emit(reply)
            case protocol.Failed():
                log.warning("request failed (%s): %s %s", reply.kind, reply.sentence, reply.detail)
                request.failed.emit(reply)
            case protocol.Cancelled():
                request.dropped.emit()
            case _:
                request.answered.emit(reply)

    def _drop(self, request: Request) -> None:
        if self._pending.pop(request.number, None) is not None:
            request.dropped.emit()
            request.finished.emit()
            request.deleteLater()

    def _forget_all(self) -> None:
        self.ready = False
        for request in list(self._pending.values()):
            self._drop(request)

    def _on_disconnected(self) -> None:
        if self._socket is not None:
            self._drop_socket()
            self._forget_all()
            self.disconnected.emit(self._refusal)


def ends_request(reply: protocol.Reply) -> bool:
    """Whether nothing more comes for this reply's request: a search has several answers, some replies come in parts."""
    match reply:
        case protocol.Progress():
            return False
        case protocol.Ranked():
            return reply.settled and not reply.line_follows
        case _:
            return getattr(reply, "last", True)
