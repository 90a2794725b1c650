"""Words and sentence forms that no caption of the training ever uses: the `paraphrase` test is spoken in them.

Two whole families of sentences (`REQUESTS`: somebody asks for the scene; `REPORTS`: nouns instead of verbs) and
synonyms for everything that captions name. A test holds that none of `SYNONYMS` occurs in what training is told.
"""

from __future__ import annotations

from core.world.voice import Voice
from core.world.wording_ego import EGO_FORMS, SUBJECTS

NOUNS: dict[str, tuple[str, ...]] = {
    "car": ("sedan", "auto", "motorcar"),
    "van": ("minivan", "cargo carrier"),
    "truck": ("hauler", "semi", "freight rig"),
    "bus": ("omnibus", "minibus"),
    "motorcycle": ("moped", "scooter"),
    "cyclist": ("pedaller", "rider on a pushbike"),
    "pedestrian": ("passerby", "stroller", "human"),
    "child": ("youngster", "toddler", "schoolboy"),
    "dog": ("hound", "puppy", "canine"),
    "deer": ("stag", "elk", "doe"),
    "ambulance": ("rescue vehicle", "paramedic van"),
    "sign": ("placard",),
}  # fmt: skip

PLURALS: dict[str, tuple[str, ...]] = {
    "pedestrian": ("passersby", "humans"),
}  # fmt: skip

COLOURS: dict[str, tuple[str, ...]] = {
    "silver": ("metallic",),
    "orange": ("tangerine",),
    "red": ("crimson", "scarlet"),
    "blue": ("navy", "azure"),
    "white": ("ivory", "pale"),
    "black": ("ebony",),
    "green": ("emerald", "olive"),
    "yellow": ("golden",),
    "brown": ("chestnut",),
}  # fmt: skip

LIGHT: dict[str, tuple[str, ...]] = {
    "day": ("at daytime hours", "in full brightness"),
    "dusk": ("at sundown", "at nightfall"),
    "night": ("in darkness", "at midnight hours", "in nocturnal gloom"),
}  # fmt: skip

WEATHER: dict[str, tuple[str, ...]] = {
    "clear": ("in fine conditions", "under a cloudless sky"),
    "rain": ("in a downpour", "in a drizzle", "in a shower"),
    "fog": ("in haze", "in murky air"),
    "snow": ("in a blizzard", "in frosty conditions", "in a snowstorm"),
}  # fmt: skip

ROAD: dict[str, tuple[str, ...]] = {
    "city": ("on a boulevard", "on an avenue", "in a metropolitan area"),
    "intersection": ("at a crossway", "where two streets meet"),
    "highway": ("on the autobahn", "on the interstate", "on a turnpike"),
    "rural": ("on a farm lane", "among meadows", "on a provincial road"),
    "tunnel": ("in an underpass", "underground"),
    "roundabout": ("at a rotary", "at a circular junction"),
}  # fmt: skip

EGO: dict[str, tuple[tuple[str, str], ...]] = {
    "straight": (("cruise onward", "cruises onward"), ("proceed forward", "proceeds forward")),
    "stands": (("remain motionless", "remains motionless"), ("stay idle", "stays idle")),
    "stops": (("halt", "halts"), ("cease moving", "ceases moving")),
    "starts": (("depart", "departs"), ("accelerate from rest", "accelerates from rest")),
    "slows": (("decelerate", "decelerates"), ("lose pace", "loses pace")),
    "turns left": (("steer left", "steers left"), ("veer left", "veers left")),
    "turns right": (("steer right", "steers right"), ("veer right", "veers right")),
    "changes lane left": (("switch to the left track", "switches to the left track"),),
    "changes lane right": (("switch to the right track", "switches to the right track"),),
    "overtakes": (("outpace somebody slower", "outpaces somebody slower"),),
    "roundabout": (("circle the rotary", "circles the rotary"),),
}  # fmt: skip

#: What happens, as sentences with verbs that training never heard.
FORMS: dict[str, tuple[str, ...]] = {
    "crosses from left": ("{a} traverses the road from the left", "{a} strolls over from left to right"),
    "crosses from right": ("{a} traverses the road from the right", "{a} strolls over from right to left"),
    "waits at kerb": ("{a} lingers at the pavement", "{a} stays on the sidewalk"),
    "cuts in from left": ("{a} squeezes in from the left", "{a} swerves before us from the left"),
    "cuts in from right": ("{a} squeezes in from the right", "{a} swerves before us from the right"),
    "lead brakes": ("{a} ahead decelerates", "the leading {n} applies its brakes"),
    "oncoming": ("{a} heads our way", "{a} nears from the front"),
    "overtakes ego": ("{a} outpaces us", "{a} outruns us on the left"),
    "cyclist ahead": ("{a} travels ahead", "we trail {a}"),
    "light turns red": ("the stoplight becomes red", "the semaphore flips to red"),
    "light turns green": ("the stoplight becomes green", "the semaphore flips to green"),
    "waits at red": ("we idle before a red stoplight", "we are halted by a red stoplight"),
    "door opens": ("a parked auto swings its door wide", "a door of a parked sedan is flung wide"),
    "ambulance passes": ("a rescue vehicle speeds by", "a paramedic van hurries by"),
    "pulls out": ("{a} departs from the pavement", "{a} emerges from its parking spot"),
    "cross traffic": ("{a} traverses the crossway", "{a} travels across our path"),
    "works ahead": ("there is roadwork with pylons", "we near a repair zone with pylons"),
    "ego overtakes": ("we outpace {a}", "we get ahead of {a}"),
    **EGO_FORMS,
}  # fmt: skip

