"""A secret shows itself to nobody who does not ask for it by name, and is taken out of what others say."""

from __future__ import annotations

import copy
import json
import pickle

import orjson
import pytest

from pipeline.secret import Secret
from tests.canary import KEY


def test_a_secret_does_not_print_and_is_not_written_down() -> None:
    secret = Secret(KEY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>40}",
        f"{[secret]}",
        f"{secret!r}",
    ]
    assert all("***" in text and "CANARY" not in text for text in shown)
    assert json.dumps({"key": secret}, default=str) == '{"key": "***"}'
    for written in (json.dumps, orjson.dumps, pickle.dumps, Secret.__getstate__):
        with pytest.raises(TypeError):
            written(secret)  # type: ignore[operator]
    with pytest.raises(TypeError):
        vars(secret)
    assert copy.deepcopy([secret]) == [secret] == [Secret(KEY)] != [Secret("other")]
    assert secret.reveal() == KEY
    assert not Secret() and Secret("x")


def test_a_secret_that_was_cut_off_is_taken_out() -> None:
    secret = Secret(KEY)
    for end in range(12, len(KEY) + 1):
        assert secret.without(f"key {KEY[:end]}".encode()) == b"key ***"
    assert secret.without(b"key sk-CANARY-7d0f is another") == b"key sk-CANARY-7d0f is another"


def test_a_short_secret_may_stand_in_an_answer_by_chance() -> None:
    assert Secret("short").without(b"a short answer") == b"a short answer"
