"""Notebooks: cells of Markdown are translated, and every other byte of the JSON stays."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from pipeline.core.document import Policy
from pipeline.core.errors import InputError
from pipeline.documents import notebook
from tests.support import ROOT

SMALL = json.loads((ROOT / "tests/support/documents/notebook/small.ipynb").read_text(encoding="utf-8"))
LAYOUTS: list[dict[str, Any]] = [
    {},
    {"indent": 1},
    {"indent": 4, "ensure_ascii": False},
    {"indent": "\t", "ensure_ascii": False},
    {"separators": (",", ":")},
    {"indent": 0, "sort_keys": True},
]
WORDS = {
    "分析": "Analysis",
    "第一行": "Line one",
    "第二行": "line two",
    "一个": "One",
    "链接": "link",
    "读取数据": "Read",
}


def translated(text: str) -> str:
    for word, other in WORDS.items():
        text = text.replace(word, other)
    return text


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_only_words_of_cells_change_in_any_layout(layout: dict[str, Any], eol: str, mark: str) -> None:
    content = (mark + json.dumps(SMALL, **layout).replace("\n", eol)).encode()
    document = notebook.read("n.ipynb", content, Policy(source="zh", code_comments=True))
    texts = [segment.text for segment in document.segments]
    assert texts == ["分析 `x`", "第一行 **重要**\n第二行", "读取数据", "一个 [链接](https://e.com/x)"]
    assert document.build(texts) == document.build([None] * 4) == content
    built = document.build([translated(text) for text in texts], "en")
    expected = json.dumps(SMALL)
    for word, other in WORDS.items():
        expected = expected.replace(json.dumps(word)[1:-1], other)
    assert built == (mark + json.dumps(json.loads(expected), **layout).replace("\n", eol)).encode()
    assert document.broken(built) == []
    assert sum(document.skipped.values()) < len(content)


def test_more_and_fewer_lines_keep_the_layout_of_a_list() -> None:
    content = json.dumps(SMALL, indent=1, ensure_ascii=False).encode()
    document = notebook.read("n.ipynb", content, Policy(source="zh"))
    built = document.build([None, "one\ntwo\n**three**", "[a](https://e.com/x)\nb"]).decode()
    assert '    "\\n",\n    "one\\n",\n    "two\\n",\n    "**three**"\n   ]' in built
    assert '"source": "[a](https://e.com/x)\\nb\\n"' in built
    fewer = document.build([None, "**all**", None]).decode()
    assert '    "\\n",\n    "**all**"\n   ]' in fewer
    single = {"cells": [{"cell_type": "markdown", "source": ["一"]}]}
    document = notebook.read("n.ipynb", json.dumps(single, indent=2).encode(), Policy())
    assert json.loads(document.build(["a\nb"]))["cells"][0]["source"] == ["a\n", "b"]


def test_headings_of_earlier_cells_are_the_path() -> None:
    content = json.dumps(SMALL).encode()
    document = notebook.read("n.ipynb", content, Policy(source="zh"))
    assert [segment.path for segment in document.segments] == ["", "分析", "分析"]
    assert document.title == "分析"


def test_code_is_the_same_program() -> None:
    content = json.dumps(SMALL).encode()
    document = notebook.read("n.ipynb", content, Policy(source="zh", code_comments=True))
    targets = [document.mended(place, "New\nwords") if place == 2 else None for place in range(4)]
    code = "".join(json.loads(document.build(targets))["cells"][1]["source"])
    was = "".join(SMALL["cells"][1]["source"])
    assert "# New words\n" in code
    assert ast.dump(ast.parse(code.replace("%", "#"))) == ast.dump(ast.parse(was.replace("%", "#")))


def test_what_is_not_as_it_was_is_found() -> None:
    content = json.dumps(SMALL).encode()
    document = notebook.read("n.ipynb", content, Policy(source="zh"))
    for change in (("nbformat", "x"), ("stdout", "stderr"), ("raw", "code")):
        assert document.broken(content.replace(change[0].encode(), change[1].encode(), 1))
    assert document.broken(b"{")
    assert document.broken(content.replace(b"https://e.com/x", b"https://e.com/y"))


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{}",
        b'{"cells": 1}',
        b'{"worksheets": [{"cells": []}]}',
        b"{",
        b"[" * 100_000,
        b'{"cells": [}',
    ],
)
def test_what_is_no_notebook_is_refused(content: bytes) -> None:
    with pytest.raises(InputError) as refused:
        notebook.read("n.ipynb", content, Policy())
    assert refused.value.where.startswith("n.ipynb")


@pytest.mark.parametrize(
    "cell",
    [
        1,
        {},
        {"cell_type": "markdown"},
        {"cell_type": "markdown", "source": 1},
        {"cell_type": "markdown", "source": ["一", 1]},
        {"cell_type": "markdown", "source": ["一\ud800"]},
        {"cell_type": "markdown", "source": {"source": "一"}},
        {"cell_type": "code", "source": ["def (:\n", "# 一"]},
    ],
)
def test_a_strange_cell_is_left_as_it_is(cell: Any) -> None:
    content = json.dumps({"cells": [cell], "metadata": []}).encode()
    document = notebook.read("n.ipynb", content, Policy(code_comments=True))
    assert list(document.segments) == [] and document.build([]) == content
