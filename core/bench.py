"""How fast indexing and searching are here, against what this machine can do and what a person would write.

    drivescope bench VIDEOS... --json

Everything is measured in one run, so that ratios compare like with like: the same files, the same models, the
same neighbours on the machine. Ingest stands against its own floors (only decoding, only resizing, only
encoding, each on every core with nothing else to do) and against the script that most people start from: cv2,
PIL and a float32 model, one clip after the other. A query's stages stand against plain products.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import torch
from torch import Tensor

from core.bench_peers import plain_rerank, plain_script
from core.errors import DrivescopeError, ErrorKind
from core.library import thumbs
from core.library.chunks import BATCH_FRAMES
from core.library.clips import cut, sample_times
from core.library.discover import find_videos
from core.library.ingest import ingest
from core.library.library import Library
from core.library.picture import Pixels
from core.library.plan import CLIPS_A_CHUNK
from core.library.video import VideoProbe, frames_at, probe
from core.library.workers import worker_count
from core.protocol import THUMBNAIL_TILES
from core.search.index import FlatIndex
from core.search.pipeline import Searcher

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle, Prepared

Say = Callable[[str], None]
ROUNDS: Final = 3
KEPT_FRAMES: Final = 96
GALLERY: Final = 100_000
RERANKED: Final = 1000
QUERIES: Final = (
    "a car at night",
    "a cyclist crosses the road in front of the car",
    "waiting at a red light behind a white van in the rain",
    "the car ahead brakes hard on the motorway and the driver changes to the left lane",
)


@dataclass(frozen=True)
class _Footage:
    """What is measured: readable videos, and the sampled times of their chunks of clips."""

    probes: list[VideoProbe]
    chunks: list[tuple[VideoProbe, list[float]]]
    clips: int

    @property
    def seconds(self) -> float:
        return sum(found.duration_s for found in self.probes)

    @property
    def frames(self) -> int:
        return sum(len(times) for _, times in self.chunks)


def run_bench(
    paths: Sequence[Path], bundle: ModelBundle, progress: Say = lambda line: None
) -> dict[str, Any]:
    """Measures on the videos among and below `paths`. Returns what `drivescope bench --json` prints.

    Raises DrivescopeError(NOT_FOUND) if none of them can be read.
    """
    footage = _footage(paths, bundle.spec.frames)
    threads = torch.get_num_threads()
    try:
        with tempfile.TemporaryDirectory(prefix="drivescope-bench-") as folder:
            ingested, query = _ingest(footage, bundle, Path(folder), progress)
        floors = _floors(footage, bundle, progress)
        torch.set_num_threads(threads)
        script = plain_script(footage.probes, bundle, progress)
        progress("Query stages")
        query |= _stages(bundle)
    finally:
        torch.set_num_threads(threads)
    ingested |= {"floors_s": floors, "share_of_floor": floors["sum"] / ingested["seconds"]}
    script["ingest_is_faster_by"] = ingested["realtime"] / script["realtime"]
    by_cpu = footage.seconds / ingested["cpu_seconds"] * script["cpu_seconds"] / script["footage_seconds"]
    script["ingest_needs_less_cpu_by"] = by_cpu
    return _rounded(
        {
            "machine": {
                "cores": worker_count(),
                "device": bundle.device.type,
                "precision": bundle.precision,
                "bundle": bundle.spec.name,
                "torch": torch.__version__,
            },
            "footage": {
                "videos": len(footage.probes),
                "clips": footage.clips,
                "frames": footage.frames,
                "seconds": footage.seconds,
            },
            "ingest": ingested,
            "script": script,
            "query": query,
        }
    )


def _footage(paths: Sequence[Path], frames: int) -> _Footage:
    probes: list[VideoProbe] = []
    chunks: list[tuple[VideoProbe, list[float]]] = []
    clips = 0
    for path in find_videos(paths).files:
        try:
            found = probe(path)
        except DrivescopeError:
            continue
        spans = cut(found.duration_s)
        probes.append(found)
        clips += len(spans)
        step = len(spans) if found.timeline.counted else CLIPS_A_CHUNK
        for first in range(0, len(spans), step):
            part = spans[first : first + step]
            chunks.append((found, [time_s for span in part for time_s in sample_times(span, frames)]))
    if not probes:
        raise DrivescopeError(
            ErrorKind.NOT_FOUND, "There is no video to measure with: name files or folders."
        )
    return _Footage(probes, chunks, clips)


# --- ingest and its floors ------------------------------------------------------------------------------


def _ingest(
    footage: _Footage, bundle: ModelBundle, folder: Path, say: Say
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The real thing, into fresh libraries; and whole queries to the last of them."""
    paths = [str(found.path) for found in footage.probes]
    warm = bundle.prepare(np.zeros((360, 640, 3), np.uint8))
    bundle.encode_frames([warm] * BATCH_FRAMES)  # the first call of a shape is not what is measured
    seconds, cpu = [], []
    for number in range(ROUNDS):
        say(f"Ingest, round {number + 1} of {ROUNDS}")
        library = Library.create(folder / str(number), bundle.spec)
        before = time.process_time()
        report = ingest(library, bundle, paths)
        cpu.append(time.process_time() - before)
        seconds.append(report.seconds)
        if number + 1 == ROUNDS:
            query = _whole_queries(library, bundle)
        library.close()
    wall = statistics.median(seconds)
    measured = {
        "seconds": wall,
        "seconds_of_rounds": seconds,
        "cpu_seconds": statistics.median(cpu),
        "realtime": footage.seconds / wall,
        "frames_a_second": footage.frames / wall,
    }
    return measured, query


