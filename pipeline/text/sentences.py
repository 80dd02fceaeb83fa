"""Where the sentences of a text end, by one of three libraries. None of them sends or downloads anything.

This module does not know segments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from pipeline.core.document import Span
from pipeline.core.errors import JobError

Ends = Callable[[str], Iterator[int]]
"""a text -> where each of its sentences ends"""


def sentences(text: str, language: str, library: str) -> Iterator[Span]:
    """The sentences of a text, each with the spaces behind it; together they are the text."""
    at = 0
    for end in _ends(library, language.split("-")[0].lower() or "en")(text):
        if end > at:
            yield at, end
            at = end
    if at < len(text):
        yield at, len(text)


@cache
def _ends(library: str, language: str) -> Ends:
    try:
        return {"sentencex": _sentencex, "nltk": _nltk, "spacy": _spacy}[library](language)
    except ImportError:
        hint = f"pip install {library}, or leave `sentences` out"
        raise JobError(f"the library '{library}' is not installed", where="sentences", hint=hint) from None


def _sentencex(language: str) -> Ends:
    import sentencex

    return lambda text: (one["end_index"] for one in sentencex.get_sentence_boundaries(language, text))


def _nltk(language: str) -> Ends:
    from nltk.tokenize.punkt import PunktSentenceTokenizer

    tokenizer: Any = PunktSentenceTokenizer()  # without its data for single languages, which is a download
    return lambda text: (start for start, _ in tokenizer.span_tokenize(text))


def _spacy(language: str) -> Ends:
    import spacy

    try:
        pipe: Any = spacy.blank(language)
    except ImportError:  # a language that it does not know
        pipe = spacy.blank("xx")
    pipe.add_pipe("sentencizer")
    return lambda text: (sentence[0].idx for sentence in pipe(text).sents)
