"""A job's own code: it runs only where it is allowed, and does what a job's own things do."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.core.errors import JobError
from pipeline.job.load import load
from tests.support import ROOT
from tests.support.house_rules import RULES, STEP, job
from tests.support.project import Project

COMMANDS = ["check", "plan", "run", "export", "show", "doctor"]


@pytest.mark.parametrize("command", COMMANDS)
def test_code_runs_only_where_it_is_allowed(command: str, project: Project) -> None:
    mark = project.folder / "mark"
    job(project, f"open({str(mark)!r}, 'w')\n{RULES.replace('from __future__ import annotations', '')}")
    done = project.run(command, "job.yaml")
    said = done.stderr + done.stdout
    assert done.returncode == 2 and not mark.exists()
    assert "the job would run the code in house_rules.py" in said and "--allow-code" in said
    assert command == "doctor" or "job.yaml:" in said, "it says where"
    for more in ([], ["--allow-code"]):
        done = project.run(command, "job.yaml", "--untrusted", *more)
        assert done.returncode == 2 and not mark.exists()
        assert "code may" in done.stderr + done.stdout
    assert project.run("run", "job.yaml", "--allow-code").returncode == 0
    mark.unlink()
    done = project.run(command, "job.yaml", "--allow-code")
    assert mark.exists() and "code runs: house_rules.py (sha256 " in done.stderr


@pytest.mark.parametrize("command", [["status"], ["ctl"], ["journal", "verify"]])
def test_a_command_that_needs_no_code_runs_none(command: list[str], project: Project) -> None:
    job(project)
    assert project.run("run", "job.yaml", "--allow-code").returncode == 0
    (project.folder / "house_rules.py").write_text("raise SystemExit(9)")
    words = [*command, "job.yaml", *(["status"] if command == ["ctl"] else [])]
    assert "house_rules" not in project.run(*words).stderr


def test_the_run_notes_which_code_ran(project: Project) -> None:
    job(project)
    assert project.run("run", "job.yaml", "--allow-code").returncode == 0
    events = [
        json.loads(line) for line in (project.folder / "output/shop/events.jsonl").read_text().splitlines()
    ]
    assert events[0]["code"].startswith("house_rules.py (sha256 ")


@pytest.mark.parametrize(
    ("checks", "failed"),
    [
        ({"own": {"house_words": {"max": 1}}}, 3),
        ({"own": {"house_words": {"max": 2}}}, 0),
        ({"own": {"no_ads": True, "house_words": {"max": 2}}}, 0),
        ({"own": {"house_words": {"max": "{{ title | length }}"}}}, None),
        ({"soft": {"own": {"house_words": {"max": 1}}}}, 0),
    ],
)
def test_a_check_of_ones_own_looks_at_the_answer(
    checks: dict[str, Any], failed: int | None, project: Project
) -> None:
    job(project, steps=[STEP | {"checks": checks, "repairs": 0}])
    done = project.numbers("run", "job.yaml", "--allow-code")
    if failed is None:
        assert "plugin" in done["reasons"], "a template gives a text, which this check cannot compare"
    else:
        assert done["failed"] == failed


def test_a_check_of_ones_own_looks_at_a_field(project: Project) -> None:
    step = STEP | {"answer": {"json": {"text": "string", "note": "string"}}, "repairs": 0}
    answer = json.dumps({"text": "a lamp", "note": "buy it"})
    for field, failed in (("text", 0), ("note", 3)):
        checks = {f"post.{field}": {"own": {"no_ads": True}}}
        job(project, answer=answer, steps=[step | {"checks": checks}])
        assert project.numbers("run", "job.yaml", "--allow-code")["failed"] == failed
    assert 'the field ""note"" of' in (project.folder / "output/shop/failures.csv").read_text().lower()


def test_its_complaint_is_sent_back_to_the_model(project: Project) -> None:
    answer = {"Your answer": "a plain text", "": "a great, nice text"}
    job(project, answer=answer, steps=[STEP | {"checks": {"own": {"house_words": {"max": 1}}}}])
    assert project.numbers("run", "job.yaml", "--allow-code")["ok"] == 3
    assert project.result()["post"].to_list() == ["a plain text"] * 3


def test_a_changed_check_judges_the_kept_answers_again(project: Project) -> None:
    job(project, steps=[STEP | {"checks": {"own": {"house_words": {"max": 1}}}, "repairs": 0}])
    assert project.numbers("run", "job.yaml", "--allow-code")["failed"] == 3
    (project.folder / "house_rules.py").write_text(RULES.replace("count > options", "count > 5 + options"))
    again = project.numbers("run", "job.yaml", "--allow-code")
    assert (again["ok"], again["sent"]) == (3, 0)


def test_a_filter_is_used_in_templates(project: Project) -> None:
    job(project, steps=[STEP | {"prompt": "{{ title }} costs {{ sku | price('USD') }} {{ 2 | price }}"}])
    assert project.run("run", "job.yaml", "--allow-code").returncode == 0
    done = project.run("export", "job.yaml", "--allow-code", "--fine-tune", "chat", "o.jsonl")
    assert done.returncode == 0, done.stderr
    first = json.loads((project.folder / "o.jsonl").read_text().splitlines()[0])
    assert first["messages"][0]["content"] == "tea costs 7.00 USD 2.00 EUR"


def test_a_source_gives_the_records(project: Project) -> None:
    file = job(project)
    records = "  plugin: things\n  options: {things: 5}\n"
    file.write_text(file.read_text().replace("  from: records.csv\n", records))
    assert project.numbers("run", "job.yaml", "--allow-code")["ok"] == 5
    assert project.result()["title"].to_list() == [f"thing {i}" for i in range(5)]
    assert project.numbers("run", "job.yaml", "--allow-code")["sent"] == 0
    assert "code may not run" in project.run("run", "job.yaml", "--untrusted").stderr


def test_two_jobs_in_one_process_have_each_its_own_functions(project: Project, tmp_path: Path) -> None:
    checks = {"own": {"no_ads": True}}
    (tmp_path / "other").mkdir()
    other = Project(tmp_path / "other")
    for one, complaint in ((project, "None"), (other, "'Your answer is bad. Write it again.'")):
        rules = f"def check_no_ads(written, options):\n    return {complaint}\n"
        job(one, rules, steps=[STEP | {"checks": checks, "repairs": 0}])
    first, second = (load(one.folder / "job.yaml", allow_code=True) for one in (project, other))
    assert (api.run(second).failed, api.run(first).failed) == (3, 0)
    with pytest.raises(JobError, match="would run the code"):
        load(project.folder / "job.yaml")
    assert "house_rules" not in sys.modules


def test_the_example_of_the_page_runs(project: Project) -> None:
    page = (ROOT / "docs/plugins.md").read_text("utf-8")
    for name, content in re.findall(r"```\w+\n# (\S+)\n(.*?)```", page, re.DOTALL):
        (project.folder / name).write_text(content)
    done = project.run("run", "job.yaml", "--allow-code")
    assert done.returncode == 0, done.stderr
    assert "3 ok" in done.stdout and "code runs: house_rules.py (sha256 " in done.stderr


JOIN: dict[str, Any] = {"name": "text", "join": "{{ post }}: that is all"}
JSON: dict[str, Any] = {"answer": {"json": {"title": "string"}}}
OWN: dict[str, Any] = {"own": {"no_ads": True}}


@pytest.mark.parametrize(
    ("steps", "failed", "told"),
    [
        ([{**STEP, "checks": OWN}], 3, 0),
        ([{**STEP, "checks": {"soft": OWN}}], 0, 3),
        ([{**STEP, **JSON, "checks": {"post.title": OWN}}], 3, 0),
        ([{**STEP, "samples": 2, "pick": "all", "checks": OWN}], 3, 0),
        ([STEP, {**JOIN, "checks": OWN}], 3, 0),
        ([STEP, {**JOIN, "checks": {"soft": OWN}}], 0, 3),
    ],
)
def test_a_check_of_a_plugin_works_wherever_a_check_may_stand(
    steps: list[dict[str, Any]], failed: int, told: int, project: Project
) -> None:
    answer = '{"title": "buy it"}' if "answer" in steps[0] else "buy it"
    job(project, answer=answer, steps=steps, max_failed=1)
    for command in ("run", "export"):
        done = project.run(command, "job.yaml", "--allow-code")
        assert done.returncode == (3 if failed else 0), done.stderr
        assert project.result()["_status"].to_list().count("failed") == failed
        assert (f"told only: own {told}" in done.stdout) == bool(told)
