"""How fast each public CLIP's image tower is on this machine, as a ratio to ViT-B/32.

    python -m core.models.benchmark [NAME ...] [--seconds 6] [--threads 2] [--precision bfloat16] [--write]

Towers are built with random weights (speed does not depend on them) and run as ingest runs them: one Python
thread per core, batches of 16 uint8 frames each, timed in seconds on a core. Every model is timed between two
timings of ViT-B/32, so that a machine that slows down does not show as a slower model. A bundle folder's name
(drive-tiny) is timed with its own weights. One JSON object is printed; `--write` puts the ratios into
resources/models.toml and into bundle.json.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import torch

from core import paths
from core.files import write_text
from core.models.backbone import Backbone
from core.models.bundle_io import DESCRIPTION
from core.models.catalogue import FILE_NAME, ModelEntry, entries
from core.models.device import DTYPES, Precision, choose_precision
from core.models.files import read_json, write_json
from core.models.open_clip_tower import OpenClipTower
from core.models.registry import bundle_folder, load_bundle
from core.models.towers import ClipTower, Tower
from core.models.zero_shot import build_open_clip, plain_dims

REFERENCE: Final = "vit-b-32-openai"
FRAMES: Final = 16


def random_tower(entry: ModelEntry, precision: Precision) -> Tower:
    """The entry's image tower as it would run, with small random weights."""
    dims = plain_dims(entry.architecture, entry.quick_gelu)
    module: Any = Backbone(dims) if dims else build_open_clip(entry.architecture)
    tower: Tower
    with torch.no_grad():
        for parameter in module.parameters():  # uninitialised memory may hold slow numbers
            parameter.normal_(std=0.02)
    tower = ClipTower.of(module, entry.preprocessing) if dims else OpenClipTower(module, entry.preprocessing)
    tower.place(torch.device("cpu"), DTYPES[precision])
    return tower


def _tower(name: str, precision: Precision) -> Tower:
    """An entry's tower with random weights, or a bundle folder's own."""
    entry = entries().get(name)
    if entry is not None:
        return random_tower(entry, precision)
    return load_bundle(name, device="cpu", precision=precision).towers[0]


def images_per_second(tower: Tower, seconds: float, threads: int) -> float:
    """All threads together, after one warm-up batch each.

    Seconds are each thread's own time on a core, so that other programs' work is not counted (what they do to
    caches and clocks is).
    """
    size = (FRAMES, 3, tower.preprocessing.height, tower.preprocessing.width)
    frames = torch.randint(0, 256, size, dtype=torch.uint8)
    rates = [0.0] * threads
    barrier = threading.Barrier(threads)

    def work(number: int) -> None:
        torch.set_num_threads(1)
        tower.encode_images(frames)
        barrier.wait()
        started, images = time.thread_time(), 0
        while (spent := time.thread_time() - started) < seconds:
            tower.encode_images(frames)
            images += FRAMES
        rates[number] = images / max(spent, 1e-9)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(rates)


def measure(names: list[str], seconds: float, threads: int, precision: Precision) -> dict[str, Any]:
    """Images/s and ratio by name; see the module's docstring."""
    reference = random_tower(entries()[REFERENCE], precision)
    models: dict[str, dict[str, float]] = {}
    for name in names:
        tower = _tower(name, precision)
        before = images_per_second(reference, seconds, threads)
        found = images_per_second(tower, seconds, threads)
        after = images_per_second(reference, seconds, threads)
        ratio = found / ((before + after) / 2)
        models[name] = {"images_per_second": round(found, 2), "ratio": round(ratio, 3)}
        sys.stderr.write(f"{name}: {found:.1f} images/s, {ratio:.3f} x {REFERENCE}\n")
    return {"reference": REFERENCE, "precision": precision, "threads": threads, "models": models}


def write_ratios(path: Path, ratios: dict[str, float]) -> None:
    """Replaces each named row's `relative_speed`, leaving everything else in the file as it is."""
    rows = re.split(r"(?m)^(?=\[)", path.read_text(encoding="utf-8"))
    for number, row in enumerate(rows):
        header = re.match(r"\[([^\]]+)\]", row)
        if header and header.group(1) in ratios:
            ratio = ratios[header.group(1)]
            rows[number] = re.sub(r"(?m)^relative_speed = .*$", f"relative_speed = {ratio:.2f}", row)
    write_text(path, "".join(rows))


def write_bundle_ratio(name: str, ratio: float) -> None:
    """The same for a bundle folder."""
    path = bundle_folder(name) / DESCRIPTION
    write_json(path, {**read_json(path), "relative_speed": round(ratio, 2)})


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m core.models.benchmark", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="entries of models.toml (all when none is named), or bundle folders",
    )
    parser.add_argument("--seconds", type=float, default=6.0, help="per timing")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--precision", default="auto", help="auto, float32 or bfloat16")
    parser.add_argument("--write", action="store_true", help="put the ratios into resources/models.toml")
    options = parser.parse_args(arguments)
    precision = choose_precision(options.precision, torch.device("cpu"))
    report = measure(options.names or list(entries()), options.seconds, options.threads, precision)
    if options.write:
        ratios = {name: found["ratio"] for name, found in report["models"].items()}
        write_ratios(paths.resources() / FILE_NAME, ratios)
        for name in sorted(set(ratios) - set(entries())):
            write_bundle_ratio(name, ratios[name])
    sys.stdout.write(json.dumps(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
