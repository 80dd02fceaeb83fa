"""What is put right in a translation without asking again."""

from __future__ import annotations

import pytest

from pipeline.core.document import Segment
from pipeline.translation import verdict
from pipeline.translation.question import Question


@pytest.mark.parametrize(
    ("source", "answer", "mended"),
    [
        ("A tea", "Ein Tee", "Ein Tee"),
        ("A tea", "```\nEin Tee\n```", "Ein Tee"),
        ("A tea", "```markdown\nEin Tee\n```", "Ein Tee"),
        ("A tea", "Here is the translation:\n\nEin Tee", "Ein Tee"),
        ("A tea", "Sure! Here is the translation:\n```\nEin Tee\n```", "Ein Tee"),
        ("A tea", "Translation: Ein Tee", "Ein Tee"),
        ("Translation: a tea", "Übersetzung: ein Tee", "Übersetzung: ein Tee"),
        ("A tea", '"Ein Tee"', "Ein Tee"),
        ("A tea", "„Ein Tee“", "Ein Tee"),
        ("A tea", "「お茶」", "お茶"),
        ('"A tea"', '"Ein Tee"', '"Ein Tee"'),
        ("A tea", '"Ein" und "Tee"', '"Ein" und "Tee"'),
        ("  A tea\n", "Ein Tee", "  Ein Tee\n"),
        ("A tea", " Ein Tee \n", "Ein Tee"),
        ("A tea", "Tu\u0308r", "Tür"),
        ("Tu\u0308r", "Tu\u0308r", "Tu\u0308r"),
        ("```\ncode\n```", "```\nCode\n```", "```\nCode\n```"),
        ("A tea", '{"translation": "Ein Tee"}', "Ein Tee"),
        ("A tea", '{"s1": "Ein \\"Tee\\""}', 'Ein "Tee"'),
        ("A tea", '{"a": "Ein", "b": "Tee"}', '{"a": "Ein", "b": "Tee"}'),
        ("A tea", '["Ein Tee"]', "Ein Tee"),
        ("A tea", 'Here:\n{"s1": "Ein Tee"}', "Ein Tee"),
        ("A tea", '{"t": [{"text": "Ein Tee"}]}', "Ein Tee"),
        ("A tea", "[Ein Tee]", "[Ein Tee]"),
        ("A tea", '{"a": "Ein', '{"a": "Ein'),
        ('{"a": "tea"}', '{"a": "Tee"}', '{"a": "Tee"}'),
        ("{name}, a tea", "{name}, ein Tee", "{name}, ein Tee"),
        ("A tea", '<seg id="s1">Ein Tee</seg>', "Ein Tee"),
        ("</seg> and <seg>", '<seg id="s1">x</seg>', '<seg id="s1">x</seg>'),
        ("A tea", "s1: Ein Tee", "Ein Tee"),
        ("s1: a tea", "s1: ein Tee", "s1: ein Tee"),
        ("A tea", "\ufeffEin Tee", "Ein Tee"),
        ("Tea & 'milk'", "Tee &amp; &#39;Milch&#39;", "Tee & 'Milch'"),
        ("Tea and milk", "Tee &amp; Milch", "Tee &amp; Milch"),
        ("&amp; is &", "&amp; ist &amp;", "&amp; ist &amp;"),
        ("A hall", "Eine H&auml;lle&nbsp;da", "Eine Hälle\u00a0da"),
        ("A <b>tea</b>", "Ein &lt;b&gt;Tee&lt;/b&gt;", "Ein <b>Tee</b>"),
        ("A\ntea", "Ein\\nTee", "Ein\nTee"),
        ("A\ntea\\n", "Ein\\nTee", "Ein\\nTee"),
        ('A "tea"', 'Ein \\"Tee\\"', 'Ein "Tee"'),
        ("  ", "x", "  "),
        ("A tea", "", ""),
    ],
)
def test_a_wrapper_is_taken_off_and_nothing_else(source: str, answer: str, mended: str) -> None:
    question = Question(Segment(source), "en", "de")
    assert verdict.mended(question, answer) == mended
    assert verdict.mended(question, mended) == mended
