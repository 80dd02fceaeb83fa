"""Parameters of a request: what is a number must be one that can be sent."""

from __future__ import annotations

import json
import math
import random

import pytest

from pipeline.job.fields import _NUMBERS, _sendable

WRONG = [math.nan, math.inf, -math.inf, "5", "", True, False, [1], {}, 1e308, 1 << 70]


@pytest.mark.parametrize("name", _NUMBERS)
def test_what_is_no_number_in_its_range_is_refused_and_named(name: str) -> None:
    whole, least, most = _NUMBERS[name]
    for good in {int(least), int(most), *([] if whole else [(least + most) / 2])}:
        assert _sendable({name: good}) == {name: good}
    for wrong in [*WRONG, least - 1, most + 1, *([float(least)] if whole else [])]:
        with pytest.raises(ValueError, match=r"number|one answer") as caught:
            _sendable({name: wrong})
        assert name in str(caught.value) or "can be sent" in str(caught.value)
    assert _sendable({name: None}) == {name: None}


def test_a_number_that_json_does_not_have_is_found_at_any_depth() -> None:
    chance = random.Random(3)
    for _ in range(50):
        value: object = chance.choice([math.nan, math.inf, -math.inf])
        for _ in range(chance.randrange(6)):
            value = chance.choice([[1, value], {"a": 0, "b": value}, (value,)])
        with pytest.raises(ValueError, match="no number that can be sent"):
            _sendable({"extra": value})


def test_other_parameters_are_sent_as_they_are() -> None:
    params = {
        "n_predict": -1,
        "top_k": -1,
        "logit_bias": {"5": -100},
        "stop": ["x"],
        "seed": -7,
        "verbosity": "low",
    }
    assert _sendable(dict(params)) == params
    assert json.dumps(_sendable({"temperature": 0})) == '{"temperature": 0}', "the bytes stay what they were"


@pytest.mark.parametrize("stream", [True, "yes", 1, [0]])
def test_a_stream_is_refused(stream: object) -> None:
    with pytest.raises(ValueError, match="not streamed"):
        _sendable({"stream": stream})
