"""A step that translates documents: what is wanted of each, and its bytes taken apart.

This module does not know formats, and does not know how a segment is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial

from pipeline.answers.asking import Earlier, Taken
from pipeline.core.document import Document, Policy
from pipeline.core.domain import Call, Fault, Request, Values
from pipeline.core.errors import InputError
from pipeline.steps._segments import Documents
from pipeline.templates.template import Template
from pipeline.text.language import wrong_pair
from pipeline.translation.formats import read_document
from pipeline.translation.terms.entry import tag_of, tags_for
from pipeline.translation.work import Wanted

DOCUMENT_REPAIRS = 3


class TranslateDocuments:
    """A step that translates documents, ready to run."""

    shape = None
    documents = True

    def __init__(
        self,
        asking: Documents,
        templates: Mapping[str, Template],
        policy: Policy,
        usual: Wanted,
        styles: Mapping[str, str],
        earlier: Earlier,
    ) -> None:
        """`usual` is what is wanted of every document; its languages and texts are those of the row."""
        self.templates, self._asking, self._policy, self._styles = templates, asking, policy, styles
        self._earlier = earlier
        self.repairs = 0 if asking.engine else usual.most - 1
        most = 1 + self.repairs + asking.escalates
        self._usual = replace(usual, model=asking.model, most=most, plain=asking.plain)

    def _read(self, values: Values) -> tuple[Document, Wanted]:
        """The document of a row, and what is wanted of it."""
        source, target, style, brief = (
            self._render(name, values) for name in ("from", "to", "style", "brief")
        )
        if not source or not target:
            raise Fault("template", "the language to translate from or to is empty")
        if wrong := wrong_pair(source, target):
            raise Fault("template", wrong)
        row = values["row"]
        style = style_for(target, style, self._styles)
        brief = "\n".join(filter(None, (brief, row["context"])))
        document = _parsed(row["path"], row["content"], self._policy_for(row, source, target))
        earlier = partial(self._earlier, row["path"], target)
        wanted = replace(self._usual, source=source, target=target, style=style, brief=brief)
        return document, replace(wanted, earlier=earlier)

    def _policy_for(self, row: Values, source: str, target: str) -> Policy:
        anchors = self._policy.anchors
        if anchors == "auto":
            anchors = "explicit_id" if row["site"] else "rewrite"
        return replace(self._policy, source=source, target=target, anchors=anchors)

    def _render(self, name: str, values: Values) -> str:
        template = self.templates.get(f"translate.{name}")
        return template.render(values).strip() if template else ""

    def first_request(self, values: Values, key: str) -> Request:
        """The request it begins with: what the journal has for its segments."""
        return self._asking.first_request(*self._read(values), key)

    async def take(self, values: Values, key: str, call: Call) -> Taken:
        """The document in the other language."""
        return await self._asking.take(*self._read(values), key, call)


def style_for(target: str, style: str, styles: Mapping[str, str]) -> str:
    """The instructions for a language: those for all, and behind them its own."""
    tags = {tag_of(tag): text for tag, text in styles.items()}
    return "\n".join(filter(None, (style, *(tags[tag] for tag in tags_for(target, tags)[:1]))))


@lru_cache(maxsize=2)
def _parsed(name: str, content: bytes, policy: Policy) -> Document:
    """A document, parsed once for all languages."""
    try:
        return read_document(name, content, policy)
    except InputError as error:
        raise Fault("unreadable", f"{error.where}: {error.what}; {error.hint}") from None
