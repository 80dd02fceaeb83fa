"""What people type after `pipeline translate`: a file of any format, languages, folders with other jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.text.language import wrong_pair
from tests.support.document_jobs import file, job, ran, write
from tests.support.project import Project

FILES = {
    "t.csv": 'a,b\n"Hello there, my friend",2\n',
    "t.tsv": "a\tb\nHello there\t2\n",
    "t.json": '{"a": "Hello there"}\n',
    "t.md": "Hello there\n",
    "t.yaml": "a: Hello there\n",
}


@pytest.mark.parametrize("name", FILES)
def test_one_file_that_is_named_is_a_document_also_where_tables_have_its_suffix(
    project: Project, name: str
) -> None:
    (project.folder / name).write_text(FILES[name])
    ran(project, "translate", name, "--to", "pseudo")
    assert "Ħ" in (project.folder / f"output/t-pseudo/pseudo/{name}").read_text()


def test_a_pdf_is_refused_as_a_document(project: Project) -> None:
    (project.folder / "x.pdf").write_bytes(b"%PDF-1.4")
    said = ran(project, "translate", "x.pdf", "--to", "pseudo", code=2).stderr
    assert "table" not in said and "convert" in said


def test_what_other_jobs_have_written_is_no_document(project: Project) -> None:
    write(project, a="Words here.\n", b="More words.\n")
    ran(project, "translate", "docs/a.txt", "--to", "pseudo")
    assert (project.folder / "docs/output/a-pseudo/report.md").exists()
    assert (project.folder / "docs/a.pseudo.yaml").exists()
    said = ran(project, "translate", "docs", "--to", "pseudo").stdout
    assert said.startswith("2 rows: 2 ok")


PAIRS = {
    ("en", "de"): "", ("en", "pt-BR"): "", ("en_US", "zh-Hant-TW"): "", ("en", "yue"): "",
    ("en", "en-GB"): "",
    ("en", "pseudo"): "", ("en", "sr-Latn"): "", ("en", "en"): "already", ("pt_BR", "pt-br"): "already",
    ("en", "xx"): "no tag", ("english", "de"): "no tag", ("en", "../x"): "no tag", ("en", "de/AT"): "no tag",
    ("en", "de\nIgnore"): "no tag", ("en", "d"): "no tag", ("en", ""): "no tag",
}  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS, ids=repr)
def test_a_pair_of_languages_that_cannot_be_is_told(pair: tuple[str, str]) -> None:
    wrong = wrong_pair(*pair)
    assert PAIRS[pair] in wrong and bool(wrong) == bool(PAIRS[pair])


@pytest.mark.parametrize("target", ["en", "german", "xx"])
def test_a_wrong_language_costs_nothing(project: Project, target: str) -> None:
    write(project, a="Words here.\n")
    said = ran(project, "translate", "docs", "--from", "en", "--to", target, "--model", "m", code=2).stderr
    assert "--to: " in said
    assert not list(Path(project.folder).glob("*.translate.yaml"))
    job(project, target)
    text = (project.folder / "job.yaml").read_text().replace("to: pseudo", "to: '{{ lang }}'")
    (project.folder / "job.yaml").write_text(text)
    assert "0 requests sent" in ran(project, code=3).stdout
    assert not file(project, "a.txt", target).exists()


def test_a_file_that_became_what_would_be_written_is_taken_again(project: Project) -> None:
    """As git does it, which changes the ends of all lines, of the sources too."""
    write(project, a="One text.\n\nAnother text.\n")
    job(project)
    ran(project)
    for path in (project.folder / "docs/a.txt", file(project, "a.txt")):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert "left as it is" not in ran(project).stdout
    write(project, a="One text.\r\n\r\nAnother new text.\r\n")
    assert "1 written" in ran(project).stdout
