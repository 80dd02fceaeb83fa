"""What is decided by the answers of a unit, and how many of them are judged for it."""

from __future__ import annotations

import random

import pytest

from pipeline.core.document import Finding
from pipeline.translation.decide import Given, decide

SOFT, HARD = Finding("numbers", "soft", hard=False), Finding("language", "hard")


def test_the_latest_good_answer_decides_and_those_before_it_are_not_judged() -> None:
    seen: list[str] = []

    def judge(text: str) -> tuple[str, list[Finding]]:
        seen.append(text)
        return text, [] if "good" in text else [HARD]

    texts = ("bad", "good 1", "bad again", "good 2", "bad at last")
    decision = decide([Given(text) for text in texts], judge, 9)
    assert (decision.state, decision.target, decision.tries) == ("ok", "good 2", 5)
    assert seen == ["bad at last", "good 2"]


@pytest.mark.parametrize("seed", range(50))
def test_an_answer_is_written_only_where_none_is_surely_wrong(seed: int) -> None:
    randomly = random.Random(seed)
    found = {"a": [], "b": [SOFT], "c": [SOFT, HARD], "d": [HARD]}
    given = [randomly.choice([*found, None]) for _ in range(randomly.randrange(6))]
    decision = decide([Given(text) for text in given], lambda text: (text, found[text]), 5)
    if "a" in given:
        assert (decision.state, decision.target) == ("ok", "a")
    elif given.count("b") > 1 or (len(given) == 5 and "b" in given):
        assert (decision.state, decision.target) == ("marked", "b")
    else:
        assert decision.state == ("needs_review" if len(given) == 5 else "open")
    assert decision.tries == len(given)
