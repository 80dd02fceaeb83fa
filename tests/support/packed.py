"""Small files of Word, PowerPoint and EPUB, made by hand."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "application/vnd.openxmlformats-officedocument."
_SPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    ' xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
    ' xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
    ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)


def packed(members: Mapping[str, str | bytes], comment: bytes = b"") -> bytes:
    """A zip file of these members; `mimetype` is stored, all others are compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name, content in members.items():
            member = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
            member.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return buffer.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    """The members of a zip file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _types(parts: Mapping[str, str]) -> str:
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{_OFFICE}{kind}+xml"/>' for name, kind in parts.items()
    )
    space = "http://schemas.openxmlformats.org/package/2006/content-types"
    kinds = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
    )
    return f'{_XML}<Types xmlns="{space}">{kinds}{overrides}</Types>'


def _main(target: str) -> str:
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    one = f'<Relationship Id="rId1" Type="{kind}" Target="{target}"/>'
    return f'{_XML}<Relationships xmlns="{space}">{one}</Relationships>'


def word(body: str, **parts: str) -> bytes:
    """A Word file with this body; `parts` are others: header1, footnotes, comments."""
    kinds = {"word/document.xml": "wordprocessingml.document.main"}
    members: dict[str, str | bytes] = {
        "_rels/.rels": _main("word/document.xml"),
        "word/document.xml": f"{_XML}<w:document {_SPACES}><w:body>{body}</w:body></w:document>",
        "word/media/image1.png": b"\x89PNG not really",
    }
    for name, inside in parts.items():
        kind = name.rstrip("123")
        kinds[f"word/{name}.xml"] = f"wordprocessingml.{kind}"
        members[f"word/{name}.xml"] = f"{_XML}<w:{kind} {_SPACES}>{inside}</w:{kind}>"
    return packed({"[Content_Types].xml": _types(kinds), **members})


def slides(*bodies: str, notes: str = "") -> bytes:
    """A PowerPoint file with these slides, and notes of the first."""
    kinds = {"ppt/presentation.xml": "presentationml.presentation.main"}
    members: dict[str, str] = {"_rels/.rels": _main("ppt/presentation.xml")}
    members["ppt/presentation.xml"] = f"{_XML}<p:presentation {_SPACES}/>"
    for number, body in enumerate(bodies, 1):
        name = f"ppt/slides/slide{number}.xml"
        kinds[name] = "presentationml.slide"
        members[name] = f"{_XML}<p:sld {_SPACES}><p:cSld><p:spTree>{body}</p:spTree></p:cSld></p:sld>"
    if notes:
        kinds["ppt/notesSlides/notesSlide1.xml"] = "presentationml.notesSlide"
        members["ppt/notesSlides/notesSlide1.xml"] = f"{_XML}<p:notes {_SPACES}>{notes}</p:notes>"
    return packed({"[Content_Types].xml": _types(kinds), **members})


def book() -> bytes:
    """A small EPUB book with two chapters, of which the second stands first in the list of its files."""
    container = '<rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles>'
    page = '<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><head>{}</head><body>{}</body></html>'
    items = {
        "two": ("two.xhtml", "application/xhtml+xml"),
        "one": ("one%20one.xhtml", "application/xhtml+xml"),
        "nav": ("nav.xhtml", "application/xhtml+xml"),
        "toc": ("toc.ncx", "application/x-dtbncx+xml"),
        "css": ("style.css", "text/css"),
    }
    manifest = "".join(
        f'<item id="{name}" href="{href}" media-type="{kind}"/>' for name, (href, kind) in items.items()
    )
    metadata = (
        "<dc:title>The garden</dc:title><dc:creator>A. Gardener</dc:creator><dc:language>en</dc:language>"
        "<dc:description>How to &lt;i&gt;plant&lt;/i&gt;</dc:description>"
    )
    spine = '<spine toc="toc"><itemref idref="one"/><itemref idref="two"/></spine>'
    package = (
        f'<package xmlns:dc="urn:dc"><metadata>{metadata}</metadata><manifest>{manifest}</manifest>{spine}'
    )
    return packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": f"{_XML}<container>{container}</container>",
            "OPS/book.opf": f"{_XML}{package}</package>",
            "OPS/two.xhtml": page.format("<title/>", "<h1>Chapter two</h1>"),
            "OPS/one one.xhtml": page.format(
                "<title>First</title>", "<h1>Chapter one</h1><p>Dig a <b>wide</b> hole.</p>"
            ),
            "OPS/nav.xhtml": page.format("", "<nav><a href='two.xhtml'>Contents</a></nav>"),
            "OPS/toc.ncx": f"{_XML}<ncx><navLabel><text>Chapter one</text></navLabel></ncx>",
            "OPS/style.css": "p { color: green }",
        }
    )
