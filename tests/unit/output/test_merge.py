"""Three versions of a translation: which edit belongs to which segment after the source has changed."""

from __future__ import annotations

import random
import time

import pytest

from pipeline.core.document import Outcome, Segment
from pipeline.output.translated.merge import Edit, Written, aligned, edits_of, merged, with_edit


@pytest.mark.parametrize(
    ("before", "now", "pairs"),
    [
        ("a b c", "a b c", {0: 0, 1: 1, 2: 2}),
        ("a b c", "a x b c", {0: 0, 1: 2, 2: 3}),
        ("a b c", "a c", {0: 0, 2: 1}),
        ("a b c", "a y c", {0: 0, 1: 1, 2: 2}),
        ("a b c d", "d a b c", {0: 1, 1: 2, 2: 3, 3: 0}),
        ("a b c d", "c d a b", {0: 2, 1: 3, 2: 0, 3: 1}),
        ("a b", "", {}),
        ("", "a b", {}),
        ("a a a", "a a", {0: 0, 1: 1}),
        ("a b a", "x y z", {0: 0, 1: 1, 2: 2}),
        ("one-long-sentence b", "x y one-long-sentences b", {0: 2, 1: 3}),
        ("b a c", "x y z w", {}),
    ],
)
def test_places_are_found_again(before: str, now: str, pairs: dict[int, int]) -> None:
    old = before.split()
    assert aligned(old, now.split(), range(len(old))) == pairs


def test_of_any_change_no_edit_reaches_another_source_and_no_two_the_same_place() -> None:
    chance = random.Random(11)
    for _ in range(400):
        old = [f"sentence {chance.randint(0, 30)} of the text" for _ in range(chance.randint(1, 25))]
        new = [text for text in old if chance.random() > 0.2]
        chance.shuffle(new) if chance.random() < 0.3 else None
        for _ in range(chance.randint(0, 4)):
            new.insert(chance.randint(0, len(new)), f"another {chance.randint(0, 99)}")
        pairs = aligned(old, new, range(len(old)))
        assert len(set(pairs.values())) == len(pairs)
        once = [text for text in old if old.count(text) == new.count(text) == 1]
        assert all(new[pairs[old.index(text)]] == text for text in once)


def test_inserting_and_deleting_moves_every_edit_with_its_segment() -> None:
    chance = random.Random(5)
    for _ in range(300):
        old = [f"source {i}" for i in range(chance.randint(1, 30))]
        places = sorted(chance.sample(range(len(old)), chance.randint(1, len(old))))
        kept = [text for text in old if chance.random() > 0.3]
        new = [more for text in kept for more in ([text] if chance.random() > 0.2 else [f"new {text}", text])]
        edits = {place: Edit(old[place], f"edit of {old[place]}") for place in places}
        written = [Written(text, f"target of {text}", "ok") for text in old]
        ours = [Outcome(f"ours of {text}", "ok") for text in new]
        outcomes, gone = merged(edits, written, [Segment(text) for text in new], ours)
        for text, outcome in zip(new, outcomes, strict=True):
            if text in old and old.index(text) in edits:
                assert (outcome.target, outcome.state) == (f"edit of {text}", "edited")
            elif outcome.state == "conflict":
                assert outcome.target and outcome.target.removeprefix("edit of ") not in new
        found = {outcome.target for outcome in outcomes} | {edit.text for edit in gone}
        assert {edit.text for edit in edits.values()} <= found, "no edit is lost"


def test_what_a_person_wrote_is_told_from_what_was_written() -> None:
    written = [Written("a", "A", "ok"), Written("b", "B", "edited"), Written("c", "C", "conflict")]
    assert edits_of(written, None) == {1: Edit("b", "B"), 2: Edit("c", "C", conflict=True)}
    assert edits_of(written, ["A!", "B", "C!"]) == {0: Edit("a", "A!"), 1: Edit("b", "B"), 2: Edit("c", "C!")}


@pytest.mark.parametrize(
    ("edit", "source", "ours", "target", "state"),
    [
        (Edit("a", "E"), "a", "A", "E", "edited"),
        (Edit("a", "E"), "a2", "A", "E", "conflict"),
        (Edit("a", "E", conflict=True), "a", "A", "E", "conflict"),
        (Edit("a", "A"), "a2", "A", "A", "ok"),
        (Edit("a", "a"), "a", None, None, "ok"),
        (Edit("a", "a"), "a", "A", "a", "edited"),
    ],
)
def test_an_edit_is_kept_or_is_what_would_be_written(
    edit: Edit, source: str, ours: str | None, target: str | None, state: str
) -> None:
    outcome = with_edit(edit, source, Outcome(ours, "ok", attempts=2, by="m"))
    assert (outcome.target, outcome.state, outcome.attempts) == (target, state, 2)
    assert outcome.candidate == ("" if state == "ok" else ours)


def test_long_documents_are_aligned_in_a_moment() -> None:
    same = ["the same line"] * 20_000
    apart = [f"line {i}" for i in range(20_000)]
    begin = time.process_time()
    assert aligned(same, same[:-1], [0, 19_998]) == {0: 0, 19_998: 19_998}
    assert aligned(apart, [*apart[5:], *apart[:5]], [2, 10]) == {2: 19_997, 10: 5}
    assert len(aligned(same[:1500], [f"x{i}" for i in range(1500)], [3])) == 1
    assert time.process_time() - begin < 5
