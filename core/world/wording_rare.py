"""Rarer words for what `wording` names: training hears them now and then, no test is spoken in them. Tables only.

A text tower that knows three words for rain has little to compare a fourth with. None of these words is one of
`wording_unseen`, whose sentences are the test of words never heard (a test holds this).
"""

from __future__ import annotations

from core.world.voice import Voice
from core.world.wording import SEEN
from core.world.wording_ego import EGO_FORMS

NOUNS: dict[str, tuple[str, ...]] = {
    "car": ("passenger vehicle", "private car", "family car", "motor vehicle", "road vehicle"),
    "van": ("panel van", "parcel van", "courier van", "goods van", "utility van", "work van"),
    "truck": ("heavy truck", "heavy goods vehicle", "large lorry", "goods truck", "transport truck"),
    "bus": ("passenger bus", "public bus", "transit bus", "motor coach", "line bus"),
    "motorcycle": ("motor bike", "motorbike rider", "motorcycle rider", "person on a motorbike", "biker"),
    "cyclist": ("person riding a bike", "bicycle rider", "person on a bike", "rider of a bicycle"),
    "pedestrian": ("individual", "adult", "person walking", "man or woman", "citizen on foot"),
    "child": ("boy or girl", "little child", "youth", "little kid", "minor", "young person"),
    "dog": ("doggy", "mutt", "pooch", "stray dog", "loose dog"),
    "deer": ("roe deer", "forest animal", "hoofed animal", "woodland animal"),
    "ambulance": ("medical vehicle", "emergency ambulance", "first aid vehicle", "emergency medical van"),
    "sign": ("warning board", "notice", "traffic board"),
}  # fmt: skip

PLURALS: dict[str, tuple[str, ...]] = {
    "pedestrian": ("individuals", "adults", "walkers", "persons"),
}  # fmt: skip

COLOURS: dict[str, tuple[str, ...]] = {
    "silver": ("light grey", "steel grey", "chrome", "platinum"),
    "orange": ("bright orange", "pumpkin orange"),
    "red": ("cherry red", "fire red", "ruby"),
    "blue": ("sky blue", "royal blue", "cobalt"),
    "white": ("pure white", "cream", "milky"),
    "black": ("jet black", "coal black", "inky"),
    "green": ("grass green", "forest green", "lime"),
    "yellow": ("bright yellow", "lemon", "mustard"),
    "brown": ("chocolate brown", "bronze", "tan", "coffee"),
}  # fmt: skip

LIGHT: dict[str, tuple[str, ...]] = {
    "day": (
        "in plain daylight", "in the middle of the day", "while the sun is up", "in the light of day", "by daylight",
        "during daytime", "while it is light",
    ),
    "dusk": (
        "at twilight", "at the end of the day", "in fading light", "as it gets dark", "as the light fades",
        "while the sun sets", "in the late evening", "in the dim evening light",
    ),
    "night": (
        "late at night", "under the night sky", "while it is dark outside", "in pitch dark", "overnight",
        "in the night", "in the black of night",
    ),
}  # fmt: skip

WEATHER: dict[str, tuple[str, ...]] = {
    "clear": (
        "in fair weather", "in nice weather", "in pleasant weather", "on a dry road", "with dry asphalt",
        "with good visibility", "with no clouds",
    ),
    "rain": (
        "with rain falling", "as rain comes down", "in pouring rain", "on a soaked road", "in rainfall",
        "on slick asphalt", "with raindrops all over", "in rainy wet weather",
    ),
    "fog": (
        "in dense fog", "in thick fog", "in misty weather", "in a bank of fog", "with fog all around",
        "with low visibility", "while it is foggy", "in smoky fog",
    ),
    "snow": (
        "in snowfall", "with snow falling", "in wintry weather", "in wintertime", "with snow on the ground",
        "as snowflakes fall", "with flurries", "on a snow covered road",
    ),
}  # fmt: skip

ROAD: dict[str, tuple[str, ...]] = {
    "city": (
        "in the middle of town", "in the town centre", "in the inner city", "in a built up district",
        "between houses", "in a neighbourhood", "between city blocks", "in the city centre", "in an urban district",
    ),
    "intersection": (
        "at a street crossing", "at a road junction", "at a crossing of roads", "at a street corner", "at a crossroad",
        "at a four way crossing",
    ),
    "highway": (
        "on a motorway", "on a dual carriageway", "on a road with many lanes", "on a thruway", "on a trunk road",
        "on a superhighway", "on a parkway",
    ),
    "rural": (
        "on a village road", "in open country", "on a back road", "in a rural region", "out in the country",
        "far from town", "on a road through grassland", "on a countryside road",
    ),
    "tunnel": (
        "through a tunnel", "in the tunnel tube", "in an enclosed road", "inside the tunnel", "in a road tube",
        "between tunnel walls",
    ),
    "roundabout": (
        "on a roundabout", "at a traffic roundabout", "in a traffic circle", "at a roundabout junction",
        "on the ring of a roundabout", "at a round junction",
    ),
}  # fmt: skip


