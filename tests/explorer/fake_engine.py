"""An engine that speaks the real protocol over a real socket and makes everything up, for tests and for looking.

In a test it lives in the test's own event loop (`FakeEngine()`); as a process
(`python -m tests.explorer.fake_engine [--clips N] ...`) it behaves like `python -m core.engine`.
`hold` keeps the answers to a kind of request back until `release`.
"""

import argparse
import json
import math
import os
import random
import sys
from dataclasses import dataclass, field

import msgspec
from PySide6.QtCore import QByteArray, QCoreApplication, QObject, QSocketNotifier, QTimer, Signal
from PySide6.QtNetwork import QHostAddress
from PySide6.QtWebSockets import QWebSocket, QWebSocketProtocol, QWebSocketServer

from core import protocol
from core.errors import DrivescopeError
from core.protocol import (
    FailureInfo,
    FrameChunk,
    FrameImage,
    Hit,
    LibraryInfo,
    ModelInfo,
    Progress,
    Ranked,
    VideoInfo,
)
from core.search.query import read_query
from tests.explorer.fake_analysis import AnalysisAnswers
from tests.explorer.fake_feedback import learned
from tests.explorer.fake_heat import heat_parts
from tests.explorer.fake_moments import MomentsAnswers
from tests.explorer.fake_skeletons import SkeletonAnswers
from tests.explorer.fake_why import WhyAnswers
from tests.explorer.scenes import frame_jpeg, strip_jpeg

CLIP_S = 8.0
PER_VIDEO = 6
FRAMES = 24
NEED_A_LIBRARY = (
    protocol.Search,
    protocol.SearchLike,
    protocol.GetThumbnail,
    protocol.GetFrames,
    protocol.GetHeat,
)
UNLEARNED = ("subm", "zeb")
"""How words begin that the fake model never learned: also those that are not typed to their end."""
EXAMPLES = (
    "a pedestrian crossing at night",
    "red car turning left",
    "rain on an empty highway",
    "stopping at a traffic light",
    "a bus ahead in the city",
    "snow and a parked van",
)


@dataclass
class World:
    """What the fake engine pretends to hold."""

    clips: int = 60
    name: str = "Demo library"
    path: str = "/footage/demo-library"
    label: str = "trained on the demo world"
    notes: tuple[str, ...] = ()
    failures: tuple[FailureInfo, ...] = ()
    likely: int | None = None  # the rank past which clips of a reranked query probably do not match
    slow_ms: int = 0  # between the two stages, and for each step of long work
    status: str = "warm"
    build: str = ""  # another one is another library in the same place
    videos: list[VideoInfo] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = (
            "city_morning",
            "ring_road_dusk",
            "雨の高速道路",
            "night_drive_north",
            "school_street 🚸",
            "alpine_pass",
        )
        count = math.ceil(self.clips / PER_VIDEO)
        self.videos = [
            VideoInfo(
                video_id=number + 1,
                path=f"/footage/2026-05-{number % 28 + 1:02}/{names[number % 6]}_{number + 1:03}.mp4",
                name=f"{names[number % 6]}_{number + 1:03}.mp4",
                duration_s=PER_VIDEO * CLIP_S,
                clips=min(PER_VIDEO, self.clips - number * PER_VIDEO),
                missing=number == 4,
            )
            for number in range(count)
        ]

    def library(self) -> LibraryInfo:
        return LibraryInfo(
            path=self.path, name=self.name, bundle="drive-tiny", bundle_label=self.label, crop="letterbox",
            clips=self.clips, video_seconds=self.clips * CLIP_S, videos=tuple(self.videos),
            failures=self.failures, notes=self.notes, example_queries=EXAMPLES, build=self.build,
        )  # fmt: skip

    def clip(self, clip_id: int) -> tuple[VideoInfo, float]:
        """The video of a clip (ids start at 1) and where the clip starts in it."""
        video, place = divmod(clip_id - 1, PER_VIDEO)
        return self.videos[video], place * CLIP_S

    def ranking(self, request: protocol.Search, stage: str) -> tuple[Hit, ...]:
        """A ranking that depends on the query alone; the rerank shuffles its upper part."""
        dice = random.Random(request.text)
        allowed = set(request.filters.video_ids)
        clips = [
            clip for clip in range(1, self.clips + 1) if not allowed or self.clip(clip)[0].video_id in allowed
        ]
        dice.shuffle(clips)
        first = {clip: place for place, clip in enumerate(clips, 1)}
        if stage == "reranked":
            clips.sort(key=lambda clip: first[clip] + dice.gauss(0, 6))
        return tuple(
            self._hit(clip, rank, first[clip], len(clips), stage) for rank, clip in enumerate(clips, 1)
        )[: request.k]

    def _hit(self, clip: int, rank: int, first_rank: int, count: int, stage: str) -> Hit:
        video, start_s = self.clip(clip)
        return Hit(
            rank=rank, clip_id=clip, video_id=video.video_id, video=video.path, start_s=start_s,
            end_s=start_s + CLIP_S, score=0.34 - first_rank * 0.002, first_rank=first_rank,
            percentile=100.0 * (count - rank + 1) / count,
            rerank_score=0.41 - rank * 0.003 if stage == "reranked" else None, keyframe=clip * 5 % 12,
        )  # fmt: skip


