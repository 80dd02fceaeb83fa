"""YAML read strictly: words stay words, and every value knows its place."""

from __future__ import annotations

import re
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import JobError
from pipeline.job.yaml_source import parse


def refused(text: str) -> str:
    with pytest.raises(JobError) as error:
        parse(text, "job.yaml")
    return str(error.value)


@pytest.mark.parametrize(
    "word",
    ["no", "yes", "on", "off", "y", "N", "007", "12:30", "12:30:00", "0x1F", "0o7", "1_000", "2024-01-31",
     ".inf", ".nan", "-", "1.2.3", "+", "e5", ".", "=", "12345678901234567890", "1e", "00", "-01"],
)  # fmt: skip
def test_what_is_no_plain_number_or_truth_stays_a_word(word: str) -> None:
    assert parse(f"a: '{word}'", "f").data == {"a": word}
    if word not in ("-",):
        assert parse(f"a: {word}", "f").data == {"a": word}


@pytest.mark.parametrize(
    ("text", "value"),
    [("7", 7), ("-7", -7), ("+7", 7), ("0", 0), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("1.", 1.0),
     ("true", True), ("False", False), ("~", None), ("null", None), ("", None),
     ("999999999999999999", 10**18 - 1)],
)  # fmt: skip
def test_plain_numbers_truths_and_nothing_are_read_as_such(text: str, value: Any) -> None:
    read = parse(f"a: {text}", "f").data["a"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("key", ["on", "no", "007", "null", "1.5"])
def test_a_key_is_always_a_word(key: str) -> None:
    assert parse(f"{key}: 1", "f").data == {key: 1}


def test_a_key_that_stands_twice_is_refused_with_both_places() -> None:
    said = refused("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert said.startswith("job.yaml:4:3: ")
    assert "'b'" in said
    assert "line 2" in said


def test_a_tab_is_named_with_its_place() -> None:
    said = refused("a:\n\tb: 1\n")
    assert said.startswith("job.yaml:2:1: ")
    assert "spaces" in said


def test_a_colon_in_a_text_gets_the_hint_to_quote_it() -> None:
    said = refused("a: one: two\n")
    assert said.startswith("job.yaml:1:7: ")
    assert "quotes" in said


def test_an_alias_bomb_is_refused_quickly() -> None:
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 12)]
    said = refused("\n".join(["l0: &l0 [x]", *levels]))
    assert re.match(r"job\.yaml:\d+:\d+: aliases", said)


@pytest.mark.parametrize("text", ["a: &x [*x]", "a: &x {b: *x}", "a: &x\n  - b\n  - c: [*x]"])
def test_an_alias_inside_what_it_names_is_refused_with_a_place(text: str) -> None:
    assert re.match(r"job\.yaml:1:4: ", refused(text))


def test_an_alias_beside_what_it_names_is_read() -> None:
    assert parse("a: &x [1, 2]\nb: *x\n", "f").data == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    "value",
    ["!!python/object/apply:os.system ['true']", "!!python/name:os.system", "!!binary aGk=", "!mine 1",
     "!mine {a: 1}", "!mine [1]", "!!set {a, b}", "!!str 5", "!!int '5'", "!!omap [a: 1]", "!!float 1"],
)  # fmt: skip
def test_a_tag_is_refused_with_its_place(value: str) -> None:
    said = refused(f"a: 1\nb: {value}\n")
    assert said.startswith("job.yaml:2:4: ")
    assert "tag" in said


def test_merge_keys_are_refused_rather_than_taken_for_a_word() -> None:
    assert refused("a: &x {b: 1}\nc:\n  <<: *x\n").startswith("job.yaml:3:3: ")


@pytest.mark.parametrize("text", ["? [a]\n: b", "{[1]: 2}", "? {a: 1}\n: 2"])
def test_a_key_that_is_no_word_is_refused(text: str) -> None:
    assert re.match(r"job\.yaml:1:\d+: a key must be a plain word", refused(text))


def test_more_than_one_mebibyte_is_refused() -> None:
    assert "larger than 1 MiB" in refused("a: " + "x" * (1 << 20))


@pytest.mark.parametrize("text", ["[" * 20_000, "{a: " * 20_000, "- " * 3_000 + "a"])
def test_bottomless_nesting_is_an_error_and_no_crash(text: str) -> None:
    assert refused(text).startswith("job.yaml")


def test_a_control_character_is_named_with_its_place() -> None:
    said = refused("a: 1\nbc: 'x\x01y'\n")
    assert said.startswith("job.yaml:2:7: ")
    assert "U+0001" in said


def test_two_documents_are_refused() -> None:
    assert refused("a: 1\n---\nb: 2\n").startswith("job.yaml:2:1: ")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_and_never_crashes(text: str) -> None:
    try:
        parse(text, "f")
    except JobError as error:
        assert error.where.startswith("f")


STYLES = {
    "literal block": "a:\n  b: |\n    one {{ x }}\n    two  {{ here }}\n",
    "literal block, four spaces": "a:\n  b: |\n        one {{ x }}\n        two {{ here }}\n",
    "literal block with a chomping sign and a comment": "a:\n  b: |-  # c\n    one\n\n    {{ here }}\n",
    "literal block with an indentation sign": "a:\n  b: |2\n      one\n    {{ here }}\n",
    "literal block in a list of mappings": "a:\n- b: |\n    one\n    {{ here }}\n",
    "folded block": "a:\n  b: >\n    one {{ x }}\n    two {{ here }}\n\n    three\n",
    "double quotes with escapes": 'a:\n  b: "one\\n{{ x }}\\n{{ here }}"\n',
    "double quotes over lines": 'a:\n  b: "one\n    two\n    {{ here }}"\n',
    "single quotes": "a:\n  b: 'it''s {{ here }}'\n",
    "plain over lines": "a:\n  b: one\n    two\n    < here >\n",
    "an alias": "z: &z |\n  one\n  {{ here }}\na:\n  b: *z\n",
}


@pytest.mark.parametrize("style", STYLES)
def test_a_place_inside_a_text_is_the_place_in_the_file(style: str) -> None:
    source = STYLES[style]
    read = parse(source, "f")
    path = ("a", 0, "b") if "list" in style else ("a", "b")
    value = read.data["a"][0]["b"] if "list" in style else read.data["a"]["b"]
    before = value[: value.index("here")]
    _, line, column = read.inside(path, before.count("\n") + 1, len(before) - before.rfind("\n")).split(":")
    assert source.splitlines()[int(line) - 1][int(column) - 1 :].startswith("here")


WORDS = st.text(string.ascii_lowercase + " ", min_size=1, max_size=12).map(str.strip).filter(bool)


@given(st.lists(WORDS, min_size=1, max_size=6), st.integers(1, 7), st.data())
def test_any_word_of_a_block_is_found_where_it_stands(lines: list[str], indent: int, data: Any) -> None:
    source = "k:\n  b: |\n" + "".join(f"{' ' * (2 + indent)}{line}\n" for line in lines)
    row = data.draw(st.integers(0, len(lines) - 1))
    starts = [m.start() for m in re.finditer(r"\b\w", lines[row])]
    column = data.draw(st.sampled_from(starts))
    where = parse(source, "f").inside(("k", "b"), row + 1, column + 1)
    assert where == f"f:{row + 3}:{column + 3 + indent}"


def test_a_place_outside_the_text_falls_back_to_its_value() -> None:
    read = parse("a: x\n", "f")
    assert read.inside(("a",), 9, 9) == "f:1:4"
    assert read.inside(("nope",), 1, 1) == "f:1:1"
