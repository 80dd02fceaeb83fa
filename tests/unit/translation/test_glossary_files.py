"""What files a glossary is read from, and what is said of one that is wrong."""

from __future__ import annotations

import random

import pytest

from pipeline.core.errors import InputError
from pipeline.translation.glossary import load
from pipeline.translation.question import Term

TBX2 = """<?xml version="1.0"?>
<!DOCTYPE martif SYSTEM "TBXcoreStructV02.dtd">
<martif type="TBX"><text><body>
<termEntry id="1"><descrip type="definition">eine Marke</descrip>
<langSet xml:lang="en"><tig><term>access
 token</term></tig><tig><term>API <hi>key</hi></term></tig></langSet>
<langSet xml:lang="de-DE"><ntig><termGrp><term>Zugriffstoken</term>
<termNote type="administrativeStatus">preferredTerm-admn-sts</termNote></termGrp></ntig>
<tig><term>Zugangsmarke</term><termNote type="administrativeStatus">deprecatedTerm-admn-sts</termNote></tig>
</langSet></termEntry></body></text></martif>"""
TBX3 = """<tbx style="dct" xmlns="urn:iso:std:iso:30042:ed-2" xmlns:min="x" xmlns:basic="y"><text><body>
<conceptEntry id="1"><basic:definition>eine Marke</basic:definition>
<langSec xml:lang="en"><termSec><term>access token</term></termSec>
<termSec><term>API key</term></termSec></langSec>
<langSec xml:lang="de_DE"><termSec><term>Zugangsmarke</term>
<min:administrativeStatus>supersededTerm-admn-sts</min:administrativeStatus></termSec>
<termSec><term>Zugriffstoken</term></termSec></langSec></conceptEntry></body></text></tbx>"""


@pytest.mark.parametrize("text", [TBX2, TBX3])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_both_versions_of_tbx_are_read(text: str, encoding: str) -> None:
    terms = load([("terms.tbx", text.encode(encoding))])
    for source in ("access token", "API key"):
        (term,) = terms.terms(f"One {source}.", "en", "de")
        assert (term.source, term.target, term.note) == (source, "Zugriffstoken", "eine Marke")
        assert term.forbidden == ("Zugangsmarke",)
        assert not term.inflected
    (back,) = terms.terms("Das Zugriffstoken", "de", "en")
    assert (back.target, back.inflected) == ("access token", True), "one of several is only asked for softly"
    assert back.note == "eine Marke; or: API key"


def test_a_word_of_a_termbase_may_have_two_senses() -> None:
    concept = (
        '<termEntry><langSet xml:lang="en"><tig><term>bank</term></tig></langSet><langSet xml:lang="de"><tig>'
    )
    concepts = "".join(
        f"{concept}<term>{word}</term></tig></langSet></termEntry>" for word in ("Bank", "Ufer", "Bank")
    )
    (term,) = load([("terms.tbx", f"<martif>{concepts}</martif>".encode())]).terms("a bank", "en", "de")
    assert term == Term("bank", "Bank", "or: Ufer", inflected=True)


@pytest.mark.parametrize(
    "table",
    [
        b"\xef\xbb\xbfsource,target\na,b\n",
        b"source;target;forbidden\r\na;b;\"x;y\"\r\n", b"source\ttarget\na\tb\n",
        b"Source , TARGET\na, b \n\n , \n", b'source,target\n"a","b"', b"note,en,source,target\nn,,a,b\n",
        b"source,target,do not translate\na,b,\n", b"en,target\na,b\n", b"source,de\na,b\n",
        b"source,fil,de\na,,b\n",
    ],
)  # fmt: skip
def test_tables_are_written_in_many_ways(table: bytes) -> None:
    (term,) = load([("terms.csv", table)]).terms("a", "en", "de")
    assert (term.source, term.target) == ("a", "b")


