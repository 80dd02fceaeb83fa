"""A file for each row, by the real command: what is in it, how it is named, what is refused, what stays."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import unicodedata
from typing import Any

import pytest
import yaml

from pipeline import load
from pipeline.core.errors import PipelineError
from pipeline.runs.session import Session
from pipeline.system.file_names import safe_name
from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.row_files import ARTICLES, FILES, contents, job, published, ran
from tests.support.server import serve


def test_every_row_that_is_ok_gets_its_file_and_no_other_does(project: Project) -> None:
    faults = (Rule(match="In de about lamp", fault="refusal"),)
    with serve(Script(faults=faults)) as server:
        job(project, server.base_url)
        done = ran(project, code=3)
    rows = project.result().to_dicts()
    wanted = {
        f"{row['lang']}/{row['sku']}.md": f"# {row['title']}\n\n{row['post']}\n"
        for row in rows
        if row["_status"] == "ok"
    }
    assert len(wanted) == 5 and "de/008.md" not in wanted
    assert contents(project.folder / ARTICLES) == wanted
    assert f"files     {ARTICLES}: 5 files, 5 written\n" in done.stdout


def test_a_template_has_columns_answers_and_their_fields_and_its_text_is_kept_as_it_is(
    project: Project,
) -> None:
    model = {
        "provider": "scripted",
        "model": "m",
        "options": {"answer": '{"a": "=1+1", "b": ["x", "\\u00e9"]}'},
    }
    shape = {"json": {"a": "string", "b": ["string"]}}
    step = {"name": "facts", "prompt": "{{ title }}", "answer": shape}
    text = "{% for tag in facts.b %}{{ tag }}\n{% endfor %}{{ facts.a }} {{ row.title }}\n\n"
    files = {**FILES, "name": "sku", "text": text}
    project.job(models={"m": model}, steps=[step], output={"files": files}, records="sku,title\n1,<b>tea\n")
    published(project)
    assert contents(project.folder / ARTICLES) == {"1.md": "x\né\n=1+1 <b>tea\n\n"}


HOSTILE = [
    "../../etc/passwd", "/etc/passwd", "..", ".", "a/b", "a\\b", "a\nb", "CON", "con", "nul", "x" * 300,
    "B0012", "b0012", "é", "e\u0301", "🫖", "~root", "-rf", ".hidden", "a.", "a", "$(x)", "\u202egpj.exe",
]  # fmt: skip


def test_no_value_leads_out_of_the_folder_and_no_two_share_a_file(project: Project) -> None:
    lines = [json.dumps({"sku": sku, "title": f"t{i}"}) for i, sku in enumerate(HOSTILE)]
    (project.folder / "records.jsonl").write_text("\n".join(lines) + "\n")
    job(project, name=["sku", "lang"])
    spec = yaml.safe_load((project.folder / "job.yaml").read_text())
    spec["records"]["from"] = "records.jsonl"
    (project.folder / "job.yaml").write_text(yaml.safe_dump(spec))
    before = set(project.folder.iterdir())
    published(project)
    found = contents(project.folder / ARTICLES)
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in found}) == 2 * len(HOSTILE)
    for i, sku in enumerate(HOSTILE):
        for lang in ("en", "de"):
            assert found[f"{safe_name(sku)}/{lang}.md"].startswith(f"# t{i}\n")
    assert set(project.folder.iterdir()) - before == {project.folder / "output"}
    known = {
        "articles",
        "posts.csv",
        "published.json",
        "files.sqlite",
        "journal.sqlite",
        "events.jsonl",
        "lock",
    }
    assert {path.name for path in (project.folder / "output/shop").iterdir()} == known | {"ballast"}


REFUSED: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "two records of one name": ({"name": ["lang", "title"]}, "sku,title\n1,tea\n2,mug\n3,tea\n",
        ("records 1 (", "line 2) and 3 (", "line 4) would share a file: en/tea.md", "name: [lang, sku]")),
    "a name without the fan-out": ({"name": "sku"}, "sku,title\n1,tea\n", ("contain 'lang'", "[lang, sku]")),
    "an empty name": ({"name": ["lang", "title"]}, "sku,title\n1,tea\n2,\n",
        ("line 3 (record 2)", "'title' is empty", "`where`")),
    "a name of an answer": ({"name": ["lang", "post"]}, "sku,title\n1,tea\n", ("answer of a step ('post')",)),
    "a name that is not there": ({"name": ["lang", "skuu"]}, "sku,title\n1,tea\n", ("did you mean 'sku'?",)),
    "a template with a wrong name": ({"text": "a\n{{ pots }}"}, "sku,title\n1,tea\n",
        ("job.yaml:", "there is no 'pots'", "did you mean 'post'?")),
    "a template that is none": ({"text": "a\n{% if %}"}, "sku,title\n1,tea\n", ("job.yaml:", "template: ")),
    "a folder with the job file": ({"to": "."}, "sku,title\n1,tea\n", ("not also hold job.yaml",)),
    "the records": ({"to": "records.csv"}, "sku,title\n1,tea\n", ("is a file; name a folder",)),
    "the journal's folder": ({"to": "output/shop"}, "sku,title\n1,tea\n", ("a folder of their own",)),
    "the reserve's folder": ({"to": "output/shop/spill"}, "sku,title\n1,tea\n", ("a folder of their own",)),
    "a suffix that is a path": ({"suffix": "/../x"}, "sku,title\n1,tea\n", ("suffix", "such as .md")),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_go_well_is_refused(project: Project, case: str) -> None:
    files, records, said = REFUSED[case]
    job(project, records=records, **files)
    with pytest.raises(PipelineError) as refused:
        Session.open(load(project.folder / "job.yaml"))
    assert refused.value.exit_code == 2
    for words in said:
        assert words in str(refused.value)


def test_two_rows_of_one_name_are_refused_before_anything_is_sent(project: Project) -> None:
    with serve() as server:
        job(project, server.base_url, records="sku,title\n1,tea\n2,tea\n", name=["lang", "title"])
        done = ran(project, code=2)
        assert not server.ledger().lines
    assert "would share a file: en/tea.md" in done.stderr
    assert not (project.folder / ARTICLES).exists()


def test_a_private_column_is_in_a_name_and_in_no_message(project: Project) -> None:
    records = "sku,title,email\n1,tea,alice@example.org\n2,mug,alice@example.org\n"
    job(project, records=records, name=["lang", "email"])
    spec = yaml.safe_load((project.folder / "job.yaml").read_text())
    spec["records"]["private"] = ["email"]
    (project.folder / "job.yaml").write_text(yaml.safe_dump(spec))
    assert "alice" not in ran(project, code=2).stderr
    (project.folder / "records.csv").write_text(records.replace("2,mug,alice", "2,mug,bob"))
    published(project)
    for file in (project.folder / ARTICLES / "de").iterdir():
        file.write_text("mine")
    done = ran(project)
    assert "a file was changed" in done.stdout
    assert "alice" not in done.stdout + done.stderr and "bob" not in done.stdout + done.stderr


def test_a_finished_job_that_is_run_again_writes_no_file(project: Project) -> None:
    job(project)
    published(project)
    folder = project.folder / ARTICLES
    before = {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}
    done = ran(project)
    assert {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]} == before
    assert f"{ARTICLES}: 6 files, 0 written\n" in done.stdout


def test_the_files_follow_the_rows_and_what_is_not_ours_stays(project: Project) -> None:
    job(project)
    published(project)
    folder = project.folder / ARTICLES
    (folder / "en/mine.md").write_text("mine")
    (folder / "de/008.md").write_text("by hand")
    (folder / "de/009.md").write_text("by hand")
    (project.folder / "records.csv").write_text("sku,title\n007,coffee\n009,mug\n")
    done = ran(project)
    assert sorted(contents(folder)) == [
        "de/007.md",
        "de/008.md",
        "de/009.md",
        "en/007.md",
        "en/009.md",
        "en/mine.md",
    ]
    assert contents(folder)["en/007.md"].startswith("# coffee\n")
    assert {(folder / f"de/{sku}.md").read_text() for sku in ("008", "009")} == {"by hand"}
    assert "de/008.md belongs to no row any more, and was changed since" in done.stdout
    assert "de/009.md was changed since it was written: left as it is" in done.stdout
    (folder / "de/009.md").unlink()
    assert published(project).written == 1
    assert contents(folder)["de/009.md"].startswith("# mug\n")
    assert (folder / "en/mine.md").read_text() == "mine"


def test_a_folder_that_is_empty_then_goes_with_its_last_file(project: Project) -> None:
    job(project, name=["sku", "lang"])
    published(project)
    (project.folder / "records.csv").write_text("sku,title\n007,tea\n")
    filed = published(project)
    assert (filed.listed.files, filed.written, filed.removed) == (2, 0, 4)
    assert [path.name for path in (project.folder / ARTICLES).iterdir()] == ["007"]


def test_a_file_of_somebody_else_is_not_overwritten_and_the_table_is_written(project: Project) -> None:
    job(project)
    (project.folder / ARTICLES / "en").mkdir(parents=True)
    (project.folder / ARTICLES / "en/008.md").write_text("mine")
    done = ran(project, code=2)
    assert "record 008: not written as en/008.md: there is already a file" in done.stdout
    assert (project.folder / ARTICLES / "en/008.md").read_text() == "mine"
    assert len(contents(project.folder / ARTICLES)) == 6
    assert project.result()["_status"].to_list() == ["ok"] * 6


def test_a_row_whose_text_cannot_be_made_keeps_its_answer_and_its_old_file(project: Project) -> None:
    job(project)
    published(project)
    before = contents(project.folder / ARTICLES)
    job(project, text="{{ title }}{{ 1 // (sku | int - 8) }}\n")
    done = ran(project, code=2)
    assert "record 008: not written as de/008.md: job.yaml:" in done.stdout
    after = contents(project.folder / ARTICLES)
    assert {name for name in before if before[name] == after[name]} == {"de/008.md", "en/008.md"}
    assert set(project.result()["_status"]) == {"ok"}
    assert published(project, code=2).missing.count == 2


def test_what_was_published_can_be_checked_with_other_tools(project: Project) -> None:
    job(project)
    published(project)
    folder = project.folder / ARTICLES
    receipt = json.loads((project.folder / "output/shop/published.json").read_text())
    lines = [
        f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in contents(folder).items()
    ]
    (said,) = receipt["folders"]
    assert (said["path"], said["files"]) == (ARTICLES, 6)
    assert said["bytes"] == sum(len(text.encode()) for text in contents(folder).values())
    assert said["sha256"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    with sqlite3.connect(project.folder / "output/shop/files.sqlite") as connection:
        listed = connection.execute("SELECT lower(hex(sha256)) || '  ' || path FROM files ORDER BY path")
        assert [f"{line}\n" for (line,) in listed] == lines


def test_an_export_writes_the_files_of_the_rows_that_are_ok(project: Project) -> None:
    with serve() as server:
        job(project, server.base_url)
        ran(project, "run", "job.yaml", "--set", "budget.requests=4", code=4)
    assert not contents(project.folder / ARTICLES)
    done = ran(project, "export", "job.yaml", code=75)
    found = contents(project.folder / ARTICLES)
    assert sorted(found) == ["de/007.md", "de/008.md", "en/007.md", "en/008.md"]
    assert "4 files, 4 written" in done.stdout
