"""Video skeletons from vectors that are known because they were made, held against slow plain arithmetic."""

import itertools
import json

import numpy as np
import pytest

from core.errors import DrivescopeError
from core.explain import skeleton_store
from core.explain.ego_manoeuvres import Manoeuvre
from core.explain.ontology import load_ontology
from core.explain.skeleton_export import as_json, as_openlabel
from core.explain.skeleton_match import lay
from core.explain.skeleton_store import SkeletonStore, corrected
from core.explain.skeleton_truth import judge, report, table
from core.explain.skeleton_tune import overlap, tune
from core.explain.skeleton_world import WorldClip, facts
from core.explain.text_skeleton import skeleton
from core.explain.video_skeleton import ClipEvidence, SkeletonReader, span
from core.explain.video_skeleton_calibration import (
    Calibration,
    SlotFit,
    ValueFit,
    calibration_of,
    measures,
    save,
)
from core.explain.video_skeleton_questions import ONE_OF, Questions
from core.explain.video_skeleton_records import Finding, VideoSkeleton
from core.world.truth import ActorTruth, Box, ClipTruth, Event, FrameTruth

ONTOLOGY = load_ontology()
KEYS = (
    ("weather", "clear"), ("weather", "rain"), ("light", "day"), ("light", "night"),
    ("actor", "car"), ("actor", "bus"), ("signal", "red_light"), ("action", "cross_from_left"),
)  # fmt: skip
AXES = np.eye(len(KEYS) + 1, dtype=np.float32)  # one direction a value, the last one for nothing
FRAMES = 12


def questions(keys=KEYS):
    rows = np.stack([AXES[KEYS.index(key)] for key in keys])
    return Questions(tuple(keys), rows, rows)


def unit(vector):
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def evidence(*shown, strength=0.6, clip_id=1, frames=range(FRAMES)):
    """A clip that shows values; `frames` are those that show the last one, the others show it not."""
    seen = np.stack([AXES[-1]] * FRAMES)
    for key in shown:
        where = frames if key == shown[-1] else range(FRAMES)
        for number in where:
            seen[number] = seen[number] + strength * AXES[KEYS.index(key)]
    whole = unit(seen.mean(axis=0))
    times = tuple(10.0 + (number + 0.5) * 8 / FRAMES for number in range(FRAMES))
    return ClipEvidence(clip_id, 10.0, 18.0, times, whole, np.stack([unit(row) for row in seen]), whole)


def read(*shown, ego=(), **options):
    return SkeletonReader(questions(), None, ontology=ONTOLOGY.digest).read(evidence(*shown, **options), ego)


# --- reading -----------------------------------------------------------------------------------------


def test_none_of_these_is_always_an_answer():
    found = SkeletonReader(questions(), None).probabilities(
        AXES[-1][None], AXES[-1][None], np.stack([[AXES[-1]] * FRAMES])
    )[0]
    none = 1 - found[:2].sum()
    assert found[0] == pytest.approx(1 / 3)  # two weathers and none of them, equally likely
    assert none == pytest.approx(1 / 3)
    assert found[4] == pytest.approx(0.5)
    assert read().none["weather"] == pytest.approx(1 / 3, abs=1e-3)


def test_an_exclusive_slot_has_one_value_and_others_any_number():
    video = read(("weather", "rain"), ("light", "night"), ("actor", "car"), ("actor", "bus"))
    assert [one.value for one in video.holding("weather")] == ["rain"]
    assert {one.value for one in video.holding("actor")} == {"car", "bus"}
    assert not video.calibrated
    assert all(one.source == "frames" for one in video.findings)
    assert VideoSkeleton.from_json(video.to_json()) == video


def test_a_value_holds_where_its_frames_show_it():
    video = read(("light", "day"), ("action", "cross_from_left"), frames=range(4, 8))
    crossing = video.find("action", "cross_from_left")
    assert crossing.holds
    assert crossing.start_s == pytest.approx(10 + 4 * 8 / FRAMES, abs=0.67)
    assert crossing.end_s == pytest.approx(10 + 8 * 8 / FRAMES, abs=0.67)
    assert 4 <= crossing.frame < 8
    assert crossing.start_s <= crossing.time_s <= crossing.end_s


def test_spans_against_a_plain_search():
    rng = np.random.default_rng(0)
    for _ in range(50):
        curve = rng.random(9)
        first, last = span(curve, 0.5, 0.0)
        border = curve.min() + 0.5 * np.ptp(curve)
        runs = [
            (a, b)
            for a, b in itertools.combinations_with_replacement(range(9), 2)
            if a <= curve.argmax() <= b and (curve[a : b + 1] >= border).all()
        ]
        assert (first, last) == max(runs, key=lambda run: run[1] - run[0])
    assert span(np.array([0.5, 0.51, 0.5]), 0.5, 0.1) == (0, 2)


