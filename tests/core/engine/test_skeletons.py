"""Skeletons over a real socket with the shipped bundle and a shipped clip whose truth is known."""

import json
import shutil

import pytest

from core import protocol
from core.cli import main
from core.paths import resources
from tests.core.engine.test_session import client

TURN = "demo_031"  # our car turns right at a junction by day in fog


@pytest.fixture(scope="module")
def library_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("skeletons")
    (folder / "footage").mkdir()
    shutil.copy(resources() / "demo" / f"{TURN}.mp4", folder / "footage")
    arguments = [
        "index",
        str(folder / "footage"),
        "--library",
        str(folder / "library"),
        "--device",
        "cpu",
        "--json",
    ]
    assert main(arguments) == 0
    return folder / "library"


def test_a_skeleton_is_read_corrected_and_exported(server, library_folder):
    text = "we turn right at an intersection in fog, no tunnel"
    with client(server) as window:
        (opened,) = window.ask(protocol.OpenLibrary, path=str(library_folder))
        assert isinstance(opened, protocol.LibraryOpened)
        (ranked, *_) = window.ask(protocol.Search, text=text)
        clip_id = ranked.hits[0].clip_id
        assert "joint" not in ranked.timings_ms
        joint = window.ask(protocol.Search, text=text, joint=True)[-1]
        assert joint.stage == "reranked"
        assert "joint" in joint.timings_ms
        (found,) = window.ask(protocol.GetSkeletons, text=text, clip_id=clip_id)
        assert isinstance(found, protocol.Skeletons)
        by_value = {match.value: match for match in found.matches}
        assert by_value["turn_right"].verdict == "matched"
        assert by_value["turn_right"].found.source == "motion"
        truth = json.loads((resources() / "demo" / f"{TURN}.json").read_text())
        (turn,) = [event for event in truth["events"] if event["name"] == "ego turns right"]
        assert by_value["turn_right"].found.start_s == pytest.approx(turn["start_s"], abs=1.0)
        assert by_value["turn_right"].found.end_s == pytest.approx(turn["end_s"], abs=1.0)
        assert by_value["tunnel"].negated
        assert {match.slot for match in found.matches} >= {"ego", "road", "weather"}
        assert all(0 <= value.probability <= 1 for value in found.values)
        weather = next(slot for slot in found.slots if slot.slot == "weather")
        assert weather.exclusive
        assert weather.none >= 0

        correct = {"text": text, "clip_id": clip_id, "author": "ana"}
        (changed,) = window.ask(
            protocol.CorrectSkeleton, slot="weather", value="snow", verdict="holds", **correct
        )
        snow = next(value for value in changed.values if value.value == "snow")
        assert (snow.holds, snow.source, snow.author) == (True, "person", "ana")
        assert {match.value: match.verdict for match in changed.matches}["fog"] == "contradicted"
        assert (changed.can_undo, changed.can_redo) == (True, False)
        (refused,) = window.ask(
            protocol.CorrectSkeleton, slot="weather", value="car", verdict="holds", **correct
        )
        assert isinstance(refused, protocol.Failed)
        assert "choose another" in refused.sentence

        (label,) = window.ask(protocol.ExportSkeleton, clip_id=clip_id, form="openlabel")
        tags = json.loads(label.text)["openlabel"]["tags"].values()
        assert {"WeatherSnow", "MotionTurnRight"} <= {tag["type"] for tag in tags}
        (plain,) = window.ask(protocol.ExportSkeleton, clip_id=clip_id, form="json")
        assert json.loads(plain.text)["corrections"][0]["author"] == "ana"

        (undone,) = window.ask(protocol.UndoCorrection, **correct)
        assert (undone.can_undo, undone.can_redo, undone.corrections) == (False, True, 0)
        (nothing,) = window.ask(protocol.UndoCorrection, **correct)
        assert isinstance(nothing, protocol.Failed)
        (gone,) = window.ask(protocol.GetSkeletons, text=text, clip_id=9999)
        assert gone.kind == "not_found"
