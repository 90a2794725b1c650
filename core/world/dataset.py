"""Training shards of the demo world.

`python -m core.world.dataset --out DIR --clips N --seed S [--workers 2]` renders clips of seeds S..S+N-1 into shards
of 64: `shard_00000.npz` with `frames` uint8 (n, 12, 72, 128, 3) RGB and `cells` uint16 (n, 12, 9, 16), one bit per
kind of `truth.ACTOR_KINDS` that covers at least 15 % of an 8 x 8 cell or has its main cell there; and
`shard_00000.jsonl`, one line per clip: seed, truth, captions. Shards that are there already are kept. With
`--recaption` nothing is rendered: the captions of the finished shards are spoken again from their stored truth.
"""

from __future__ import annotations

import argparse
import errno
import json
import logging
import multiprocessing
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import DrivescopeError, ErrorKind
from core.models.preprocess import Preprocessing, prepare
from core.world.captions import captions
from core.world.render import Frame, Renderer, frame_times, witnessed
from core.world.scene import compose
from core.world.scripts import SCRIPTS
from core.world.truth import ACTOR_KINDS, ClipTruth

SHARD = 64
FRAMES = 12
WIDTH, HEIGHT = 256, 144  # rendered
SMALL = (72, 128)  # stored
GRID = (9, 16)
STORIES = [(road, script.__name__) for road, told in SCRIPTS.items() for script, _ in told]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]

log = logging.getLogger("drivescope.world")


def shrink(frames: U8) -> U8:
    """Frames (n, H, W, 3) to (n, 72, 128, 3), by the very routine of the ingest."""
    wanted = Preprocessing(*SMALL)
    small = torch.cat([prepare(frame, wanted, "center") for frame in frames])  # (n, 3, 72, 128)
    return np.ascontiguousarray(small.permute(0, 2, 3, 1).numpy())


def cell_bit(kind: str, state: str) -> int:
    """Bit number of an actor for the cell masks, -1 for none (an amber signal)."""
    if kind == "traffic light":
        kind = {"red": "red light", "red and amber": "red light", "green": "green light"}.get(state, "")
    return ACTOR_KINDS.index(kind) if kind in ACTOR_KINDS else -1


