"""Likeness to references, by sacrebleu."""

from __future__ import annotations

import sys

import pytest

from pipeline.core.errors import JobError
from pipeline.translation.review.metrics import scores


@pytest.mark.parametrize(
    ("language", "tokenizers"),
    [
        ("en", {"13a"}),
        ("zh-Hant", {"zh"}),
        ("ja", {"ja-mecab", "char"}),
        ("ko", {"ko-mecab", "char"}),
        ("th", {"char"}),
    ],
)
def test_each_language_is_cut_as_it_is_written(language: str, tokenizers: set[str]) -> None:
    pytest.importorskip("sacrebleu")
    references = ["机器学习模型很有趣吗", "we all like it"]
    same = scores(references, references, language)
    assert (same["chrF"], same["BLEU"]) == (pytest.approx(100), pytest.approx(100))
    assert same["tokenize"] in tokenizers
    other = scores(["机器学习模型没有意思", "we all hate it"], references, language)
    assert 0 < float(other["chrF"]) < 100
    with pytest.raises(ValueError, match="1 translations for 2 references"):
        scores(references[:1], references, language)


def test_without_its_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(JobError, match=r"sacrebleu(.|\n)*'metrics'(.|\n)*install"):
        scores(["a"], ["b"], "en")
