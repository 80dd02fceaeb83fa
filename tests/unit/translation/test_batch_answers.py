"""What is read of an answer to several segments: whatever its form, no text gets to a wrong segment."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

import pytest

from pipeline.translation.batch import texts_of
from pipeline.translation.shift import shifted
from tests.support.sentences import english, translated

COUNT = 12
SOURCES = {i: english(i) for i in range(1, COUNT + 1)}
GOOD = {i: translated(text, "de") for i, text in SOURCES.items()}
NAMED = {f"s{i}": text for i, text in GOOD.items()}
LISTED = [{"id": name, "text": text} for name, text in NAMED.items()]
FORMS: dict[str, object] = {
    "an object": NAMED,
    "one in another": {"translations": NAMED},
    "a list": LISTED,
    "a list in an object": {"translations": LISTED},
    "numbers": {str(i): text for i, text in GOOD.items()},
    "capitals": {name.upper(): text for name, text in NAMED.items()},
    "objects of one text": {name: {"de": text} for name, text in NAMED.items()},
    "JSON in JSON": json.dumps(NAMED),
    "more keys": {**NAMED, "s99": "x", "note": "y"},
    "another order": dict(reversed(NAMED.items())),
}
AROUND = ("{}", "```json\n{}\n```", "Here you are:\n{}", "Sure:\n```json\n{}\n```\nDone.")


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("form", FORMS)
def test_an_answer_is_read_in_each_form_that_names_its_texts(form: str, around: str) -> None:
    said = json.dumps(FORMS[form])
    found = texts_of(around.format(said), COUNT)
    assert found == GOOD or (form == "JSON in JSON" and not found and around[0] not in "{`")


UNREAD: dict[str, object] = {
    "numbered from 0": {f"s{i - 1}": text for i, text in GOOD.items()},
    "numbered from 2": {f"s{i + 1}": text for i, text in GOOD.items()},
    "without names": list(GOOD.values()),
    "nothing": dict.fromkeys(NAMED),
    "other names": {f"t{i}": text for i, text in GOOD.items()},
}


@pytest.mark.parametrize("form", UNREAD)
def test_nothing_is_read_of_an_answer_whose_names_are_others(form: str) -> None:
    assert texts_of(json.dumps(UNREAD[form]), COUNT) == {}


def merged(random: Random) -> dict[int, str]:
    """Two texts in one, and those behind moved up, as far as another one that is split."""
    at = random.randrange(1, COUNT - 2)
    until = random.randrange(at + 2, COUNT + 1)
    found = dict(GOOD)
    found[at] = f"{GOOD[at]} {GOOD[at + 1]}"
    found |= {i: GOOD[i + 1] for i in range(at + 1, until)}
    found[until] = GOOD[until]
    return found


def turned(random: Random) -> dict[int, str]:
    """All texts one place on."""
    step = random.choice((1, -1, 2, -2))
    return {i: GOOD[(i - 1 + step) % COUNT + 1] for i in GOOD}


def lost(random: Random) -> dict[int, str]:
    """One text is missing, at its own name."""
    gone = random.randrange(1, COUNT + 1)
    return {i: text for i, text in GOOD.items() if i != gone}


@pytest.mark.parametrize(("fault", "found"), [(merged, True), (turned, True), (lost, False)])
def test_texts_under_wrong_names_are_found(fault: Callable[[Random], dict[int, str]], found: bool) -> None:
    for seed in range(100):
        assert shifted(SOURCES, fault(Random(seed))) is found, seed
    assert not shifted(SOURCES, GOOD)
