"""Made-up heatmaps: a hot spot that wanders, in parts as the engine sends them."""

from core import protocol
from core.protocol import Heat, HeatMap, HeatTrust

FRAMES = 12
WIDTH, HEIGHT = 32, 18
METHODS = ("agreement", "patches", "rollout")
UNRELIABLE = 5


def spot(number: int, clip: int) -> tuple[int, int]:
    """Where the hottest place of a frame is: column and row."""
    return (number * 2 + clip) % WIDTH, (number + clip) % HEIGHT


def heat_map(number: int, start_s: float, clip_s: float, clip: int) -> HeatMap:
    column, row = spot(number, clip)
    heat = bytes(
        max(0, 255 - 40 * max(abs(x - column), abs(y - row))) for y in range(HEIGHT) for x in range(WIDTH)
    )
    return HeatMap(number, start_s + (number + 0.5) * clip_s / FRAMES, 0.3, WIDTH, HEIGHT, heat)


def heat_parts(request: protocol.GetHeat, start_s: float, clip_s: float) -> list[protocol.Reply]:
    """Every part of the answer: the nearest map, the others, the trust, the end. The words "not there" have none."""
    if "not there" in request.phrase:
        return [protocol.Failed(request.id, "bad_input", "“not there” is not in the query.")]
    maps = [heat_map(number, start_s, clip_s, request.clip_id) for number in range(FRAMES)]
    maps.sort(key=lambda one: abs(one.time_s - request.near_s))
    method = request.method or METHODS[0]
    trust = tuple(
        HeatTrust(one.number, -0.01 if one.number == UNRELIABLE else 0.08, 0.02, one.number != UNRELIABLE)
        for one in maps
    )

    def part(**fields: object) -> Heat:
        return Heat(request.id, request.clip_id, method, METHODS, FRAMES, **fields)

    return [part(maps=tuple(maps[:1])), part(maps=tuple(maps[1:])), part(trust=trust), part(last=True)]
