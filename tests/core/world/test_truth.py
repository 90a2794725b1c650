"""The record of a clip: JSON there and back, and predicates over it."""

import dataclasses

import pytest

from core.world.truth import ActorTruth, Box, ClipTruth, Event, FrameTruth, matches, shown


def _clip(**changes) -> ClipTruth:
    frames = tuple(
        FrameTruth(
            t + 0.5,
            7.0,
            (Box(0, 0.4, 0.4, 0.5, 0.8, 1.0, 0.02, 11.0), Box(1, 0.1, 0.4, 0.2, 0.5, 0.9, 0.0002, 60.0)),
            {2: "red" if t < 4 else "green"},
        )
        for t in range(8)
    )
    actors = (
        ActorTruth(0, "pedestrian", "red", "event", "left"),
        ActorTruth(1, "car", "blue", "traffic", "oncoming"),
        ActorTruth(2, "traffic light", "", "signal", "right"),
    )
    events = (
        Event("crosses from left", 1.0, 4.0, 0),
        Event("light turns green", 3.8, 5.0, 2),
        Event("ego starts", 5, 7),
    )
    clip = ClipTruth(7, 8.0, "intersection", "night", "rain", "starts", 1, events, actors, frames)
    return dataclasses.replace(clip, **changes)


def test_json_there_and_back():
    clip = _clip()
    again = ClipTruth.from_json(clip.to_json())
    assert again == clip
    assert again.to_json() == clip.to_json()


def test_a_record_of_another_form_is_refused():
    with pytest.raises(KeyError):
        ClipTruth.from_dict({"seed": 1})
    with pytest.raises(ValueError, match="Expecting"):
        ClipTruth.from_json("not json")


def test_actor_by_number():
    assert _clip().actor(1).kind == "car"
    with pytest.raises(KeyError):
        _clip().actor(9)


@pytest.mark.parametrize(
    ("predicate", "holds"),
    [
        ({}, True),
        ({"light": "night", "weather": ["rain", "snow"]}, True),
        ({"light": "day"}, False),
        ({"events": ["crosses from left"]}, True),
        ({"events": [{"name": ["crosses from left", "crosses from right"], "kind": "pedestrian"}]}, True),
        ({"events": [{"name": "crosses from left", "kind": "child"}]}, False),
        ({"events": ["crosses from left", "oncoming"]}, False),
        ({"events": [{"name": "ego starts", "kind": "car"}]}, False),
        ({"order": ["light turns green", "ego starts"]}, True),
        ({"order": ["ego starts", "light turns green"]}, False),
        ({"order": ["oncoming", "ego starts"]}, False),
        ({"actors": [{"kind": "pedestrian", "colour": "red"}]}, True),
        ({"actors": [{"kind": "car"}]}, False),  # there, but too small to be made out
        ({"without": ["bus"]}, True),
        ({"without": ["pedestrian"]}, False),
    ],
)
def test_predicates(predicate, holds):
    assert matches(_clip(), predicate) is holds


def test_an_unknown_key_is_an_error_not_a_match():
    with pytest.raises(KeyError, match="wether"):
        matches(_clip(), {"wether": "rain"})


def test_fog_hides_what_geometry_shows():
    far = FrameTruth(0.5, 5.0, (Box(0, 0.4, 0.4, 0.5, 0.6, 1.0, 0.02, 60.0),), {})
    assert shown(_clip(frames=(far,)), 0) == 1
    assert shown(_clip(frames=(far,), weather="fog"), 0) == 0
    assert shown(_clip(frames=(far,)), 0, start_s=1.0) == 0