def _turn(side: str) -> tuple[tuple[str, str], ...]:
    return (
        (f"bend {side}", f"bends {side}"), (f"bear {side}", f"bears {side}"), (f"hang a {side}", f"hangs a {side}"),
        (f"curve to the {side}", f"curves to the {side}"), (f"bend off to the {side}", f"bends off to the {side}"),
        (f"take the {side} turn", f"takes the {side} turn"),
    )  # fmt: skip


def _lane(side: str) -> tuple[tuple[str, str], ...]:
    return (
        (f"shift to the {side} lane", f"shifts to the {side} lane"),
        (f"slide over to the {side} lane", f"slides over to the {side} lane"),
        (f"swap lanes to the {side}", f"swaps lanes to the {side}"),
        (f"drift into the {side} lane", f"drifts into the {side} lane"),
        (f"transfer to the lane on the {side}", f"transfers to the lane on the {side}"),
    )


EGO: dict[str, tuple[tuple[str, str], ...]] = {
    "straight": (
        ("roll along", "rolls along"), ("hold the lane", "holds the lane"), ("carry on", "carries on"),
        ("advance", "advances"), ("keep going", "keeps going"), ("drive ahead", "drives ahead"),
        ("move on in a straight line", "moves on in a straight line"),
    ),
    "stands": (
        ("are at a standstill", "is at a standstill"), ("are stationary", "is stationary"),
        ("are immobile", "is immobile"), ("have stopped", "has stopped"),
        ("are not going anywhere", "is not going anywhere"), ("are not driving", "is not driving"),
    ),
    "stops": (
        ("pull up", "pulls up"), ("roll to a stop", "rolls to a stop"), ("stop moving", "stops moving"),
        ("stop driving", "stops driving"), ("brake completely", "brakes completely"),
        ("reach a standstill", "reaches a standstill"),
    ),
    "starts": (
        ("get going", "gets going"), ("get under way", "gets under way"), ("roll off", "rolls off"),
        ("take off", "takes off"), ("drive away", "drives away"), ("begin driving", "begins driving"),
        ("gain speed from standing", "gains speed from standing"),
    ),
    "slows": (
        ("ease off", "eases off"), ("drop speed", "drops speed"), ("brake lightly", "brakes lightly"),
        ("cut speed", "cuts speed"), ("slow", "slows"), ("come down in speed", "comes down in speed"),
        ("slacken", "slackens"),
    ),
    "turns left": _turn("left"),
    "turns right": _turn("right"),
    "changes lane left": _lane("left"),
    "changes lane right": _lane("right"),
    "overtakes": (
        ("go by a slower road user", "goes by a slower road user"),
        ("get past a slower road user", "gets past a slower road user"),
        ("leave a slower road user behind", "leaves a slower road user behind"),
    ),
    "roundabout": (
        ("loop around the roundabout", "loops around the roundabout"),
        ("round the traffic island", "rounds the traffic island"),
        ("use the roundabout", "uses the roundabout"),
        ("drive round the roundabout", "drives round the roundabout"),
        ("pass through the traffic circle", "passes through the traffic circle"),
    ),
}  # fmt: skip


def _crosses(side: str, other: str) -> tuple[str, ...]:
    return (
        f"{{a}} moves across the road from the {side}", f"{{a}} comes over from the {side} side to the {other}",
        f"{{a}} makes its way across from {side} to {other}", f"{{a}} gets over the road from {side} to {other}",
        f"{{a}} passes in front from {side} to {other}", f"{{a}} enters the road from the {side} and crosses",
        f"{side} to {other} {{a}} crosses in front of the car",
    )  # fmt: skip


def _cuts_in(side: str) -> tuple[str, ...]:
    return (
        f"{{a}} slips in ahead of us from the {side}", f"{{a}} pushes in from the {side}",
        f"{{a}} slides into our lane from the {side}", f"{{a}} joins our lane from the {side}",
        f"{{a}} drifts over from the {side} into our lane", f"{{a}} shifts over in front of us from the {side}",
    )  # fmt: skip


