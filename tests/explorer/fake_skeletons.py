"""What the fake engine says of skeletons: one clip in which everything can happen, corrected as told."""

import json

import msgspec

from core import protocol
from core.protocol import SkeletonExported, SkeletonMatch, Skeletons, SkeletonSlot, SkeletonValue

CHOICES = {
    "road": (("city_street", "city street"), ("highway", "motorway")),
    "weather": (("clear", "clear weather"), ("rain", "rain"), ("fog", "fog")),
    "light": (("day", "daylight"), ("night", "night")),
    "ego": (("turn_left", "turning left"), ("turn_right", "turning right"), ("stop", "coming to a stop")),
    "actor": (("car", "car"), ("cyclist", "cyclist"), ("pedestrian", "pedestrian")),
    "action": (("cross_from_left", "crossing from the left"),),
    "signal": (("red_light", "red traffic light"),),
    "hazard": (("road_works", "road works"),),
}
TITLES = (
    "Road",
    "Weather",
    "Light",
    "Own car",
    "Road users and objects",
    "What others do",
    "Signals and signs",
    "Hazards",
)


def values(start_s: float) -> dict[tuple[str, str], SkeletonValue]:
    """The clip's own answers."""
    rows = (
        ("road", "city_street", 0.97, True, 0.0, 8.0, "frames"), ("weather", "rain", 0.91, True, 0.0, 8.0, "frames"),
        ("weather", "clear", 0.04, False, 0.0, 8.0, "frames"), ("light", "night", 0.99, True, 0.0, 8.0, "frames"),
        ("ego", "turn_left", 0.98, True, 3.0, 5.9, "motion"), ("actor", "car", 0.88, True, 1.0, 6.0, "frames"),
        ("actor", "cyclist", 0.31, False, 2.0, 4.0, "frames"), ("actor", "pedestrian", 0.05, False, 2.0, 4.0, "frames"),
        ("signal", "red_light", 0.76, True, 0.0, 2.7, "frames"),
    )  # fmt: skip
    titles = {(slot, value): title for slot, choices in CHOICES.items() for value, title in choices}
    return {
        (slot, value): SkeletonValue(
            slot, value, titles[slot, value], probability, holds, start_s + first, start_s + last,
            start_s + (first + last) / 2, source,
        )
        for slot, value, probability, holds, first, last, source in rows
    }  # fmt: skip


class SkeletonAnswers:
    """Mixed into the fake engine: needs its `world` and `say`."""

    def _on_getskeletons(self, request: protocol.GetSkeletons) -> None:
        self.say(self._laid_out(request))

    def _on_correctskeleton(self, request: protocol.CorrectSkeleton) -> None:
        if request.value == "fog":
            self.say(protocol.Failed(request.id, "disk_full", "The disk is full: free some space."))
            return
        self._corrections().append(request)
        self._undone().clear()
        self.say(self._laid_out(request))

    def _on_undocorrection(self, request: protocol.UndoCorrection) -> None:
        source, target = (
            (self._undone(), self._corrections()) if request.redo else (self._corrections(), self._undone())
        )
        target.append(source.pop())
        self.say(self._laid_out(request))

    def _on_exportskeleton(self, request: protocol.ExportSkeleton) -> None:
        text = json.dumps({"clip_id": request.clip_id, "form": request.form})
        self.say(SkeletonExported(request.id, request.clip_id, f"clip_{request.form}.json", text))

    def _corrections(self) -> list:
        return self.__dict__.setdefault("corrections", [])

    def _undone(self) -> list:
        return self.__dict__.setdefault("undone_corrections", [])

    def _laid_out(self, request) -> Skeletons:
        _, start_s = self.world.clip(request.clip_id)
        known = values(start_s)
        for said in self._corrections():
            if said.clip_id == request.clip_id:
                self._apply(known, said, start_s)
        matches = tuple(self._matches(request.text, known))
        slots = tuple(
            SkeletonSlot(
                slot,
                title,
                slot in ("road", "weather", "light"),
                CHOICES[slot],
                0.03 if slot == "weather" else -1.0,
            )
            for slot, title in zip(CHOICES, TITLES, strict=True)
        )
        return Skeletons(
            request.id, request.clip_id, matches, tuple(known.values()), slots,
            not_understood=("gloriously",) if "gloriously" in request.text else (),
            notes=("This model's figures are not calibrated.",) if "uncalibrated" in request.text else (),
            corrections=len(self._corrections()), can_undo=bool(self._corrections()), can_redo=bool(self._undone()),
        )  # fmt: skip

    def _apply(self, known, said, start_s: float) -> None:
        key = (said.slot, said.value)
        title = dict(CHOICES[said.slot])[said.value]
        before = known.get(key) or SkeletonValue(
            *key, title, 0.0, False, start_s, start_s + 8, start_s + 4, "frames"
        )
        holds = said.verdict == "holds"
        if holds and said.slot == "weather":
            for other, value in known.items():
                if other[0] == "weather":
                    known[other] = msgspec.structs.replace(value, holds=False)
        known[key] = msgspec.structs.replace(
            before, probability=float(holds), holds=holds, source="person", author=said.author,
            made="2026-11-21T07:00:00.000+00:00",
        )  # fmt: skip

    def _matches(self, text: str, known):
        titles = {value: (slot, title) for slot, choices in CHOICES.items() for value, title in choices}
        same = ("rain", "night", "clear", "car", "cyclist", "pedestrian")
        words = {**{word: word for word in same}, "left": "turn_left", "works": "road_works"}
        parts = text.split()
        for number, word in enumerate(parts):
            if word not in words:
                continue
            value = words[word]
            slot, title = titles[value]
            negated = number > 0 and parts[number - 1] == "no"
            found = known.get((slot, value))
            rival = next(
                (one for key, one in known.items() if key[0] == slot == "weather" and one.holds), None
            )
            if found is None:
                verdict, reason = "unchecked", "Nobody looked for it."
            elif found.holds:
                verdict, reason = (
                    ("contradicted", "The query excludes it.")
                    if negated
                    else ("matched", "The clip shows it.")
                )
            elif rival is not None:
                verdict, reason, found = "contradicted", f"The clip shows {rival.title} instead.", rival
            else:
                likely = found.probability > 0.15
                verdict, reason = (
                    ("weak", "The clip may show it.") if likely else ("missing", "The clip does not show it.")
                )
                verdict = "matched" if negated and verdict == "missing" else verdict
            unchecked = ("red",) if word == "car" and "red" in parts else ()
            at = text.index(word)
            yield SkeletonMatch(
                slot, value, title, word, at, at + len(word), negated, verdict, found.probability if found else 0.0,
                reason, found, unchecked,
            )  # fmt: skip
