"""The shipped ontology speaks of everything it must; a wrong one is refused with a sentence."""

from pathlib import Path

import pytest

from core.errors import DrivescopeError, ErrorKind
from core.explain.ontology import default_path, load_ontology
from core.world import truth

WORLD = {
    "road": (truth.ROADS, {"road"}),
    "light": (truth.LIGHTS, {"light"}),
    "weather": (truth.WEATHERS, {"weather"}),
    "actor": (truth.ACTOR_KINDS, {"actor", "signal"}),
    "ego": (truth.MANOEUVRES, {"manoeuvre"}),
    "event": (truth.EVENTS, {"manoeuvre", "actor", "signal", "hazard"}),
}

# Tags of ASAM OpenLABEL 1.0's scenario tag ontology that we use, compared by hand with its class hierarchy.
OPENLABEL = """ArtificialStreetLighting ArtificialVehicleLighting CommunicationHorn CommunicationSignalEmergency
    CommunicationSignalHazard CommunicationSignalLeft CommunicationSignalSlowing CommunicationWave DrivableAreaSigns
    DynamicElementsTraffic EdgeSolidBarriers FixedStructureBuilding FixedStructureVegetation HorizontalCurves
    HorizontalStraights HumanCyclist HumanPedestrian HumanWheelchairUser IlluminationCloudiness IlluminationDay
    JunctionIntersection JunctionRoundabout LaneSpecificationMarking LaneTypeBus LaneTypeCycle LaneTypeEmergency
    LowLightAmbient LowLightNight MotionAccelerate MotionCross MotionCutIn MotionCutOut MotionDecelerate MotionDrive
    MotionLaneChangeLeft MotionLaneChangeRight MotionOvertake MotionReverse MotionRun MotionSlide MotionStop
    MotionTowards MotionTurn MotionTurnLeft MotionTurnRight MotionUTurn MotionWalk ParticulatesDust ParticulatesWater
    RoadTypeDistributor RoadTypeMinor RoadTypeMotorway RoadTypeParking RoadTypeSlip RoadUserAnimal RoadUserVehicle
    SignsRegulatory SignsWarning SpecialStructureBridge SpecialStructurePedestrianCrossing
    SpecialStructureRailCrossing SpecialStructureTollPlaza SpecialStructureTunnel SunPositionFront
    SurfaceConditionFlooded SurfaceConditionIcy SurfaceConditionSnow SurfaceConditionWet SurfaceFeaturePothole
    SurfaceTypeLoose TemporaryStructureRoadWorks TransverseDivided TransversePavements VehicleAgricultural VehicleBus
    VehicleCar VehicleConstruction VehicleEmergency VehicleMotorcycle VehicleTrailer VehicleTruck VehicleVan
    WeatherRain WeatherSnow WeatherWind ZoneSchool"""

GOOD = """
version = 1
[slots.ego]
title = "Own car"
[slots.action]
title = "Others"
[slots.actor]
title = "Road users"
[actor.car]
prompt = "a car"
nouns = ["car"]
[manoeuvre.stop]
prompt = "stopping"
verbs = ["stop"]
"""


def test_every_slot_of_the_issue_has_values():
    ontology = load_ontology()
    for slot in (
        "road",
        "weather",
        "light",
        "ego",
        "actor",
        "action",
        "relation",
        "signal",
        "hazard",
        "order",
    ):
        assert len(ontology.of_slot(slot)) >= 3, slot
    assert len(ontology.of_slot("attribute")) >= 20
    assert ontology.of_slot("ego") == ontology.of_slot("action")
    assert len(ontology.concepts) > 200


@pytest.mark.parametrize("name", WORLD)
def test_every_word_of_the_demo_world_is_mapped(name):
    words, tables = WORLD[name]
    ontology = load_ontology()
    for word in words:
        concept = ontology.of_world(f"{name}:{word}")
        assert concept is not None, word
        assert concept.table in tables, (word, concept.table)


