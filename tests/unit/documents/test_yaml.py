"""YAML files of messages: which texts are asked for, and how translations are written."""

from __future__ import annotations

import random
import time

import pytest
import yaml

from pipeline.core.document import Policy
from pipeline.core.errors import InputError
from pipeline.documents import yaml as yaml_format
from tests.support import ROOT

SAMPLES = ROOT / "tests/support/documents/yaml"
SHOP = (SAMPLES / "en.yml").read_bytes()
TEXTS = {
    "en.shop.title": "Our shop",
    "en.shop.open": 'Don\'t "close"',
    "en.shop.close": "Line one\nand <b>two</b> é",
    "en.shop.help": "Ask us.\n\n  Indented, and more.",
    "en.shop.about": "A long text in two lines,\nand a paragraph.",
    "en.shop.plain": "one text in two lines",
    "en.shop.list.0": "Red",
    "en.shop.list.1": "Green, dark",
    "en.shop.list.2": "no",
    "en.shop.forced": "A text",
}
HARD = [
    "no", "12", "a: b", "a #b", "- x", "it's", '"q"', "a\nb", "é, [x]", "{x}", "%{n} x", "@x", "`x`", "x:",
    " x ", "~", "\u2028x", "\x85x", "😀 x", "a\\b", "\tx", "true x", "null", "2020-01-01", "? x", "| x",
    "> x", "*x", "&x", "!x",
]  # fmt: skip


def test_texts_with_words_are_segments() -> None:
    document = yaml_format.read("en.yml", SHOP, Policy())
    assert {segment.path: segment.text for segment in document.segments} == TEXTS
    assert set(document.skipped) == {
        *("keys", "language", "identifier", "not a text", "empty", "address", "no words"),
    }


def test_a_translation_keeps_the_quotes_and_all_around_it() -> None:
    document = yaml_format.read("en.yml", SHOP, Policy(source="en"))
    targets = [
        "Laden",
        "a'b",
        "x\ny",
        "Eins.\n\nZwei.",
        "Drei.\nVier.",
        "fünf",
        "Rot",
        "Grün",
        "nein",
        "Text",
    ]
    built = document.build(targets, "de").decode()
    for line in (
        "de:\n  shop:",
        "    title: &title Laden   # shown at the top\n    again: *title\n",
        "    open: 'a''b'\n",
        '    close: "x\\ny"\n',
        "    help: |\n      Eins.\n\n      Zwei.\n    about: >-\n      Drei.\n\n      Vier.\n",
        "    plain: fünf\n",
        "    list: [Rot, \"Grün\", 'nein', no, 12]\n",
        "    forced: !!str Text\n",
    ):
        assert line in built


@pytest.mark.parametrize("target", HARD)
def test_any_translation_is_read_again(target: str) -> None:
    document = yaml_format.read("en.yml", SHOP, Policy())
    for place, segment in enumerate(document.segments):
        targets = [target if i == place else None for i in range(len(TEXTS))]
        value = yaml.safe_load(document.build(targets).replace(b"!ruby/symbol ", b""))
        for key in segment.path.split("."):
            value = value[int(key) if isinstance(value, list) else key]
        block = segment.path.endswith(("help", "about"))
        assert " ".join(value.split()) == " ".join(target.split()) if block else value == target


@pytest.mark.parametrize(
    "content, name, source, language, key",
    [
        (b"en:\n  a: Hello\n", "x.yml", "en", "pt-BR", b"pt-BR:"),
        (b"en:\n  a: Hello\n", "devise.en.yml", "", "no", b'"no":'),
        (b'"en":\n  a: Hello\n', "en.yml", "", "de", b'"de":'),
        (b"pt_BR:\n  a: Hello\n", "x.yml", "pt-BR", "de", b"de:"),
        (b"en:\n  a: Hello\n", "x.yml", "", "de", b"en:"),
        (b"en:\n  a: Hello\nfr:\n  a: Salut\n", "x.yml", "en", "de", b"en:"),
    ],
)
def test_a_key_that_names_the_language_is_renamed(
    content: bytes, name: str, source: str, language: str, key: bytes
) -> None:
    document = yaml_format.read(name, content, Policy(source=source))
    nothing = [None] * len(document.segments)
    assert document.build(nothing) == content
    assert document.build(nothing, language).splitlines()[0] == key


@pytest.mark.parametrize("seed", range(40))
def test_any_file_stays_as_it_is_and_takes_any_translation(seed: int) -> None:
    rng = random.Random(seed)
    value = {
        f"key {i}": {"a": [rng.choice(HARD), "word " + rng.choice(HARD)], "b": "a word"} for i in range(4)
    }
    style = rng.choice([None, "'", '"', "|", ">"])
    content = yaml.dump(
        value, default_style=style, allow_unicode=True, default_flow_style=rng.choice([True, False])
    )
    document = yaml_format.read("x.yml", content.encode(), Policy())
    assert document.build([None] * len(document.segments)) == content.encode()
    assert document.build([segment.text for segment in document.segments]) == content.encode()
    targets = [f"word {rng.choice(HARD)} end" for _ in document.segments]
    again = yaml_format.read("x.yml", document.build(targets), Policy())
    assert [" ".join(segment.text.split()) for segment in again.segments] == [
        " ".join(t.split()) for t in targets
    ]


def test_both_parsers_of_the_library_tell_the_same_places() -> None:
    for file in sorted(SAMPLES.glob("*")):
        text = file.read_bytes().decode()
        one, two = (
            [
                (type(event), event.start_mark.index, event.end_mark.index)
                for event in yaml.parse(text, Loader=loader)
                if isinstance(event, yaml.ScalarEvent) and event.start_mark and event.end_mark
            ]
            for loader in (yaml.SafeLoader, yaml.CSafeLoader)
        )
        assert one == two


@pytest.mark.parametrize(
    "content",
    [
        b"a: [1, 2",
        b"a: 'x",
        b"\ta: 1",
        b"a: b: c",
        b"a: \x00",
        b"a: *b: c",
        b"%YAML 9\n---\n",
        b"a: \xff",
        b"'",
    ],
)
def test_what_is_no_yaml_is_refused_in_plain_words(content: bytes) -> None:
    with pytest.raises(InputError) as caught:
        yaml_format.read("a.yml", content, Policy())
    assert "not YAML" in caught.value.what or "not UTF-8" in caught.value.what
    assert caught.value.where.startswith("a.yml")


BOMB = "a: &a [x word, y word]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(20)
)


@pytest.mark.parametrize(
    "content",
    [BOMB, "a: word " + "x" * 1_000_000, "a: |\n" + "  word\n" * 50_000],
)
def test_hostile_files_take_no_time(content: str) -> None:
    begin = time.process_time()
    document = yaml_format.read("a.yml", content.encode(), Policy())
    assert document.build([None] * len(document.segments)) == content.encode()
    assert time.process_time() - begin < 10


@pytest.mark.parametrize("name", ["mkdocs.yml", ".github/workflows/check.yml", "docker-compose.dev.yaml"])
def test_settings_of_tools_are_no_messages(name: str) -> None:
    assert not yaml_format.recognises(name, b"")
    assert yaml_format.recognises("config/locales/en.yml", b"")


def test_a_file_that_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(InputError, match="nested too deeply"):
        yaml_format.read("a.yml", b"a: " + b"[" * 100_000, Policy())
