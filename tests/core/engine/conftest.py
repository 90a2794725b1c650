"""A running engine server in a thread of its own, with a host whose models are tiny or none."""

import asyncio
import threading

import pytest

from core.engine.host import Host
from core.engine.server import EngineServer

TOKEN = "a" * 64


class ServerThread:
    """An EngineServer on its own event loop; `port` is where it listens."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    async def _run(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.server = EngineServer(self.host, TOKEN)
        self.port = await self.server.start()
        self._ready.set()
        await self.server.stopped.wait()
        await self.server.close()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.server.stopped.set)
        self._thread.join(10)
        self.host.workers.stop()


@pytest.fixture
def server():
    running = ServerThread(Host("cpu"))
    yield running
    running.stop()
