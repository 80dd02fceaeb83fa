"""Tables of texts: columns, separators, quotes."""

from __future__ import annotations

import csv
import io
import random

import pytest

from pipeline.core.document import Policy
from pipeline.core.errors import InputError
from pipeline.documents import csv as csv_format
from tests.support import ROOT

SHOP = (ROOT / "tests/support/documents/csv/shop.csv").read_bytes()
SIGNS = ["a", "é", "語", " ", "\n", '"', ",", ";", "\t", "|", "'", "\\", "="]


def test_columns_that_hold_words_are_translated() -> None:
    document = csv_format.read("shop.csv", SHOP, Policy())
    assert [(segment.path, segment.text) for segment in document.segments] == [
        ("row 2 > title", "Red, warm"),
        ("row 2 > text", 'He said "hi".\nThen left.'),
        ("row 3 > title", "Blue"),
        ("row 4 > text", "A text"),
    ]
    assert set(document.skipped) == {"header", "other columns", "empty", "separators"}


def test_columns_can_be_chosen() -> None:
    document = csv_format.read("shop.csv", SHOP, Policy(columns=("title",)))
    assert [segment.text for segment in document.segments] == ["Red, warm", "Blue"]
    with pytest.raises(InputError, match="no column 'titel'") as caught:
        csv_format.read("shop.csv", SHOP, Policy(columns=("titel",)))
    assert caught.value.hint == "did you mean 'title'?"


def test_a_cell_is_quoted_where_it_was_or_where_it_has_to_be() -> None:
    document = csv_format.read("shop.csv", SHOP, Policy())
    built = document.build(["Rot", 'Er sagte "hallo".\nDann ging er.', "Blau, kalt", "Ein Text"])
    assert built == (
        b'id,title,text,colour\r\n1,"Rot","Er sagte ""hallo"".\r\nDann ging er.",#ff0000\r\n'
        b'2,"Blau, kalt",,#0000ff\r\n3,,Ein Text,#00ff00\r\n'
    )


@pytest.mark.parametrize(
    "content, texts",
    [
        ("key;en\nmenu.open;Open, now\n", ["Open, now"]),
        ("key\ten\nmenu.open\tOpen; now\n", ["Open; now"]),
        ("key|en\nmenu.open|Open\n", ["Open"]),
        ('"a;b;c",en\nx.y,Open\n', ["Open"]),
        ("text\nOne\nTwo\n", ["One", "Two"]),
        ("\ufefftext,n\nOne,1\nTwo,x\n", ["One", "Two", "x"]),
        ("text,n\nOne,1\nTwo,2,more\n", ["One", "Two", "more"]),
        ("text\n", []),
        ("", []),
    ],
)
def test_the_first_line_tells_the_separator(content: str, texts: list[str]) -> None:
    document = csv_format.read("a.csv", content.encode(), Policy())
    assert [segment.text for segment in document.segments] == texts


@pytest.mark.parametrize("seed", range(60))
def test_any_table_stays_as_it_is_and_takes_any_translation(seed: int) -> None:
    rng = random.Random(seed)
    separator, eol = rng.choice(",;\t|"), rng.choice(["\n", "\r\n"])
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator, lineterminator=eol, quoting=quoting)
    writer.writerow(["key", "one", "two"])
    for row in range(6):
        texts = ["word " + "".join(rng.choices(SIGNS, k=5)) for _ in range(2)]
        writer.writerow([f"a.b{row}x", *texts])
    content = stream.getvalue().encode()
    document = csv_format.read("a.csv", content, Policy())
    assert len(document.segments) == 12
    assert document.build([None] * 12) == content
    targets = ["word " + "".join(rng.choices(SIGNS, k=9)) for _ in range(12)]
    built = document.build(targets).decode()
    rows = list(csv.reader(io.StringIO(built, newline=""), delimiter=separator))
    assert [cell.replace("\r\n", "\n") for row in rows[1:] for cell in row[1:]] == targets
    assert [row[0] for row in rows[1:]] == [f"a.b{row}x" for row in range(6)]


@pytest.mark.parametrize(
    "content, line, said",
    [('a\n"b', 2, "not closed"), ('a\n"b"c\n', 2, "text follows"), ('"', 1, "not closed")],
)
def test_a_broken_quote_is_named_with_its_line(content: str, line: int, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        csv_format.read("a.csv", content.encode(), Policy())
    assert caught.value.where == f"a.csv, line {line}"


@pytest.mark.parametrize(
    "text", ["x" * 1_000_000, "," * 300_000, '""' * 300_000, "\n" * 500_000, "a\n" * 100_000]
)
def test_hostile_tables_take_no_time(text: str) -> None:
    content = f'a,b\nword,"word {text}"\n{text}'.encode()
    document = csv_format.read("a.csv", content, Policy())
    assert document.build([None] * len(document.segments)) == content
