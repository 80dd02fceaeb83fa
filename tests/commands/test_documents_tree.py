"""Documents in a tree, by the real command: names, bytes, what is refused, what goes and what stays."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.document_jobs import everything, file, job, ledger, ran, states, write
from tests.support.project import Project


def test_a_folder_becomes_the_same_folder_in_each_language(project: Project) -> None:
    write(project, a="One small text.\n\nAnother text.\n", guide__B_é="Words here.\n", empty="")
    job(project, "de", "fr")
    done = ran(project)
    for language in ("de", "fr"):
        assert file(project, "empty.txt", language).read_bytes() == b""
        assert file(project, "guide/B_é.txt", language).read_text() != "Words here.\n"
        assert file(project, "a.txt", language).read_text().count("\n\n") == 1
    assert "files     output/docs: 6 files, 6 written\n" in done.stdout
    rows = project.result("results.csv")
    assert rows.columns == [
        *("path", "format", "lang"),
        *("translated.segments", "translated.translated", "translated.review", "_status", "_model"),
    ]
    assert rows.filter(path="a.txt")["translated.segments"].to_list() == ["2", "2"]


def test_a_second_run_sends_nothing_and_writes_the_same_bytes(project: Project) -> None:
    write(project, a="One small text.\n\nAnother text.\n", b="Words here.\n")
    job(project, include=["bilingual", "tmx", "status"], ledger="segments.csv")
    ran(project)
    before = everything(project)
    done = ran(project)
    assert "0 requests sent" in done.stdout
    assert everything(project) == before
    assert {name.rpartition("/")[2] for name in before} >= {
        "report.md",
        "memory.pseudo.tmx",
        "a.txt.html",
        "segments.csv",
    }


def test_only_what_changed_is_paid_for_and_what_is_gone_is_removed(project: Project) -> None:
    text = "\n\n".join(f"Paragraph number {i} of the text." for i in range(200)) + "\n"
    write(project, a=text, b="Words here.\n")
    job(project)
    ran(project)
    write(project, a=text.replace("number 77 of", "number 77, new, of"))
    (project.folder / "docs/b.txt").unlink()
    done = ran(project)
    assert "1 request sent" in done.stdout
    assert "1 file, 1 written, 1 removed" in done.stdout
    assert not file(project, "b.txt").exists()


def test_names_beside_the_sources_are_no_sources_of_the_next_run(project: Project) -> None:
    write(project, a="One small text.\n", guide__b="Words here.\n")
    job(project, "de", "fr", tree="docs/{{ name }}.{{ lang }}{{ suffix }}")
    ran(project)
    found = sorted(
        path.relative_to(project.folder).as_posix() for path in (project.folder / "docs").rglob("*.txt")
    )
    assert found == [
        *("docs/a.de.txt", "docs/a.fr.txt", "docs/a.txt"),
        *("docs/guide/b.de.txt", "docs/guide/b.fr.txt", "docs/guide/b.txt"),
    ]
    done = ran(project)
    assert "0 requests sent" in done.stdout and "4 rows" in done.stdout
    (project.folder / "output/shop/files.sqlite").unlink()
    assert "4 rows" in ran(project).stdout
    (project.folder / "docs/a.txt").unlink()
    done = ran(project)
    assert "2 rows" in done.stdout and not (project.folder / "docs/a.de.txt").exists()


def test_a_tree_inside_the_sources_holds_no_sources(project: Project) -> None:
    write(project, a="One small text.\n")
    job(project, "de", "fr", tree="docs/{{ lang }}/{{ path }}")
    ran(project)
    assert "2 rows" in ran(project).stdout
    (project.folder / "records.csv").unlink()
    records = {"from": ".", "where": "suffix <> '.csv'"}
    job(project, "de", "fr", tree="docs/{{ lang }}/{{ path }}", records=records)
    assert "2 rows" in ran(project).stdout  # nor is the job file a document


REFUSED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "all languages in one file": (
        {"tree": "output/x/{{ path }}"},
        ("would hold several translations", "of a.txt"),
    ),
    "documents of one name": (
        {"tree": "output/x/{{ lang }}{{ suffix }}"},
        ("would hold several translations", "a.txt and guide/b.txt"),
    ),
    "the sources": ({"tree": "docs/{{ path }}"}, ("would overwrite the document a.txt",)),
    "the job file": (
        {"tree": "{{ 'job.yaml' if path == 'a.txt' else lang + path }}"},
        ("overwrite job.yaml",),
    ),
    "the job's own files": ({"tree": "output/shop/lock/{{ lang }}/{{ path }}"}, ("of the job's own files",)),
    "its pages": ({"tree": "output/shop/bilingual/{{ lang }}/{{ path }}"}, ("of the job's own files",)),
    "a way out": ({"tree": "../{{ lang }}/{{ path }}"}, ("is no folder in the job's own folder",)),
    "a way out in the middle": (
        {"tree": "x/{{ lang }}/../{{ path }}"},
        ("is no file in the tree",),
    ),
    "an absolute path": ({"tree": "/tmp/{{ lang }}/{{ path }}"}, ("is no folder in the job's own folder",)),
    "nothing": ({"tree": "x/{{ '' }}"}, ("is no file in the tree",)),
    "an answer": ({"tree": "x/{{ lang }}/{{ translated }}"}, ("cannot be named by 'translated'",)),
    "the content": ({"tree": "x/{{ lang }}/{{ content }}"}, ("cannot be named by 'content'",)),
    "a wrong name": ({"tree": "x/{{ lang }}/{{ pth }}"}, ("there is no 'pth'", "did you mean 'path'")),
    "no template": ({"tree": "x/{{ lang"}, ("template: ",)),
    "files, too": (
        {"tree": "x/{{ lang }}/{{ path }}", "files": {"to": "y", "name": "path", "text": "z"}},
        ("both `files` and `tree`",),
    ),
    "a ledger elsewhere": ({"ledger": "../x.csv"}, ("without a folder",)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_go_well_is_refused_before_anything_is_sent(project: Project, case: str) -> None:
    output, said = REFUSED[case]
    write(project, a="One small text.\n", guide__b="Words here.\n")
    job(project, "de", "fr", **output)
    done = ran(project, code=2)
    for words in said:
        assert words in done.stderr
    assert not (project.folder / "output/shop/journal.sqlite").exists()
    assert sorted(path.name for path in (project.folder / "docs").rglob("*.txt")) == ["a.txt", "b.txt"]


def test_rows_are_no_documents_and_a_tree_needs_a_step_that_fits(project: Project) -> None:
    project.job()
    job(project, records={"from": "records.csv"})
    assert "translates documents, not rows" in ran(project, code=2).stderr
    project.job(output={"tree": "x/{{ path }}"})
    assert "no step of this job translates documents" in ran(project, code=2).stderr


def test_a_part_of_the_documents_leaves_the_others_as_they_are(project: Project) -> None:
    write(project, a="One small text.\n", b="Words here.\n", c="More words.\n")
    job(project)
    ran(project)
    before = {name: content for name, content in everything(project).items() if "results" not in name}
    done = ran(project, "run", "job.yaml", "--limit", "1")
    after = {name: content for name, content in everything(project).items() if "results" not in name}
    assert "removed" not in done.stdout
    assert after.keys() == before.keys()
    assert {row["document"] for row in ledger(project)} == {"a.txt", "b.txt", "c.txt"}


def test_the_ledger_has_a_row_for_each_segment(project: Project) -> None:
    write(project, a="One small text.\n\n12 34\n")
    job(project)
    ran(project)
    first, second = ledger(project)
    assert first["document"] == "a.txt" and first["language"] == "pseudo" and first["place"] == 1
    assert first["source"] == "One small text." and first["target"] in file(project, "a.txt").read_text()
    assert (first["state"], second["state"], second["target"]) == ("ok", "same", None)
    assert states(project) == {"One small text.": "ok", "12 34": "same"}


def test_a_file_that_somebody_else_wrote_is_not_overwritten(project: Project) -> None:
    write(project, a="One small text.\n", b="Words here.\n")
    job(project)
    target = file(project, "a.txt")
    target.parent.mkdir(parents=True)
    target.write_text("mine\n")
    done = ran(project, code=2)
    assert "there is already a file that this job did not write" in done.stdout
    assert target.read_text() == "mine\n" and file(project, "b.txt").exists()


def test_the_documents_are_told_and_can_be_shown(project: Project) -> None:
    write(project, a="One small text.\n")
    (project.folder / "docs/x.png").write_bytes(b"x")
    job(project)
    assert (
        "1 document found: 1 text; left out: 1 file (no format is known for '.png')"
        in ran(project, "check", "job.yaml").stdout
    )
    ran(project)
    assert "a.txt de  ok" in ran(project, "show", "job.yaml", "--key", "a.txt").stdout
