"""The words of the captions: synonyms, sentence forms and the events that they speak of. Tables only."""

from __future__ import annotations

from core.world.voice import Voice
from core.world.wording_ego import EGO, EGO_FORMS, EGO_SHORT, SUBJECTS

NOUNS: dict[str, tuple[str, ...]] = {
    "car": ("car", "car", "car", "vehicle", "automobile", "passenger car"),
    "van": ("van", "van", "delivery van", "transporter van"),
    "truck": ("truck", "truck", "lorry", "box truck", "big truck"),
    "bus": ("bus", "bus", "city bus", "coach"),
    "motorcycle": ("motorcycle", "motorcycle", "motorbike", "motorcyclist", "biker on a motorcycle"),
    "cyclist": ("cyclist", "cyclist", "bicyclist", "bike rider", "person on a bicycle", "bicycle"),
    "pedestrian": ("pedestrian", "pedestrian", "person", "person on foot", "walker", "someone"),
    "child": ("child", "child", "kid", "small child", "young child"),
    "dog": ("dog", "dog", "animal", "pet"),
    "deer": ("deer", "deer", "wild animal", "animal"),
    "ambulance": ("ambulance", "ambulance", "emergency vehicle", "ambulance with blue lights"),
    "sign": ("road works sign", "warning sign"),
}  # fmt: skip

PLURALS: dict[str, tuple[str, ...]] = {
    "car": ("cars", "vehicles"),
    "van": ("vans",),
    "truck": ("trucks", "lorries"),
    "bus": ("buses",),
    "motorcycle": ("motorcycles", "motorbikes"),
    "cyclist": ("cyclists", "bike riders"),
    "pedestrian": ("pedestrians", "people", "people on foot"),
    "child": ("children", "kids"),
    "dog": ("dogs",),
    "deer": ("deer",),
    "ambulance": ("ambulances", "emergency vehicles"),
}  # fmt: skip

COLOURS: dict[str, tuple[str, ...]] = {
    "silver": ("silver", "grey", "gray"),
    "orange": ("orange",),
    "red": ("red", "red", "bright red"),
    "blue": ("blue", "blue", "dark blue"),
    "white": ("white",),
    "black": ("black", "dark"),
    "green": ("green",),
    "yellow": ("yellow",),
    "brown": ("brown",),
}  # fmt: skip

NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}

LIGHT: dict[str, tuple[str, ...]] = {
    "day": ("by day", "during the day", "in daylight", "in the daytime", "in broad daylight"),
    "dusk": ("at dusk", "at sunset", "in the evening", "in the twilight", "as the sun goes down"),
    "night": ("at night", "in the dark", "after dark", "during the night", "at nighttime"),
}  # fmt: skip

WEATHER: dict[str, tuple[str, ...]] = {
    "clear": ("in clear weather", "in good weather", "in dry weather", "under a clear sky"),
    "rain": ("in the rain", "in rainy weather", "while it rains", "on a wet road", "in wet weather"),
    "fog": ("in fog", "in the fog", "in foggy weather", "in the mist", "with poor visibility"),
    "snow": ("in the snow", "in snowy weather", "while it snows", "on a snowy road", "in winter"),
}  # fmt: skip

BOTH: dict[tuple[str, str], tuple[str, ...]] = {
    ("day", "clear"): ("on a sunny day", "on a clear day", "in bright sunshine"),
    ("day", "rain"): ("on a rainy day", "on a wet day", "on a grey rainy day"),
    ("day", "fog"): ("on a foggy day", "on a misty day"),
    ("day", "snow"): ("on a snowy day", "on a winter day"),
    ("dusk", "clear"): ("on a clear evening", "in the evening light", "at sunset under a clear sky"),
    ("dusk", "rain"): ("on a rainy evening", "at dusk in the rain"),
    ("dusk", "fog"): ("on a foggy evening", "at dusk in the fog"),
    ("dusk", "snow"): ("on a snowy evening", "at dusk in the snow"),
    ("night", "clear"): ("on a clear night", "on a dry night"),
    ("night", "rain"): ("on a rainy night", "on a wet night", "at night in the rain", "at night in heavy rain"),
    ("night", "fog"): ("on a foggy night", "at night in the fog"),
    ("night", "snow"): ("on a snowy night", "at night in the snow"),
}  # fmt: skip

ROAD: dict[str, tuple[str, ...]] = {
    "city": (
        "in the city", "on a city street", "in town", "on an urban street", "between tall buildings", "downtown",
    ),
    "intersection": ("at an intersection", "at a junction", "at a crossroads", "at a city intersection"),
    "highway": ("on the highway", "on a highway", "on the motorway", "on the freeway", "on an expressway"),
    "rural": (
        "on a country road", "on a rural road", "in the countryside", "outside the city",
        "on a road between fields",
    ),
    "tunnel": ("in a tunnel", "inside a tunnel", "in a road tunnel", "under the tunnel lights"),
    "roundabout": ("at a roundabout", "in a roundabout", "at a traffic circle"),
}  # fmt: skip

