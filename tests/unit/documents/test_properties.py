"""Java's files of messages: keys, notes, escapes, encodings and doubled apostrophes."""

from __future__ import annotations

import random

import pytest

from pipeline.core.document import Policy
from pipeline.documents import properties
from tests.support import ROOT

SAMPLES = ROOT / "tests/support/documents/properties"
SHOP = (SAMPLES / "shop.properties").read_bytes()
LATIN = (SAMPLES / "latin.properties").read_bytes()
SIGNS = [
    "a",
    "é",
    "語",
    "😀",
    " ",
    "\n",
    "\t",
    "\\",
    "=",
    ":",
    "#",
    "!",
    "'",
    '"',
    "{",
    "\r",
    "\f",
    "\x00",
    "\u2028",
]


def test_messages_have_keys_notes_and_syntax() -> None:
    document = properties.read("shop.properties", SHOP, Policy())
    assert [(segment.path, segment.text, segment.note, segment.syntax) for segment in document.segments] == [
        ("title", "Our shop", "shown at the top", ""),
        ("greeting", "Hello, {0}! You can''t have {1,number} left.", "", "icu"),
        ("long", "This text goes on in the next line, with é and a tab\tin it.", "", ""),
        ("spaced key", "value of a key", "", ""),
        ("percent", "%s of all", "", "printf"),
        ("indented", "x \\ y", "", ""),
    ]
    assert {"empty", "path", "identifier"} < set(document.skipped)


@pytest.mark.parametrize(
    "content, target, line",
    [
        (SHOP, " Où 😀\n", b"title = \\ O\\u00f9 \\ud83d\\ude00\\n\n"),
        (LATIN, "é語", b"a=\xe9\\u8a9e\r\n"),
        ("a=é word\n".encode(), "é語", "a=é語\n".encode()),
        ("\ufeffa=word\n".encode("utf-16"), "é", "a=é\n".encode("utf-16-le")),
    ],
)
def test_letters_are_written_as_the_file_has_them(content: bytes, target: str, line: bytes) -> None:
    document = properties.read("a.properties", content, Policy())
    assert line in document.build([target, *([None] * (len(document.segments) - 1))])


@pytest.mark.parametrize(
    "content, target, mended",
    [
        ("a=Can''t open {0}", "C'est {0}, l''ami", "C''est {0}, l''ami"),
        ("a=Open {0}", "l'ami {0}", "l''ami {0}"),
        ("a=Open it", "l'ami", "l'ami"),
        ("a=Open {0}\nb=it's {0}", "l'ami {0}", "l'ami {0}"),
        ("a=say '{0}' {1}", "l'ami '{0}' {1}", "l'ami '{0}' {1}"),
        ("a=Open {0}\nb=it's {0}\nc=can''t {0}", "l'ami {0}", "l''ami {0}"),
    ],
)
def test_an_apostrophe_is_doubled_in_a_pattern(content: str, target: str, mended: str) -> None:
    assert properties.read("a.properties", content.encode(), Policy()).mended(0, target) == mended


@pytest.mark.parametrize("seed", range(40))
def test_any_file_stays_as_it_is_and_takes_any_translation(seed: int) -> None:
    rng = random.Random(seed)
    eol = rng.choice(["\n", "\r\n", "\r"])
    lines = []
    for number in range(8):
        text = "".join(rng.choices(["a ", "b", "\\\\", "\\n", "\\u00e9", "\\=", "=", f"\\{eol}  "], k=6))
        lines += [rng.choice(["", " ", "# note", "!", "  #x \\"]), f"k{number}{rng.choice('= :')} word{text}"]
    content = eol.join(lines).encode()
    document = properties.read("a.properties", content, Policy())
    assert len(document.segments) == 8
    assert document.build([None] * 8) == content
    targets = ["word" + "".join(rng.choices(SIGNS, k=9)) + "end" for _ in range(8)]
    again = properties.read("a.properties", document.build(targets), Policy())
    assert [segment.text for segment in again.segments] == targets


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "\\" * 999_999, "\\u" * 300_000, "=" * 500_000, "# \n" * 200_000, "a\\\n" * 200_000],
)
def test_hostile_files_take_no_time(text: str) -> None:
    for content in (f"a=word {text}\n", f"{text}\na=word"):
        document = properties.read("a.properties", content.encode(), Policy())
        assert document.build([None] * len(document.segments)) == content.encode()
