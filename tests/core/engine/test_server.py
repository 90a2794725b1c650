"""The wall around the engine: who is refused, how it is said, and that the engine lives on."""

import asyncio
import contextlib
import gc
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from core import paths, protocol
from core.engine.host import Host
from core.engine.server import _poster
from core.engine.service import _write_token
from tests.core.engine.conftest import PATIENCE_S, TOKEN, dial


@contextlib.contextmanager
def greet(server, token=TOKEN, version=protocol.PROTOCOL_VERSION):
    with dial(server) as connection:
        connection.send(protocol.encode(protocol.Hello(token=token, protocol=version)))
        yield connection


def receive(connection, kind):
    """The next message of that kind; others (state pushes) are passed over."""
    for _ in range(50):
        message = protocol.decode_reply(connection.recv(PATIENCE_S))
        if isinstance(message, kind):
            return message
    raise AssertionError(f"no {kind.__name__} came")


def assert_alive(server):
    with greet(server) as connection:
        assert receive(connection, protocol.Welcome).protocol == protocol.PROTOCOL_VERSION


def test_a_right_greeting_is_welcomed_and_told_the_state(server):
    with greet(server) as connection:
        assert receive(connection, protocol.Welcome).pid > 0
        assert receive(connection, protocol.State).status == "starting"


def test_a_wrong_token_is_refused_with_a_reason(server):
    with greet(server, token="b" * 64) as connection:
        refusal = receive(connection, protocol.Failed)
        assert refusal.kind == "unauthorised"
        assert "token" in refusal.sentence
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(PATIENCE_S)
        assert closed.value.rcvd.code == protocol.CLOSE_UNAUTHORISED
    assert_alive(server)


@pytest.mark.parametrize(("version", "older"), [(0, "window"), (99, "engine")])
def test_another_version_is_told_which_side_to_update(server, version, older):
    with greet(server, version=version) as connection:
        refusal = receive(connection, protocol.Failed)
        assert refusal.kind == "version"
        assert f"update the {older}" in refusal.sentence
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(PATIENCE_S)
        assert closed.value.rcvd.code == protocol.CLOSE_VERSION
    assert_alive(server)


def test_a_written_token_is_this_users_alone(monkeypatch, tmp_path):
    monkeypatch.setenv(paths.HOME_ENVIRONMENT, str(tmp_path))
    before = paths.cache_folder() / f"engine-{os.getpid()}.token"  # a dead engine's, which anybody may read
    before.parent.mkdir()
    before.write_text("old")
    before.chmod(0o644)
    file = _write_token("secret")
    assert file == before
    assert file.read_text() == "secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_web_page_is_refused(server):
    with pytest.raises(InvalidStatus) as refused, dial(server, origin="https://example.org"):
        pass
    assert refused.value.response.status_code == 403
    assert b"web pages" in refused.value.response.body
    assert_alive(server)


@pytest.mark.parametrize(
    "frame", [b"\x00\xff garbage", b"", "text", msgspec.msgpack.encode({"type": "Nonsense"})]
)
def test_garbage_is_refused_and_the_engine_lives_on(server, frame):
    with greet(server) as connection:
        receive(connection, protocol.Welcome)
        connection.send(frame)
        refusal = receive(connection, protocol.Failed)
        assert refusal.kind == "bad_input"
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                connection.recv(PATIENCE_S)
        assert closed.value.rcvd.code == protocol.CLOSE_BAD_MESSAGE
    assert_alive(server)


def test_a_first_message_that_is_no_hello_is_refused(server):
    with dial(server) as connection:
        connection.send(protocol.encode(protocol.GetLibrary(id=1)))
        assert receive(connection, protocol.Failed).sentence == "The first message must be Hello."
    assert_alive(server)


def test_a_message_of_100_mb_is_refused_before_it_is_read_whole(server):
    with greet(server) as connection:
        receive(connection, protocol.Welcome)
        with pytest.raises(ConnectionClosed) as closed:
            connection.send(bytes(100_000_000))
            while True:
                connection.recv(PATIENCE_S)
        assert closed.value.rcvd.code == 1009
        assert closed.value.rcvd.reason
    assert_alive(server)


def test_requests_before_a_library_is_open_fail_in_one_sentence(server):
    with greet(server) as connection:
        connection.send(protocol.encode(protocol.Search(id=7, text="a car")))
        failed = receive(connection, protocol.Failed)
        assert (failed.id, failed.kind) == (7, "not_found")
        assert failed.sentence == "No library is open: open one or add a folder of footage."


def test_cancelling_something_that_is_not_running_is_no_error(server):
    with greet(server) as connection:
        connection.send(protocol.encode(protocol.Cancel(id=1, target=999)))
    assert_alive(server)


def test_a_reply_that_the_loop_did_not_live_to_send_keeps_no_worker():
    loop, handed_over = asyncio.new_event_loop(), threading.Event()
    plain = loop.call_soon_threadsafe

    def call_soon(*arguments, **options):
        plain(*arguments, **options)
        handed_over.set()

    loop.call_soon_threadsafe = call_soon
    post = _poster(loop, asyncio.Queue())
    with ThreadPoolExecutor(1) as worker:
        posting = worker.submit(post, protocol.Cancelled(id=1))
        assert handed_over.wait(PATIENCE_S)
        assert not posting.done()
        loop.close()
        posting.result(30)  # long before a window that takes nothing is given up
    gc.collect()  # what was never awaited is a warning, which is an error here


def test_the_state_that_is_told_last_is_the_one_that_holds():
    host, told, threads = Host("cpu"), [], []

    def listen(state):
        if state.status == "busy":  # the next change comes while this one is being told
            threads.append(threading.Thread(target=host.busy, args=(-1,)))
            threads[0].start()
            threads[0].join(0.1)
        told.append(state.status)

    host.listeners.add(listen)
    host.busy(+1)
    threads[0].join()
    assert told == ["busy", "warm"]
    assert host.state.status == "warm"
    host.workers.stop()
