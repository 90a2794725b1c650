"""Question pools over the ontology, and the few that stand for all: the knowledge clustering of MMI-TVR (ACM MM 2024).

The paper clusters the averaged word embeddings of its questions and asks only the most typical question of each
cluster. It leaves the number of clusters, the seeding and the ties open; ours are fixed here: k-means++ with a fixed
seed, at most 50 Lloyd iterations, five clusters, and every tie goes to the smaller id, so that the same embeddings give
the same questions on any machine and in any input order. Embeddings are the caller's: this room knows no model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import DrivescopeError, ErrorKind
from core.explain.ontology import Ontology, load_ontology
from core.paths import resources

Modality = Literal["textual", "visual"]
CLUSTERS: Final = 5
ITERATIONS: Final = 50
SEED: Final = 20240729
_KEYS: Final = {"id", "slot", "question", "answer", "terms"}


@dataclass(frozen=True)
class Prompt:
    """One question about a description (textual) or a picture (visual), with an example answer.

    `terms` are the ontology concepts that the answer names; `slot` is the slot that the question fills.
    """

    id: str
    slot: str
    question: str
    answer: str
    terms: tuple[str, ...]


@dataclass(frozen=True)
class Clustering:
    """A finished k-means.

    `ids` are the points in ascending order; `labels` int64 (N,) and `vectors` float64 (N, D) follow it; `centres` is
    float64 (K, D). `objective` holds the sum of squared distances before the first and after every Lloyd iteration
    (what Lloyd makes smaller); `spread` is the paper's objective, the sum of distances, at the end.
    """

    ids: tuple[str, ...]
    vectors: NDArray[np.float64]
    labels: NDArray[np.int64]
    centres: NDArray[np.float64]
    objective: tuple[float, ...]
    spread: float


def load_prompts(
    modality: Modality, *, path: Path | None = None, ontology: Ontology | None = None
) -> tuple[Prompt, ...]:
    """The pool of one modality, checked against the ontology.

    Raises `DrivescopeError` (NOT_FOUND or BAD_INPUT) whose sentence names the file and the entry.
    """
    path = path or resources() / "prompts" / f"{modality}.json"
    ontology = ontology or load_ontology()
    try:
        entries = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DrivescopeError(
            ErrorKind.NOT_FOUND,
            f"The questions {path} cannot be read; reinstall Drivescope.",
            detail=str(error),
        ) from error
    except ValueError as error:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"The questions {path} are no JSON ({error}); correct them."
        ) from error
    if not isinstance(entries, list):
        raise DrivescopeError(ErrorKind.BAD_INPUT, f"The questions {path} are not a list; correct them.")
    slots = {slot.id for slot in ontology.slots}
    prompts: dict[str, Prompt] = {}
    for number, entry in enumerate(entries, start=1):
        problem = _problem(entry, slots, ontology) or ("repeats an id" if entry["id"] in prompts else "")
        if problem:
            raise DrivescopeError(ErrorKind.BAD_INPUT, f"Question {number} of {path} {problem}; correct it.")
        prompts[entry["id"]] = Prompt(**{**entry, "terms": tuple(entry["terms"])})
    return tuple(prompts.values())


def _problem(entry: Any, slots: set[str], ontology: Ontology) -> str:  # noqa: ANN401 - it is what JSON gave
    """What is wrong with one entry, or nothing."""
    if not isinstance(entry, dict) or set(entry) != _KEYS:
        return f"does not have exactly the keys {', '.join(sorted(_KEYS))}"
    if not all(isinstance(entry[key], str) and entry[key].strip() for key in _KEYS - {"terms"}):
        return "has an empty text"
    if entry["slot"] not in slots:
        return f"asks for the unknown slot {entry['slot']!r}"
    if not isinstance(entry["terms"], list) or not all(isinstance(term, str) for term in entry["terms"]):
        return "has `terms` that are not a list of concepts"
    unknown = [term for term in entry["terms"] if term not in ontology.concepts]
    return f"names the unknown concept {unknown[0]!r}" if unknown else ""


def cluster(
    ids: Sequence[str], vectors: NDArray[np.floating[Any]], *, clusters: int = CLUSTERS, seed: int = SEED
) -> Clustering:
    """k-means of `vectors` (N, D), the mean token embedding of each id, in float64.

    Fewer distinct points than `clusters` give as many clusters as there are distinct points. A cluster that loses all
    points takes the point farthest from its centre, which never makes the objective larger.
    Raises ValueError for no points, repeated ids, a shape other than (N, D), or numbers that are not finite.
    """
    points = np.asarray(vectors, dtype=np.float64)
    if (
        points.ndim != 2
        or len(ids) != len(points)
        or len(points) == 0
        or len(set(ids)) != len(ids)
        or clusters < 1
    ):
        raise ValueError("k-means needs (N, D) vectors with N unique ids, N > 0, and at least one cluster")
    if not np.isfinite(points).all():
        raise ValueError("k-means needs finite vectors")
    order = sorted(range(len(ids)), key=lambda index: ids[index])
    points = points[order]  # (N, D)
    centres = _seeds(points, min(clusters, len(np.unique(points, axis=0))), seed)  # (K, D)
    labels, squared = _nearest(points, centres)
    objective = [float(squared.sum())]
    for _ in range(ITERATIONS):
        centres = _means(points, labels, squared, len(centres))
        moved, squared = _nearest(points, centres)
        objective.append(float(squared.sum()))
        settled = bool((moved == labels).all())
        labels = moved
        if settled:
            break
    return Clustering(
        ids=tuple(ids[index] for index in order),
        vectors=points,
        labels=labels,
        centres=centres,
        objective=tuple(objective),
        spread=float(np.sqrt(squared).sum()),
    )


def _nearest(
    points: NDArray[np.float64], centres: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Nearest centre of every point (the first of equals) and the squared distance to it."""
    squared = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)  # (N, K)
    labels = squared.argmin(axis=1).astype(np.int64)  # (N,)
    return labels, squared[np.arange(len(points)), labels]


