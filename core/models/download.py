"""One file over https: progress, cancelling, resuming after a break, and a hash at the end.

Nothing here runs unless a person asked for a download by name.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.files import sha256_of, writing_failed

Progress = Callable[[float, float, float], None]
"""Bytes done, bytes in all (0: unknown), bytes per second."""

BLOCK: Final = 1 << 20
TIMEOUT_S: Final = 30.0
AGENT: Final = {"User-Agent": "drivescope"}


@dataclass(frozen=True)
class Remote:
    """What a server says about a file before it is fetched."""

    url: str  # after redirects
    size: int  # 0: not said
    sha256: str  # empty: not said


class NotThereError(Exception):
    """The server has no such file (404)."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The hub's hash is in the answer that redirects, which urllib would throw away."""

    def redirect_request(self, *args: Any, **keywords: Any) -> None:  # noqa: ANN401
        """Never followed here."""
        return


def ask(url: str) -> Remote:
    """Size and SHA-256 of a file, following redirects by hand; raises `NotThereError`."""
    opener = urllib.request.build_opener(_NoRedirect)
    size, sha256 = 0, ""
    for _ in range(6):
        headers, status = _head(opener, url)
        etag = headers.get("X-Linked-Etag", "").strip('W/"')
        sha256 = etag if len(etag) == 64 else sha256
        size = int(headers.get("X-Linked-Size") or headers.get("Content-Length") or size)
        if status not in (301, 302, 303, 307, 308):
            break
        url = urljoin(url, headers.get("Location", ""))
    return Remote(url, size, sha256)


def _head(opener: urllib.request.OpenerDirector, url: str) -> tuple[Any, int]:
    request = urllib.request.Request(url, method="HEAD", headers=AGENT)
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            return answer.headers, answer.status
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise NotThereError(url) from error
        if error.code in (301, 302, 303, 307, 308):
            return error.headers, error.code
        raise _failed(url, f"the server answers {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise _failed(url, str(error)) from error


def download(url: str, path: Path, progress: Progress, cancelled: Callable[[], bool]) -> str:
    """Fetches `url` to `path`; what an earlier try left in `path`.partial is continued.

    Returns the SHA-256 of the file, which equals the server's where the server tells it. Raises
    `NotThereError`, `core.errors.Cancelled` (the partial file stays), or a `DrivescopeError`.
    """
    remote = ask(url)
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(remote, partial, progress, cancelled)
        found = sha256_of(partial)
        if remote.sha256 and found != remote.sha256:
            partial.unlink()
            raise _failed(url, "the file that arrived has another hash than the server's; it was deleted")
        partial.replace(path)
    except OSError as error:
        raise writing_failed(path, error) from error
    return found


def _fetch(remote: Remote, partial: Path, progress: Progress, cancelled: Callable[[], bool]) -> None:
    done = partial.stat().st_size if partial.exists() else 0
    if remote.size and done == remote.size:
        return
    headers = {**AGENT, "Range": f"bytes={done}-"} if 0 < done < (remote.size or done + 1) else AGENT
    request = urllib.request.Request(remote.url, headers=headers)
    try:
        answer: HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except (OSError, HTTPException) as error:
        raise _failed(remote.url, str(error)) from error
    with answer:
        if answer.status != 206:  # no resuming there: from the start
            done = 0
        total = remote.size or done + int(answer.headers.get("Content-Length") or 0)
        with partial.open("ab" if done else "wb") as file:
            _copy(answer, file.write, done, total, progress, cancelled)
    if total and partial.stat().st_size != total:
        raise _failed(
            remote.url,
            f"the connection broke after {partial.stat().st_size} of {total} bytes; repeat to go on",
        )


def _copy(
    answer: HTTPResponse,
    write: Callable[[bytes], int],
    done: int,
    total: int,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> None:
    started, at_start = time.monotonic(), done
    while True:
        if cancelled():
            raise Cancelled
        try:
            block = answer.read(BLOCK)
        except (TimeoutError, ConnectionError, HTTPException) as error:
            raise _failed(answer.url, f"{error}; repeat to go on where it stopped") from error
        if not block:
            return
        write(block)
        done += len(block)
        progress(done, total, (done - at_start) / max(time.monotonic() - started, 1e-6))


def _failed(url: str, reason: str) -> DrivescopeError:
    host = urlsplit(url).netloc
    return DrivescopeError(
        ErrorKind.OFFLINE,
        f"The download from {host} failed: {reason.rstrip('.')}. Weights that are already on a disk can be "
        "imported with `drivescope models get NAME --from FILE`.",
        detail=url,
    )