def test_world_names_point_at_the_right_concepts():
    ontology = load_ontology()
    for name, concept in {
        "event:lead brakes": "brake",
        "event:cuts in from left": "cut_in_left",
        "event:crosses from right": "cross_from_right",
        "actor:red light": "red_light",
        "ego:changes lane left": "change_lane_left",
        "road:rural": "country_road",
    }.items():
        found = ontology.of_world(name)
        assert found is not None
        assert found.id == concept
    assert ontology.of_world("event:flies away") is None


def test_openlabel_tags_exist():
    used = {concept.openlabel for concept in load_ontology().concepts.values()} - {""}
    assert used == set(OPENLABEL.split())


def test_ancestors_go_from_narrow_to_wide():
    assert load_ontology().ancestors("taxi") == ("taxi", "car", "vehicle")
    assert load_ontology().ancestors("rain") == ("rain",)


def test_a_small_ontology_loads(tmp_path: Path):
    path = tmp_path / "small.toml"
    path.write_text(GOOD)
    ontology = load_ontology(path)
    assert [concept.id for concept in ontology.of_slot("ego")] == ["stop"]
    assert len(ontology.digest) == 64


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("version = 1", ""), "version"),
        (("[actor.car]", "[actor.car"), "TOML"),
        (('nouns = ["car"]', 'nouns = "car"'), "[actor.car]"),
        (('nouns = ["car"]', "nouns = [3]"), "nouns"),
        (('nouns = ["car"]', 'nouns = [" "]'), "nouns"),
        (('nouns = ["car"]', ""), "neither nouns nor verbs"),
        (('nouns = ["car"]', 'nouns = ["car"]\ncolour = "red"'), "unknown key `colour`"),
        (('nouns = ["car"]', 'nouns = ["car"]\nparent = "boat"'), "'boat'"),
        (('nouns = ["car"]', 'nouns = ["car"]\nparent = "car"'), "ancestor"),
        (('nouns = ["car"]', 'nouns = ["car"]\nfrom = 1'), "`from`"),
        (('nouns = ["car"]', 'nouns = ["car"]\nopenlabel = 4'), "`openlabel`"),
        (('nouns = ["car"]', 'nouns = ["car"]\nworld = ["car"]'), "world name"),
        (
            ('nouns = ["car"]', 'nouns = ["car"]\n[actor.auto]\nprompt = "a car"\nnouns = ["Car"]'),
            "says already",
        ),
        (('prompt = "a car"', 'prompt = ""'), "`prompt`"),
        (("[actor.car]", "[boat.car]"), "no slot"),
        (("[manoeuvre.stop]", "[manoeuvre.car]"), "has the name of"),
        (('title = "Own car"', ""), "[slots.ego]"),
        (('title = "Own car"', 'title = "Own car"\nexclusive = 3'), "exclusive"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, change, words):
    path = tmp_path / "wrong.toml"
    assert change[0] in GOOD
    path.write_text(GOOD.replace(*change))
    with pytest.raises(DrivescopeError) as caught:
        load_ontology(path)
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert words in caught.value.sentence
    assert str(path) in caught.value.sentence


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe garbage", b"slots = 3\nversion = 1"])
def test_garbage_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "garbage.toml"
    path.write_bytes(content)
    with pytest.raises(DrivescopeError) as caught:
        load_ontology(path)
    assert caught.value.kind is ErrorKind.BAD_INPUT


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(DrivescopeError) as caught:
            load_ontology(path)
        assert caught.value.kind is ErrorKind.NOT_FOUND
        assert str(path) in caught.value.sentence


def test_no_permission_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DrivescopeError) as caught:
        load_ontology(tmp_path / "locked.toml")
    assert caught.value.kind is ErrorKind.NO_PERMISSION


def test_the_shipped_file_lies_in_resources():
    assert default_path().parts[-2:] == ("resources", "ontology.toml")
