"""Names made of rows: two texts never share a file, and no text leads out of its folder."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.system.file_names import LONGEST, safe_name

DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{digit}" for name in ("com", "lpt") for digit in range(10))}
NASTY = st.text(
    st.sampled_from('aAbB.~-_ /\\:*?"<>|\0\n\t\u200b\u202eéÉe\u0301ßẞıIiKk\u212a\ud800％．').map(str)
)
TEXTS = st.one_of(st.text(), NASTY)


def folded(name: str) -> str:
    """What the least particular of disks makes of a name."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).rstrip(". ")


@given(TEXTS, TEXTS)
@example("A.md", "a.md")
@example("é", "e\u0301")
@example("a", "a.")
@example("a", "a ")
@example("a/b", "a\\b")
@example("a/b", "a-b")
@example("", "_")
@example("\u212a", "k")
@example("straße", "strasse")
@example("x" * 300, "x" * 301)
def test_two_texts_never_share_a_name(one: str, other: str) -> None:
    assert (folded(safe_name(one)) == folded(safe_name(other))) == (one == other)


@given(TEXTS)
def test_the_name_of_a_name_is_another_file_unless_it_is_its_own(text: str) -> None:
    name = safe_name(text)
    assert name == text or folded(safe_name(name)) != folded(name)


@given(TEXTS)
@example("..")
@example(".")
@example("")
@example("../../etc/passwd")
@example("/etc/passwd")
@example("C:\\x")
@example("~root")
@example("\ud800")
@example("漢" * 200)
def test_a_name_is_one_file_in_its_folder(text: str) -> None:
    name = safe_name(text)
    assert name
    assert os.path.normpath(f"/folder/{name}") == f"/folder/{name}"
    assert not set(name) & set('/\\:*?"<>|\0\n\r\t')
    assert len(name.encode("utf-8")) <= LONGEST
    assert not name.startswith((".", "-", "~", " "))
    assert not name.endswith((".", " "))
    assert name.split(".")[0].strip().lower() not in DEVICES
    assert name.isprintable()


@pytest.mark.parametrize("text", ["tea", "007", "a.b-c_d", "green tea", "con-tent", "x" * 200])
def test_a_plain_text_is_its_own_name(text: str) -> None:
    assert safe_name(text) == text


@pytest.mark.parametrize(
    ("text", "start"),
    [("../../etc/passwd", "etc-passwd~"), ("Green Tea", "Green-Tea~"), ("A.md", "A-md~"), ("con", "con~"),
     ("con.txt", "con-txt~"), (".env", "env~"), ("a.", "a~"), ("Süß", "Süß~"), ("", "_~"), ("..", "_~"),
     ("a~b", "a-b~"), ("con .x", "con-x~")],
)  # fmt: skip
def test_any_other_text_can_still_be_read_in_its_name(text: str, start: str) -> None:
    name = safe_name(text)
    assert name.startswith(start)
    assert len(name) == len(start) + 26


def test_a_long_name_is_cut_between_characters() -> None:
    name = safe_name("漢" * 300)
    assert LONGEST - 3 < len(name.encode()) <= LONGEST
    assert name.startswith("漢" * 50)


@given(st.lists(TEXTS, unique=True, max_size=8))
def test_on_a_real_disk_each_text_has_a_file_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    folder: Path = tmp_path_factory.mktemp("names")
    for text in texts:
        (folder / f"{safe_name(text)}.md").write_text(repr(text))
    assert sorted(file.read_text() for file in folder.iterdir()) == sorted(map(repr, texts))