def _floors(footage: _Footage, bundle: ModelBundle, say: Say) -> dict[str, float]:
    """Wall seconds of each step alone, on every core, for all the sampled frames of the footage."""
    kept: list[Pixels] = []
    every = max(1, footage.frames // KEPT_FRAMES)

    def decode(chunk: tuple[VideoProbe, list[float]]) -> None:
        found, times = chunk
        for number, (_, rgb) in enumerate(frames_at(found.path, times, found.timeline)):
            if number % every == 0:
                kept.append(rgb)

    prepared: list[Prepared] = []
    say("Decoding alone")
    floors = {"decode": _on_every_core(decode, footage.chunks)}
    share = footage.frames / len(kept)
    say("Resizing alone")
    floors["resize"] = share * _on_every_core(lambda rgb: prepared.append(bundle.prepare(rgb)), kept)
    say("Encoding alone")
    frames = prepared * -(-2 * worker_count() * BATCH_FRAMES // len(prepared))
    batches = [frames[at : at + BATCH_FRAMES] for at in range(0, len(frames), BATCH_FRAMES)]
    seconds = _on_every_core(lambda batch: bundle.encode_frames(batch), batches)
    floors["encode"] = seconds * footage.frames / len(frames)
    floors["sum"] = sum(floors.values())
    say("Thumbnails alone")
    seconds = _on_every_core(lambda rgb: thumbs.strip([thumbs.tile(rgb)] * THUMBNAIL_TILES), kept)
    floors["thumbnails"] = seconds * footage.clips / len(kept)
    return floors


def _on_every_core(work: Callable[[Any], Any], items: Iterable[Any]) -> float:
    """Wall seconds until one thread per core, of one torch thread each, has done all the items."""
    waiting = deque(items)
    failed: list[BaseException] = []

    def run() -> None:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        try:
            while True:
                work(waiting.popleft())
        except IndexError:
            return
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that asked
            failed.append(error)

    threads = [threading.Thread(target=run, name="bench", daemon=True) for _ in range(worker_count())]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return time.perf_counter() - started


# --- queries --------------------------------------------------------------------------------------------


def _whole_queries(library: Library, bundle: ModelBundle) -> dict[str, Any]:
    """Medians of the search's own timings, over the library that was just made."""
    searcher = Searcher(library, bundle)
    stages: dict[str, list[float]] = {}
    for number in range(-2, 5):  # two rounds to warm up
        for text in QUERIES:
            *_, ranked = searcher.search(f"{text} {number}")  # numbered, as asked texts are remembered
            if number >= 0:
                for stage, milliseconds in ranked.timings_ms.items():
                    stages.setdefault(stage, []).append(milliseconds)
    return {"this_library_ms": {stage: statistics.median(values) for stage, values in stages.items()}}


def _stages(bundle: ModelBundle) -> dict[str, Any]:
    """Each stage at a size that tells: 100,000 vectors in the first, 1000 clips in the second, random ones."""
    generator = torch.Generator().manual_seed(0)
    spec = bundle.spec

    def unit(*shape: int) -> Tensor:
        return torch.nn.functional.normalize(torch.randn(*shape, generator=generator), dim=-1)

    gallery = unit(GALLERY, spec.student_dim)  # (N, Ds)
    index = FlatIndex(spec.student_dim)
    index.add(gallery.half().numpy())
    frames = unit(RERANKED, spec.frames, spec.reranker_dim).half()  # (K, F, Dr)
    video = unit(RERANKED, spec.reranker_dim).half()  # (K, Dr)
    query = bundle.encode_text(QUERIES[1])
    vector = query.student.numpy()
    numbers = iter(range(10**6))
    timings = {
        "text_forward": _median_ms(lambda: bundle.encode_text(f"{QUERIES[1]} {next(numbers)}")),
        "first_stage": _median_ms(lambda: index.top(vector, RERANKED, None)),
        "exact_product": _median_ms(lambda: torch.topk(gallery @ query.student, RERANKED)),
        "rerank": _median_ms(lambda: bundle.rerank(query, frames, video)),
        "plain_rerank": _median_ms(lambda: plain_rerank(query.words, query.sentence, frames, video)),
    }
    return {
        "gallery": GALLERY,
        "reranked": RERANKED,
        "stages_ms": timings,
        "first_stage_to_exact_product": timings["first_stage"] / timings["exact_product"],
        "rerank_to_plain": timings["rerank"] / timings["plain_rerank"],
        "rerank_to_text_forward": timings["rerank"] / timings["text_forward"],
    }


def _median_ms(call: Callable[[], Any], times: int = 25) -> float:
    for _ in range(3):
        call()
    milliseconds = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        milliseconds.append((time.perf_counter() - started) * 1000)
    return statistics.median(milliseconds)


def _rounded(facts: dict[str, Any]) -> dict[str, Any]:
    """The same with figures that a person can read."""
    return {key: _round(value) for key, value in facts.items()}


def _round(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, dict):
        return _rounded(value)
    if isinstance(value, list):
        return [_round(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value
