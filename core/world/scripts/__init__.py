"""Scripts: small stories for the stage. Each sets the ego car's motion, puts actors on and notes events.

A script never lets the ego car drive through anybody: who crosses is waited for, who brakes is followed.
`SCRIPTS` says which stories a road can tell, and how often.
"""

from __future__ import annotations

from collections.abc import Callable

from core.world.scripts.junctions import red_light, roundabout, turn
from core.world.scripts.kerb import door, pulls_out, works
from core.world.scripts.people import crossing, cyclist, waiting
from core.world.scripts.traffic import ambulance, change_lane, cut_in, lead_brakes, overtaken, quiet_drive
from core.world.stage import Stage

Script = Callable[[Stage], None]

SCRIPTS: dict[str, list[tuple[Script, float]]] = {
    "city": [
        (crossing, 3.2), (waiting, 1.2), (lead_brakes, 1.3), (cyclist, 1.2), (door, 1.0), (pulls_out, 1.0),
        (ambulance, 0.8), (works, 0.7), (quiet_drive, 0.9), (cut_in, 0.9), (overtaken, 0.8), (change_lane, 0.9),
    ],
    "intersection": [
        (red_light, 3.4), (turn, 2.2),
    ],
    "highway": [
        (cut_in, 2.4), (overtaken, 2.0), (change_lane, 2.2), (lead_brakes, 1.4), (ambulance, 0.8), (works, 0.7),
        (quiet_drive, 0.8),
    ],
    "roundabout": [
        (roundabout, 1.0),
    ],
    "rural": [
        (crossing, 2.2), (cyclist, 1.6), (lead_brakes, 1.0), (ambulance, 0.5), (works, 0.6), (waiting, 0.5),
        (quiet_drive, 1.2),
    ],
    "tunnel": [
        (cut_in, 1.0), (overtaken, 1.0), (change_lane, 1.0), (lead_brakes, 1.0), (quiet_drive, 0.6),
    ],
}  # fmt: skip
NEEDS_TWO_LANES = (cut_in, overtaken, change_lane)
NEEDS_PARKING = (door, pulls_out)
