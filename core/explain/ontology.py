"""The driving ontology: concepts in slots, read from `resources/ontology.toml` and checked entry by entry.

The text skeleton of a query, the video skeleton of a clip, the panel that lays them side by side and the question
pools all speak in the concepts of this room. Slots follow the paper MMI-TVR (ACM MM 2024), whose skeletons hold
concepts, attributes and events; tags are those of ASAM OpenLABEL 1.0, so that a skeleton can leave the house.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from core.errors import DrivescopeError, ErrorKind
from core.paths import resources

MANOEUVRE: Final = "manoeuvre"
"""The table whose concepts answer two slots: `ego` when our own car does it, `action` when somebody else does."""
_TEXT_LISTS: Final = ("nouns", "verbs", "words", "world", "asks")
_FLAGS: Final = ("from", "others")
_TEXTS: Final = ("prompt", "openlabel", "parent", "left", "right", "kind")


@dataclass(frozen=True)
class Slot:
    """A question that a skeleton answers. `exclusive`: at most one value holds at a time (weather, light)."""

    id: str
    title: str
    exclusive: bool


@dataclass(frozen=True)
class Concept:
    """One thing that can be said of a drive.

    `table` is the slot's name, or "manoeuvre". `prompt` is the phrase for zero-shot questions, `asks` are whole phrases
    in its place. `left` and `right` are
    the ids that a base manoeuvre becomes with a direction; `comes_from` says that the direction is an origin ("cuts in
    from the left"), `others` that our own car never does it. `kind` is only set for attributes (colour, size, state,
    manner, density, age). `world` are names in the demo world's truth, as "list:name".
    """

    id: str
    table: str
    prompt: str
    asks: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    openlabel: str = ""
    world: tuple[str, ...] = ()
    parent: str = ""
    left: str = ""
    right: str = ""
    comes_from: bool = False
    others: bool = False
    kind: str = ""


@dataclass(frozen=True, eq=False)
class Ontology:
    """All slots and concepts of one file. `digest` (sha256 hex of the file) belongs in every cache made with it."""

    slots: tuple[Slot, ...]
    concepts: Mapping[str, Concept]
    background: tuple[str, ...]
    digest: str
    world: Mapping[str, str]

    def of_slot(self, slot: str) -> tuple[Concept, ...]:
        """The values a slot can take, in the file's order; `ego` and `action` share the manoeuvres."""
        table = MANOEUVRE if slot in ("ego", "action") else slot
        return tuple(concept for concept in self.concepts.values() if concept.table == table)

    def ancestors(self, concept: str) -> tuple[str, ...]:
        """The concept itself and everything wider, nearest first: taxi, car, vehicle."""
        chain = []
        while concept:
            chain.append(concept)
            concept = self.concepts[concept].parent
        return tuple(chain)

    def of_world(self, name: str) -> Concept | None:
        """The concept that the demo world calls `name`, such as "actor:car" or "event:lead brakes"."""
        found = self.world.get(name)
        return self.concepts[found] if found else None


def default_path() -> Path:
    """The shipped ontology."""
    return resources() / "ontology.toml"


@lru_cache(maxsize=4)
def load_ontology(path: Path | None = None) -> Ontology:
    """Read and check an ontology file, the shipped one by default.

    Raises `DrivescopeError` (NOT_FOUND, NO_PERMISSION or BAD_INPUT) whose sentence names the file and the entry.
    """
    path = path or default_path()
    try:
        raw = path.read_bytes()
    except PermissionError as error:
        raise DrivescopeError(
            ErrorKind.NO_PERMISSION, f"The ontology {path} may not be read; allow reading it."
        ) from error
    except OSError as error:
        raise DrivescopeError(
            ErrorKind.NOT_FOUND,
            f"The ontology {path} cannot be read; reinstall Drivescope or put the file back.",
            detail=str(error),
        ) from error
    return _parse(raw, path)


def _bad(path: Path, entry: str, problem: str, detail: str = "") -> DrivescopeError:
    """The one form in which a wrong entry is told."""
    where = f"entry [{entry}] of the ontology {path}" if entry else f"ontology {path}"
    return DrivescopeError(ErrorKind.BAD_INPUT, f"The {where} {problem}; correct it.", detail=detail)


