"""Source and translation of a document side by side, as a page of HTML and as Markdown.

Both are made of the rows of the ledger alone. This module does not write files.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from pipeline.core.document import TO_REVIEW
from pipeline.output.translated.ledger import Row

_RIGHT_TO_LEFT = {"ar", "arc", "ckb", "dv", "fa", "he", "nqo", "ps", "sd", "syr", "ug", "ur", "yi"}
_SCRIPTS = {"arab", "hebr", "thaa", "syrc", "nkoo"}
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; }
td { border-top: 1px solid #ddd; overflow-wrap: anywhere; padding: .5rem; vertical-align: top;
  white-space: pre-wrap; width: 50%; }
.heading, .title { font-weight: bold; }
.review { background: #fff3cd; }
.edited { background: #e7f5e7; }
small { color: #666; display: block; }
"""


def direction(language: str) -> str:
    """Which way a language is written: ltr or rtl."""
    primary, *others = language.lower().replace("_", "-").split("-")
    if any(part in _SCRIPTS for part in others):
        return "rtl"
    return "rtl" if primary in _RIGHT_TO_LEFT and "latn" not in others else "ltr"


def html(rows: Sequence[Row], source: str) -> str:
    """The page; `source` is the language of the source, '' where it is not known."""
    title = escape(f"{rows[0].document} ({rows[0].language})") if rows else ""
    there = "".join(_line(row, source) for row in rows)
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    body = f"<body><h1>{title}</h1>\n<table>\n{there}</table></body>"
    return f"<!DOCTYPE html>\n<html><head>{head}</head>\n{body}</html>\n"


def _line(row: Row, source: str) -> str:
    state = "review" if row.state in TO_REVIEW else "edited" if row.state == "edited" else ""
    names = " ".join(filter(None, (escape(row.kind), state)))
    why = f"<small>{escape(f'{row.state} {row.findings}'.strip())}</small>" if state else ""
    return (
        f'<tr class="{names}" id="s{row.place}">'
        f"<td{_tagged(source)}>{escape(row.source)}</td>"
        f"<td{_tagged(row.language)}>{escape(row.written.text)}{why}</td></tr>\n"
    )


def _tagged(language: str) -> str:
    return f' lang="{escape(language)}" dir="{direction(language)}"' if language else ""


def markdown(rows: Sequence[Row]) -> str:
    """Each source as a quotation, with its translation below it."""
    parts = [f"# {rows[0].document} ({rows[0].language})" if rows else ""]
    for row in rows:
        quoted = "\n".join(f"> {line}".rstrip() for line in row.source.split("\n"))
        state = f" *({row.state})*" if row.state in TO_REVIEW else ""
        parts += [quoted, row.written.text + state]
    return "\n\n".join(parts) + "\n"
