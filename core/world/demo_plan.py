"""What the bundled demo clips must show, a line each; `core.world.demo` casts and films them in this order."""

from __future__ import annotations

from dataclasses import dataclass

#: road light weather script | event | (colour and) kind of its actor | another event that begins later
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

#: The second part of the plan. Its events are to be seen well: of the first seeds that show one, the clearest is taken.
BROADER = """
city night snow crossing | crosses from right | pedestrian
city night fog crossing | crosses from left | pedestrian
city night clear crossing | crosses from left | pedestrian | crosses from right
city day rain crossing | crosses from left | child | ego starts
city night rain crossing | crosses from left | child
city dusk snow crossing | crosses from left | child
city night clear crossing | crosses from right | white dog
city day clear crossing | crosses from left | dog
city dusk fog crossing | crosses from right | cyclist
city night clear crossing | crosses from left | cyclist
city night rain waiting | waits at kerb | pedestrian
city day clear waiting | waits at kerb | child
city dusk rain door | door opens |
city night snow door | door opens |
city night clear pulls_out | pulls out | van
city day snow pulls_out | pulls out | car
city night rain cyclist | ego overtakes | cyclist
highway night clear overtaken | overtakes ego | motorcycle
intersection night fog red_light | light turns green | | ego starts
rural dusk snow crossing | crosses from left | deer
highway night clear change_lane | ego changes lane right |
intersection dusk snow turn | ego turns left |
city night rain works | works ahead |
rural night clear cyclist | ego overtakes | cyclist
tunnel dusk clear change_lane | ego changes lane left |
highway night clear cut_in | cuts in from right | car
intersection night snow red_light | waits at red |
roundabout night clear roundabout | ego takes roundabout |
rural day clear works | works ahead |
highway dusk clear ambulance | ambulance passes |
intersection night rain turn | ego turns right |
highway night fog works | works ahead |
intersection dusk fog red_light | light turns red | | ego stops
rural day clear crossing | crosses from right | deer
city day clear ambulance | ambulance passes |
highway night rain change_lane | ego changes lane left | | ego overtakes
intersection night rain red_light | light turns red | | cross traffic
rural day clear ambulance | ambulance passes |
tunnel day clear change_lane | ego overtakes | truck
highway night snow lead_brakes | lead brakes | truck
intersection night rain red_light | crosses from left | pedestrian
"""
#: The third part, packed a little harder: the library stays under sixty megabytes.
FURTHER = """
rural day snow crossing | crosses from left | dog
highway day clear change_lane | ego overtakes | bus
intersection night clear red_light | light turns green | | ego starts
roundabout dusk rain roundabout | ego takes roundabout |
city day rain lead_brakes | lead brakes | van | ego stops
highway day clear cut_in | cuts in from left | car | lead brakes
intersection dusk clear red_light | light turns green | | ego starts
rural night clear crossing | crosses from right | dog
highway night rain cut_in | cuts in from right | car | lead brakes
intersection day snow red_light | waits at red | | light turns green
rural night rain crossing | crosses from left | deer
tunnel night clear cut_in | cuts in from right | car
highway night clear cut_in | cuts in from left | van
intersection night clear red_light | light turns red | | ego stops
rural dusk fog crossing | crosses from right | deer
highway day rain cut_in | cuts in from right | truck
intersection night clear red_light | cross traffic | motorcycle
city night clear lead_brakes | lead brakes | motorcycle
highway dusk rain cut_in | cuts in from left | motorcycle
intersection dusk clear red_light | cross traffic | van
roundabout night fog roundabout | ego takes roundabout |
rural dusk clear crossing | crosses from left | pedestrian
highway day clear overtaken | overtakes ego | bus
intersection dusk clear red_light | crosses from right | child
rural day rain cyclist | cyclist ahead |
tunnel night clear overtaken | overtakes ego | motorcycle
highway dusk clear overtaken | overtakes ego | car | cuts in from left
intersection day rain red_light | ego stops | | crosses from left
city day clear lead_brakes | lead brakes | truck
rural night rain cyclist | cyclist ahead |
highway day snow overtaken | overtakes ego | truck
intersection day clear red_light | crosses from left | cyclist
highway night clear change_lane | ego changes lane left |
intersection day rain turn | ego turns left |
rural dusk clear waiting | waits at kerb | child
highway day rain change_lane | ego changes lane left |
intersection night fog turn | ego turns left |
roundabout day snow roundabout | ego takes roundabout |
rural night snow quiet_drive | oncoming | bus
tunnel day clear lead_brakes | lead brakes | bus
city dusk snow ambulance | ambulance passes |
highway dusk fog change_lane | ego changes lane right |
intersection night clear turn | ego turns right |
rural day clear quiet_drive | oncoming | truck
highway dusk snow works | works ahead |
intersection day clear turn | ego turns right |
"""
CANDIDATES = 3


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
    then: str = ""
    candidates: int = 1  # seeds that fulfil it and are compared
    crf: int = 21  # of H.264: more is smaller

    @property
    def name(self) -> str:
        """File name without ending; it says nothing of what the clip shows."""
        return f"demo_{self.index:03d}"

    @property
    def actor(self) -> dict[str, str]:
        """What is said of who does it: its kind, perhaps its colour."""
        colour, _, kind = self.kind.rpartition(" ")
        return {key: value for key, value in (("colour", colour), ("kind", kind)) if value}

    @property
    def predicate(self) -> dict[str, object]:
        """What `core.world.truth.matches` must find in the clip."""
        if not self.event:
            return {}
        event = {"name": self.event, **self.actor} if self.actor else self.event
        return {"order": [event, self.then]} if self.then else {"events": [event]}


def wishes() -> list[Wish]:
    """The plan, parsed."""
    found: list[Wish] = []
    for text, candidates, crf in ((PLAN, 1, 21), (BROADER, CANDIDATES, 21), (FURTHER, CANDIDATES, 24)):
        for line in text.strip().splitlines():
            setting, event, kind, then = [*(part.strip() for part in line.split("|")), ""][:4]
            road, light, weather, script = setting.split()
            found.append(Wish(len(found), road, light, weather, script, event, kind, then, candidates, crf))
    return found
