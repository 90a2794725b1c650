"""Skeletons as messages: titles and sentences for people around what `core.explain` found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core import protocol
from core.engine.host import version
from core.explain.ontology import Ontology, load_ontology
from core.explain.skeleton_export import as_json, as_openlabel
from core.explain.skeleton_match import Match, lay
from core.explain.text_skeleton import skeleton
from core.explain.video_skeleton import EGO
from core.explain.video_skeleton_questions import ONE_OF

if TYPE_CHECKING:
    from core.explain.skeleton_store import Corrected
    from core.explain.video_skeleton_records import Finding, VideoSkeleton
    from core.library.catalog import ClipRow

_SHOWN: Final = ("road", "weather", "light", EGO, "actor", "action", "signal", "hazard")
_REASONS: Final = {
    ("matched", False): "The clip shows it.",
    ("weak", False): "The clip may show it: the figure is below what usually counts as there.",
    ("missing", False): "The clip does not show it, as far as the model can tell.",
    ("contradicted", False): "The clip shows {other} instead.",
    ("matched", True): "As asked, the clip does not show it.",
    ("weak", True): "The query excludes it, but the clip may show it.",
    ("contradicted", True): "The query excludes it, and the clip shows it.",
}
_UNCHECKED: Final = "Nobody looked for it: this model was not asked, or motion could not be measured."
_ORDER: Final = {
    "matched": "The clip shows both, in this order.",
    "weak": "The clip shows both, but they begin nearly together.",
    "contradicted": "The clip shows both, in another order.",
    "unchecked": "The clip does not show both, so their order cannot be told.",
}
_UNCALIBRATED: Final = (
    "This model's figures are not calibrated: read them as an order of likelihood, not as probabilities."
)
_NO_MOTION: Final = "What the own car does could not be measured: the file is gone or the clip too short."


def laid_out(
    request_id: int,
    text: str,
    video: VideoSkeleton,
    said: Sequence[Corrected],
    undoable: tuple[bool, bool],
) -> protocol.Skeletons:
    """Everything the panel shows of a query and a clip."""
    ontology = load_ontology()
    read = skeleton(text, ontology)
    people = {(one.slot, one.value): one for one in said}
    notes = [] if video.calibrated else [_UNCALIBRATED]
    if not video.holding(EGO):
        notes.append(_NO_MOTION)
    return protocol.Skeletons(
        id=request_id,
        clip_id=video.clip_id,
        matches=tuple(_match(one, people, ontology) for one in lay(read, video, ontology)),
        values=tuple(_value(one, people, ontology) for one in video.findings),
        slots=_slots(video, ontology),
        not_understood=tuple(part.text for part in read.unparsed),
        notes=tuple(notes),
        corrections=len(said),
        can_undo=undoable[0],
        can_redo=undoable[1],
    )


def exported(
    request_id: int,
    form: protocol.ExportForm,
    clip: ClipRow,
    video: VideoSkeleton,
    said: Sequence[Corrected],
) -> protocol.SkeletonExported:
    """One clip's skeleton as the text of a file."""
    file = Path(clip.path).name
    if form == "openlabel":
        data = as_openlabel(video, said, load_ontology(), file, version())
    else:
        data = as_json(video, said, file)
    name = f"{Path(clip.path).stem}_{clip.start_s:.0f}s_{form}.json"
    return protocol.SkeletonExported(
        request_id, clip.clip_id, name, json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    )


def _title(ontology: Ontology, value: str) -> str:
    """A concept as a person says it: without its article."""
    concept = ontology.concepts.get(value)
    words = concept.prompt if concept else value
    return words.removeprefix("a ").removeprefix("an ").removeprefix("the ")


def _match(
    one: Match, people: dict[tuple[str, str], Corrected], ontology: Ontology
) -> protocol.SkeletonMatch:
    other = _title(ontology, one.finding.value) if one.finding is not None else "something else"
    if one.slot == "order":
        reason = _ORDER.get(one.verdict, _UNCHECKED)
    else:
        reason = _REASONS.get((one.verdict, one.negated), _UNCHECKED).format(other=other)
    return protocol.SkeletonMatch(
        slot=one.slot,
        value=one.value,
        title=one.text if one.slot == "order" else _title(ontology, one.value),
        text=one.text,
        start=one.start,
        end=one.end,
        negated=one.negated,
        verdict=one.verdict,
        probability=one.probability,
        reason=reason,
        found=None if one.finding is None else _value(one.finding, people, ontology),
        unchecked=tuple(_title(ontology, name) for name in one.unchecked),
    )


def _value(
    one: Finding, people: dict[tuple[str, str], Corrected], ontology: Ontology
) -> protocol.SkeletonValue:
    who = people.get((one.slot, one.value))
    return protocol.SkeletonValue(
        slot=one.slot,
        value=one.value,
        title=_title(ontology, one.value),
        probability=one.probability,
        holds=one.holds,
        start_s=one.start_s,
        end_s=one.end_s,
        time_s=one.time_s,
        source=one.source,
        author=who.author if who else "",
        made=who.made if who else "",
    )


def _slots(video: VideoSkeleton, ontology: Ontology) -> tuple[protocol.SkeletonSlot, ...]:
    """The slots in the panel's order, with every value that a person may set."""
    titles = {slot.id: slot.title for slot in ontology.slots}
    return tuple(
        protocol.SkeletonSlot(
            slot=slot,
            title=titles[slot],
            exclusive=slot in ONE_OF,
            choices=tuple((concept.id, _title(ontology, concept.id)) for concept in ontology.of_slot(slot)),
            none=video.none.get(slot, -1.0),
        )
        for slot in _SHOWN
    )