def test_measures_are_what_their_names_say():
    rng = np.random.default_rng(1)
    student, video, frames = rng.random((2, 3)), rng.random((2, 3)), rng.random((2, 3, 12))
    found = measures(student, video, frames)
    for clip, value in itertools.product(range(2), range(3)):
        row = sorted(frames[clip, value].tolist())
        wanted = [student[clip, value], video[clip, value], row[-1], sum(row[-3:]) / 3, sum(row) / 12]
        assert found[clip, value] == pytest.approx(wanted)


def test_what_our_car_did_comes_from_motion():
    video = read(ego=(Manoeuvre("turn_left", 12.0, 15.0, 0.9),))
    turn = video.find("ego", "turn_left")
    assert (turn.source, turn.holds, turn.start_s, turn.end_s) == ("motion", True, 12.0, 15.0)
    assert turn.time_s == pytest.approx(13.5, abs=0.4)


# --- calibration -------------------------------------------------------------------------------------


def truth(weather, light, car, crossing, seed):
    frames = tuple(
        FrameTruth(
            (number + 0.5) * 8 / FRAMES,
            9.0,
            (Box(0, 0.4, 0.4, 0.6, 0.6, 1.0, 0.02, 12.0),) * car
            + (Box(1, 0.1, 0.4, 0.2, 0.6, 1.0, 0.02, 9.0),) * crossing,
            {},
        )
        for number in range(FRAMES)
    )  # fmt: skip
    actors = (
        ActorTruth(0, "car", "red", "traffic", "ahead"),
        ActorTruth(1, "pedestrian", "", "event", "left"),
    )
    events = (Event("crosses from left", 2.0, 5.0, 1),) if crossing else ()
    return ClipTruth(seed, 8.0, "city", light, weather, "straight", 2, events, actors, frames)


