"""The bundled demo clips: `python -m core.world.demo [--out resources/demo] [--workers 2]`.

Writes `demo_000.mp4` ... with `demo_000.json` (the truth) beside each, as the plan below says. A plan line fixes road,
light, weather and script, and names the event (and who does it) that the clip must show; the first seed that shows
it is taken, so the same plan gives the same clips. Clips that are there already are kept.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import sys
from dataclasses import dataclass
from pathlib import Path

import av
from av.video.stream import VideoStream

from core.world.render import Renderer, frame_times, witnessed
from core.world.scene import Scene, compose
from core.world.truth import ClipTruth, matches

FIRST_SEED = 7_000_000  # far from the ranges of training, validation and test
RATE = 12
WIDTH, HEIGHT, FACTOR = 448, 252, 2
log = logging.getLogger("drivescope.world")

#: road light weather script | event | kind of its actor
PLAN = """
city day clear crossing | crosses from left | pedestrian
city day rain crossing | crosses from right | child
city night clear crossing | crosses from left | pedestrian
city night rain crossing | crosses from right | pedestrian
city night rain crossing | crosses from left | pedestrian
city dusk clear crossing | crosses from left | child
city day clear crossing | crosses from right | child
city day snow crossing | crosses from right | dog
city dusk rain crossing | crosses from left | dog
city day fog crossing | crosses from left | cyclist
city day clear waiting | waits at kerb | pedestrian
city dusk snow waiting | waits at kerb | child
city day clear door | door opens |
city night clear door | door opens |
city day rain pulls_out | pulls out | car
city dusk clear pulls_out | pulls out | van
city day clear cyclist | cyclist ahead |
city night clear lead_brakes | lead brakes | bus
city day snow works | works ahead |
city dusk clear ambulance | ambulance passes |
intersection night clear red_light | waits at red |
intersection night rain red_light | light turns green |
intersection day clear red_light | light turns green |
intersection dusk clear red_light | light turns red |
intersection day rain red_light | light turns red |
intersection day snow red_light | waits at red |
intersection day clear red_light | cross traffic | bus
intersection dusk rain red_light | cross traffic | truck
intersection day clear red_light | crosses from right | pedestrian
intersection day clear turn | ego turns left |
intersection night clear turn | ego turns left |
intersection day fog turn | ego turns right |
intersection dusk clear turn | ego turns right |
highway day clear cut_in | cuts in from right | car
highway night rain cut_in | cuts in from left | truck
highway dusk clear cut_in | cuts in from right | car
highway day snow cut_in | cuts in from left | van
highway day rain overtaken | overtakes ego | motorcycle
highway dusk clear overtaken | overtakes ego | motorcycle
highway night clear overtaken | overtakes ego | car
highway day clear change_lane | ego overtakes | truck
highway dusk snow change_lane | ego overtakes | truck
highway dusk rain change_lane | ego changes lane right |
highway day clear change_lane | ego changes lane right |
highway night clear change_lane | ego changes lane left |
highway day clear lead_brakes | lead brakes | car
highway night rain ambulance | ambulance passes |
highway day fog works | works ahead |
highway night rain quiet_drive | |
rural day clear crossing | crosses from left | deer
rural night clear crossing | crosses from right | deer
rural dusk clear cyclist | ego overtakes | cyclist
rural day clear cyclist | ego overtakes | cyclist
rural day fog cyclist | cyclist ahead |
rural day snow lead_brakes | lead brakes | truck
rural night fog quiet_drive | oncoming |
rural dusk rain quiet_drive | oncoming |
roundabout day clear roundabout | ego takes roundabout |
roundabout night rain roundabout | ego takes roundabout |
roundabout dusk snow roundabout | ego takes roundabout |
tunnel day clear cut_in | cuts in from left | car
tunnel day clear overtaken | overtakes ego |
tunnel night clear lead_brakes | lead brakes |
"""


@dataclass(frozen=True)
class Wish:
    """One line of the plan."""

    index: int
    road: str
    light: str
    weather: str
    script: str
    event: str
    kind: str

    @property
    def name(self) -> str:
        """File name without ending; it says nothing of what the clip shows."""
        return f"demo_{self.index:03d}"


def wishes() -> list[Wish]:
    """The plan, parsed."""
    found = []
    for index, line in enumerate(PLAN.strip().splitlines()):
        setting, event, kind = (part.strip() for part in line.split("|"))
        road, light, weather, script = setting.split()
        found.append(Wish(index, road, light, weather, script, event, kind))
    return found


def survey(scene: Scene) -> ClipTruth:
    """Truth from twelve small frames: enough to see whether an event can be made out."""
    renderer = Renderer(scene, 160, 90, shadow=0)
    return witnessed(scene.truth(), [renderer.frame(t).truth for t in frame_times(scene.duration, 12)])


def cast_scene(wish: Wish, tries: int = 400) -> Scene:
    """The first scene that fulfils a wish. Raises LookupError when none of `tries` seeds does."""
    wanted: list[object] = []
    if wish.event:
        wanted = [{"name": wish.event, "kind": wish.kind} if wish.kind else wish.event]
    for seed in range(FIRST_SEED + 1000 * wish.index, FIRST_SEED + 1000 * wish.index + tries):
        scene = compose(seed, road=wish.road, light=wish.light, weather=wish.weather, script=wish.script)
        if matches(scene.truth(), {"events": wanted}) and matches(survey(scene), {"events": wanted}):
            return scene
    raise LookupError(f"no seed shows line {wish.index} of the plan: {wish}")


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
        stream.options = {"crf": "21", "preset": "medium", "threads": "1"}
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
