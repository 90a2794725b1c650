"""What the ego car does, in words. Tables only."""

from __future__ import annotations

SUBJECTS = ("we", "we", "the car", "the ego car", "the driver", "the ego vehicle", "our car")

EGO: dict[str, tuple[tuple[str, str], ...]] = {
    "straight": (
        ("drive straight on", "drives straight on"), ("go straight ahead", "goes straight ahead"),
        ("keep our lane", "keeps its lane"), ("drive along", "drives along"),
        ("continue straight", "continues straight"),
    ),
    "stands": (
        ("stand still", "stands still"), ("wait", "waits"), ("are stopped", "is stopped"),
        ("do not move", "does not move"),
    ),
    "stops": (
        ("stop", "stops"), ("come to a stop", "comes to a stop"), ("brake to a halt", "brakes to a halt"),
        ("come to a standstill", "comes to a standstill"),
        ("slow down and stop", "slows down and stops"),
        ("stop on the road", "stops on the road"),
        ("brake until standing still", "brakes until standing still"),
        ("end up standing still", "ends up standing still"),
        ("slow to a stop", "slows to a stop"),
    ),
    "starts": (
        ("start moving", "starts moving"), ("set off", "sets off"), ("pull away", "pulls away"),
        ("start driving", "starts driving"), ("drive off", "drives off"),
        ("begin to move", "begins to move"),
        ("get moving", "gets moving"),
        ("move off", "moves off"),
        ("go from standing to driving", "goes from standing to driving"),
    ),
    "slows": (
        ("slow down", "slows down"), ("brake", "brakes"), ("reduce speed", "reduces speed"),
        ("go slower", "goes slower"),
        ("drive slower and slower", "drives slower and slower"),
        ("lose speed", "loses speed"),
        ("brake a little", "brakes a little"),
        ("become slower", "becomes slower"),
        ("brake without stopping", "brakes without stopping"),
    ),
    "turns left": (
        ("turn left", "turns left"), ("make a left turn", "makes a left turn"), ("take a left", "takes a left"),
        ("turn into the street on the left", "turns into the street on the left"),
        ("go left", "goes left"),
        ("turn off to the left", "turns off to the left"),
        ("go around the corner to the left", "goes around the corner to the left"),
        ("take the road on the left", "takes the road on the left"),
        ("follow the turn to the left", "follows the turn to the left"),
    ),
    "turns right": (
        ("turn right", "turns right"), ("make a right turn", "makes a right turn"),
        ("take a right", "takes a right"),
        ("turn into the street on the right", "turns into the street on the right"),
        ("go right", "goes right"),
        ("turn off to the right", "turns off to the right"),
        ("go around the corner to the right", "goes around the corner to the right"),
        ("take the road on the right", "takes the road on the right"),
        ("follow the turn to the right", "follows the turn to the right"),
    ),
    "changes lane left": (
        ("change to the left lane", "changes to the left lane"),
        ("move one lane to the left", "moves one lane to the left"),
        ("change lanes to the left", "changes lanes to the left"),
        ("go over to the left lane", "goes over to the left lane"),
        ("pull over into the left lane", "pulls over into the left lane"),
        ("leave the lane for the one on the left", "leaves the lane for the one on the left"),
        ("change lanes and are now on the left", "changes lanes and is now on the left"),
        ("move over to the left", "moves over to the left"),
        ("drive into the lane on the left", "drives into the lane on the left"),
    ),
    "changes lane right": (
        ("change to the right lane", "changes to the right lane"),
        ("move one lane to the right", "moves one lane to the right"),
        ("change lanes to the right", "changes lanes to the right"),
        ("go over to the right lane", "goes over to the right lane"),
        ("pull over into the right lane", "pulls over into the right lane"),
        ("leave the lane for the one on the right", "leaves the lane for the one on the right"),
        ("change lanes and are now on the right", "changes lanes and is now on the right"),
        ("move over to the right", "moves over to the right"),
        ("drive into the lane on the right", "drives into the lane on the right"),
    ),
    "overtakes": (
        ("overtake", "overtakes"), ("pass a slower road user", "passes a slower road user"),
        ("overtake another road user", "overtakes another road user"),
        ("go past a slower road user", "goes past a slower road user"),
    ),
    "roundabout": (
        ("drive around the roundabout", "drives around the roundabout"),
        ("take the roundabout", "takes the roundabout"),
        ("go around the roundabout", "goes around the roundabout"),
        ("drive through a roundabout", "drives through a roundabout"),
        ("enter a roundabout", "enters a roundabout"),
        ("go round a traffic circle", "goes round a traffic circle"),
        ("pass a roundabout", "passes a roundabout"),
        ("drive around the island of a roundabout", "drives around the island of a roundabout"),
        ("follow the roundabout", "follows the roundabout"),
        ("go into a roundabout", "goes into a roundabout"),
    ),
}  # fmt: skip

#: What the ego car does, without naming it.
EGO_SHORT: dict[str, tuple[str, ...]] = {
    "straight": ("driving straight on", "going straight", "driving along"),
    "stands": ("standing still", "waiting", "not moving"),
    "stops": ("stopping", "coming to a stop", "braking to a stop"),
    "starts": ("starting to drive", "setting off", "pulling away", "driving off"),
    "slows": ("slowing down", "braking", "driving slower"),
    "turns left": ("turning left", "left turn", "making a left turn"),
    "turns right": ("turning right", "right turn", "making a right turn"),
    "changes lane left": ("changing lanes to the left", "lane change to the left", "moving to the left lane"),
    "changes lane right": ("changing lanes to the right", "lane change to the right", "moving to the right lane"),
    "overtakes": ("overtaking", "passing a slower road user"),
    "roundabout": ("driving around a roundabout", "going through a roundabout"),
}  # fmt: skip

#: Events that are a manoeuvre of the ego car: every voice speaks of them in its own words for that manoeuvre.
EGO_FORMS: dict[str, tuple[str, ...]] = {
    "ego stops": ("{e:stops}",),
    "ego starts": ("{e:starts}",),
    "ego slows": ("{e:slows}",),
    "ego turns left": ("{e:turns left}",),
    "ego turns right": ("{e:turns right}",),
    "ego changes lane left": ("{e:changes lane left}",),
    "ego changes lane right": ("{e:changes lane right}",),
    "ego takes roundabout": ("{e:roundabout}",),
}