#: Whole sentences about an event; {a} is its actor with an article, {n} without one, {e:...} an ego manoeuvre.
FORMS: dict[str, tuple[str, ...]] = {
    "crosses from left": (
        "{a} crosses from the left", "{a} crosses the road from left to right",
        "{a} crosses the street from the left", "{a} comes from the left and crosses in front of us",
        "from the left {a} crosses the road", "{a} goes across the road from left to right",
        "{a} passes in front of the car from left to right", "{a} crosses ahead from the left side",
    ),
    "crosses from right": (
        "{a} crosses from the right", "{a} crosses the road from right to left",
        "{a} crosses the street from the right", "{a} comes from the right and crosses in front of us",
        "from the right {a} crosses the road", "{a} goes across the road from right to left",
        "{a} passes in front of the car from right to left", "{a} crosses ahead from the right side",
    ),
    "waits at kerb": (
        "{a} waits at the kerb", "{a} waits at the side of the road", "{a} stands at the curb on the right",
        "{a} is waiting to cross", "{a} stands at the roadside", "on the right {a} waits to cross the road",
        "{a} waits on the right until the road is free",
        "on the right {a} stands and waits",
        "{a} stands next to the road",
    ),
    "cuts in from left": (
        "{a} cuts in from the left", "{a} merges into our lane from the left",
        "{a} changes into our lane from the left", "{a} moves in front of us from the left lane",
        "from the left {a} cuts in front of us", "{a} pulls into our lane from the left",
        "{a} changes lanes from the left and is now in front of us",
        "{a} on the left moves over into our lane",
    ),
    "cuts in from right": (
        "{a} cuts in from the right", "{a} merges into our lane from the right",
        "{a} changes into our lane from the right", "{a} moves in front of us from the right lane",
        "from the right {a} cuts in front of us", "{a} pulls into our lane from the right",
        "{a} changes lanes from the right and is now in front of us",
        "{a} on the right moves over into our lane",
    ),
    "lead brakes": (
        "{a} ahead brakes", "{a} in front of us brakes", "{a} brakes ahead of us",
        "the brake lights of {a} in front light up", "{a} ahead slows down", "{a} in our lane brakes hard",
        "{a} in front slows and its brake lights glow",
        "we follow {a} that brakes",
    ),
    "oncoming": (
        "{a} comes towards us", "{a} comes the other way", "an oncoming {n} passes",
        "{a} passes in the opposite direction", "{a} approaches in the oncoming lane",
        "oncoming traffic with {a}", "{a} drives past in the other direction",
        "{a} drives towards us on the other side of the road",
        "we meet {a} coming the other way",
    ),
    "overtakes ego": (
        "{a} overtakes us", "{a} overtakes on the left", "{a} passes us on the left", "we are overtaken by {a}",
        "{a} drives past us on the left", "{a} overtakes the ego car", "a faster {n} overtakes us",
        "{a} comes from behind and passes us on the left",
        "{a} goes past us in the left lane",
    ),
    "cyclist ahead": (
        "{a} rides ahead", "{a} rides in front of us on the right", "we follow {a}",
        "{a} cycles along the right edge of the road", "{a} rides ahead of the car", "{a} pedals ahead of us",
        "we drive behind {a}",
        "{a} is on the right side of the road ahead",
    ),
    "light turns red": (
        "the traffic light turns red", "the light turns red", "the signal changes to red",
        "the lights change from green to red", "the traffic light goes from green to red",
        "the light ahead switches to red",
        "the green light turns red",
        "the traffic light ahead changes to red",
    ),
    "light turns green": (
        "the traffic light turns green", "the light turns green", "the signal changes to green",
        "the lights change from red to green", "the traffic light goes from red to green",
        "the light ahead switches to green",
        "the red light turns green",
        "the traffic light ahead changes to green",
    ),
    "waits at red": (
        "we wait at a red light", "we stand at a red traffic light", "the traffic light is red",
        "the light ahead is red", "the car waits at a red light", "red light ahead",
        "we are stopped at a red signal",
        "we stand still in front of a red traffic light",
    ),
    "door opens": (
        "the door of a parked car opens", "a parked car opens its door",
        "the door of {a} parked on the right opens", "a car door opens on the right",
        "somebody opens the door of a parked car", "a door opens into the road",
        "the driver door of a parked car opens in front of us",
        "a parked car on the right has its door open",
    ),
    "ambulance passes": (
        "an ambulance passes", "an ambulance with blue lights passes us",
        "an emergency vehicle with flashing lights drives past",
        "an ambulance drives by with flashing blue lights", "an emergency vehicle passes",
        "an ambulance rushes past",
        "an ambulance with its blue lights on goes past",
        "an ambulance goes past us on the left",
    ),
    "pulls out": (
        "{a} pulls out in front of us", "{a} pulls out from the kerb",
        "{a} leaves its parking place in front of us", "{a} drives off from the right side of the road",
        "{a} pulls out of a parking space", "a parked {n} pulls out",
        "{a} starts from the kerb and drives in front of us",
        "{a} that was parked on the right pulls out",
    ),
    "cross traffic": (
        "{a} drives across the intersection", "{a} passes through the junction ahead",
        "{a} crosses the intersection ahead", "cross traffic with {a}", "{a} drives by on the crossing street",
        "{a} goes through the crossroads in front of us",
        "{a} goes across the junction from one side to the other",
        "{a} drives through the intersection in front of us",
        "{a} crosses our way at the intersection",
    ),
    "works ahead": (
        "there are road works on the right", "we pass road works with cones",
        "orange cones stand at the right side of the road", "a row of traffic cones narrows the road",
        "we pass a construction site", "a road works sign and cones stand ahead",
        "there is a construction site with orange cones on the right",
        "cones and a warning sign mark road works",
    ),
    "ego overtakes": (
        "we overtake {a}", "we pass {a}", "the car overtakes {a}", "we drive past {a}", "the ego car passes {a}",
        "we overtake {a} and leave it behind",
        "we go past {a} on the left",
        "we drive faster than {a} and pass it",
        "the driver passes {a} that is slower",
    ),
    **EGO_FORMS,
}  # fmt: skip

