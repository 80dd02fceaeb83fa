"""PowerPoint files: paragraphs of slides, their tables, notes, charts and diagrams, comments, and alt texts.

Runs of another format, breaks and fields are numbered tags in a paragraph. Layouts and masters are left out.
"""

from __future__ import annotations

from pipeline.core.document import Document, Policy, any_file
from pipeline.documents._office import office

SUFFIXES = (".pptx", ".pptm", ".ppsx", ".potx")
recognises = any_file
_KINDS = {
    "presentationml.slide+xml": "slide",
    "presentationml.notesSlide+xml": "notes of slide",
    "presentationml.comments+xml": "comments",
    "drawingml.chart+xml": "chart",
    "drawingml.diagramData+xml": "diagram",
    "drawingml.diagramDrawing+xml": "diagram",
}
"""the ends of content types, and what such a part is called"""


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The paragraphs of all parts that hold text."""
    main = (
        "presentation.main+xml",
        "presentation.macroEnabled.main+xml",
        "slideshow.main+xml",
        "template.main+xml",
    )
    return office(name, content, policy, main, _KINDS, "layouts, masters and media")