def world(count=45):
    """Clips whose vectors say what is true, with noise."""
    rng = np.random.default_rng(3)
    clips = []
    for seed in range(count):
        weather, light = ("clear", "rain")[seed % 2], ("day", "night")[seed // 2 % 2]
        car, crossing = seed % 3 == 0, seed % 5 == 0
        shown = [("weather", weather), ("light", light)]
        shown += [("actor", "car")] * car + [("action", "cross_from_left")] * crossing
        clip = evidence(*shown, strength=0.15, frames=range(3, 8) if crossing else range(FRAMES))
        noise = rng.normal(0, 0.02, (FRAMES, len(AXES))).astype(np.float32)
        frames = np.stack([unit(row) for row in clip.frames + noise])
        whole = unit(frames.mean(axis=0))
        times = tuple(time_s - 10 for time_s in clip.times_s)
        clips.append(
            WorldClip(
                truth(weather, light, car, crossing, seed),
                ClipEvidence(seed, 0.0, 8.0, times, whole, frames, whole),
                None,
            )
        )
    return clips


def test_a_calibration_turns_weak_similarities_into_probabilities(tmp_path):
    clips = world()
    made = tune("tiny", "f1", "60 clips", clips[:30], questions())
    assert "actor:bus" not in made.values  # no clip shows one
    assert set(made.slots) == {"weather", "light", "actor", "action"}
    reader = SkeletonReader(questions(made.keys()), made)
    answer = report(judge(reader, clips[30:]))
    for slot in ("weather", "light", "action"):
        assert answer["slots"][slot]["f1"] > 0.9
    assert "macro F1" in table(answer)
    plain = report(judge(SkeletonReader(questions(made.keys()), None), clips[30:]))
    assert answer["macro_f1"] >= plain["macro_f1"]
    path = save(made, tmp_path)

    class Spec:
        name, fingerprint = "tiny", "f1"

    assert calibration_of(Spec, tmp_path) == made
    Spec.fingerprint = "other weights"
    assert calibration_of(Spec, tmp_path) is None
    path.write_bytes(b"{")
    with pytest.raises(DrivescopeError, match="damaged"):
        calibration_of(Spec, tmp_path)


def test_the_truth_in_the_ontologys_words():
    found = facts(truth("rain", "night", 1, 1, 0), ONTOLOGY)
    assert found["weather", "rain"] == [(0.0, 8.0)]
    assert found["action", "cross_from_left"] == [(2.0, 5.0)]
    assert found["ego", "go_straight"] == [(0.0, 8.0)]
    assert ("actor", "pedestrian") in found
    assert ("weather", "clear") not in found


def test_overlap_by_hand():
    assert overlap((0, 4), [(2, 6)]) == pytest.approx(2 / 6)
    assert overlap((0, 1), [(2, 6), (0, 1)]) == 1
    assert overlap((0, 1), [(2, 3)]) == 0


def test_a_calibrated_logit_by_hand():
    fit = ValueFit((0.5,) * 5, (0.1,) * 5, (1.0, 0, 0, 0, 2.0), -1.0)
    assert fit.logit(np.array([0.6, 0, 0, 0, 0.7])) == pytest.approx(1.0 + 4.0 - 1.0)
    made = Calibration("b", "f", "x", 1, {"actor": SlotFit(0.3)}, {"actor:car": fit})
    assert made.keys() == (("actor", "car"),)


# --- side by side ------------------------------------------------------------------------------------


def verdicts(text, video):
    return {one.value: one.verdict for one in lay(skeleton(text, ONTOLOGY), video, ONTOLOGY)}


def test_every_verdict():
    video = read(("weather", "rain"), ("light", "night"), ("actor", "car"), strength=0.6)
    found = verdicts("a car and a bus at night in clear weather with a tram", video)
    assert found["car"] == "matched"
    assert found["night"] == "matched"
    assert found["clear"] == "contradicted"
    assert found["tram"] == "unchecked"
    assert found["bus"] in ("weak", "missing")
    assert verdicts("a vehicle", video)["vehicle"] == "matched"  # a car is one
    assert verdicts("a taxi", video)["taxi"] == "weak"  # a car may be one


def test_denied_slots_the_other_way_round():
    video = read(("light", "day"), ("actor", "car"))
    assert verdicts("no cars", video)["car"] == "contradicted"
    assert verdicts("no buses", video)["bus"] in ("matched", "weak")


def answered(*found, ego=()):
    """A skeleton with these probabilities, (slot, value, probability, holds), and what our car did, (value, span)."""
    values = [Finding(*one, 10.0, 18.0, 14.0, 6, "frames") for one in found]
    values += [Finding("ego", value, 0.9, True, *span_s, span_s[0], 0, "motion") for value, span_s in ego]
    return VideoSkeleton(1, 10.0, 18.0, tuple(values))


@pytest.mark.parametrize(
    ("probability", "holds", "asserted", "denied"),
    [
        (0.9, True, "matched", "contradicted"),
        (0.2, True, "matched", "contradicted"),  # the slot's own threshold decides
        (0.15, False, "weak", "weak"),
        (0.149, False, "missing", "matched"),
    ],
)
def test_how_probable_something_must_be(probability, holds, asserted, denied):
    video = answered(("actor", "bus", probability, holds))
    assert verdicts("a bus", video) == {"bus": asserted}
    assert verdicts("no bus", video) == {"bus": denied}


@pytest.mark.parametrize(("rain", "verdict"), [(0.5, "contradicted"), (0.49, "missing")])
def test_only_a_sure_value_rules_another_out(rain, verdict):
    video = answered(("weather", "rain", rain, True), ("weather", "clear", 0.1, False))
    assert verdicts("clear weather", video) == {"clear": verdict}


@pytest.mark.parametrize(
    ("second_s", "before", "at_once"),
    [(11.3, "matched", "matched"), (11.25, "weak", "matched"), (10.75, "weak", "matched"),
     (10.5, "contradicted", "matched"), (12.0, "matched", "contradicted")],
)  # fmt: skip
def test_how_far_apart_two_beginnings_must_be(second_s, before, at_once):
    video = answered(ego=(("stop", (11.0, 12.0)), ("start", (second_s, 17.0))))
    for text, verdict in (("we stop, then we start", before), ("we stop while we start", at_once)):
        (order,) = (one for one in lay(skeleton(text, ONTOLOGY), video, ONTOLOGY) if one.slot == "order")
        assert order.verdict == verdict


def test_our_cars_manoeuvres_rule_each_other_out():
    left = read(ego=(Manoeuvre("turn_left", 12.0, 15.0, 0.9),))
    assert verdicts("we turn left", left)["turn_left"] == "matched"
    assert verdicts("we turn right", left)["turn_right"] == "contradicted"
    assert verdicts("we turn", left)["turn"] == "matched"
    assert verdicts("we stop", left)["stop"] == "missing"
    assert verdicts("we stop", read())["stop"] == "unchecked"  # nobody measured


def test_order_is_told_by_the_intervals():
    stop_go = read(ego=(Manoeuvre("stop", 11.0, 13.0, 0.9), Manoeuvre("start", 15.0, 17.0, 0.9)))
    matches = lay(skeleton("we stop, then we start", ONTOLOGY), stop_go, ONTOLOGY)
    assert matches[-1].slot == "order"
    assert matches[-1].verdict == "matched"
    matches = lay(skeleton("we start, then we stop", ONTOLOGY), stop_go, ONTOLOGY)
    assert matches[-1].verdict == "contradicted"


# --- corrections and export --------------------------------------------------------------------------


def test_corrections_are_kept_undone_and_redone(tmp_path):
    store = SkeletonStore(tmp_path)
    video = read(("weather", "rain"), ("actor", "car"))
    store.correct(1, "weather", "clear", "holds", author="ana", ontology=ONTOLOGY)
    store.correct(1, "actor", "car", "not", author="ana", ontology=ONTOLOGY)
    store.correct(2, "actor", "bus", "holds", author="bo", ontology=ONTOLOGY, span=(11.0, 12.0))
    store.close()
    store = SkeletonStore(tmp_path)  # they outlive the program
    changed = corrected(video, store.current(1), frozenset(ONE_OF))
    assert [one.value for one in changed.holding("weather")] == ["clear"]
    assert changed.find("weather", "clear").source == "person"
    assert not changed.find("actor", "car").holds
    assert store.undoable("ana") == (True, False)
    assert store.undo("ana") == 1
    assert [one.value for one in store.current(1)] == ["clear"]
    assert store.redo("ana") == 1
    assert len(store.current(1)) == 2
    store.correct(1, "actor", "car", "withdrawn", author="ana", ontology=ONTOLOGY)
    assert [one.value for one in store.current(1)] == ["clear"]
    bus = corrected(video, store.current(2), frozenset(ONE_OF)).find("actor", "bus")
    assert (bus.start_s, bus.end_s, bus.probability) == (11.0, 12.0, 1.0)
    assert store.undo("nobody") is None
    store.close()


@pytest.mark.parametrize(
    ("slot", "value", "span_s"),
    [("weather", "car", None), ("mood", "sad", None), ("actor", "car", (5.0, 4.0))],
)
def test_wrong_corrections_are_refused_in_a_sentence(tmp_path, slot, value, span_s):
    store = SkeletonStore(tmp_path)
    with pytest.raises(DrivescopeError, match="choose"):
        store.correct(1, slot, value, "holds", author="ana", ontology=ONTOLOGY, span=span_s)
    store.close()


def test_motion_is_measured_once(tmp_path, monkeypatch):
    store = SkeletonStore(tmp_path)
    assert store.motion(7) is None
    store.keep_motion(7, [Manoeuvre("stop", 1.0, 2.0, 0.9)])
    assert store.motion(7) == (Manoeuvre("stop", 1.0, 2.0, 0.9),)
    store.keep_motion(7, [])
    assert store.motion(7) == ()
    monkeypatch.setattr(skeleton_store, "MOTION", skeleton_store.MOTION + 1)
    assert store.motion(7) is None  # older rules may have said something else
    store.close()


def test_openlabel_has_the_layout_of_the_standard(tmp_path):
    store = SkeletonStore(tmp_path)
    store.correct(1, "weather", "rain", "holds", author="ana", ontology=ONTOLOGY)
    said = store.current(1)
    store.close()
    video = corrected(
        read(("weather", "rain"), ("light", "night"), ("signal", "red_light")), said, frozenset(ONE_OF)
    )
    data = json.loads(json.dumps(as_openlabel(video, said, ONTOLOGY, "drive.mp4", "1.0")))["openlabel"]
    assert set(data) == {"metadata", "ontologies", "tags"}
    assert data["metadata"]["schema_version"] == "1.0.0"
    assert {tag["type"] for tag in data["tags"].values()} >= {"WeatherRain", "LowLightNight", "red_light"}
    kinds = {"text": str, "num": float, "vec": list, "boolean": bool}
    for number, tag in data["tags"].items():
        assert number.isdecimal()
        assert set(tag) == {"type", "ontology_uid", "tag_data"}
        assert tag["ontology_uid"] in data["ontologies"]
        for kind, entries in tag["tag_data"].items():
            for entry in entries:
                assert set(entry) == {"name", "type", "val"}
                assert isinstance(entry["val"], kinds[kind])
    rain = next(tag for tag in data["tags"].values() if tag["type"] == "WeatherRain")
    assert {"name": "annotator", "type": "value", "val": "ana"} in rain["tag_data"]["text"]
    plain = as_json(video, said, "drive.mp4")
    assert plain["corrections"][0]["author"] == "ana"
    assert plain["findings"][0]["slot"] == "weather"
