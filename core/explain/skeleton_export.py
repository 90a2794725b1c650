"""Skeletons that leave the house: plain JSON, and ASAM OpenLABEL 1.0 scenario tags.

OpenLABEL keeps tags in `{"openlabel": {"metadata", "ontologies", "tags"}}`: every tag has a `type` from an ontology,
named by its number, and `tag_data` with typed lists (`text`, `num`, `boolean`, `vec`) of `{"name", "type", "val"}`. A
value whose concept has no tag of the standard goes under our own ontology, so that nothing is lost or bent to fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from core.explain.ontology import Ontology
from core.explain.skeleton_store import Corrected
from core.explain.video_skeleton_records import Finding, VideoSkeleton

SCHEMA: Final = "1.0.0"
STANDARD: Final = "https://openlabel.asam.net/V1-0-0/ontologies/openlabel_ontology_scenario_tags.ttl"
OURS: Final = "urn:drivescope:ontology"


def as_json(video: VideoSkeleton, corrections: Sequence[Corrected], file_name: str) -> dict[str, Any]:
    """The skeleton with what people said of it; times are seconds in the file."""
    plain = msgspec.to_builtins(video)
    return {"file": file_name, **plain, "corrections": msgspec.to_builtins(list(corrections))}


def as_openlabel(
    video: VideoSkeleton,
    corrections: Sequence[Corrected],
    ontology: Ontology,
    file_name: str,
    version: str,
) -> dict[str, Any]:
    """What holds in the clip, as OpenLABEL tags; a tag's annotator is the person who said so, or the program."""
    people = {(one.slot, one.value): one for one in corrections}
    tags = {
        str(number): _tag(finding, people.get((finding.slot, finding.value)), ontology)
        for number, finding in enumerate(video.holding())
    }
    return {
        "openlabel": {
            "metadata": {
                "schema_version": SCHEMA,
                "tagged_file": file_name,
                "annotator": f"Drivescope {version}",
                "comment": f"Clip from {video.start_s:.3f} s to {video.end_s:.3f} s of the file.",
            },
            "ontologies": {
                "0": {"uri": STANDARD},
                "1": {"uri": f"{OURS}:{video.ontology or ontology.digest}"},
            },
            "tags": tags,
        }
    }


def _tag(finding: Finding, said: Corrected | None, ontology: Ontology) -> dict[str, Any]:
    concept = ontology.concepts[finding.value]
    standard = concept.openlabel
    text = [
        {"name": "slot", "type": "value", "val": finding.slot},
        {"name": "value", "type": "value", "val": finding.value},
        {"name": "source", "type": "value", "val": finding.source},
    ]
    if said is not None:
        text.append({"name": "annotator", "type": "value", "val": said.author})
        text.append({"name": "annotated", "type": "value", "val": said.made})
    return {
        "type": standard or finding.value,
        "ontology_uid": "0" if standard else "1",
        "tag_data": {
            "text": text,
            "num": [{"name": "probability", "type": "value", "val": finding.probability}],
            "vec": [{"name": "interval_s", "type": "range", "val": [finding.start_s, finding.end_s]}],
        },
    }
