"""PowerPoint files: slides in order, notes, tables, alt texts; one text a run."""

from __future__ import annotations

import re

import pytest

from pipeline.core.document import EVERYTHING, Policy
from pipeline.core.errors import InputError
from pipeline.documents import pptx
from tests.support.documents_of_markup import keeps_its_laws
from tests.support.packed import slides, unpacked, word


def run(text: str, form: str = '<a:rPr lang="en-US" dirty="0"/>') -> str:
    return f"<a:r>{form}<a:t>{text}</a:t></a:r>"


def shape(*paragraphs: str, kind: str = "body") -> str:
    inside = "".join(f"<a:p><a:pPr/>{one}<a:endParaRPr/></a:p>" for one in paragraphs)
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="2" name="Box 1"/><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>'
        f"<p:txBody>{inside}</p:txBody></p:sp>"
    )


BOLD = '<a:rPr b="1"/>'
PICTURE = '<p:pic><p:nvPicPr><p:cNvPr id="3" name="Picture 2" descr="A tree"/></p:nvPicPr></p:pic>'
FIELD = '<a:fld id="{1}" type="slidenum"><a:rPr/><a:t>4</a:t></a:fld>'
TABLE = f"<a:tbl><a:tr><a:tc><a:txBody><a:p>{run('cell')}</a:p></a:txBody></a:tc></a:tr></a:tbl>"


def test_slides_notes_tables_and_alt_texts_are_read_in_order() -> None:
    two = run("One ") + run("two", '<a:rPr lang="de"/>')
    bodies = [shape(run("Title"), kind="title") + shape(two) + PICTURE, TABLE]
    bodies += [shape(run(f"slide {number}")) for number in range(3, 12)]
    content = slides(*bodies, notes=shape(run("say this")))
    document = pptx.read("talk.pptx", content, EVERYTHING)
    found = [(one.text, one.kind, one.path) for one in document.segments]
    assert found[:5] == [
        ("Title", "heading", "slide 1"),
        ("One two", "paragraph", "slide 1"),
        ("A tree", "alt", "slide 1"),
        ("cell", "cell", "slide 2"),
        ("slide 3", "paragraph", "slide 3"),
    ]
    assert found[-2:] == [
        ("slide 11", "paragraph", "slide 11"),
        ("say this", "paragraph", "notes of slide 1"),
    ]
    keeps_its_laws(document, content)
    without = pptx.read("talk.pptx", content, Policy(tables=False, alt_text=False))
    assert len(without.segments) == len(found) - 2


def test_a_translation_gets_one_text_for_each_run() -> None:
    body = shape(run("One ") + run("two", BOLD) + "<a:br/>" + run("page ") + FIELD + run(" end"))
    document = pptx.read("talk.pptx", slides(body), EVERYTHING)
    assert document.segments[0].text == "One <g1>two</g1><x2/>page <x3/> end"
    built = document.build(["Seite <x3/> & <g1>zwei</g1> eins<x2/>Ende"])
    inside = unpacked(built)["ppt/slides/slide1.xml"].decode()
    plain = '<a:rPr lang="en-US" dirty="0"/>'
    assert re.sub(r".*<a:pPr/>(.*)<a:endParaRPr/>.*", r"\1", inside.split("\n", 1)[1]) == (
        run("Seite ", plain) + FIELD + run(" &amp; ", plain) + run("zwei", BOLD) + run(" eins", plain)
        + "<a:br/>" + run("Ende", plain)
    )  # fmt: skip
    assert all(len(re.findall("<a:t>", one)) == 1 for one in re.findall(r"<a:r>.*?</a:r>", inside))
    assert document.broken(built) == []


@pytest.mark.parametrize("content", [b"", b"no zip", word("")])
def test_what_is_no_presentation_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="damaged, or it is of another kind"):
        pptx.read("talk.pptx", content, EVERYTHING)
