"""Subtitles: cues and their signs, how translations are written, and the rules of reading."""

from __future__ import annotations

import random

import pytest

from pipeline.core.document import Policy, Segment
from pipeline.core.errors import InputError
from pipeline.documents import subtitles
from tests.support import ROOT

LONG = "It was a long and quiet night in the harbour"
CHINESE = "这是一个很长很长很长的句子，所以要分成两行。还有"
SAMPLES = ROOT / "tests/support/documents/subtitles"
SRT, VTT, ASS = ((SAMPLES / f"film.{end}").read_bytes() for end in ("srt", "vtt", "ass"))


def parts(segment: Segment) -> tuple[list[str], list[str]]:
    opaque, markup = segment.opaque, segment.markup
    return [segment.text[a:b] for a, b in opaque], [segment.text[a:b] for a, b in markup]


@pytest.mark.parametrize(
    "content, texts",
    [
        (
            SRT,
            ["{\\an8}<i>Where have you been?</i>", "- At the harbour.\n- All night?",
             "A cue with an empty line\nand more after it."],
        ),
        (VTT, ["<v Ann>Hello <c.loud>there</c>,\n<00:01.500>world &amp; all.", "The end"]),
        (ASS, ["{\\pos(10,20)}One, two,\nand {\\i1}three{\\i0}.", "A\u00a0b {\\clip(m 0 0)}c"]),
    ],
)  # fmt: skip
def test_the_text_of_a_cue_is_a_segment(content: bytes, texts: list[str]) -> None:
    document = subtitles.read("film", content, Policy())
    assert [segment.text for segment in document.segments] == texts


def test_positions_are_hidden_and_styles_are_shown() -> None:
    found = [parts(subtitles.read("film", content, Policy()).segments[0]) for content in (SRT, VTT, ASS)]
    assert found == [
        (["{\\an8}"], ["<i>", "</i>"]),
        (["<00:01.500>"], ["<v Ann>", "<c.loud>", "</c>"]),
        (["{\\pos(10,20)}"], ["{\\i1}", "{\\i0}"]),
    ]


@pytest.mark.parametrize(
    "content, number, target, line",
    [
        (SRT, 0, "{\\an8}Wo warst du?\n\nAch.", b"{\\an8}Wo warst du?\nAch.\n\n2\n"),
        (VTT, 0, "Hallo,\nWelt --> du", "Hallo,\r\nWelt → du\r\n\r\n00:03".encode()),
        (ASS, 1, "A\u00a0b\nc, d", b",,A\\hb\\Nc, d\n"),
    ],
)
def test_a_translation_is_written_as_the_format_writes_it(
    content: bytes, number: int, target: str, line: bytes
) -> None:
    document = subtitles.read("film", content, Policy())
    targets = [target if place == number else None for place in range(len(document.segments))]
    built = document.build(targets, "de")
    assert line in built
    assert len(subtitles.read("film", built, Policy()).segments) == len(targets)


def cue(text: str, seconds: float = 10) -> bytes:
    return f"1\n00:00:00,000 --> 00:00:{seconds:06.3f}\n{text}\n".replace(".", ",", 1).encode()


def told(source: str, target: str, seconds: float = 10) -> list[str]:
    findings = subtitles.read("a.srt", cue(source, seconds), Policy()).findings(0, target)
    assert not any(finding.hard for finding in findings)
    return [finding.message for finding in findings]