def cells(frame: Frame, owner: NDArray[np.int32], truth: ClipTruth) -> U16:
    """Bit mask (9, 16) of the kinds that each cell of the picture shows."""
    rows, columns = GRID
    h, w = frame.ids.shape
    mask = np.zeros(rows * columns, np.uint16)
    valid = frame.ids >= 0
    actor = np.where(valid, owner[np.maximum(frame.ids, 0)], -1)
    y, x = np.nonzero(actor >= 0)
    cell = (y * rows // h) * columns + x * columns // w
    table = np.zeros((max(len(truth.actors), 1), rows * columns), np.int64)
    np.add.at(table, (actor[y, x], cell), 1)
    least = 0.15 * h * w / (rows * columns)
    for a in truth.actors:
        counts = table[a.id]
        bit = cell_bit(a.kind, frame.truth.signals.get(a.id, ""))
        if bit < 0 or counts.sum() < 12:
            continue
        big = counts >= least
        big[int(counts.argmax())] = True
        mask[big] |= np.uint16(1 << bit)
    return mask.reshape(rows, columns)


def make_clip(seed: int, even: bool = False, rare: float = 0.0) -> tuple[U8, U16, ClipTruth, list[str]]:
    """One training clip: frames (12, 72, 128, 3), cells (12, 9, 16), truth and captions.

    With `even`, every story of every road comes equally often, instead of as often as on a drive. `rare` is the share
    of phrases in rarer words (`captions`): for training, not for tests.
    """
    road, story = STORIES[seed % len(STORIES)] if even else ("", "")
    scene = compose(seed, road=road, script=story)
    renderer = Renderer(scene, WIDTH, HEIGHT, shadow=384)
    script = scene.truth()
    big, masks, frames = [], [], []
    for moment in frame_times(scene.duration, FRAMES):
        frame = renderer.frame(moment)
        big.append(frame.rgb)
        masks.append(cells(frame, renderer.owner, script))
        frames.append(frame.truth)
    truth = witnessed(script, frames)
    return shrink(np.stack(big)), np.stack(masks), truth, _told(truth, seed, rare)


def _told(truth: ClipTruth, seed: int, rare: float) -> list[str]:
    return captions(truth, np.random.default_rng(seed + 7), rare=rare)


def make_shard(folder: Path, index: int, seeds: range, even: bool = False, rare: float = 0.0) -> float:
    """Write one shard unless it is there; returns the seconds it took. The npz comes last and marks it complete."""
    target = folder / f"shard_{index:05d}.npz"
    if target.exists() and target.with_suffix(".jsonl").exists():
        return 0.0
    begin = time.perf_counter()
    frames, masks, lines = [], [], []
    for seed in seeds:
        f, c, truth, sentences = make_clip(seed, even, rare)
        frames.append(f)
        masks.append(c)
        lines.append(json.dumps({"seed": seed, "truth": truth.to_dict(), "captions": sentences}))
    _write(target.with_suffix(".jsonl"), "\n".join(lines).encode() + b"\n")
    temporary = target.with_suffix(f".{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            np.savez_compressed(file, frames=np.stack(frames), cells=np.stack(masks))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return time.perf_counter() - begin


def recaption(folder: Path, rare: float = 0.0) -> int:
    """Speak the captions of every finished shard again, as `make_clip` would today; returns how many clips."""
    count = 0
    for path in sorted(folder.glob("shard_*.jsonl")):
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for row in rows:
            row["captions"] = _told(ClipTruth.from_dict(row["truth"]), row["seed"], rare)
        _write(path, "\n".join(map(json.dumps, rows)).encode() + b"\n")
        count += len(rows)
    return count


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(f".{os.getpid()}.part")
    temporary.write_bytes(data)
    temporary.replace(path)


def _job(task: tuple[Path, int, range, bool, float]) -> tuple[int, float]:
    torch.set_num_threads(1)
    return task[1], make_shard(*task)


def make_dataset(
    folder: Path, clips: int, seed: int, workers: int = 1, *, even: bool = False, rare: float = 0.0
) -> None:
    """Render all shards of a dataset; interrupted runs continue where they stopped.

    Raises DrivescopeError when the folder cannot be written or the disk is full; whole shards stay.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _make_all(folder, clips, seed, workers, even, rare)
    except OSError as error:
        full = error.errno == errno.ENOSPC
        kind = ErrorKind.DISK_FULL if full else ErrorKind.NO_PERMISSION
        reason = "the disk is full" if full else "it cannot be written there"
        sentence = (
            f"The training set in {folder} is not complete: {reason}. Run the same command again to go on."
        )
        raise DrivescopeError(kind, sentence, detail=str(error)) from error


def _make_all(folder: Path, clips: int, seed: int, workers: int, even: bool, rare: float) -> None:
    tasks = [
        (folder, i, range(seed + i * SHARD, min(seed + (i + 1) * SHARD, seed + clips)), even, rare)
        for i in range((clips + SHARD - 1) // SHARD)
    ]
    if workers <= 1:
        for task in tasks:
            _report(len(tasks), *_job(task))
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for done in pool.imap(_job, tasks):
            _report(len(tasks), *done)


def _report(total: int, index: int, seconds: float) -> None:
    log.info("shard %d of %d: %.1f s", index + 1, total, seconds)


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(
        prog="python -m core.world.dataset", description="Render training shards of the demo world."
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--even", action="store_true", help="every story of every road equally often")
    parser.add_argument(
        "--rare", type=float, default=0.0, help="share of phrases in rarer words (training: 0.35)"
    )
    parser.add_argument("--recaption", action="store_true", help="only speak the captions again")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        if options.recaption:
            log.info("new captions for %d clips", recaption(options.out, options.rare))
            return 0
        make_dataset(
            options.out, options.clips, options.seed, options.workers, even=options.even, rare=options.rare
        )
    except DrivescopeError as error:
        log.error("%s", error.sentence)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
