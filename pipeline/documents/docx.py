"""Word files: paragraphs of the text, tables, text boxes, headers, footers, notes, comments, and alt texts.

Differently formatted runs, links, breaks, images, fields and notes are numbered tags in a paragraph. Styles,
settings, embedded files and the instructions of fields are left out, and so is deleted text.
"""

from __future__ import annotations

from pipeline.core.document import Document, Policy, any_file
from pipeline.documents._office import office

SUFFIXES = (".docx", ".docm", ".dotx")
recognises = any_file
_KINDS = {
    "wordprocessingml.document.main+xml": "",
    "ms-word.document.macroEnabled.main+xml": "",
    "wordprocessingml.template.main+xml": "",
    "wordprocessingml.header+xml": "header",
    "wordprocessingml.footer+xml": "footer",
    "wordprocessingml.footnotes+xml": "footnotes",
    "wordprocessingml.endnotes+xml": "endnotes",
    "wordprocessingml.comments+xml": "comments",
    "drawingml.chart+xml": "chart",
    "drawingml.diagramData+xml": "diagram",
    "drawingml.diagramDrawing+xml": "diagram",
}
"""the ends of content types, and what such a part is called"""


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The paragraphs of all parts that hold text."""
    main = ("document.main+xml", "document.macroEnabled.main+xml", "template.main+xml")
    return office(name, content, policy, main, _KINDS, "styles, settings and media")
