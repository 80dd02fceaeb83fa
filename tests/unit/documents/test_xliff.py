"""XLIFF: sources are translated into targets beside them, and what is translated already is kept."""

from __future__ import annotations

import pytest

from pipeline.core.document import EVERYTHING, Document, Policy
from pipeline.core.errors import InputError
from pipeline.documents import xliff
from tests.support.documents_of_markup import shouted

SPACE = 'xmlns="urn:oasis:names:tc:xliff:document:1.2" version="1.2"'


def old(*units: str) -> str:
    inside = "\n      ".join(units)
    file = f'<file source-language="en">\n    <body>\n      {inside}\n    </body></file>'
    return f"<xliff {SPACE}>\n  {file}</xliff>"


def new(*segments: str, note: str = "") -> str:
    unit = f'<unit id="u">{note}{"".join(segments)}</unit>'
    return f'<xliff version="2.0" xmlns="urn:x" srcLang="en" trgLang="x"><file id="f">{unit}</file></xliff>'


def read(text: str) -> Document:
    return xliff.read("app.xlf", text.encode(), EVERYTHING)


def built(text: str, *targets: str | None, language: str = "") -> str:
    return read(text).build(targets, language).decode()


def test_a_target_is_put_behind_its_source_with_the_same_indent() -> None:
    unit = '<trans-unit id="a">\n        <source>Hello</source>\n      </trans-unit>'
    wanted = unit.replace("</source>", "</source>\n        <target>Hallo &amp; &lt;so></target>")
    assert built(old(unit), "Hallo & <so>") == old(wanted)
    assert built(old(unit), None) == old(unit)


@pytest.mark.parametrize(
    ("target", "given", "after"),
    [
        ("<target>Da</target>", "Da", "<target>Neu</target>"),
        ("<target/>", None, "<target>Neu</target>"),
        ('<target state="needs-translation">Da</target>', None, '<target state="translated">Neu</target>'),
        ('<target state="new"/>', None, '<target state="translated">Neu</target>'),
        ('<target state="needs-review-translation">Da</target>', "Da", None),
        ("", None, "<target>Neu</target>"),
    ],
)
def test_what_is_translated_already_is_given(target: str, given: str | None, after: str | None) -> None:
    text = old(f'<trans-unit id="a"><source>There</source>{target}<note>Be kind</note></trans-unit>')
    (segment,) = read(text).segments
    assert (segment.text, segment.given, segment.path, segment.note) == ("There", given, "a", "Be kind")
    if given:
        assert built(text, given) == text
    if after:
        assert built(text, "Neu") == (text.replace(target, after) if target else built(text, "Neu"))
        assert read(built(text, "Neu")).segments[0].given == "Neu"


def test_inline_elements_are_tags_and_native_code_is_hidden() -> None:
    source = '<source>Go <g id="1">now</g><x id="2"/> <ph id="3">%s</ph> on</source>'
    text = old(f'<trans-unit id="a">{source}</trans-unit>')
    document = read(text)
    (segment,) = document.segments
    hidden = [segment.text[start:end] for start, end in segment.opaque]
    assert hidden == ['<g id="1">', "</g>", '<x id="2"/>', '<ph id="3">%s</ph>']
    assert document.findings(0, "Los")[0].code == "tags"
    assert document.findings(0, shouted(segment)) == []
    target = 'Jetzt <ph id="3">%s</ph> <x id="2"/><g id="1">los</g>'
    assert f"<target>{target}</target>" in built(text, target)


def test_escaped_tags_must_be_kept_too() -> None:
    document = read(old('<trans-unit id="a"><source>Press &lt;b&gt;OK&lt;/b&gt; now</source></trans-unit>'))
    assert document.findings(0, "Jetzt OK")[0].code == "tags"
    assert document.findings(0, "Jetzt &lt;b&gt;OK&lt;/b&gt;") == []


def test_version_2_has_segments_states_and_notes() -> None:
    note = "<notes><note>For &lt;all&gt;</note></notes>"
    one = '<segment state="initial"><source>One <pc id="1">two</pc></source><target>x</target></segment>'
    two = "<segment><source>Three</source></segment><ignorable><source> no </source></ignorable>"
    text = new(one, two, note=note)
    document = read(text)
    assert [(one.text, one.given, one.note) for one in document.segments] == [
        ('One <pc id="1">two</pc>', None, "For <all>"),
        ("Three", None, "For <all>"),
    ]
    assert document.build([None, None]).decode() == text
    after = built(text, 'Eins <pc id="1">zwei</pc>', "Drei", language="de")
    wanted = text.replace('state="initial"', 'state="translated"').replace('trgLang="x"', 'trgLang="de"')
    wanted = wanted.replace("<target>x", '<target>Eins <pc id="1">zwei</pc>')
    assert after == wanted.replace("Three</source>", "Three</source><target>Drei</target>")
    assert document.broken(after.encode()) == []


@pytest.mark.parametrize(
    "unit",
    [
        '<trans-unit id="a" translate="no"><source>no</source></trans-unit>',
        '<group translate="no"><trans-unit id="a"><source>no</source></trans-unit></group>',
        '<trans-unit id="a"><source>12 %</source></trans-unit>',
        '<trans-unit id="a"><source/></trans-unit>',
        '<trans-unit id="a"><alt-trans><source>no</source><target>nein</target></alt-trans></trans-unit>',
    ],
)
def test_what_is_not_to_be_translated_is_left_out(unit: str) -> None:
    assert read(old(unit)).segments == []


def test_icu_length_and_language() -> None:
    source = "<source>{n, plural, other {# files}}</source>"
    text = old(f'<trans-unit id="1" resname="files" maxwidth="30" size-unit="char">{source}</trans-unit>')
    (segment,) = read(text).segments
    assert (segment.syntax, segment.most, segment.path) == ("icu", 30, "files")
    assert '<file target-language="de" source-language="en">' in built(text, None, language="de")


def test_a_file_that_lost_a_unit_is_broken() -> None:
    units = [f'<trans-unit id="{name}"><source>{name}</source></trans-unit>' for name in ("a", "b")]
    document = read(old(*units))
    assert document.broken(old(*units).encode()) == []
    assert document.broken(old(units[0]).encode())
    assert document.broken(b"<xliff>")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<html/>", "not an XLIFF"),
        ("<xliff><a></xliff>", "not well-formed"),
        ('<!DOCTYPE x [<!ENTITY e "x">]><xliff>&e;</xliff>', "declares entities"),
        ("", "not well-formed"),
        ("<xliff>\0</xliff>", "not well-formed"),
    ],
)
def test_what_is_no_such_file_is_refused(content: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read(content)
    assert "app.xlf" in caught.value.where and caught.value.hint


def test_a_file_is_recognised_by_its_root() -> None:
    assert xliff.recognises("a.xlf", old().encode()) and xliff.recognises("a.xlf", b"<x:xliff/>")
    assert not xliff.recognises("a.xlf", b"<html/>")


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [("de", True), ("de-AT", True), ("DE", True), ("", True), ("fr", False), ("nl", False)],
)
def test_a_translation_in_another_language_is_not_kept(wanted: str, kept: bool) -> None:
    content = (
        b'<xliff version="1.2"><file source-language="en" target-language="de" original="x"><body>'
        b'<trans-unit id="1"><source>Save the file</source><target state="translated">Datei sichern</target>'
        b"</trans-unit></body></file></xliff>"
    )
    document = xliff.read("a.xlf", content, Policy(source="en", target=wanted))
    assert [segment.given for segment in document.segments] == ["Datei sichern" if kept else None]
    assert document.build([None], "") == content
