"""The check that an answer does not repeat itself."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from tests.support.checks import said

TEXT = (
    "The pump stands in the old hall beside the river. Boats of many kinds come down the canal, and children "
    "wave at them from every bridge until evening falls. Nobody knows who built it, and nobody asks, but on "
    "quiet nights one hears it work, slowly and without a pause, as if it had a long way to go."
)
GERMAN = "Die Pumpe, die die Stadt versorgt, steht am Fluss. Sie ist sehr, sehr alt und läuft und läuft."
CHINESE = "第七号水泵位于河边的老厂房里，人人都知道它，天天有人来看看，研究研究。冬天孩子们在桥上挥手。"
REFRAIN = "\n".join(
    f"{verse}\nRow your boat, oh row your boat, and sing with all of us"
    for verse in (
        "A river came from far away",
        "The meadows are in flower",
        "No wind is in the sails",
        "Evening",
    )
)
CODE = "So:\n\n```\nx = 1\nx = 1\nx = 1\nx = 1\nx = 1\nx = 1\n```\n\n| yes | yes |\n|---|---|\n| yes | yes |"
SMALL = ("- Yes\n- Yes\n- Yes\n- No", "", "Hm.", "ha ha", "ワクワクします。ますますです。", "No, no, no!")
LINES = "\n".join(["Buy the new pump now and save."] * 10) + "\nThe end."
PHRASES = " ".join(f"The {w} of the hall is good, the pump is red." for w in "abcdefgh")


@pytest.mark.parametrize(
    "text", [TEXT, GERMAN, CHINESE, REFRAIN, CODE, *SMALL, "He knew that that was all he had had."]
)
def test_what_people_write_is_let_pass(text: str) -> None:
    assert said("repetition", text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{TEXT} {TEXT}", "one text that stands there twice"),
        (f"{TEXT}\n\nMore.\n\n{TEXT}", "it may stand there 1 times"),
        (TEXT.replace("pump", "pump pump pump"), '"pump" side by side'),
        (TEXT.replace("the old hall", "the old hall the old hall"), '"the old hall" side by side'),
        (TEXT.replace("Nobody", "The river is wide. The river is wide. Nobody"), "side by side"),
        (TEXT.replace("one hears", "one hears hears").replace("old hall", "old old hall"), "side by side"),
        (LINES, "10 times; it may stand there 4 times"),
        (f"{TEXT} and so on and so on and so on and so on and so on", 'ends in a loop: "and so on"'),
        ("水泵很好用。" * 12, "ends in a loop"),
        (f"{CHINESE}{CHINESE}", "one text that stands there twice"),
        (PHRASES, "phrases of four words"),
    ],
)
def test_each_kind_of_repetition_is_named(text: str, words: str) -> None:
    complaint = said("repetition", text)
    assert complaint is not None and words in complaint and complaint.endswith(" Say each thing once.")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (f"{REFRAIN}\nOnce more\n{REFRAIN}", {"lines": 8}),
        (f"{TEXT}\n\nMore.\n\n{TEXT}", {"paragraphs": 2, "phrases": 0.6}),
        ("The pump pump and the hall hall", {"doubled": 2}),
    ],
)
def test_thresholds_are_options(text: str, options: dict[str, Any]) -> None:
    assert said("repetition", text) is not None
    assert said("repetition", text, options) is None


@pytest.mark.parametrize("seed", range(20))
def test_a_sentence_repeated_at_the_end_is_found_and_others_are_not(seed: int) -> None:
    random = Random(seed)
    words = TEXT.replace(",", "").replace(".", "").lower().split()
    lines = [f"{' '.join(random.sample(words, 9))}.".capitalize() for _ in range(12)]
    assert said("repetition", " ".join(lines), {"phrases": 1, "doubled": 99}) is None
    assert said("repetition", " ".join([*lines, lines[-1]])) is not None


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, "a " * 500_000, "a\n" * 500_000, "a b. " * 200_000, "字" * 500_000,
             "\n" * 1_000_000, "|" * 1_000_000,
             "abcabc " * 100_000, "\ud800\0" * 300_000, " \n" * 400_000]
)  # fmt: skip
def test_a_hostile_text_takes_no_time(text: str) -> None:
    begun = time.process_time()
    said("repetition", text)
    assert time.process_time() - begun < 2