def _seeds(points: NDArray[np.float64], clusters: int, seed: int) -> NDArray[np.float64]:
    """k-means++ (Arthur and Vassilvitskii, SODA 2007): each next centre is drawn by squared distance."""
    generator = np.random.default_rng(seed)
    chosen = [int(generator.integers(len(points)))]
    while len(chosen) < clusters:
        _, squared = _nearest(points, points[chosen])
        chosen.append(int(generator.choice(len(points), p=squared / squared.sum())))
    return points[chosen]


def _means(
    points: NDArray[np.float64], labels: NDArray[np.int64], squared: NDArray[np.float64], clusters: int
) -> NDArray[np.float64]:
    """The mean of every cluster; an empty one takes the farthest point that no other empty one took."""
    centres = np.empty((clusters, points.shape[1]))
    farthest = iter(np.argsort(-squared, kind="stable"))
    for number in range(clusters):
        members = points[labels == number]
        centres[number] = members.mean(axis=0) if len(members) else points[next(farthest)]
    return centres


def representatives(clustering: Clustering) -> tuple[str, ...]:
    """The id nearest to the centre of each cluster, the smaller id of equals; clusters without points give none."""
    chosen = []
    for number, centre in enumerate(clustering.centres):
        members = np.flatnonzero(clustering.labels == number)
        if len(members):
            distances = ((clustering.vectors[members] - centre) ** 2).sum(axis=1)
            chosen.append(clustering.ids[int(members[int(distances.argmin())])])
    return tuple(chosen)


def in_order(prompts: Sequence[Prompt]) -> tuple[Prompt, ...]:
    """Demonstrations as the paper orders them, made exact: words of the question, of the answer, terms, then id."""
    return tuple(
        sorted(prompts, key=lambda p: (len(p.question.split()), len(p.answer.split()), len(p.terms), p.id))
    )


def typical(prompts: Sequence[Prompt], vectors: NDArray[np.floating[Any]]) -> tuple[Prompt, ...]:
    """The representative questions of a pool, in order; `vectors` (N, D) are the caller's mean token embeddings."""
    by_id = {prompt.id: prompt for prompt in prompts}
    chosen = representatives(cluster([prompt.id for prompt in prompts], vectors))
    return in_order([by_id[name] for name in chosen])
