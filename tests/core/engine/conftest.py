"""A running engine server in a thread of its own, with a host whose models are tiny or none."""

import asyncio
import threading

import pytest
from websockets.sync.client import ClientConnection, connect

from core import protocol
from core.engine.host import Host
from core.engine.server import EngineServer

TOKEN = "a" * 64
PATIENCE_S = 300
"""How long is waited for what must come: a wait ends when it has come, so this only bounds a failure."""


class ServerThread:
    """An EngineServer on its own event loop; `port` is where it listens."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)

    async def _run(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.server = EngineServer(self.host, TOKEN)
        self.port = await self.server.start()
        self._ready.set()
        await self.server.stopped.wait()
        await self.server.close()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.server.stopped.set)
        self._thread.join(PATIENCE_S)
        self.host.workers.stop()


def dial(server: ServerThread, **options: str) -> ClientConnection:
    """A connection that nobody has greeted: past any proxy, and not given up while a busy machine lets it wait."""
    return connect(
        f"ws://127.0.0.1:{server.port}",
        compression=None,
        max_size=protocol.MAX_MESSAGE_BYTES,
        open_timeout=PATIENCE_S,
        ping_interval=None,
        proxy=None,
        **options,
    )


@pytest.fixture
def server():
    running = ServerThread(Host("cpu"))
    yield running
    running.stop()