#: The same as nouns.
NOMINAL: dict[str, str] = {
    "crosses from left": "traversal by {a}, left to right",
    "crosses from right": "traversal by {a}, right to left",
    "waits at kerb": "presence of {a} at the kerb",
    "cuts in from left": "sudden merge of {a}, left side",
    "cuts in from right": "sudden merge of {a}, right side",
    "lead brakes": "deceleration of {a} ahead",
    "oncoming": "encounter with oncoming {n}",
    "overtakes ego": "overtake by {a}",
    "cyclist ahead": "pursuit of {a}",
    "light turns red": "switch of the signal to red",
    "light turns green": "switch of the signal to green",
    "waits at red": "pause before a red light",
    "door opens": "opening of a car door",
    "ambulance passes": "passage of an ambulance",
    "pulls out": "exit of {a} from parking",
    "cross traffic": "passage of {a} across the junction",
    "works ahead": "construction zone with cones",
    "ego stops": "halt of the ego car",
    "ego starts": "departure of the ego car",
    "ego slows": "deceleration of the ego car",
    "ego turns left": "left turn of the ego car",
    "ego turns right": "right turn of the ego car",
    "ego changes lane left": "lane switch of the ego car, left",
    "ego changes lane right": "lane switch of the ego car, right",
    "ego overtakes": "overtake of {a} by the ego car",
    "ego takes roundabout": "roundabout passage of the ego car",
}  # fmt: skip

#: First family: somebody asks for it. {} is a sentence.
REQUESTS = (
    "show me footage in which {}", "find the scene where {}", "i am looking for a recording where {}",
    "is there any video in which {}", "please search for the moment when {}",
)  # fmt: skip

#: Second family: nouns, in the order of a form. {event} is one or two of `NOMINAL`, {where} a setting.
REPORTS = (
    "{event}; circumstances: {where}", "record of {event}; {where}", "{where}: {event}", "incident: {event}, {where}",
)  # fmt: skip

UNSEEN = Voice(
    nouns=NOUNS, plurals=PLURALS, colours=COLOURS, light=LIGHT, weather=WEATHER, both={}, titles={}, road=ROAD,
    subjects=SUBJECTS, ego=EGO, ego_short={}, forms=FORMS, short={},
)  # fmt: skip

#: The single words among them that training never sees, each with a word it stands for.
SYNONYMS: dict[str, str] = {
    "sedan": "car", "auto": "car", "motorcar": "car", "minivan": "van", "hauler": "truck", "semi": "truck",
    "rig": "truck", "omnibus": "bus", "minibus": "bus", "moped": "motorcycle", "scooter": "motorcycle",
    "pushbike": "bicycle", "pedaller": "cyclist", "passerby": "pedestrian", "stroller": "pedestrian",
    "human": "person", "youngster": "child", "toddler": "child", "schoolboy": "child", "hound": "dog",
    "puppy": "dog", "canine": "dog", "stag": "deer", "elk": "deer", "doe": "deer", "rescue": "ambulance",
    "paramedic": "ambulance", "metallic": "silver", "tangerine": "orange", "crimson": "red", "scarlet": "red",
    "navy": "blue", "azure": "blue", "ivory": "white", "ebony": "black", "emerald": "green", "olive": "green",
    "golden": "yellow", "chestnut": "brown", "sundown": "sunset", "nightfall": "dusk", "darkness": "dark",
    "midnight": "night", "nocturnal": "night", "cloudless": "clear", "downpour": "rain", "drizzle": "rain",
    "shower": "rain", "haze": "fog", "murky": "foggy", "blizzard": "snow", "frosty": "snowy", "snowstorm": "snow",
    "boulevard": "street", "avenue": "street", "metropolitan": "city", "crossway": "crossroads",
    "autobahn": "motorway", "interstate": "highway", "turnpike": "highway", "farm": "countryside",
    "meadows": "fields", "underpass": "tunnel", "underground": "tunnel", "rotary": "roundabout",
    "circular": "roundabout", "motionless": "still", "halts": "stops", "depart": "leave",
    "departs": "leaves", "decelerate": "brake", "decelerates": "brakes", "steer": "turn", "steers": "turns",
    "veer": "turn", "veers": "turns", "traverses": "crosses", "squeezes": "merges", "swerves": "merges",
    "outpaces": "overtakes", "stoplight": "light", "pylons": "cones", "roadwork": "works", "idle": "wait",
}  # fmt: skip
