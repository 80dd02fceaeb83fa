"""A judge's answer counts where it has evidence, and a sample speaks for all segments within its interval."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema_rs
import pytest

from pipeline.translation.review import meaning
from pipeline.translation.review.meaning import Error, Pair, UnreadableError, estimate, prompt, sample

SOURCE, TARGET = "He did not  sell the red car.", "Er verkaufte das Auto schnell."
PAIRS = [Pair("a#1", SOURCE, TARGET, (("car", "Auto"),)), Pair("a#2", 'Say "hi" {name}', "Sag hallo {name}")]


def read(text: str, pairs: list[Pair]) -> list[Error]:
    return [error for number, pair in enumerate(pairs, 1) for error in meaning.read(text, number, pair)]


def item(quote: str, category: str, severity: str = "major", why: str = "so") -> dict[str, str]:
    return {"quote": quote, "category": category, "severity": severity, "why": why}


def answer(*first: Any, second: Any = ()) -> str:
    return json.dumps({"s1": list(first), "s2": list(second)})


def test_a_prompt_holds_the_pairs_and_a_schema_that_asks_for_each() -> None:
    system, user, schema = prompt(PAIRS, "en", "de")
    assert json.loads(user) == {
        "s1": {"source": SOURCE, "translation": TARGET, "terms": {"car": "Auto"}},
        "s2": {"source": 'Say "hi" {name}', "translation": "Sag hallo {name}"},
    }
    for word in (*meaning.CATEGORIES, *meaning.SEVERITIES, "from en into de"):
        assert word in system
    validator = jsonschema_rs.validator_for(schema)
    assert validator.is_valid(json.loads(answer(item("red", "omission"))))
    for wrong in (
        {"s1": []},
        {"s1": [], "s2": [], "s3": []},
        {"s1": [{}], "s2": []},
        {"s1": [item("x", "y")], "s2": []},
    ):
        assert not validator.is_valid(wrong)
    assert prompt(PAIRS[:1], "en", "de")[0] == system, "the system message is the same for all pairs"


@pytest.mark.parametrize(
    ("quote", "category", "counts"),
    [
        ("red", "omission", True),
        ("did not sell", "omission", True),
        ("Auto", "omission", False),
        ("blue", "omission", False),
        ("schnell", "addition", True),
        ("red", "addition", False),
        ("verkaufte", "mistranslation", True),
        ("did not", "mistranslation", True),
        ("nie", "mistranslation", False),
        ("Auto", "terminology", True),
        ("car", "terminology", False),
        ("das Auto", "grammar", True),
        ("the", "untranslated", False),
        ("", "mistranslation", False),
        ("  \n", "omission", False),
    ],
)
def test_an_error_without_its_evidence_is_thrown_out(quote: str, category: str, counts: bool) -> None:
    found = read(answer(item(quote, category)), PAIRS)
    assert found == ([Error("a#1", category, "major", quote, "so")] if counts else [])


def test_an_omission_that_stands_in_the_translation_is_none() -> None:
    assert read(answer(second=[item("{name}", "omission"), item("{name}", "addition")]), PAIRS) == []


def test_an_answer_is_read_in_its_wrapper_and_each_error_once() -> None:
    twice = [item("red", "omission"), item("red", "omission"), item("schnell", "addition", "minor")]
    found = read(f"Here it is:\n```json\n{answer(*twice)}\n```", PAIRS)
    assert [(error.key, error.quote, error.severity) for error in found] == [
        ("a#1", "red", "major"),
        ("a#1", "schnell", "minor"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not one JSON object"),
        ("All are good.", "not one JSON object"),
        ("[1]", "not one JSON object"),
        ('{"s1": [], "s2": [', "not one JSON object"),
        ('{"s1": [], "s1": [], "s2": []}', "not one JSON object"),
        ('{"s1":' + "[" * 100_000 + "}", "not one JSON object"),
        ('{"s1": ' + "9" * 10_000 + "}", "not one JSON object"),
        ('{"s1": []}', "no list for s2"),
        ('{"s1": {}, "s2": []}', "no list for s1"),
        ('{"s1": null}', "no list for s1"),
        (answer("x"), "An error of s1 needs"),
        (answer(item("red", "style")), "An error of s1 needs"),
        (answer(item("red", "omission", "huge")), "An error of s1 needs"),
        (answer({"quote": 1}), "An error of s1"),
        (answer(second=[{"quote": "x", "category": [], "severity": {}}]), "An error of s2 needs"),
    ],
)
def test_an_answer_that_judges_not_all_is_no_judgement(text: str, said: str) -> None:
    with pytest.raises(UnreadableError, match=said):
        read(text, PAIRS)


def test_a_reason_is_short_and_can_be_written() -> None:
    (error,) = read(answer(item("red", "omission", why="\ud800" + "x" * 10_000)), PAIRS)
    assert len(error.why.encode()) <= 1_500
    (error,) = read(
        '{"s1": [{"quote": "red", "category": "omission", "severity": "minor"}], "s2": []}', PAIRS
    )
    assert error.why == ""


@pytest.mark.parametrize("seed", range(5))
def test_a_sample_is_drawn_by_its_seed_and_hardly_moves(seed: int) -> None:
    keys = [f"doc-{i % 7}#{i}" for i in range(1_000)]
    drawn = sample(keys, 100, seed)
    assert len(drawn) == 100
    assert drawn == [key for key in keys if key in set(drawn)] == sample(keys, 100, seed)
    assert set(drawn) == set(sample(list(reversed(keys)), 100, seed)), "the order of the keys decides nothing"
    assert drawn != sample(keys, 100, seed + 1)
    more = sample([*keys, *(f"new#{i}" for i in range(10))], 100, seed)
    assert len(set(more) & set(drawn)) >= 90
    assert sample(keys, 5_000, seed) == keys
    assert sample(keys, 0, seed) == []


def errors(count: int) -> list[Error]:
    return [Error(str(i), "omission", "major", "x") for i in range(count)]


@pytest.mark.parametrize(
    ("wrong", "judged", "total", "low", "high"),
    [
        (0, 100, 1_000_000, 0.0, 0.0370),
        (5, 100, 1_000_000, 0.0215, 0.1118),
        (50, 100, 1_000_000, 0.4038, 0.5962),
        (7, 200, 4_000, 0.0174, 0.0693),
        (10, 10, 1_000_000, 0.7225, 1.0),
        (3, 60, 60, 0.05, 0.05),
        (0, 0, 9, 0, 1),
    ],
)
def test_the_interval_is_wilsons(wrong: int, judged: int, total: int, low: float, high: float) -> None:
    found = estimate(errors(wrong), judged, total)
    assert (found.low, found.high) == pytest.approx((low, high), abs=2e-4)
    assert found.low <= found.rate <= found.high


def test_only_serious_errors_count_and_each_segment_once() -> None:
    found = [
        *errors(2),
        *errors(2),
        Error("9", "grammar", "minor", "x"),
        Error("8", "addition", "critical", "x"),
    ]
    assert str(estimate(found, 100, 100)).startswith("3 of 100 judged segments")


def test_the_interval_holds_the_true_rate_in_95_of_100_samples() -> None:
    draw = random.Random(7)
    wrong = set(draw.sample(range(2_000), 120))
    held = 0
    for _ in range(400):
        drawn = draw.sample(range(2_000), 300)
        found = estimate(
            [Error(str(key), "omission", "major", "x") for key in drawn if key in wrong], 300, 2_000
        )
        held += found.low <= 0.06 <= found.high
    assert 0.92 <= held / 400 <= 0.99