@pytest.mark.parametrize(
    ("table", "place", "said"),
    [
        (b"", "line 1", "empty, without even a header"),
        (b"source,target,nots\n", "line 1", "no column is called 'nots'\n  did you mean 'note'?"),
        (b"source,target,nte\n", "line 1", "did you mean 'note'?"),
        (b"source,targt\n", "line 1", "did you mean 'target'?"),
        (b"source,Deutsch\n", "line 1", "columns are tags of languages"),
        (b"source,target,forbidden:Deutsch\n", "line 1", "no column is called"),
        (b"source,\n", "line 1", "no column is called ''"),
        (b"source,de,DE\n", "line 1", "the column 'de' stands twice"),
        (b"note,case\n", "line 1", "no column holds the terms"),
        (b"source,note\n", "line 1", "no column holds the translations"),
        (b"source,target\na,b\n\n,c\n", "line 4", "the source (column 'source') is empty"),
        (b"zh,en\n,c\n", "line 2", "the source (column 'zh') is empty"),
        (b"source,target\na,b,c\n", "line 2", "3 cells, and the header has 2"),
        (b'source,target\n"a\n1",b\n"c,d\n', "line 4", "quotes do not match"),
        (b'source,target\n"a"b,c\n', "line 2", "quotes do not match"),
        (b"source,target,case\na,b,maybe\n", "line 2", "'maybe' in column 'case'\n  write yes or no"),
        (b"source,target\na,b\nA,c\n", "line 3", "has two translations: 'b' and 'c'"),
        (b"en,de,fr\na,b,\na,,c\na,d,\n", "line 4", "has two translations: 'b' and 'd'"),
        (b"source,target,keep\na,b,\na,b,yes\n", "line 3", "is kept in one entry, and translated in another"),
        (b"source,target\n" + b"a" * 201 + b",b\n", "line 2", "a source of 201 characters"),
        (b"source,target\n" + b"a" * 1_000_000 + b",b\n", "line 2", "too long"),
        (b"source,target\na,\xc4\xe3\n", "line 2", "not UTF-8"),
        ("source,target\na,b\n".encode("utf-16"), "line 1", "UTF-16, not UTF-8"),
        (b"source,target\na,b\0\n", "line 2", "a NUL byte"),
    ],
)  # fmt: skip
def test_a_table_that_is_wrong_is_refused_with_its_line(table: bytes, place: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        load([("terms.csv", table)])
    assert str(caught.value).startswith(f"terms.csv, {place}: ")
    assert said in str(caught.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        load([("terms.csv", b"source,target,case\n,b,\na,b,hm\n")])
    assert "line 2" in str(caught.value)
    assert "line 3" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]>\n<tbx/>', "line 1: an entity is declared"),
        ('<!DOCTYPE x [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><tbx/>', "an entity is declared"),
        ("<tbx>" + "<a>" * 500, "nested more than 100 deep"),
        ("<tbx>\n<body>", "line 2: the XML is broken"),
        ("<tbx>&nosuch;</tbx>", "the XML is broken"),
        ('<?xml version="1.0" encoding="klingon"?><tbx/>', "the XML is broken"),
        ("source,target", "the XML is broken"),
        ("", "the XML is broken"),
        ("<tbx/>", "no entries are in this file"),
        ("<tbx><termEntry>\n<langSet><tig/></langSet></termEntry></tbx>", "line 2: a language without"),
        (TBX2.replace("Zugriffstoken", " "), "a term is empty"),
    ],
)  # fmt: skip
def test_a_termbase_that_is_wrong_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        load([("terms.tbx", text.encode())])
    assert said in str(caught.value)
    assert str(caught.value).startswith("terms.tbx")


def test_another_format_is_refused() -> None:
    with pytest.raises(InputError, match=r"these can be: \.csv, \.tsv, \.tbx, \.xml"):
        load([("terms.docx", b"")])


@pytest.mark.parametrize("name", ["terms.csv", "terms.tbx"])
@pytest.mark.parametrize("seed", range(15))
def test_damaged_files_bring_nothing_but_an_input_error(name: str, seed: int) -> None:
    draw = random.Random(seed)
    content = (
        TBX3.encode() if name.endswith("x") else 'zh,en,note,case\n"模,型",model,n,yes\n人,man,,\n'.encode()
    )
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(draw.randint(1, 6)):
            at = draw.randrange(len(damaged))
            damaged[at : at + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 3))
        try:
            load([(name, bytes(damaged))]).terms("模型 model", "zh", "en")
        except InputError as error:
            assert error.where.startswith(name)
