"""What a query could be mistaken for, and how sure a tower is that a picture shows the query and not one of those.

A cosine says how near a picture is to a query, and to everything like it as well: a patch with any road user on it
raises that of "a cyclist". How sure the model is that it is a cyclist is the softmax over the cosines of the query
and its rivals, as in zero-shot classification (Radford et al., CLIP, ICML 2021) and with CLIP's temperature; it lies
between 0 and 1, and what all of them share cancels out.

A query's rivals are the same words with one concept exchanged for another that the ontology has in that slot: another
road user, another colour, another turn. What is wider or narrower than the query is true of the same picture and no
rival; nor is a text that the tower cannot tell from the query. Where the ontology knows no word of the query, its
rivals are prompts that ask for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import functional

from core.explain.ontology import Ontology, load_ontology
from core.explain.targets import NEUTRAL, Target
from core.explain.text_skeleton import skeleton
from core.explain.wording import apply, substitutions

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle
    from core.models.towers import Tower

SHARPNESS: Final = 100.0
"""What CLIP multiplies cosines by before a softmax."""
SAME: Final = 0.95
"""Two texts whose vectors have this cosine are one to the tower."""
KEPT_QUERIES: Final = 64
_ALL: Final = 10_000

_kept: WeakKeyDictionary[Tower, dict[str, Tensor]] = WeakKeyDictionary()


def rivals_of(bundle: ModelBundle, target: Target, check: Callable[[], None] = lambda: None) -> Tensor:
    """Directions of a target's rivals (K, D), float32 on the CPU: some dozen text forwards, remembered with the tower.

    For the difference of two queries it is one of zeros: the softmax is then over these two. `check` is called
    before each text and may raise.
    """
    if not target.text:
        return torch.zeros(1, len(target.direction))
    kept = _kept.setdefault(bundle.towers[-1], {})
    if target.text not in kept:
        found = _read(bundle, rival_texts(target.text) or NEUTRAL, check)
        others = found[found @ functional.normalize(target.direction, dim=0) < SAME]
        kept[target.text] = others if len(others) else _read(bundle, NEUTRAL, check)
        while len(kept) > KEPT_QUERIES:
            kept.pop(next(iter(kept)))
    return kept[target.text]


def rival_texts(text: str, ontology: Ontology | None = None) -> tuple[str, ...]:
    """The query with one concept exchanged for another of its slot, in every way there is; none for unknown words."""
    ontology = ontology or load_ontology()
    said = {value.value for value in skeleton(text, ontology).slots}
    family = {wider for value in said for wider in ontology.ancestors(value)}
    family |= {concept for concept in ontology.concepts if said & set(ontology.ancestors(concept))}
    found = []
    for edit in substitutions(text, ontology, alternatives=_ALL):
        changed = apply(text, (edit,))
        new = {value.value for value in skeleton(changed, ontology).slots} - said
        if not new & family:
            found.append(changed)
    return tuple(dict.fromkeys(found))


def certainty(vectors: Tensor, direction: Tensor, rivals: Tensor) -> Tensor:
    """How sure the tower is of a target, from 0 to 1.

    Args:
        vectors: (..., D) of pictures, not normalised.
        direction: (D,) of the target.
        rivals: (K, D) of `rivals_of`.

    Returns:
        (...,) the target's share of the softmax.

    """
    every = torch.cat([direction[None], rivals])  # (1 + K, D)
    cosines = functional.normalize(vectors, dim=-1) @ every.T
    return (SHARPNESS * cosines).softmax(dim=-1)[..., 0]


def _read(bundle: ModelBundle, texts: tuple[str, ...], check: Callable[[], None]) -> Tensor:
    """Directions of texts (N, D), unit. Asked of the tower itself: they would push a person's queries out of memory."""
    tower, read = bundle.towers[-1], []
    for text in texts:
        check()
        vector = tower.encode_text(text, bundle.spec.context_words, bundle.padded_words).sentence
        read.append(functional.normalize(vector.float().cpu(), dim=0))
    return torch.stack(read)
