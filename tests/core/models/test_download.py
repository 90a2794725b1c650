"""Downloads against a local server: progress, cancelling, resuming, hashes and redirects."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.models import catalogue, download, store

CONTENT = bytes(range(256)) * 16384  # 4 MiB


class Hub(BaseHTTPRequestHandler):
    """Redirects /repo/... to /cdn with the hub's headers, and serves byte ranges."""

    asked: list[str | None] = []  # noqa: RUF012 - one server per test
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    length = len(CONTENT)

    def do_HEAD(self) -> None:
        if "missing" in self.path:
            self.send_error(404)
            return
        if self.path.startswith("/repo"):
            self.send_response(302)
            self.send_header("X-Linked-Etag", f'"{self.sha256}"')
            self.send_header("X-Linked-Size", str(self.length))
            self.send_header("Location", "/cdn")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(self.length))
        self.end_headers()

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        type(self).asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start:])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # on a machine behind a proxy
    handler = type("Handler", (Hub,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # a cancelled download hangs up on it
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_whole_download(hub, tmp_path) -> None:
    handler, url = hub
    seen = []
    path = tmp_path / "new" / "weights.bin"
    found = download.download(f"{url}/repo/file", path, lambda *p: seen.append(p), lambda: False)
    assert path.read_bytes() == CONTENT
    assert found == handler.sha256
    assert seen[-1][:2] == (len(CONTENT), len(CONTENT))
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert not list(path.parent.glob("*.partial"))


def test_a_cancelled_download_goes_on_where_it_stopped(hub, tmp_path) -> None:
    handler, url = hub
    path, seen = tmp_path / "weights.bin", []
    with pytest.raises(Cancelled):
        download.download(f"{url}/repo/file", path, lambda *p: seen.append(p), lambda: len(seen) >= 2)
    assert not path.exists()
    kept = (tmp_path / "weights.bin.partial").stat().st_size
    assert 0 < kept < len(CONTENT)
    download.download(f"{url}/repo/file", path, lambda *p: None, lambda: False)
    assert handler.asked == [None, f"bytes={kept}-"]
    assert path.read_bytes() == CONTENT


def test_another_hash_is_refused_and_removed(hub, tmp_path) -> None:
    handler, url = hub
    handler.sha256 = "0" * 64
    with pytest.raises(DrivescopeError, match="another hash"):
        download.download(f"{url}/repo/file", tmp_path / "w.bin", lambda *p: None, lambda: False)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_connection_is_said_and_kept(hub, tmp_path) -> None:
    handler, url = hub
    handler.length = len(CONTENT) + 100
    with pytest.raises(DrivescopeError, match="the connection broke after") as caught:
        download.download(f"{url}/repo/file", tmp_path / "w.bin", lambda *p: None, lambda: False)
    assert caught.value.kind is ErrorKind.OFFLINE
    assert (tmp_path / "w.bin.partial").stat().st_size == len(CONTENT)


def test_no_server_and_no_file(hub, tmp_path) -> None:
    _, url = hub
    with pytest.raises(download.NotThereError):
        download.download(f"{url}/missing", tmp_path / "w.bin", lambda *p: None, lambda: False)
    with pytest.raises(DrivescopeError, match="--from FILE"):
        download.download("http://127.0.0.1:9/file", tmp_path / "w.bin", lambda *p: None, lambda: False)


def test_no_permission_is_one_sentence(hub, tmp_path, monkeypatch) -> None:
    _, url = hub

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "_copy", full)
    with pytest.raises(DrivescopeError, match="disk is full") as caught:
        download.download(f"{url}/repo/file", tmp_path / "w.bin", lambda *p: None, lambda: False)
    assert caught.value.kind is ErrorKind.DISK_FULL


def test_models_get_by_name(hub, tmp_path, monkeypatch) -> None:
    _, url = hub
    monkeypatch.setenv("DRIVESCOPE_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", f"{url}/repo")
    entry = catalogue.entries()["vit-b-32-openai"]
    stored = store.fetch_model(entry.name, lambda *p: None, lambda: False)
    assert stored.weights.read_bytes() == CONTENT
    assert stored.weights.name == "weights.safetensors"
    assert store.find(entry) == stored
    stored.weights.write_bytes(b"cut short")
    assert store.find(entry) is None


def test_offline_means_no_download(hub, tmp_path, monkeypatch) -> None:
    handler, url = hub
    monkeypatch.setenv("DRIVESCOPE_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", f"{url}/repo")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DrivescopeError, match="nothing is downloaded"):
        store.fetch_model("vit-b-32-openai", lambda *p: None, lambda: False)
    assert handler.asked == []