_CROSS = (
    "{a} crosses the road", "{a} crosses in front of us", "{a} crosses the street", "{n} crossing the road",
    "a {n} on the road ahead",
)  # fmt: skip

#: Shorter forms, as people type them into a search box; some leave the direction out.
SHORT: dict[str, tuple[str, ...]] = {
    "crosses from left": (
        *_CROSS, "{n} crossing from the left", "{n} crossing from left to right",
        "{a} crossing the street from the left",
    ),
    "crosses from right": (
        *_CROSS, "{n} crossing from the right", "{n} crossing from right to left",
        "{a} crossing the street from the right",
    ),
    "waits at kerb": ("{n} waiting at the kerb", "{n} waiting to cross", "{a} standing at the roadside"),
    "cuts in from left": (
        "{a} cuts in", "{n} cutting in from the left", "{n} merging from the left", "{a} cuts in front of us",
        "{n} changing into our lane",
    ),
    "cuts in from right": (
        "{a} cuts in", "{n} cutting in from the right", "{n} merging from the right", "{a} cuts in front of us",
        "{n} changing into our lane",
    ),
    "lead brakes": (
        "{n} braking ahead", "{n} in front braking", "{a} brakes", "brake lights ahead",
        "{n} slowing down in front of us",
    ),
    "oncoming": ("oncoming {n}", "{n} coming towards us", "oncoming traffic", "an oncoming {n}"),
    "overtakes ego": ("{n} overtaking us", "{n} passing on the left", "{a} overtakes", "being overtaken by {a}"),
    "cyclist ahead": ("{n} riding ahead", "following {a}", "{n} in front of us", "{n} on the right"),
    "light turns red": (
        "light turning red", "traffic light changing to red", "the light changes",
        "stopping for a light that turns red",
    ),
    "light turns green": (
        "light turning green", "traffic light changing to green", "the light changes",
        "green light after waiting at red",
    ),
    "waits at red": ("waiting at a red light", "red traffic light", "stopped at a red light", "a red light"),
    "door opens": (
        "car door opening", "parked car opening its door", "an open car door", "door of a parked car opening",
    ),
    "ambulance passes": (
        "ambulance passing", "ambulance with flashing lights", "emergency vehicle with blue lights",
        "passing ambulance",
    ),
    "pulls out": (
        "{n} pulling out from the kerb", "parked {n} pulling out", "{n} leaving a parking space", "{a} pulls out",
    ),
    "cross traffic": (
        "{n} crossing the intersection", "cross traffic at the intersection", "{n} driving across in front of us",
    ),
    "works ahead": (
        "road works", "construction site with cones", "traffic cones on the right", "passing road works",
    ),
    "ego overtakes": ("overtaking {a}", "passing {a}", "overtaking a slower {n}"),
}  # fmt: skip

#: Short names of light and weather together, for captions without a verb.
TITLES: dict[tuple[str, str], tuple[str, ...]] = {
    ("day", "clear"): ("sunny day", "clear day", "sunshine"),
    ("day", "rain"): ("rainy day", "rain", "rain by day"),
    ("day", "fog"): ("foggy day", "fog", "mist"),
    ("day", "snow"): ("snowy day", "snow", "winter day"),
    ("dusk", "clear"): ("sunset", "clear evening", "evening light"),
    ("dusk", "rain"): ("rainy evening", "rain at dusk"),
    ("dusk", "fog"): ("foggy evening", "fog at dusk"),
    ("dusk", "snow"): ("snowy evening", "snow at dusk"),
    ("night", "clear"): ("clear night", "night drive", "night"),
    ("night", "rain"): ("rainy night", "rain at night", "wet night"),
    ("night", "fog"): ("foggy night", "fog at night"),
    ("night", "snow"): ("snowy night", "snow at night"),
}  # fmt: skip

SEEN = Voice(
    nouns=NOUNS, plurals=PLURALS, colours=COLOURS, light=LIGHT, weather=WEATHER, both=BOTH, titles=TITLES, road=ROAD,
    subjects=SUBJECTS, ego=EGO, ego_short=EGO_SHORT, forms=FORMS, short=SHORT,
)  # fmt: skip
"""What training is told. `wording_unseen.UNSEEN` is what it is never told."""
