"""The engine as a process: token, announcement, and when to leave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import sys
import threading
from pathlib import Path

from core import paths, protocol
from core.engine.host import Host
from core.engine.server import EngineServer

log = logging.getLogger(__name__)


def main(*, leave_with_parent: bool, port: int = 0, device: str = "auto") -> int:
    """Run the engine until it is told to leave. Prints one JSON line: port, protocol, pid.

    Without a token in the environment a new one is written to a file that only this user can read, and the line
    names it as `token_file`: whoever may read that file may connect.
    """
    # torch's and OpenMP's threads wait by spinning otherwise and starve the decoders on the other core
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    return asyncio.run(_serve(leave_with_parent, port, device))


async def _serve(leave_with_parent: bool, port: int, device: str) -> int:
    line: dict[str, object] = {}
    token = os.environ.pop(protocol.TOKEN_ENVIRONMENT, "")
    token_file = None
    if not token:
        token = secrets.token_hex(32)
        token_file = _write_token(token)
        line["token_file"] = str(token_file)
    host = Host(device)
    server = EngineServer(host, token)
    with contextlib.suppress(NotImplementedError):  # Windows has no such handlers; there the token file stays
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, server.stopped.set)
    line |= {"port": await server.start(port), "protocol": protocol.PROTOCOL_VERSION, "pid": os.getpid()}
    print(json.dumps(line), flush=True)  # noqa: T201 - the announcement is this program's standard output
    host.workers.models.submit(host.warm_up)
    if leave_with_parent:
        _watch_parent(asyncio.get_running_loop(), server)
    await server.stopped.wait()
    log.info("leaving")
    await server.close()
    host.workers.stop()
    if token_file is not None:
        token_file.unlink(missing_ok=True)
    sys.stderr.flush()
    os._exit(0)  # a decoder or a model in the middle of a long call must not keep the process alive


def _watch_parent(loop: asyncio.AbstractEventLoop, server: EngineServer) -> None:
    """Leave when standard input closes: the window that held the other end is gone."""

    def wait() -> None:
        while sys.stdin.buffer.read(1):
            pass
        loop.call_soon_threadsafe(server.stopped.set)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _write_token(token: str) -> Path:
    folder = paths.cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"engine-{os.getpid()}.token"
    file.unlink(
        missing_ok=True
    )  # of a dead engine with this number; a file keeps the permissions it was made with
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(token)
    return file
