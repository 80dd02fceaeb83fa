"""Apple's files of messages: keys, notes, escapes and encodings."""

from __future__ import annotations

import random

import pytest

from pipeline.core.document import Policy
from pipeline.core.errors import InputError
from pipeline.documents import strings
from tests.support import ROOT

SAMPLES = ROOT / "tests/support/documents/strings"
PLAIN = (SAMPLES / "Localizable.strings").read_bytes()
WIDE = (SAMPLES / "utf16.strings").read_bytes()
SIGNS = [
    "a",
    "é",
    "語",
    "😀",
    " ",
    "\n",
    "\t",
    "\\",
    '"',
    "=",
    ";",
    "/*",
    "//",
    "*/",
    "\r",
    "\x00",
    "\u2028",
    "'",
]


def test_messages_have_keys_notes_and_syntax() -> None:
    document = strings.read("a.strings", PLAIN, Policy())
    assert [(segment.path, segment.text, segment.note, segment.syntax) for segment in document.segments] == [
        ("window.title", 'Our "shop"', "Title of the window", ""),
        ("greeting %@", "Hello %1$@,\nyou have %2$d éléments", "lines", "printf"),
        ("bare.key", "A bare key", "", ""),
    ]
    assert set(document.skipped) == {"colour", "empty", "keys and comments"}


def test_a_file_in_utf16_stays_one() -> None:
    document = strings.read("a.strings", WIDE, Policy())
    assert [segment.text for segment in document.segments] == ["One word 😀", "Two\r\nlines"]
    built = document.build(['語 "😀"', None])
    assert built == WIDE.replace("One word 😀".encode("utf-16-le"), '語 \\"😀\\"'.encode("utf-16-le"))
    bare = strings.read("a.strings", WIDE[2:], Policy())
    assert bare.build([None, None]) == WIDE[2:]
    assert [segment.text for segment in bare.segments] == ["One word 😀", "Two\r\nlines"]


@pytest.mark.parametrize("seed", range(40))
def test_any_file_stays_as_it_is_and_takes_any_translation(seed: int) -> None:
    rng = random.Random(seed)
    encoding = rng.choice(["utf-8", "utf-8-sig", "utf-16"])
    parts = []
    for number in range(8):
        text = "".join(
            rng.choices(["a ", "b", "\\\\", "\\n", "\\U00e9", '\\"', "=", "\\\n", "語", ";", "/*"], k=6)
        )
        parts += [rng.choice(["", " ", '/* note " */', "// x\n", "\n"]), f'"k{number}" = "word{text}" ;']
    content = "".join(parts).encode(encoding)
    document = strings.read("a.strings", content, Policy())
    assert len(document.segments) == 8
    assert document.build([None] * 8) == content
    targets = ["word" + "".join(rng.choices(SIGNS, k=9)) + "end" for _ in range(8)]
    again = strings.read("a.strings", document.build(targets), Policy())
    assert [segment.text for segment in again.segments] == targets


@pytest.mark.parametrize(
    "content, line",
    [
        ('"a" = "b"', 1),
        ('"a" = "b";\n"c" = ;', 2),
        ('"a" = "b;\n', 1),
        ('\n\n{ a = "b"; }', 3),
        ("/* x", 1),
        ('"a" "b";', 1),
        ('"a" = "b";\n=', 2),
        ('\n"a" = "b" /* c */', 2),
    ],
)
def test_what_is_no_message_is_named_with_its_line(content: str, line: int) -> None:
    with pytest.raises(InputError) as caught:
        strings.read("a.strings", content.encode(), Policy())
    assert caught.value.where == f"a.strings, line {line}"


@pytest.mark.parametrize(
    "text", ["x" * 1_000_000, "\\\\" * 500_000, "/*" * 500_000, "\n" * 500_000, "* " * 500_000]
)
def test_hostile_files_take_no_time(text: str) -> None:
    content = f'/* {text.replace("/", "")} */ "a" = "word {text}";'.encode()
    document = strings.read("a.strings", content, Policy())
    assert document.build([None]) == content
    with pytest.raises(InputError):
        strings.read("a.strings", b"/*" + text.replace("/", "").encode(), Policy())