class FakeEngine(AnalysisAnswers, MomentsAnswers, SkeletonAnswers, WhyAnswers, QObject):
    """Listens on 127.0.0.1; `received` keeps every request in order."""

    got = Signal(object)

    def __init__(self, world: World | None = None, token: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.world = world or World()
        self.token = token
        self.received: list[protocol.Request] = []
        self.cancelled: list[int] = []
        self.hold_reranks = False
        self._reranks: list = []
        self._held: dict[type, list[protocol.Request]] = {}
        self._socket: QWebSocket | None = None
        self._open = True  # False: hung up since, and like a new engine without a library
        self._server = QWebSocketServer("fake engine", QWebSocketServer.SslMode.NonSecureMode, self)
        self._server.listen(QHostAddress(QHostAddress.SpecialAddress.LocalHost))
        self._server.newConnection.connect(self._on_connection)

    @property
    def port(self) -> int:
        return self._server.serverPort()

    def hold(self, kind: type) -> None:
        """Keep requests of this kind unanswered until `release`."""
        self._held.setdefault(kind, [])

    def release(self, kind: type) -> None:
        for request in self._held.pop(kind, []):
            self._answer(request)

    def release_reranks(self) -> None:
        """Send the second stage of every query that waits for it."""
        waiting, self._reranks = self._reranks, []
        for send in waiting:
            send()

    def asked(self, kind: type) -> list:
        return [request for request in self.received if isinstance(request, kind)]

    def say(self, message: protocol.Message) -> None:
        if self._socket is not None and self._socket.isValid():
            self._socket.sendBinaryMessage(QByteArray(protocol.encode(message)))

    def say_bytes(self, frame: bytes) -> None:
        assert self._socket is not None
        self._socket.sendBinaryMessage(QByteArray(frame))

    def push_state(self, status: str = "", detail: str = "") -> None:
        self.say(
            protocol.State(
                status=status or self.world.status, device="cpu", precision="bfloat16", bundle="drive-tiny",
                detail=detail, devices=("cpu",),
            )
        )  # fmt: skip

    def hang_up(self) -> None:
        self._open = False
        if self._socket is not None:
            self._socket.abort()
            self._socket.deleteLater()  # cut off within a frame it would go on waiting for the rest
            self._socket = None

    def close(self) -> None:
        self.hang_up()
        self._server.close()

    def _on_connection(self) -> None:
        self._socket = self._server.nextPendingConnection()
        self._socket.setParent(self)
        self._socket.binaryMessageReceived.connect(self._receive)

    def _receive(self, frame: QByteArray) -> None:
        request = protocol.decode_request(bytes(frame.data()))
        self.received.append(request)
        if type(request) in self._held:
            self._held[type(request)].append(request)
        else:
            self._answer(request)
        self.got.emit(request)

    def _answer(self, request: protocol.Request) -> None:
        if not self._open and isinstance(request, NEED_A_LIBRARY):
            self.say(
                protocol.Failed(
                    request.id, "not_found", "No library is open: open one or add a folder of footage."
                )
            )
            return
        getattr(self, f"_on_{type(request).__name__.lower()}")(request)

    def _on_hello(self, hello: protocol.Hello) -> None:
        if self.token and hello.token != self.token:
            self.say(
                protocol.Failed(id=0, kind="unauthorised", sentence="The engine does not know this window.")
            )
            assert self._socket is not None
            self._socket.close(QWebSocketProtocol.CloseCode(protocol.CLOSE_UNAUTHORISED), "token")
            return
        self.say(protocol.Welcome(protocol=protocol.PROTOCOL_VERSION, version="0.0", pid=os.getpid()))
        self.push_state()

    def _on_openlibrary(self, request: protocol.OpenLibrary) -> None:
        if "missing" in request.path:
            self.say(protocol.Failed(request.id, "not_found", f"There is no library in {request.path}."))
        else:
            if request.path != "demo":
                self.world.path = request.path
            self._open = True
            self.say(protocol.LibraryOpened(request.id, self.world.library()))

    def _on_getlibrary(self, request: protocol.GetLibrary) -> None:
        self.say(protocol.LibraryOpened(request.id, self.world.library()))

    def _on_search(self, request: protocol.Search) -> None:
        timings = {"text": 6.3, "first_stage": 0.4}
        try:
            read_query(request.text)
        except DrivescopeError as refused:
            self.say(protocol.Failed(request.id, refused.kind, refused.sentence))
            return
        self._rank(request, "first", timings)
        if request.rerank:
            second = {**timings, "rerank": 9.2}
            self._reranks.append(lambda: self._rank(request, "reranked", second))
            if not self.hold_reranks:
                QTimer.singleShot(self.world.slow_ms, self, self.release_reranks)

    def _on_searchlike(self, request: protocol.SearchLike) -> None:
        alike = protocol.Search(id=request.id, text="", k=request.k, rerank=False, filters=request.filters)
        hits = sorted(self.world.ranking(alike, "first"), key=lambda hit: hit.clip_id != request.clip_id)
        ranked = tuple(msgspec.structs.replace(hit, rank=rank) for rank, hit in enumerate(hits, 1))
        self.say(Ranked(request.id, "first", "", ranked, self.world.clips, {"first": 0.4}))

    def _rank(self, request: protocol.Search, stage: str, timings: dict[str, float]) -> None:
        words = request.text.split()
        bare = [word.strip('-".,') for word in words]
        ranked = Ranked(
            id=request.id, stage=stage, query=request.text, hits=self.world.ranking(request, stage),
            searched_clips=self.world.clips, timings_ms=timings, words=tuple(words[:32]),
            likely=self.world.likely if stage == "reranked" else None,
            cut_words=tuple(words[32:]), notes=("Its last words were not used.",) if words[32:] else (),
            final=stage == "reranked" or not request.rerank, without=read_query(request.text).without,
            unlearned=tuple(word for word in bare if word.lower().startswith(UNLEARNED)),
        )  # fmt: skip
        self.say(learned(ranked, request, self.analysis.held()) if request.learn_from else ranked)

    def _on_cancel(self, request: protocol.Cancel) -> None:
        self.cancelled.append(request.target)
        self.say(protocol.Cancelled(id=request.target))

    def _on_addfootage(self, request: protocol.AddFootage) -> None:
        self._step(request, 0)

    def _step(self, request: protocol.AddFootage, done: int) -> None:
        if request.id in self.cancelled:
            return
        total = 40
        if done >= total:
            failed = (
                FailureInfo("/footage/broken.mp4", "unreadable", "The file ends before its first frame."),
            )
            self.say(protocol.FootageAdded(request.id, 3, 60, total, 0, 21.0, 320.0, failed))
            return
        self.say(
            Progress(
                request.id, "Adding footage", "reading and encoding", done, total, "clips", 12.4,
                (total - done) / 12.4, "2026-05-03/night_drive_north_004.mp4", 99.0,
            )
        )  # fmt: skip
        QTimer.singleShot(self.world.slow_ms, self, lambda: self._step(request, done + 8))

    def _on_getthumbnail(self, request: protocol.GetThumbnail) -> None:
        self.say(protocol.Thumbnail(request.id, request.clip_id, strip_jpeg(request.clip_id)))

    def _on_getframes(self, request: protocol.GetFrames) -> None:
        _, start_s = self.world.clip(request.clip_id)
        step = CLIP_S / FRAMES
        frames = [
            FrameImage(number, start_s + number * step, frame_jpeg(request.clip_id, number / FRAMES))
            for number in range(FRAMES)
        ]
        half = FRAMES // 2
        self.say(FrameChunk(request.id, request.clip_id, tuple(frames[:half]), FRAMES))
        self.say(FrameChunk(request.id, request.clip_id, tuple(frames[half:]), FRAMES, last=True))

    def _on_getheat(self, request: protocol.GetHeat) -> None:
        for part in heat_parts(request, self.world.clip(request.clip_id)[1], CLIP_S):
            self.say(part)

    def _on_saveclips(self, request: protocol.SaveClips) -> None:
        gone = [clip for clip in request.clips if self.world.clip(clip.clip_id)[0].missing]
        reason = "It is no longer there."
        failed = tuple(
            FailureInfo(self.world.clip(clip.clip_id)[0].path, "not_found", reason) for clip in gone
        )
        saved = len(request.clips) - len(failed)
        self.say(protocol.ClipsSaved(request.id, request.folder, saved, failed))

    def _on_setdevice(self, request: protocol.SetDevice) -> None:
        self.say(protocol.Done(request.id))
        self.push_state()

    def _on_getmodels(self, request: protocol.GetModels) -> None:
        self.say(protocol.Models(request.id, models()))

    def _on_fetchmodel(self, request: protocol.FetchModel) -> None:
        self.say(Progress(request.id, "Downloading", request.name, 112.0, 351.0, "MB", 18.5, 13.0))
        if not self.world.slow_ms:
            self.say(protocol.Models(request.id, models(present=request.name)))

    def _on_shutdown(self, request: protocol.Shutdown) -> None:
        self.say(protocol.Done(request.id))


def models(present: str = "") -> tuple[ModelInfo, ...]:
    rows = (
        ("drive-tiny", "Drive Tiny", "this project", "Apache-2.0", 12.0, "72x128", 9.0, True, 31.0, "the demo world"),
        ("openai-b32", "CLIP ViT-B/32", "OpenAI", "MIT", 151.0, "224x224", 1.0, True, 351.0, "zero-shot"),
        ("laion-b32", "CLIP ViT-B/32 LAION-2B", "LAION", "MIT", 151.0, "224x224", 1.0, False, 605.0, "zero-shot"),
        ("siglip2-b16", "SigLIP 2 ViT-B/16", "Google", "Apache-2.0", 375.0, "256x256", 0.31, False, 750.0, "zero-shot"),
        ("mobileclip2-s2", "MobileCLIP2 S2", "Apple", "ASCL", 99.0, "256x256", 0.8, False, 398.0, "zero-shot"),
        ("pe-core-l14", "PE-Core L/14", "Meta", "Apache-2.0", 671.0, "336x336", 0.05, False, 1342.0, "zero-shot"),
    )  # fmt: skip
    made = [ModelInfo(*row) for row in rows]
    return tuple(
        m if m.name != present else ModelInfo(*rows[made.index(m)][:7], True, m.size_mb, m.note) for m in made
    )


def main() -> None:
    """As a process: one JSON line on standard output, gone when standard input closes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--slow-ms", type=int, default=0)
    parser.add_argument("--status", default="warm")
    parser.add_argument("--notes", action="store_true")
    parser.add_argument("--die", action="store_true", help="stop before listening")
    found = parser.parse_args()
    if found.die:
        sys.stderr.write("pretending to be broken\n")
        sys.exit(3)
    app = QCoreApplication(sys.argv)
    world = World(clips=found.clips, slow_ms=found.slow_ms, status=found.status)
    if found.notes:
        world.notes = ("These clips are real footage; drive-tiny has only ever seen the demo world.",)
        world.failures = (
            FailureInfo(
                "/footage/2026-05-02/cut_off.mp4", "unreadable", "The file ends before its first frame."
            ),
            FailureInfo("/footage/2026-05-09/empty.mkv", "unreadable", "The file is empty."),
        )
    engine = FakeEngine(world, token=os.environ.get(protocol.TOKEN_ENVIRONMENT, ""))
    sys.stdout.write(
        json.dumps({"port": engine.port, "protocol": protocol.PROTOCOL_VERSION, "pid": os.getpid()}) + "\n"
    )
    sys.stdout.flush()
    if sys.platform != "win32":
        watch = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read, app)
        watch.activated.connect(lambda: app.quit() if not os.read(sys.stdin.fileno(), 1) else None)
    app.exec()


if __name__ == "__main__":
    main()
