"""What `show` and the end of a run say about rows: the ones that are meant, and why they failed."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from pipeline.testing import Rule, Script
from tests.support.fakes import chat_body
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

STEPS: list[dict[str, Any]] = [
    {"name": "draft", "prompt": "Draft {{ title }}"},
    {
        "name": "post",
        "each": {"lang": ["en", "de"]},
        "prompt": "{{ lang }}: {{ title }}",
        "checks": {"excludes": "thing 7"},
        "repairs": 0,
    },
]
FAULTS = (Rule(match="Draft thing 3", fault="refusal"), Rule(match="Draft thing 5", fault="bad_request"))


@pytest.fixture
def shop(project: Project) -> Iterator[Project]:
    """Ten records, of which two fail at the first step and one, in two languages, at the second."""
    with serve(Script(faults=FAULTS)) as server:
        project.job(models=served(server.base_url), records=Project.numbered(10), steps=STEPS)
        assert project.run("run", "job.yaml").returncode == 3
        yield project


@pytest.mark.parametrize(
    ("options", "heads"),
    [
        (["--rows", "2"], ["00000 en  ok", "00000 de  ok"]),
        (
            ["--failed"],
            ["00003 en", "00003 de", "00005 en", "00005 de", "00007 en"],
        ),
        (["--failed", "--step", "post"], ["00007 en", "00007 de"]),
        (["--failed", "--step", "draft", "--rows", "1"], ["00003 en"]),
        (["--key", "00005"], ["00005 en  failed at draft: bad_request: ", "00005 de  failed at draft: "]),
        (["--key", "00007"], ["00007 en  failed at post: rejected: the answer must not contain", "00007 de"]),
        (["--key", "00001", "--step", "draft"], ["00001 en  ok", "00001 de  ok"]),
    ],
)
def test_show_has_the_rows_that_are_meant(shop: Project, options: list[str], heads: list[str]) -> None:
    done = shop.run("show", "job.yaml", *options, COLUMNS="200")
    assert done.returncode == 0, done.stderr
    shown = [line for line in done.stdout.splitlines() if not line.startswith((" ", "…"))]
    assert len(shown) == len(heads)
    assert all(line.startswith(head) for line, head in zip(shown, heads, strict=True)), shown
    wanted = options[options.index("--step") + 1] if "--step" in options else None
    written = {line.split(":")[0].strip() for line in done.stdout.splitlines() if line.startswith("  ")}
    assert wanted is None or written <= {wanted}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--key", "00099"], "no row has the key '00099'"),
        (["--key", "00001", "--failed"], "no failed row has the key '00001'"),
        (["--step", "pots"], "did you mean 'post'?"),
    ],
)
def test_show_says_what_it_does_not_find(shop: Project, options: list[str], said: str) -> None:
    done = shop.run("show", "job.yaml", *options)
    assert done.returncode == 2 and said in done.stderr


def test_rows_are_found_by_several_key_columns(project: Project) -> None:
    file = project.job(records="sku,title\n1,tea\n1,lamp\n")
    file.write_text(file.read_text().replace("key: sku", "key: [sku, title]"))
    assert project.run("run", "job.yaml").returncode == 0
    assert project.run("show", "job.yaml", "--key", '["1", "lamp"]').stdout.startswith("1 lamp  ok")
    wrong = project.run("show", "job.yaml", "--key", "lamp")
    assert wrong.returncode == 2 and "as JSON" in wrong.stderr


def test_the_end_of_a_run_names_the_commonest_reason_of_each_step(shop: Project) -> None:
    said = shop.run("run", "job.yaml").stdout
    assert "  draft: 2 of 4 refused: the model refused: " in said
    assert "  post: 2 of 2 rejected: the answer must not contain" in said
    assert [one["step"] for one in shop.numbers("run", "job.yaml")["commonest"]] == ["draft", "post"]


def test_a_single_failed_row_is_told_with_its_message(project: Project) -> None:
    with serve(Script(faults=(Rule(match="lamp", fault="refusal"),))) as server:
        project.job(models=served(server.base_url))
        assert "\n  post: refused: the model refused: I'm sorry" in project.run("run", "job.yaml").stdout


def test_another_name_shows_its_own_table(shop: Project) -> None:
    other = ("--set", "name=other", "--set", "output.to=output/other.csv")
    assert "'other' has no result yet" in shop.run("show", "job.yaml", *other[:2]).stderr
    with serve(Script()) as server:
        there = ("--set", f"models.writer.base_url={server.base_url}", "--limit", "1")
        assert shop.run("run", "job.yaml", *other, *there).returncode == 0
    shown = shop.run("show", "job.yaml", *other[:2], "--rows", "99").stdout
    assert shown.count("  ok\n") == 2
    assert "… and 15 more rows (--rows 20 shows all)" in shop.run("show", "job.yaml").stdout


def test_a_finished_job_is_all_of_its_rows(project: Project) -> None:
    project.job()
    for _ in range(2):
        assert project.run("run", "job.yaml").returncode == 0
        assert "rows: 3 ok of 3" in project.run("status", "job.yaml").stdout


def test_nothing_that_a_person_reads_is_said_to_the_model(shop: Project) -> None:
    with (shop.folder / "output/shop/failures.csv").open() as file:
        messages = [row["message"] for row in csv.DictReader(file)]
    assert len(messages) == 6
    assert not any("Your" in said or "again" in said for said in messages), messages


def test_a_table_that_was_changed_since_is_not_given_reasons(shop: Project) -> None:
    table = shop.folder / "output/shop/posts.csv"
    head, *rows = table.read_text().splitlines()
    table.write_text("\n".join([head, *reversed(rows), ""]))
    shown = shop.run("show", "job.yaml", "--failed").stdout
    assert "the table was changed after a run of 'shop' wrote it" in shown
    assert "failed at" not in shown and "00007 de  failed\n" in shown


ENDS = [("rejected", "stop"), ("truncated", "length"), ("filtered", "content_filter"), ("refused", "refusal")]


@pytest.mark.parametrize(("kind", "finish"), ENDS)
@pytest.mark.parametrize("private", [[], ["title"]])
def test_an_answer_that_was_paid_for_and_is_not_used_can_be_read(
    kind: str, finish: str, private: list[str], project: Project
) -> None:
    said = {lang: f"A {lang} text of thing 1 that is far too long." for lang in ("en", "de")}
    rules = [
        Rule(match=f"{lang}: thing 1", fault="body", body=chat_body(text, finish).decode())
        for lang, text in said.items()
    ]
    each = {"lang": ["en", "de", "fr"]}
    step = {"name": "post", "each": each, "prompt": "{{ lang }}: {{ title }}", "repairs": 1}
    with serve(Script(faults=tuple(rules))) as server:
        steps = [{**step, "checks": {"excludes": "too long"}}]
        project.job(models=served(server.base_url), records=Project.numbered(3), steps=steps, max_failed=1)
        sets = ("--set", f"records.private={private}")
        assert project.run("run", "job.yaml", *sets).returncode == 3

    def show(*options: str) -> list[str]:
        return project.run("show", "job.yaml", *sets, *options, COLUMNS="200").stdout.splitlines()

    for options in (("--key", "00001"), ("--explain", "--failed"), ("--key", "00001", "--step", "post")):
        shown = show(*options)
        heads = [i for i, line in enumerate(shown) if line.startswith("00001")]
        assert len(heads) == (2 if "--failed" in options else 3)
        for lang, text in said.items():
            at = next(i for i in heads if f"00001 {lang}  failed" in shown[i])
            lines = shown[at + 1 : at + 1 + (2 if kind == "rejected" else 1)]
            words = text.replace("thing 1", "***") if private else text
            assert lines == [f"  post, {kind} answer: {words}"] * len(lines), shown
    assert not any("answer: " in line for line in show("--failed"))


def test_show_says_the_same_as_json(shop: Project) -> None:
    said = shop.numbers("show", "job.yaml", "--failed", "--rows", "3")
    assert said["total"] == 6 and len(said["rows"]) == 3 and said["story"] == []
    first = said["rows"][0]
    assert first["columns"]["sku"] == "00003" and first["columns"]["_status"] == "failed"
    assert first["why"].startswith("draft: refused")
    one = shop.numbers("show", "job.yaml", "--explain", "00007", "--step", "post")
    assert [chapter["title"] for chapter in one["story"]] == ["post, lang en", "post, lang de"]
    parts = [part["what"] for part in one["story"][0]["parts"]]
    assert "user" in " ".join(parts) and all(part["text"] for part in one["story"][0]["parts"])
    names = {"sku", "title", "lang", "post", "_status", "_model"}
    assert all(row["columns"].keys() == names for row in one["rows"])


def test_json_masks_private_columns_and_cuts_nothing_off(shop: Project) -> None:
    private = ("--set", "records.private=[title]")
    shop.run("export", "job.yaml", *private)
    done = shop.run("show", "job.yaml", "--json", *private)
    assert {row["columns"]["title"] for row in json.loads(done.stdout)["rows"]} == {"***"}


def test_json_has_null_for_what_is_no_number(project: Project) -> None:
    rows = {"sku": ["a", "b"], "ratio": [math.nan, 0.5], "parts": [[1.5, math.inf], []]}
    pl.DataFrame(rows).write_parquet(project.folder / "records.parquet")
    file = project.job(output={"to": "out.parquet"}, steps=[{"name": "post", "prompt": "Item {{ sku }}"}])
    file.write_text(file.read_text().replace("records.csv", "records.parquet"))
    assert project.run("run", "job.yaml", "--set", "models.writer.provider=scripted").returncode == 0
    said = json.loads(project.run("show", "job.yaml", "--json").stdout, parse_constant=pytest.fail)
    shown = [(row["columns"]["ratio"], row["columns"]["parts"]) for row in said["rows"]]
    assert shown == [(None, [1.5, None]), (0.5, [])]
