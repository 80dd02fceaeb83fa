"""A secret shows itself to nobody who does not ask for it by name, and is taken out of what others say."""

from __future__ import annotations

import copy
import json
import pickle
import time
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.secret import Secret
from tests.support.canary import KEY


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


def written_otherwise(key: str) -> dict[str, str]:
    escaped = "".join(f"\\u{ord(c):04x}" for c in key)
    return {
        "percent": "".join(f"%{ord(c):02x}" for c in key),
        "percent twice": "".join(f"%25{ord(c):02X}" for c in key),
        "some percent": key.replace("/", "%2f").replace("+", "%2b").replace("=", "%3d"),
        "decimal": "".join(f"&#{ord(c)};" for c in key),
        "hexadecimal": "".join(f"&#x{ord(c):x};" for c in key),
        "padded": "".join(f"&#X{ord(c):04X};" for c in key),
        "JSON": escaped,
        "JSON twice": json.dumps(escaped)[1:-1],
        "JSON in JSON in JSON": json.dumps(json.dumps(json.dumps(escaped)[1:-1])[1:-1])[1:-1],
        "slashes": json.dumps(key.replace("/", "\\/")),
    }


@pytest.mark.parametrize("form", written_otherwise("").keys())
def test_a_secret_is_taken_out_however_its_characters_are_written(form: str) -> None:
    key = "sk-CANARY-abcDEF123456/+=xyz"
    body = json.dumps({"content": "PLACE"}).replace("PLACE", "so: " + written_otherwise(key)[form])
    kept = Secret(key).without(body.encode()).decode()
    assert "***" in kept
    assert len(kept) < 32, kept


def test_a_body_full_of_backslashes_is_searched_at_once() -> None:
    began = time.process_time()
    Secret(KEY).without(b"\\" * 4_000_000)
    assert time.process_time() - began < 2


WAYS = [
    lambda c: c,
    lambda c: "\\" * 3 + c,
    lambda c: f"\\u{ord(c):04X}",
    lambda c: f"\\\\\\x{ord(c):02x}",
    lambda c: f"%2525{ord(c):02X}",
    lambda c: f"&amp;#0{ord(c)};",
    lambda c: f"&#X0{ord(c):x}",
    lambda c: c.upper(),
]
"""each a way to write a character"""


@given(st.lists(st.sampled_from(WAYS), min_size=20, max_size=20), st.text(max_size=30))
def test_a_secret_is_taken_out_though_each_character_is_written_in_a_way_of_its_own(
    ways: list[Callable[[str], str]], around: str
) -> None:
    key = "sk-ABCdefg/+=1234xyz"
    disguised = "".join(way(c) for way, c in zip(ways, key, strict=True))
    kept = Secret(key).without(f"{around} \\n:{disguised}:{around}".encode())
    assert b"***" in kept and disguised.encode() not in kept


def test_a_body_with_other_escapes_stays_as_it_is_and_is_searched_at_once() -> None:
    body = json.dumps({"text": "你好，\n世界 & 100% 'fine' é" * 20_000}).encode()
    secret, began = Secret("sk-ABCdef0123456789"), time.process_time()
    assert secret.without(body) == body
    assert time.process_time() - began < 0.2  # 14 ms on a quiet machine
