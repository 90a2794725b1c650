"""How English words bend: plurals, verb forms and British spelling, by rule, with the exceptions in tables.

The ontology lists a word once; `core.explain.lexicon` asks this room for every form in which a person may write it.
"""

from __future__ import annotations

from typing import Final, Literal

VerbForm = Literal["base", "third", "ing", "past"]

_BRITISH: Final = {
    "color": "colour",
    "neighbor": "neighbour",
    "gray": "grey",
    "center": "centre",
    "maneuveri": "manoeuvri",
    "maneuvere": "manoeuvre",
    "maneuver": "manoeuvre",
    "curb": "kerb",
    "tire": "tyre",
    "plow": "plough",
}
"""American stem -> British stem: whatever starts with the first is read as starting with the second."""

_EXACT: Final = {"toward": "towards", "tires": "tyres", "afterward": "afterwards", "forwards": "forward"}

_PLURALS: Final = {
    "man": ("men",),
    "woman": ("women",),
    "policeman": ("policemen",),
    "policewoman": ("policewomen",),
    "workman": ("workmen",),
    "person": ("people", "persons"),
    "child": ("children",),
    "schoolchild": ("schoolchildren",),
    "goose": ("geese",),
    "deer": ("deer",),
    "sheep": ("sheep",),
    "moose": ("moose",),
    "elk": ("elk", "elks"),
    "passerby": ("passersby",),
    "crossroads": ("crossroads",),
    "traffic": ("traffic",),
    "bus": ("buses", "busses"),
}

_VERBS: Final[dict[str, tuple[str, ...]]] = {
    "be": ("is", "being", "are", "was", "were", "been", "am", "'s"),
    "bear": ("bears", "bearing", "bore", "borne"),
    "begin": ("begins", "beginning", "began", "begun"),
    "bend": ("bends", "bending", "bent"),
    "break": ("breaks", "breaking", "broke", "broken"),
    "come": ("comes", "coming", "came"),
    "creep": ("creeps", "creeping", "crept"),
    "cut": ("cuts", "cutting", "cut"),
    "do": ("does", "doing", "did", "done"),
    "draw": ("draws", "drawing", "drew", "drawn"),
    "drive": ("drives", "driving", "drove", "driven"),
    "get": ("gets", "getting", "got", "gotten"),
    "give": ("gives", "giving", "gave", "given"),
    "go": ("goes", "going", "went", "gone"),
    "hang": ("hangs", "hanging", "hung"),
    "hit": ("hits", "hitting", "hit"),
    "keep": ("keeps", "keeping", "kept"),
    "leave": ("leaves", "leaving"),  # "left" is nearly always the side
    "let": ("lets", "letting", "let"),
    "lose": ("loses", "losing", "lost"),
    "make": ("makes", "making", "made"),
    "overtake": ("overtakes", "overtaking", "overtook", "overtaken"),
    "put": ("puts", "putting", "put"),
    "ride": ("rides", "riding", "rode", "ridden"),
    "run": ("runs", "running", "ran", "run"),
    "sit": ("sits", "sitting", "sat"),
    "slide": ("slides", "sliding", "slid"),
    "speed": ("speeds", "speeding", "sped", "speeded"),
    "spin": ("spins", "spinning", "spun"),
    "stand": ("stands", "standing", "stood"),
    "stick": ("sticks", "sticking", "stuck"),
    "swing": ("swings", "swinging", "swung"),
    "take": ("takes", "taking", "took", "taken"),
    "wind": ("winds", "winding", "wound"),
}
"""Base -> third person, -ing form, then every past form."""

_VOWELS: Final = "aeiou"


def british(word: str) -> str:
    """The spelling under which the lexicon files `word` (lower case): kerb for curb, grey for gray."""
    if word in _EXACT:
        return _EXACT[word]
    for american, form in _BRITISH.items():
        if word.startswith(american):
            return form + word[len(american) :]
    return word


def plurals(noun: str) -> tuple[str, ...]:
    """Plural forms of one noun: lorry -> lorries, bus -> buses, person -> people, persons."""
    if noun in _PLURALS:
        return _PLURALS[noun]
    if noun.endswith("y") and noun[-2:-1] not in _VOWELS:
        return (noun[:-1] + "ies",)
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return (noun + "es",)
    return (noun + "s",)


def _is_short(verb: str) -> bool:
    """One vowel between consonants in a single syllable: the last letter is doubled (stop, skid, jog)."""
    tail = verb[-3:]
    if len(tail) < 3 or tail[2] in _VOWELS + "wxy" or tail[1] not in _VOWELS or tail[0] in _VOWELS:
        return False
    return sum(letter in _VOWELS for letter in verb) == 1


def _stems(verb: str) -> tuple[str, ...]:
    """What -ing and -ed are added to. Words in -l double it in British and not in American writing."""
    if _is_short(verb):
        return (verb + verb[-1],)
    if verb.endswith("l") and verb[-2:-1] in _VOWELS and verb[-3:-2] not in _VOWELS:
        return (verb, verb + "l")
    return (verb,)


def verb_forms(verb: str) -> tuple[tuple[str, VerbForm], ...]:
    """Every form of one verb with what it is: brake -> brake, brakes, braking, braked."""
    if verb in _VERBS:
        third, ing, *past = _VERBS[verb]
        finite: VerbForm = "third" if verb == "be" else "past"
        return ((verb, "base"), (third, "third"), (ing, "ing"), *((form, finite) for form in past))
    forms: list[tuple[str, VerbForm]] = [(verb, "base")]
    if verb.endswith("y") and verb[-2:-1] not in _VOWELS:
        forms += [(verb[:-1] + "ies", "third"), (verb + "ing", "ing"), (verb[:-1] + "ied", "past")]
        return tuple(forms)
    third = verb + "es" if verb.endswith(("s", "x", "z", "ch", "sh", "o")) else verb + "s"
    forms.append((third, "third"))
    if verb.endswith("e") and not verb.endswith("ee"):
        kept: tuple[tuple[str, VerbForm], ...] = (
            ((verb + "ing", "ing"),) if verb.endswith("ue") else ()
        )  # queueing
        return (*forms, (verb[:-1] + "ing", "ing"), *kept, (verb + "d", "past"))
    for stem in _stems(verb):
        forms += [(stem + "ing", "ing"), (stem + "ed", "past")]
    return tuple(forms)
