"""The bundled demo clips: `python -m core.world.demo [--out resources/demo] [--workers 2]`.

Writes `demo_000.mp4` ... with `demo_000.json` (the truth) beside each, as `core.world.demo_plan` says. A plan line
fixes road, light, weather and script, and names the event (and who does it, and what comes after it) that the clip must
show; the first seed that shows it, or the clearest of the first few, is taken, so the same plan gives the same clips.
Clips that are there already are kept.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import sys
from pathlib import Path

import av
from av.video.stream import VideoStream

from core.world.demo_plan import Wish, wishes
from core.world.render import Renderer, frame_times, witnessed
from core.world.scene import Scene, compose
from core.world.truth import ClipTruth, fits, matches

FIRST_SEED = 7_000_000  # far from the ranges of training, validation and test
RATE = 12
WIDTH, HEIGHT, FACTOR = 448, 252, 2
log = logging.getLogger("drivescope.world")


def survey(scene: Scene) -> ClipTruth:
    """Truth from twelve small frames: enough to see whether an event can be made out."""
    renderer = Renderer(scene, 160, 90, shadow=0)
    return witnessed(scene.truth(), [renderer.frame(t).truth for t in frame_times(scene.duration, 12)])


def clearness(truth: ClipTruth, wish: Wish) -> float:
    """How well the wished event is seen: its actor's visible area of the frame, averaged over its span.

    For an event of the ego car's own, 1 if the clip's one word for what that car does names it, else 0.
    """
    best = 0.0
    for event in truth.events:
        if event.name != wish.event:
            continue
        if event.actor_id is None:
            best = max(best, float(event.name == f"ego {truth.ego}"))
        elif fits(truth.actor(event.actor_id), wish.actor):
            frames = [f for f in truth.frames if event.start_s - 0.4 <= f.time_s <= event.end_s + 0.4]
            # a truck that fills the frame is no clearer than one that shows whole
            areas = [min(b.area, 0.08) for f in frames for b in f.boxes if b.actor_id == event.actor_id]
            best = max(best, sum(areas) / max(len(frames), 1))
    return best


def cast_scene(wish: Wish, tries: int = 400) -> Scene:
    """The clearest of the first scenes that fulfil a wish. Raises LookupError when none of `tries` seeds does."""
    found: list[tuple[float, Scene]] = []
    for seed in range(FIRST_SEED + 1000 * wish.index, FIRST_SEED + 1000 * wish.index + tries):
        scene = compose(seed, road=wish.road, light=wish.light, weather=wish.weather, script=wish.script)
        if not matches(scene.truth(), wish.predicate):
            continue
        seen = survey(scene)
        if matches(seen, wish.predicate):
            found.append((clearness(seen, wish), scene))
        if len(found) == wish.candidates:
            break
    if not found:
        raise LookupError(f"no seed shows line {wish.index} of the plan: {wish}")
    return max(found, key=lambda one: one[0])[1]


def film(wish: Wish, folder: Path) -> ClipTruth:
    """Render one clip to H.264 with its truth beside it, both put in place only when whole."""
    scene = cast_scene(wish)
    renderer = Renderer(scene, WIDTH, HEIGHT, factor=FACTOR, shadow=1024)
    times = [i / RATE for i in range(round(scene.duration * RATE))]
    temporary = folder / f".{wish.name}.part.mp4"
    frames = []
    with av.open(str(temporary), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=RATE)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": str(wish.crf), "preset": "medium", "threads": "1"}
        for time in times:
            frame = renderer.frame(time)
            frames.append(frame.truth)
            picture = av.VideoFrame.from_ndarray(frame.rgb, format="rgb24")
            for packet in stream.encode(picture):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    truth = witnessed(scene.truth(), frames)
    beside = folder / f".{wish.name}.part.json"
    beside.write_text(truth.to_json() + "\n")
    beside.replace(folder / f"{wish.name}.json")
    temporary.replace(folder / f"{wish.name}.mp4")
    return truth


def _job(task: tuple[Wish, Path]) -> tuple[bool, str]:
    wish, folder = task
    if (folder / f"{wish.name}.mp4").exists():
        return True, f"{wish.name}: there already"
    try:
        truth = film(wish, folder)
    except LookupError as error:
        return False, f"{wish.name}: {error}"
    return True, f"{wish.name}: seed {truth.seed}, {', '.join(e.name for e in truth.events)}"


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(
        prog="python -m core.world.demo", description="Render the bundled demo clips."
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "resources" / "demo")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    options.out.mkdir(parents=True, exist_ok=True)
    tasks = [(wish, options.out) for wish in wishes()]
    with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        done = 0
        for whole, line in pool.imap(_job, tasks):
            log.info("%s", line)
            done += whole
    return 0 if done == len(tasks) else 1


if __name__ == "__main__":
    sys.exit(main())
