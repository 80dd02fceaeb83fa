"""What is expected of a request, before and after others were answered."""

from __future__ import annotations

import random
import sys
from timeit import repeat
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.domain import Request, Usage
from pipeline.money.estimate import FEW, Estimator
from pipeline.money.tokens import DEFAULT_OUTPUT, PER_TURN, size


def asked(text: str = "abcd" * 96, step: str = "post", model: str = "other", **params: Any) -> Request:
    """A request of 100 input tokens, unless another text is given."""
    body = {"model": model, "messages": [{"role": "user", "content": text}], **params}
    return Request("chat", model, orjson.dumps(body), step)


def taught(outputs: list[int], counted: int = 100, **params: Any) -> Estimator:
    estimator = Estimator()
    for output in outputs:
        estimator.learn(asked(**params), Usage(counted, output))
    return estimator


def test_before_anything_is_learned_a_request_may_use_what_it_allows() -> None:
    expected = Estimator().expect(asked(max_tokens=800))
    assert (expected.input, expected.output, expected.most) == (100, 800, 800)
    expected = Estimator().expect(asked())
    assert (expected.input, expected.output, expected.most) == (100, DEFAULT_OUTPUT, 4 * DEFAULT_OUTPUT)
    assert expected.tokens == 100 + DEFAULT_OUTPUT


def test_output_is_the_95th_percentile_of_what_was_seen() -> None:
    dice = random.Random(7)
    estimator = taught([dice.randint(1, 1000) for _ in range(3000)])
    expected = estimator.expect(asked())
    assert expected.output == pytest.approx(950, rel=0.05)
    assert expected.most == 4 * expected.output


def test_the_largest_answer_seen_may_come_again_and_be_surpassed() -> None:
    assert taught([10] * 100 + [1000]).expect(asked()).most == 1500


def test_few_answers_say_little_about_the_largest() -> None:
    assert taught([5]).expect(asked()).output == 5
    assert taught([5]).expect(asked()).most == 4 * DEFAULT_OUTPUT
    assert taught([5] * FEW).expect(asked()).most == 20


def test_a_request_is_not_expected_to_use_more_than_it_allows() -> None:
    estimator = taught([300] * 40)
    assert estimator.expect(asked(max_tokens=50)).output == 50
    assert estimator.expect(asked(max_tokens=50)).most == 50
    assert estimator.expect(asked(max_tokens=5000)).output == 300
    assert estimator.expect(asked(max_tokens=5000)).most == 5000


def test_a_server_that_does_not_keep_to_the_maximum_is_not_believed_again() -> None:
    estimator = taught([90] * 60 + [250], max_tokens=100)
    assert estimator.expect(asked(max_tokens=100)).most == 250
    assert estimator.expect(asked(max_tokens=100)).output == pytest.approx(90, rel=0.03)


def test_the_servers_count_corrects_the_input() -> None:
    assert taught([5] * 3, counted=130).expect(asked("abcd" * 196)).input == pytest.approx(260)


def test_single_odd_counts_do_not_lead_the_correction_astray() -> None:
    estimator = taught([5] * 20, counted=120)
    for odd in (1, 1_000_000, 1 << 39):
        estimator.learn(asked(), Usage(odd, 5))
    assert estimator.expect(asked()).input == pytest.approx(120)


def test_the_correction_follows_the_server() -> None:
    estimator = taught([5] * 500, counted=120)
    for _ in range(500):
        estimator.learn(asked(), Usage(80, 5))
    assert estimator.expect(asked()).input == pytest.approx(80)


def test_steps_and_models_are_learned_apart() -> None:
    estimator = taught([7] * 40, counted=200)
    for other in (asked(step="other"), asked(model="another")):
        assert estimator.expect(other) == Estimator().expect(other)


def test_a_server_that_counts_nothing_teaches_nothing() -> None:
    assert taught([0] * 5, counted=0).expect(asked()) == Estimator().expect(asked())
    expected = taught([0] * 5, counted=150).expect(asked())
    assert (expected.input, expected.output) == (150, DEFAULT_OUTPUT)


def test_an_empty_prompt_can_be_learned_from() -> None:
    estimator = Estimator()
    nothing = Request("chat", "other", b'{"messages": []}')
    estimator.learn(nothing, Usage(9, 9))
    assert estimator.expect(nothing).input == 0


@given(
    st.lists(st.tuples(st.integers(0, 1 << 40), st.integers(0, 1 << 40)), max_size=60),
    st.none() | st.integers(1, 100_000),
)
def test_an_expectation_is_sane_whatever_was_counted(
    counts: list[tuple[int, int]], limit: int | None
) -> None:
    estimator, request = Estimator(), asked(max_tokens=limit)
    for taken, given_out in counts:
        estimator.learn(request, Usage(taken, given_out))
    expected = estimator.expect(request)
    assert expected.input >= 0
    assert 0 < expected.output <= expected.most
    assert expected.most >= max((output for taken, output in counts), default=0)


def test_expecting_is_cheap() -> None:
    dice = random.Random(3)
    estimator = taught([int(dice.lognormvariate(5, 1)) for _ in range(2000)])
    request = asked("x" * 2048)
    assert size(request).input == 512 + PER_TURN
    fastest = min(repeat(lambda: estimator.expect(request), number=200, repeat=7)) / 200
    assert fastest < 200e-6  # 12 µs on a quiet machine


def test_the_tables_of_an_encoding_are_read_for_exact_counts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "toktok", None)
    request, estimator = asked(model="gpt-4o"), Estimator()
    estimator.learn(request, Usage(120, 9))
    assert estimator.expect(request).input == pytest.approx(120)
    with pytest.raises(ImportError):
        size(request)
