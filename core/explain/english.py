"""The small words of English that hold a sentence together, and what the reader of queries takes them for.

These are grammar, not driving: they are listed here and not in the ontology. Every list is of lower-case British forms.
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    """A list of single words."""
    return frozenset(text.split())


def _phrases(text: str) -> tuple[str, ...]:
    """A list of phrases, parted by bars."""
    return tuple(" ".join(phrase.split()) for phrase in text.split("|"))


EGO: Final = _phrases(
    """we | i | us | me | ourselves | ego | our car | my car | our vehicle | my vehicle | our own car | own car
    | this car | this vehicle | ego car | ego vehicle | host vehicle | subject vehicle | camera car | dashcam car
    | recording car | camera vehicle | test vehicle | the ego"""
)
"""Names of the car that carries the camera. A bare "the car" is decided by its neighbours (`reading_nouns`)."""

PRONOUNS: Final = _words("it they them he she him itself himself herself themselves you")
DETERMINERS: Final = _words(
    """a an the this these those my our your his her its their another other others some any each every both all such
    which what"""
)
BE: Final = _words("be is are was were been being am 's 're")
HAVE: Final = _words("has have had")
AUXILIARIES: Final = _words(
    """will would can could may might must should shall do does did ca wo 'll 've gets get got getting begin begins
    beginning began begun try tries trying tried want wants wanted need needs needed attempt attempts attempting
    attempted prepare prepares preparing prepared allow allows allowing allowed able about let lets letting decided
    decides help helps seem seems appear appears appeared become becomes make makes making made keep keeps keeping kept
    remain remains remained stay stays stayed take takes taking took continue change changes changed changing"""
)
PREPOSITIONS: Final = _words(
    """to in on at of for with by from into onto through across along down up over past around round towards off out
    inside outside against during within via upon per like plus about"""
)
JOINERS: Final = _words("and or & +")
BREAKERS: Final = _words(
    "but because as since so if when where although though whereas however except due therefore yet thus"
)
"""Words that open a new clause."""
RELATIVES: Final = _words("that who whose which whom")

NEGATE_NOUN: Final = _phrases(
    "no | without | neither | nor | lack of | absence of | without any | not any | zero | no sign of"
)
NEGATE_VERB: Final = _phrases(
    """not | n't | never | no longer | fails to | failed to | instead of | rather than | refuses to | cannot
    | failing to | fail to | unable to"""
)
NOBODY: Final = _phrases("nobody | no one | no-one | noone")

_UNITS: Final = """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty"""
NUMBERS: Final = {
    **{word: number for number, word in enumerate(_UNITS.split(), start=1)},
    **{"a couple of": 2, "couple of": 2, "a pair of": 2, "pair of": 2, "a dozen": 12, "single": 1},
}
QUANTITIES: Final = {
    **dict.fromkeys(
        _phrases("several | a few | few | multiple | various | a number of | a group of | group of"),
        "several",
    ),
    **dict.fromkeys(
        _phrases("many | lots of | a lot of | numerous | plenty of | a crowd of | crowds of | loads of"),
        "many",
    ),
}
COMPARISONS: Final = {
    **dict.fromkeys(_phrases("at least | no less than | no fewer than"), ("at_least", 0)),
    **dict.fromkeys(_phrases("more than | over"), ("at_least", 1)),
    **dict.fromkeys(_phrases("at most | up to | no more than"), ("at_most", 0)),
    **dict.fromkeys(_phrases("fewer than | less than"), ("at_most", -1)),
}
"""What stands before a number -> which side of it is meant, and what is added to it."""

ADVERBS: Final = _words(
    """very quite rather really now still again just also too only currently here there away back forward forwards
    backwards together almost nearly already even well ever soon sometimes always often maybe perhaps more most less
    least much onward onwards along directly completely fully entirely immediately freely closely further though bit
    straight alone anyway etc please easily simply mostly apparently visibly clearly partially partly barely
    hardly exactly fewer"""
)
FILLERS: Final = _words(
    """show shows showing find search see seen seeing watch look looks looking than containing contains involving yes ok
    hi hello ones nothing anything everything something avoid avoids
    avoiding avoided controlled controlling opens opened wearing dressed upcoming completed completes finished unknown
    destination"""
)
"""What people write around a query. Known, but says nothing about the drive."""

SHY_VERBS: Final = _words("back near slow wind speed head park block board light wave cycle")
"""Base forms that are mostly another kind of word: a verb only after to, an auxiliary, a pronoun or a plural."""
NOT_NOMINAL: Final = _words(
    "park back head brake start light block drive go move come near push load manoeuvre"
)
"""Verbs whose bare form after an article is an ordinary noun (the park, the back, the brakes)."""
