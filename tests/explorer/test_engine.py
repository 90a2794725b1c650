"""The wire and the process behind it."""

import os
import signal
import subprocess
import sys

import pytest

from core.protocol import Failed, GetLibrary, GetModels, Hello, LibraryOpened, OpenLibrary, Search
from explorer.engine_client import EngineClient
from explorer.engine_link import EngineLink
from explorer.engine_process import ENGINE_COMMAND, EngineProcess
from explorer.jobs import Jobs

FAKE = (sys.executable, "-m", "tests.explorer.fake_engine")


@pytest.fixture
def client(qtbot, engine):
    made = EngineClient()
    with qtbot.waitSignal(made.connected):
        made.connect_to(engine.port, "secret")
    yield made
    made.close()


@pytest.fixture
def process(qtbot):
    made = []

    def make(*arguments: str, command: tuple[str, ...] = FAKE) -> EngineProcess:
        found = EngineProcess((*command, *arguments), backoff_ms=(0,))
        made.append(found)
        return found

    yield make
    for each in made:
        each.stop()


def test_the_first_message_is_hello_with_the_token(engine, client):
    assert isinstance(engine.received[0], Hello)
    assert engine.received[0].token == "secret"


def test_each_answer_reaches_its_own_request(qtbot, engine, client):
    engine.hold(GetLibrary)
    first = client.send(lambda number: GetLibrary(id=number))
    second = client.send(lambda number: GetModels(id=number))
    with qtbot.waitSignal(second.answered):
        pass
    with qtbot.waitSignal(first.answered) as answer:
        engine.release(GetLibrary)
    assert isinstance(answer.args[0], LibraryOpened)
    assert client.pending == 0


def test_a_cancelled_request_hears_nothing_more(qtbot, engine, client):
    engine.hold(Search)
    heard = []
    request = client.send(lambda number: Search(id=number, text="a"))
    request.answered.connect(heard.append)
    request.dropped.connect(lambda: heard.append("dropped"))
    request.finished.connect(lambda: heard.append("finished"))
    qtbot.waitUntil(lambda: engine.asked(Search) != [])
    request.cancel()
    qtbot.waitUntil(lambda: engine.cancelled == [request.number])
    engine.release(Search)
    after = client.send(lambda number: GetLibrary(id=number))
    with qtbot.waitSignal(after.finished):
        pass
    assert heard == ["dropped", "finished"]


def test_a_search_stays_open_until_the_rerank(qtbot, engine, client):
    with qtbot.waitSignal(client.send(lambda number: OpenLibrary(id=number, path="demo")).finished):
        pass
    stages = []
    request = client.send(lambda number: Search(id=number, text="a"))
    request.answered.connect(lambda ranked: stages.append(ranked.stage))
    with qtbot.waitSignal(request.finished):
        pass
    assert stages == ["first", "reranked"]


def test_without_a_connection_requests_are_dropped(qtbot, qapp):
    client = EngineClient()
    request = client.send(lambda number: GetLibrary(id=number))
    with qtbot.waitSignal(request.dropped):
        pass


def test_a_lost_connection_drops_everything_that_waits(qtbot, engine, client):
    engine.hold(Search)
    request = client.send(lambda number: Search(id=number, text="a"))
    qtbot.waitUntil(lambda: engine.asked(Search) != [])
    with qtbot.waitSignals([request.dropped, client.disconnected]):
        engine.hang_up()
    assert not client.ready


def test_a_failure_is_not_an_answer(qtbot, engine, client):
    engine.hold(GetLibrary)
    request = client.send(lambda number: GetLibrary(id=number))
    qtbot.waitUntil(lambda: engine.asked(GetLibrary) != [])
    with qtbot.waitSignal(request.failed) as failure, qtbot.assertNotEmitted(request.answered):
        engine.say(Failed(request.number, "not_found", "No library is open."))
    assert failure.args[0].sentence == "No library is open."


def test_garbage_from_the_engine_is_ignored(qtbot, engine, client, caplog):
    engine.say_bytes(b"\xc1 nothing of ours")
    engine.say_bytes(b"")
    request = client.send(lambda number: GetLibrary(id=number))
    with qtbot.waitSignal(request.answered):
        pass


def test_a_refused_window_learns_why(qtbot, engine):
    engine.token = "right"
    client = EngineClient()
    with qtbot.waitSignal(client.disconnected) as gone:
        client.connect_to(engine.port, "wrong")
    assert gone.args[0] == "The engine does not know this window."


def test_nobody_listening_is_a_lost_connection(qtbot, engine):
    port = engine.port
    engine.close()
    client = EngineClient()
    with qtbot.waitSignal(client.disconnected):
        client.connect_to(port, "")


def test_a_job_is_shown_only_while_it_lasts(qtbot, engine, client):
    jobs = Jobs(show_after_ms=0)
    engine.hold(Search)
    request = client.send(lambda number: Search(id=number, text="a"))
    jobs.watch("Searching", request)
    assert jobs.visible == []
    with qtbot.waitSignal(jobs.changed):
        pass
    assert [job.title for job in jobs.visible] == ["Searching"]
    with qtbot.waitSignal(jobs.changed):
        request.cancel()
    assert jobs.visible == []


def test_the_process_announces_its_port_and_leaves_with_us(qtbot, process):
    engine = process()
    with qtbot.waitSignal(engine.listening) as announced:
        engine.start()
    assert announced.args[0] > 0
    assert len(engine.token) == 64
    assert engine.token not in " ".join(FAKE)
    engine.stop()
    assert not engine.running


@pytest.mark.skipif(os.name != "posix", reason="kills by a POSIX signal")
def test_what_lies_where_a_person_stands_is_not_the_engine(tmp_path):
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text("raise SystemExit('somebody else')")
    *python, _module, name = ENGINE_COMMAND
    assert name == "core.engine"
    found = subprocess.run(
        [*python, "-c", "import core; print(core.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path) not in found.stdout


def test_a_killed_engine_is_noticed_and_comes_back(qtbot, process):
    engine = process()
    client = EngineClient()
    link = EngineLink(engine, client)
    with qtbot.waitSignal(link.came_up):
        link.start()
    token = engine.token
    told = []
    link.went_away.connect(lambda sentence, detail: told.append(sentence))
    with qtbot.waitSignal(link.came_up):
        os.kill(engine.pid, signal.SIGKILL)
    assert "killed or crashed" in told[0]
    assert engine.token != token
    qtbot.waitUntil(lambda: link.view.status == "warm")
    link.stop()


def test_an_engine_that_cannot_start_is_given_up_after_three_restarts(qtbot, process):
    engine = process("--die")
    deaths = []
    engine.died.connect(lambda sentence, detail: deaths.append(sentence))
    with qtbot.waitSignal(engine.gave_up) as end:
        engine.start()
    assert len(deaths) == 3
    assert "exit code 3" in end.args[0]
    assert "restarted 3 times" in end.args[0]
    assert "pretending to be broken" in end.args[1]


def test_a_missing_program_is_said_in_words(qtbot, process):
    engine = process(command=("/nowhere/at/all",))
    with qtbot.waitSignal(engine.gave_up) as end:
        engine.start()
    assert "could not be started" in end.args[0]
