"""The ends of sentences, by each library that is installed."""

from __future__ import annotations

import pytest

from pipeline.core.errors import JobError
from pipeline.text import sentences as module
from pipeline.text.sentences import sentences

TEXTS = [
    "",
    "One.",
    "One sentence. Another one!  And a third?",
    "这是一句话。这是另一句。",
    "No end at all",
    "Dr. Smith went to https://e.com/a.b?c=1. He came back.\nThen he left.",
]


@pytest.mark.parametrize("library", ["sentencex", "nltk"])
@pytest.mark.parametrize("language", ["en", "zh-Hans", "de", "tlh"])
def test_sentences_are_the_whole_text(library: str, language: str) -> None:
    pytest.importorskip(library)
    for text in TEXTS:
        spans = list(sentences(text, language, library))
        assert "".join(text[a:b] for a, b in spans) == text
    assert len(list(sentences(TEXTS[2], language, library))) == 3


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(language: str) -> module.Ends:
        raise ImportError(language)

    monkeypatch.setattr(module, "_spacy", missing)
    with pytest.raises(JobError, match="'spacy' is not installed") as raised:
        list(sentences("One. Two.", "xx-none", "spacy"))
    assert "leave `sentences` out" in str(raised.value.hint)