@pytest.mark.parametrize(
    "source, target, seconds, said",
    [
        ("Hi", "a\nb\nc", 10, "has 3 lines: write at most 2"),
        ("a\nb\nc", "a\nb\nc", 10, ""),
        ("Hi", "b" * 43, 10, "has 43 characters: write at most 42"),
        ("b" * 43, "b" * 43, 10, ""),
        ("b" * 43, "b" * 44, 10, "has 44 characters: write at most 42"),
        ("Hi", "字" * 21, 10, "has 21 characters: write at most 20"),
        ("b" * 42, "字" * 20, 10, ""),
        ("Hi", "<i>" + "b" * 42 + "</i>", 10, ""),
        ("Hi there", "b" * 31, 1.5, "for 1.5 seconds, so a viewer can read at most 30 characters"),
        ("Hi there", "b" * 30, 1.5, ""),
        ("b" * 40, "c" * 39, 1.5, ""),
        ("Hi", "字" * 10, 1, "at most 9 characters"),
        ("字" * 8, "b" * 21, 1, "at most 20 characters"),
    ],
)
def test_rules_of_reading_are_told_with_their_numbers(
    source: str, target: str, seconds: float, said: str
) -> None:
    messages = told(source, target, seconds)
    assert (said in messages[0]) if said else messages == []


@pytest.mark.parametrize(
    "source, target, mended",
    [
        (
            "Hi",
            "It was a long and quiet night in the harbour",
            "It was a long and quiet\nnight in the harbour",
        ),
        ("Hi", "short", "short"),
        ("Hi", "<i>It was a long, <b >quiet</b> night in the harbour</i>", None),
        ("Hi", CHINESE, CHINESE.replace("，", "，\n")),
        ("Hi", "x" * 60, "x" * 60),
        ("y" * 70, LONG, LONG),
        ("Hi", "one line that is very much too long for anyone\nand two", None),
    ],
)
def test_a_line_that_is_too_long_becomes_two(source: str, target: str, mended: str | None) -> None:
    document = subtitles.read("a.srt", cue(source), Policy())
    got = document.mended(0, target)
    assert got.replace("\n", "").replace(" ", "") == target.replace("\n", "").replace(" ", "")
    assert mended is None or got == mended


@pytest.mark.parametrize("seed", range(30))
def test_any_cues_stay_as_they_are(seed: int) -> None:
    rng = random.Random(seed)
    eol = rng.choice(["\n", "\r\n"])
    blocks = []
    for number in range(rng.randrange(1, 8)):
        words = ["word", "<b>x</b>", "{\\an8}", "字", "--", "12", "&lt;", "a<b"]
        text = eol.join(" ".join(rng.choices(words, k=3)) + " w" for _ in range(rng.randrange(1, 3)))
        blocks.append(f"{number}{eol}00:00:0{number},000 --> 00:00:0{number},900{eol}{text}{eol}")
    content = (rng.choice(["", "\ufeff"]) + eol.join(blocks)).encode()
    document = subtitles.read("a.srt", content, Policy())
    assert len(document.segments) == len(blocks)
    assert document.build([None] * len(blocks)) == content
    targets = [f"{segment.text} é\n12" for segment in document.segments]
    again = subtitles.read("a.srt", document.build(targets), Policy())
    assert [segment.text for segment in again.segments] == targets


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_says_the_encoding(encoding: str) -> None:
    content = ASS.decode().encode(encoding)
    document = subtitles.read("a.ass", content, Policy())
    assert document.build([None, None]) == content
    assert "字".encode(encoding)[-2:] in document.build(["字", None])


@pytest.mark.parametrize("content", [b"no subtitles\n", b"\xff\xfe\xff", b"1\n00:00 -> 00:01\nHi\n"])
def test_a_file_without_cues_is_refused(content: bytes) -> None:
    with pytest.raises(InputError):
        subtitles.read("a.srt", content, Policy())


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "{" * 300_000,
        "<a" * 300_000,
        "\n \n" * 200_000,
        "{\\p1}" * 100_000,
        "00:00:00 --> " * 80_000,
    ],
)
def test_hostile_cues_take_no_time(text: str) -> None:
    content = cue("Hi") + b"\n2\n" + cue(f"word {text}")
    document = subtitles.read("a.srt", content, Policy())
    assert document.build([None] * len(document.segments)) == content
    document.findings(0, text)
    document.mended(0, text)
