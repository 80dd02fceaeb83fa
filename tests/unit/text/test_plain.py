"""The text of an answer as a reader sees it."""

from __future__ import annotations

import pytest

from pipeline.text.plain import plain

RENDERED = {
    "Nothing to do.\n\n\nIndeed,  nothing - at all.": "Nothing to do.\n\n\nIndeed,  nothing - at all.",
    "# Tea\n\nText": "Tea\n\nText",
    "Tea\n===\n\nText\n---\nmore": "Tea\n\nText\n\nmore",
    "**Bold**, *slanted*, ***both***, __bold__ and _slanted_.": "Bold, slanted, both, bold and slanted.",
    "**bold with *slanted* in it**": "bold with slanted in it",
    "_**both**_ and **_both_**": "both and both",
    "snake_case_name, __init__.py is rare, 5 * 3 * 2": "snake_case_name, init.py is rare, 5 * 3 * 2",
    "~~gone~~ but ~ 5": "gone but ~ 5",
    "- one\n- two\n  - three\n* four\n+ five": "one\ntwo\nthree\nfour\nfive",
    "1. one\n2) two\n10. ten\n- [x] done\n- [ ] open": "one\ntwo\nten\ndone\nopen",
    "2024. A year.\n-5 degrees\n#tea": "2024. A year.\n-5 degrees\n#tea",
    "> quoted\n>> twice\n> - item": "quoted\ntwice\nitem",
    "a\n\n***\n\nb\n\n- - -\n\nc": "a\n\nb\n\nc",
    "see [the page](https://a.example/x_(y) 'title') now": "see the page now",
    "see [**the** page][1] now\n\n[1]: https://a.example": "see the page now",
    "[![logo](a.png)](https://a.example) Tea ![cup](<b.png>)": "Tea",
    "a note[^1].\n\n[^1]: The note.": "a note.\n\nThe note.",
    "see https://a.example/x?y=1, then www.b.example.": "see, then.",
    "见https://a.example/x。下面": "见。下面",
    "see https://a.example/wiki/Köln_(city), too": "see, too",
    "see <https://a.example> and <mail@a.example> [sic]": "see and mail@a.example [sic]",
    "| a | b |\n|---|:-:|\n| 1 | **2** |": "a b\n1 2",
    "a | b": "a | b",
    "`code_with_*signs*` and ``a`b``": "code_with_signs and ``a`b``",
    "<p>One<br>two</p><!-- gone --><b>three</b> 1 < 2 > 0": "One\ntwo\nthree 1 < 2 > 0",
    "Tea &amp; milk &lt;b&gt; AT&T &nosuch;": "Tea & milk <b> AT&T &nosuch;",
    r"1\. no list, \*no stars\*, C:\dir": r"1. no list, *no stars*, C:\dir",
    "---\ntitle: Tea\ntags:\n  - a\n# note\n---\n\n# Tea": "Tea",
    "---\n\nNo front matter.\n\n---": "No front matter.",
    "```python\nx = '**a**'  # b\n```\n\nText": "x = '**a**'  # b\n\nText",
    "~~~~\n```\n~~~\n~~~~\nText": "```\n~~~\nText",
    "**粗体**，*斜体*。\n\n1. 一\n2. 二": "粗体，斜体。\n\n一\n二",
    "## お茶\n\n> **緑茶**は`美味`": "お茶\n\n緑茶は美味",
}


@pytest.mark.parametrize("text", RENDERED)
def test_a_reader_sees_no_markup(text: str) -> None:
    assert plain(text) == RENDERED[text]


def test_code_may_be_left_out() -> None:
    assert plain("One\n\n```\ncode\n```\n\nTwo\n\n```\nopen", code=False) == "One\n\nTwo"
    assert plain("One\n\n```\nopen", code=True) == "One\n\nopen"
