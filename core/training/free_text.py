"""Fifty sentences about driving as people annotate it, not as our grammar speaks, mapped by hand to what they imply.

In the manner of BDD-X (Kim et al., ECCV 2018: what the car does, and why), written for this test and nothing else: no
caption and no choice ever used them. Predicates are those of `core.world.truth.matches`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch

from core.training.dataset import ClipSet
from core.training.splits import Split
from core.world.truth import matches

_CROSSES = ["crosses from left", "crosses from right"]
_CUTS = ["cuts in from left", "cuts in from right"]
_FOLK = ["pedestrian", "child"]

SENTENCES: Final[tuple[tuple[str, Mapping[str, Any]], ...]] = (
    (
        "the car comes to a complete stop because the traffic signal has just gone red",
        {"events": ["light turns red", "ego stops"]},
    ),
    ("the vehicle is stationary since the stop light is red", {"events": ["waits at red"]}),
    ("the car begins to accelerate as the signal is now green", {"order": ["light turns green", "ego starts"]}),
    ("car sits at a red signal after dark", {"light": "night", "events": ["waits at red"]}),
    ("the car brakes for somebody walking over the road", {"events": [{"name": _CROSSES, "kind": _FOLK}]}),
    ("a man on foot walks across our lane", {"events": [{"name": _CROSSES, "kind": "pedestrian"}]}),
    ("a little boy runs across the street", {"events": [{"name": _CROSSES, "kind": "child"}]}),
    ("the car slows since an animal is in the roadway", {"events": [{"name": _CROSSES, "kind": ["dog", "deer"]}]}),
    ("a puppy strays onto the carriageway", {"events": [{"name": _CROSSES, "kind": "dog"}]}),
    ("wildlife steps out onto a rural highway", {"road": "rural", "events": [{"name": _CROSSES, "kind": "deer"}]}),
    ("pedestrian on the curb hoping to get to the other side", {"events": ["waits at kerb"]}),
    (
        "somebody steps in front of the vehicle at night",
        {"light": "night", "events": [{"name": _CROSSES, "kind": _FOLK}]},
    ),
    ("the vehicle in front hits its brakes", {"events": ["lead brakes"]}),
    ("car is slowing down because traffic ahead is slowing", {"events": ["lead brakes"]}),
    ("the lorry in front of us brakes", {"events": [{"name": "lead brakes", "kind": "truck"}]}),
    ("a vehicle merges into our lane", {"events": [{"name": _CUTS}]}),
    ("another car squeezes in ahead from the left hand lane", {"events": ["cuts in from left"]}),
    ("another car squeezes in ahead from the right hand lane", {"events": ["cuts in from right"]}),
    (
        "a van changes lanes right in front of the car on the freeway",
        {"road": "highway", "events": [{"name": _CUTS, "kind": "van"}]},
    ),
    ("somebody is passing us on the left side", {"events": ["overtakes ego"]}),
    ("a motorbike races past the car", {"events": [{"name": "overtakes ego", "kind": "motorcycle"}]}),
    ("we are being passed by a big truck", {"events": [{"name": "overtakes ego", "kind": "truck"}]}),
    ("the car moves into the left lane", {"events": ["ego changes lane left"]}),
    ("the car merges over to the right lane", {"events": ["ego changes lane right"]}),
    ("the car goes around a slower vehicle", {"events": ["ego overtakes"]}),
    ("the car passes a guy riding his bicycle", {"events": [{"name": "ego overtakes", "kind": "cyclist"}]}),
    ("a bicycle rider is in front of the car", {"events": ["cyclist ahead"]}),
    ("the car turns left at the corner", {"events": ["ego turns left"]}),
    ("the driver makes a right onto another street", {"events": ["ego turns right"]}),
    ("the car goes through a traffic circle", {"road": "roundabout"}),
    ("the car enters the rotary", {"events": ["ego takes roundabout"]}),
    ("driving in a tunnel with lamps overhead", {"road": "tunnel"}),
    ("the car drives down the interstate in daylight", {"road": "highway", "light": "day"}),
    ("the road is slick because it is raining", {"weather": "rain"}),
    ("heavy rain in the dark", {"weather": "rain", "light": "night"}),
    ("it is snowing and the street is white", {"weather": "snow"}),
    ("you can hardly see anything because of the mist", {"weather": "fog"}),
    ("the sun is setting", {"light": "dusk", "road": ["city", "intersection", "highway", "rural", "roundabout"]}),
    ("snow on the highway at night", {"weather": "snow", "road": "highway", "light": "night"}),
    ("foggy country lane", {"weather": "fog", "road": "rural"}),
    ("an ambulance with its emergency lights on goes by", {"events": ["ambulance passes"]}),
    ("somebody opens the door of a car at the side of the street", {"events": ["door opens"]}),
    ("a parked vehicle leaves its spot and gets in the way", {"events": ["pulls out"]}),
    ("the road narrows due to construction cones", {"events": ["works ahead"]}),
    ("traffic passes from one side to the other at the junction", {"events": ["cross traffic"]}),
    ("oncoming bus in the other lane", {"events": [{"name": "oncoming", "kind": "bus"}]}),
    ("the car slows down but does not stop on the motorway", {"road": "highway", "events": ["ego slows"]}),
    ("the car waits at the crossroads and then drives off", {"road": "intersection", "events": ["ego starts"]}),
    ("a bus ahead is stopping", {"events": [{"name": "lead brakes", "kind": "bus"}]}),
    ("city street with no one on it but people waiting at the side", {"road": "city", "events": ["waits at kerb"]}),
)  # fmt: skip


def free_text(clips: ClipSet) -> Split:
    """The sentences that at least one clip answers, with every clip that does."""
    right = [[matches(truth, wanted) for truth in clips.truths] for _, wanted in SENTENCES]
    kept = [place for place, row in enumerate(right) if any(row)]
    return Split(
        "free text",
        tuple(SENTENCES[place][0] for place in kept),
        torch.tensor([right[place] for place in kept]),
    )
