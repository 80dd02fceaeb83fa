"""A secret shows itself to nobody who does not ask for it by name, and is taken out of what others say."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import random
import time
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.secret import Secret, cleansed, cleansed_answer, cleansed_error, guarding
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


LONG = "sk-proj-Ab3dEf6hIj_9lMnOpQrStUvWx/Yz12345"
INVISIBLE = ["", " ", "\n", "\u200b", "\ud800", "\ufffd", "\x07", "\u2060\n", "</s>", ": ", " ***: "]


@pytest.mark.parametrize("seed", range(30))
def test_pieces_of_a_secret_are_taken_out_of_an_error(seed: int) -> None:
    dice = random.Random(seed)
    form = dice.choice([LONG, LONG[::-1], LONG.encode().hex(), base64.b64encode(LONG.encode()).decode()])
    first, last = sorted((dice.randrange(8, len(form) - 16), dice.randrange(16, len(form) - 8)))
    pieces = [form[:first], form[first:last], form[last:]] if last - first >= 8 else [form[:16], form[16:]]
    words = dice.choice(INVISIBLE).join(pieces) if dice.random() < 0.7 else " and ".join(pieces[::-1])
    with guarding(Secret(LONG)):
        said = cleansed_error(f"It is wrong: {words}. Try again.")
    assert said.startswith("It is wrong: ***") and said.endswith(". Try again.")
    assert all(piece not in said for piece in pieces)
    assert sum(c in "".join(pieces) for c in said.replace("It is wrong", "").replace("Try again", "")) < 8


def test_an_error_without_a_piece_stays_as_it_is() -> None:
    with guarding(Secret(LONG)):
        for words in ("", "short", "the key must begin with sk-pro", "12345 is no model\n\u200b of A\u00e9"):
            assert cleansed_error(words) == words


def json_escaped(text: str, dice: random.Random) -> str:
    """The text as JSON may write it, with some of its characters escaped, and any slash."""
    written = [f"\\u{ord(c):04x}" if dice.random() < 0.1 else "\\/" if c == "/" else c for c in text]
    place = dice.choice([0, dice.randrange(len(text))])
    written[place] = f"\\u{ord(text[place]):04X}"
    return "".join(written)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("deep", [False, True])
def test_a_secret_in_another_form_is_taken_out_though_json_escapes_a_part_of_it(
    seed: int, deep: bool
) -> None:
    dice = random.Random(seed)
    plain = LONG.encode()
    form = dice.choice([LONG, LONG[::-1], plain.hex(), base64.b64encode(plain).decode(), LONG[:-1] + "%35"])
    text = f'{{"x": "a {json_escaped(form, dice)} b", "y": "\\u0022\\n \\"fine\\""}}'
    with guarding(Secret(LONG)):
        safe = cleansed(json.dumps(text) if deep else text)
    value = json.loads(json.loads(safe) if deep else safe)
    assert value["y"] == '"\n "fine"'
    assert form[4:-6] not in value["x"] and "***" in value["x"]


@pytest.mark.parametrize("seed", range(20))
def test_pieces_that_are_together_a_secret_are_taken_out_of_an_answer(seed: int) -> None:
    dice = random.Random(seed)
    cut = dice.randrange(8, len(LONG) - 7)
    pieces = [LONG[:cut], LONG[cut:]]
    dice.shuffle(pieces)
    one, other = pieces
    whole = dice.choice([(f"{one} x {other}", ""), (f'{{"x": "{one}", "y": "{other}"}}', "m"), (one, other)])
    with guarding(Secret("another-key-0123456789"), Secret(LONG)):
        safe = cleansed_answer(whole)
        for half in pieces:
            assert cleansed_answer((f"only {half} here", "m")) == (f"only {half} here", "m")
    assert all(half[:8] not in words and half[-8:] not in words for half in pieces for words in safe)
