"""How well skeletons match labels written by hand: slot F1.

**The facts of a skeleton.** Every piece of a skeleton becomes one line of text, a *fact*:
`slot:value` for a slot value, `!slot:value` if it is denied; `value.attribute` (or `!value.attribute`);
`value#3`, `value#>=2`, `value#<=4`, `value#several`, `value#many` for a count other than a plain article;
`manoeuvre@actor` for who does an `action` (our own car's manoeuvres are told by the slot `ego` already);
`subject>relation>object` with `ego` for our car; `first<second` and `first~second` for order in time.

**Slot F1.** The facts of a sentence are a multiset (two red cars said apart are two facts). A fact counts as found if
it stands in both multisets, letter by letter; there is no part credit. With TP, FP and FN summed over all facts of all
sentences (micro average), F1 = 2 TP / (2 TP + FP + FN). A sentence with no fact in label and skeleton adds nothing.
What was not understood, character offsets, targets and steps are not part of the score (they have tests of their own).

`python -m core.explain.slot_score LABELS.jsonl` prints the figures of a file of `{"text", "split", "facts"}` lines.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.explain.skeleton_records import EGO, Count, TextSkeleton
from core.explain.text_skeleton import skeleton

_BOUNDS = {"exactly": "", "at_least": ">=", "at_most": "<="}


@dataclass(frozen=True)
class SlotScore:
    """Counts of facts, summed over sentences: found in both, only in the skeletons, only in the labels."""

    found: int
    invented: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of the skeletons' facts that the labels have; 1 when there is none."""
        total = self.found + self.invented
        return self.found / total if total else 1.0

    @property
    def recall(self) -> float:
        """Share of the labels' facts that were found; 1 when there is none."""
        total = self.found + self.missed
        return self.found / total if total else 1.0

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); 1 when there was nothing to find and nothing was invented."""
        total = 2 * self.found + self.invented + self.missed
        return 2 * self.found / total if total else 1.0


def _count_fact(count: Count) -> str:
    """A count as it stands after the hash."""
    return count.bound if count.value is None else f"{_BOUNDS[count.bound]}{count.value}"


def facts(read: TextSkeleton) -> Counter[str]:
    """The facts of a skeleton, as the docstring of this room defines them."""
    found: Counter[str] = Counter()

    def name(index: int) -> str:
        return "ego" if index == EGO else read.slots[index].value

    for value in read.slots:
        found["!" * value.negated + f"{value.slot}:{value.value}"] += 1
        found.update("!" * a.negated + f"{value.value}.{a.value}" for a in value.attributes)
        if value.count is not None:
            found[f"{value.value}#{_count_fact(value.count)}"] += 1
        if value.slot == "action" and value.subject is not None and value.subject != EGO:
            found[f"{value.value}@{name(value.subject)}"] += 1
    found.update(f"{name(r.subject)}>{r.predicate}>{name(r.object)}" for r in read.relations)
    found.update(f"{name(o.first)}{'<' if o.kind == 'before' else '~'}{name(o.second)}" for o in read.order)
    return found


def score(pairs: Iterable[tuple[TextSkeleton, Sequence[str]]]) -> SlotScore:
    """Micro-averaged counts over (skeleton, labelled facts) pairs."""
    found = invented = missed = 0
    for read, labels in pairs:
        said, wanted = facts(read), Counter(labels)
        both = (said & wanted).total()
        found, invented, missed = found + both, invented + said.total() - both, missed + wanted.total() - both
    return SlotScore(found, invented, missed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one JSON object: per split, sentences, precision, recall and F1."""
    parser = argparse.ArgumentParser(
        prog="python -m core.explain.slot_score", description="Slot F1 of labelled sentences."
    )
    parser.add_argument("labels", type=Path, help="JSON lines with text, split and facts")
    options = parser.parse_args(arguments)
    lines = [json.loads(line) for line in options.labels.read_text("utf-8").splitlines() if line.strip()]
    report = {}
    for split in sorted({line["split"] for line in lines}):
        chosen = [line for line in lines if line["split"] == split]
        result = score((skeleton(line["text"]), line["facts"]) for line in chosen)
        report[split] = {
            "sentences": len(chosen), "precision": round(result.precision, 4), "recall": round(result.recall, 4),
            "f1": round(result.f1, 4),
        }  # fmt: skip
    sys.stdout.write(json.dumps(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