def _parse(raw: bytes, path: Path) -> Ontology:
    """From the file's bytes to a checked ontology."""
    try:
        tables = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _bad(path, "", f"is not a TOML file ({error})") from error
    if tables.pop("version", None) != 1:
        raise _bad(path, "", "has no `version = 1`")
    slots = _slots(tables.pop("slots", None), path)
    background = tables.pop("background", {"words": []})
    if not isinstance(background, dict):
        raise _bad(path, "background", "is not a table")
    known = {slot.id for slot in slots} - {"ego", "action"} | {MANOEUVRE}
    concepts: dict[str, Concept] = {}
    for table, entries in tables.items():
        if table not in known:
            raise _bad(path, table, "belongs to no slot that [slots] names")
        if not isinstance(entries, dict):
            raise _bad(path, table, "is not a table of concepts")
        for name, entry in entries.items():
            if name in concepts:
                raise _bad(path, f"{table}.{name}", f"has the name of [{concepts[name].table}.{name}]")
            concepts[name] = _concept(table, name, entry, path)
    _check_references(concepts, path)
    return Ontology(
        slots=slots,
        concepts=MappingProxyType(concepts),
        background=_texts(background, "words", "background", path),
        digest=hashlib.sha256(raw).hexdigest(),
        world=MappingProxyType(_world(concepts, path)),
    )


def _slots(table: object, path: Path) -> tuple[Slot, ...]:
    """The [slots.*] tables."""
    if not isinstance(table, dict) or not table:
        raise _bad(path, "slots", "names no slot")
    slots = []
    for name, entry in table.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("title"), str):
            raise _bad(path, f"slots.{name}", "has no `title`")
        if not isinstance(entry.get("exclusive", False), bool):
            raise _bad(path, f"slots.{name}", "has an `exclusive` that is neither true nor false")
        slots.append(Slot(name, entry["title"], entry.get("exclusive", False)))
    return tuple(slots)


def _texts(entry: Mapping[str, Any], key: str, name: str, path: Path) -> tuple[str, ...]:
    """A list of non-empty texts under `key`, or nothing."""
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) and text.strip() for text in value):
        raise _bad(path, name, f"has `{key}` that is not a list of words")
    return tuple(value)


def _concept(table: str, name: str, entry: object, path: Path) -> Concept:
    """One checked [table.name]."""
    where = f"{table}.{name}"
    if not isinstance(entry, dict):
        raise _bad(path, where, "is not a table")
    unknown = set(entry) - {*_TEXT_LISTS, *_TEXTS, *_FLAGS}
    if unknown:
        raise _bad(path, where, f"has the unknown key `{min(unknown)}`")
    for key in _TEXTS:
        if not isinstance(entry.get(key, ""), str):
            raise _bad(path, where, f"has `{key}` that is not a text")
    if not entry.get("prompt", "").strip():
        raise _bad(path, where, "has no `prompt`")
    lists = {key: _texts(entry, key, where, path) for key in _TEXT_LISTS}
    if not (lists["nouns"] or lists["verbs"] or lists["words"]):
        raise _bad(path, where, "has neither nouns nor verbs nor words, so nobody could say it")
    for key in _FLAGS:
        if not isinstance(entry.get(key, False), bool):
            raise _bad(path, where, f"has `{key}` that is neither true nor false")
    return Concept(
        id=name,
        table=table,
        comes_from=entry.get("from", False),
        others=entry.get("others", False),
        asks=lists["asks"],
        nouns=lists["nouns"],
        verbs=lists["verbs"],
        words=lists["words"],
        world=lists["world"],
        **{key: entry.get(key, "") for key in _TEXTS},
    )


def _check_references(concepts: Mapping[str, Concept], path: Path) -> None:
    """Parents and directions exist, parents make no circle, and no word means two things of one kind."""
    said: dict[tuple[str, str], Concept] = {}
    for concept in concepts.values():
        where = f"{concept.table}.{concept.id}"
        for key in ("parent", "left", "right"):
            target = getattr(concept, key)
            if target and (target not in concepts or concepts[target].table != concept.table):
                raise _bad(path, where, f"has `{key}` {target!r}, which is no concept of [{concept.table}]")
        seen, parent = {concept.id}, concept.parent
        while parent:
            if parent in seen:
                raise _bad(path, where, "is its own ancestor")
            seen.add(parent)
            parent = concepts[parent].parent if parent in concepts else ""
        for part in ("nouns", "verbs"):
            for text in getattr(concept, part):
                other = said.setdefault((part, text.casefold()), concept)
                if other is not concept:
                    raise _bad(path, where, f"says {text!r}, which [{other.table}.{other.id}] says already")


def _world(concepts: Mapping[str, Concept], path: Path) -> dict[str, str]:
    """Demo-world name -> concept id; a name may stand only once."""
    names: dict[str, str] = {}
    for concept in concepts.values():
        for name in concept.world:
            if name in names or ":" not in name:
                raise _bad(
                    path,
                    f"{concept.table}.{concept.id}",
                    f"has the world name {name!r} twice or without a list",
                )
            names[name] = concept.id
    return names
