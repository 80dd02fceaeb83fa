"""The report says in words why a translation was refused."""

import re
from pathlib import Path

import pipeline
from pipeline.output.translated import report

HARD = re.compile(r"""Finding\(\s*"([a-z_]+)",(?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)""")


def test_every_hard_finding_has_a_sentence() -> None:
    files = Path(pipeline.__file__).parent.rglob("*.py")
    found = [one for file in files for one in HARD.finditer(file.read_text("utf-8"))]
    codes = {one[1] for one in found if "hard=False" not in one[0]}
    assert len(codes) > 15
    assert codes <= set(report._WHY)


def test_a_code_is_explained_and_an_unknown_one_stands_alone() -> None:
    assert report._why("terms x_y") == "terms (a term is not translated as the glossary says), x\\_y"
    assert report._why("") == "no answer could be used"