def _turning(lamp: str, before: str) -> tuple[str, ...]:
    return (
        f"the traffic signal goes {lamp}", f"the lamp turns {lamp}", f"it turns {lamp} at the traffic light",
        f"the traffic lamp changes from {before} to {lamp}", f"the light goes {lamp}",
        f"the signal light is {before} and then {lamp}",
    )  # fmt: skip


FORMS: dict[str, tuple[str, ...]] = {
    "crosses from left": _crosses("left", "right"),
    "crosses from right": _crosses("right", "left"),
    "waits at kerb": (
        "{a} stands by the street and waits", "{a} is about to cross the road", "{a} wants to cross the road",
        "{a} is standing at the roadside", "{a} holds at the kerb and does not cross yet",
        "{a} is at the kerbside waiting",
    ),
    "cuts in from left": _cuts_in("left"),
    "cuts in from right": _cuts_in("right"),
    "lead brakes": (
        "{a} ahead reduces its speed", "{a} in front is slowing", "the {n} we follow brakes",
        "{a} in front hits the brakes", "{a} in front drops its speed", "the {n} in front shows brake lights",
    ),
    "oncoming": (
        "{a} approaches from the other side", "{a} comes along the opposite lane", "{a} passes by in the other lane",
        "{a} comes to meet us", "{a} is approaching from ahead", "an approaching {n} goes by",
    ),
    "overtakes ego": (
        "{a} goes by on our left", "{a} gets past us on the left", "{a} moves past us", "{a} leaves us behind",
        "{a} catches up and goes past us", "{a} drives faster than us and goes by",
    ),
    "cyclist ahead": (
        "{a} cycles in front", "{a} pedals along the road in front of us", "{a} is riding along ahead",
        "we keep behind {a}", "{a} bikes along ahead of us",
    ),
    "light turns red": _turning("red", "green"),
    "light turns green": _turning("green", "red"),
    "waits at red": (
        "we are waiting for the green light", "we stand in front of a red signal", "the car is held at a red light",
        "a red signal keeps us waiting", "the signal shows red", "we are standing at a red lamp",
    ),
    "door opens": (
        "the door of a standing car is opened", "a driver opens the door of a parked car",
        "a door comes open at the kerb", "an opening car door on the right", "a parked vehicle opens its door",
    ),
    "ambulance passes": (
        "an ambulance races past", "an ambulance with flashing lights comes by",
        "a medical vehicle with blue lights rushes past", "a first aid vehicle with its blue lights on drives past",
        "an emergency ambulance goes by",
    ),
    "pulls out": (
        "{a} moves off from the kerb", "{a} drives out of a parking bay", "{a} joins the road from the kerb",
        "{a} leaves the kerb and joins our lane", "{a} sets off from the roadside", "{a} comes out of a parking gap",
    ),
    "cross traffic": (
        "{a} moves across the intersection", "{a} passes crosswise ahead of us", "{a} drives past on the crossing road",
        "{a} comes out of the side street and crosses", "{a} goes by on the road that crosses ours",
    ),
    "works ahead": (
        "there is building work beside the road", "the road is being mended on the right",
        "we go by a work site with cones", "traffic cones close part of the road",
        "roadside construction with cones", "cones block the side of the road",
    ),
    "ego overtakes": (
        "we get past {a}", "we go by {a}", "we leave {a} behind us", "the driver goes past {a}",
        "our car moves past {a}",
    ),
    **EGO_FORMS,
}  # fmt: skip

#: What people put around a sentence; it says nothing of the clip.
FRAMES = (
    "here {}", "in this drive {}", "on this trip {}", "at this point {}", "meanwhile {}", "this time {}",
    "we can see that {}", "you can see how {}", "the camera sees how {}", "the driver sees that {}",
    "note that {}", "it so happens that {}", "once more {}", "look how {}", "dashcam view, {}",
    "what happens is that {}", "{} as seen from the car", "{} here", "{} on this drive", "{} as the camera saw it",
)  # fmt: skip

RARE = Voice(
    nouns=NOUNS, plurals={**SEEN.plurals, **PLURALS}, colours=COLOURS, light=LIGHT, weather=WEATHER, both={},
    titles=SEEN.titles, road=ROAD,
    subjects=(*SEEN.subjects, "the driver's car", "the vehicle we are in", "our vehicle"),
    ego=EGO, ego_short={}, forms=FORMS, short={},
)  # fmt: skip
"""What training hears now and then beside `wording.SEEN`."""
