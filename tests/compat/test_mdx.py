"""The compiler of MDX (@mdx-js/mdx, from npm) compiles a page before and after its translation.

It needs Node and npm, and installs the compiler into a folder of its own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.core.document import Policy
from pipeline.documents import mdx
from tests.support import ROOT

pytestmark = [
    pytest.mark.compat,
    pytest.mark.xdist_group("mdx"),  # one compiler for all of them
    pytest.mark.skipif(
        not (shutil.which("node") and shutil.which("npm")), reason="Node and npm are not there"
    ),
]
COMPILER = """
import {compile} from '@mdx-js/mdx'
import gfm from 'remark-gfm'
let text = ''
for await (const part of process.stdin) text += part
const found = []
for (const page of JSON.parse(text)) {
  try { found.push(String(await compile(page, {remarkPlugins: [gfm]}))) }
  catch (error) { found.push('ERROR ' + error.message) }
}
console.log(JSON.stringify(found))
"""


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mdx")
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    command = ["npm", "install", "--no-audit", "--no-fund", "@mdx-js/mdx@3.1.1", "remark-gfm@4"]
    installed = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
    if installed.returncode:
        pytest.skip("the compiler cannot be installed")
    (folder / "compile.mjs").write_text(COMPILER, encoding="utf-8")
    return folder


def compiled(folder: Path, pages: list[str]) -> list[str]:
    command = ["node", "compile.mjs"]
    done = subprocess.run(
        command, cwd=folder, input=json.dumps(pages), capture_output=True, text=True, timeout=120, check=True
    )
    return list(json.loads(done.stdout))


def without_front_matter(text: str) -> str:
    """The compiler reads none, and a heading's anchor is not its own."""
    return text.split("---\n", 2)[2].replace(" {#start}", "")


def test_a_translated_page_compiles_to_the_same_program(compiler: Path) -> None:
    text = (ROOT / "tests/support/documents/mdx/page.mdx").read_text(encoding="utf-8")
    document = mdx.read("page.mdx", text.encode(), Policy(source="zh"))
    hostile = ["a { b", "a < b", "{x}", "<b c", "} 1. a", "- a"]
    targets = []
    for place, segment in enumerate(document.segments):
        wanted = segment.text if segment.opaque or segment.markup else hostile[place % len(hostile)]
        target = document.mended(place, wanted)
        assert document.findings(place, target) == [], target
        targets.append(target)
    built = document.build(targets, "en").decode()
    before, after = compiled(compiler, [without_front_matter(text), without_front_matter(built)])
    assert not before.startswith("ERROR") and not after.startswith("ERROR"), (before[:300], after[:300])
    kept = "_jsx(Icon", "_jsx(Note", "_jsx(Item", "props.name", "year.next", "import Tabs"
    assert [before.count(one) for one in kept] == [after.count(one) for one in kept]


@pytest.mark.parametrize("text", ["用 {name\n", "用 <Tag a='x\n", "{`${`}`\n"])
def test_what_is_refused_here_is_refused_there(compiler: Path, text: str) -> None:
    assert compiled(compiler, [text])[0].startswith("ERROR")
