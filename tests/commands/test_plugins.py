"""A job's own code: it runs only where it is allowed, and what goes wrong in it is said with its place."""

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
from tests.support.project import Project

RULES = '''"""The rules of the house."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
import re


@dataclass
class Word:
    text: str


def check_no_ads(written, options) -> str | None:
    return "Your answer has an advertisement. Leave it out." if "buy" in written.text else None


def check_house_words(written, options):
    count = sum(written.text.count(word) for word in ("great", "nice"))
    if count > options.get("max", 0):
        return f"Your answer has {count} of the words great and nice. Use at most {options['max']} of them."


@cache
def filter_price(value, sign="EUR"):
    return f"{float(value):.2f} {sign}"


def source_things(options) -> Iterator[dict]:
    for number in range(options["things"]):
        yield {"sku": f"{number:03}", "title": f"thing {number}"}
'''
STEP: dict[str, Any] = {"name": "post", "prompt": "Write about {{ title }}."}
COMMANDS = ["check", "plan", "run", "export", "show", "doctor"]


def job(project: Project, rules: str = RULES, answer: Any = "a great, nice text", **changes: Any) -> Path:
    (project.folder / "house_rules.py").write_text(rules)
    model = {"provider": "scripted", "model": "m", "options": {"answer": answer}}
    return project.job(
        **{"models": {"writer": model}, "plugins": ["house_rules.py"], "steps": [STEP], **changes}
    )


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


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 1 / 0", "house_rules.py:3: ZeroDivisionError: division by zero"),
        ("raise SystemExit('bye')", "house_rules.py:3: SystemExit: bye"),
        ("return len(None)", "house_rules.py:3: TypeError"),
        ("return 7", "house_rules.py: check_no_ads gave a int: it must give a text, or None"),
        ("return check_no_ads(written, options)", "house_rules.py:3: RecursionError"),
        ("raise ValueError('two\\nlines' + 'x' * 9999)", "house_rules.py:3: ValueError: two lines"),
        ("raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()", "house_rules.py:3: Odd"),
        ("raise type('Base', (BaseException,), {})('b')", "house_rules.py:3: Base: b"),
        ("raise GeneratorExit", "house_rules.py:3: GeneratorExit"),
        ("import asyncio; raise asyncio.CancelledError", "house_rules.py:3: CancelledError"),
    ],
)
def test_what_a_check_raises_fails_the_row_with_its_place(body: str, said: str, project: Project) -> None:
    rules = f"def check_no_ads(written, options):\n    # a comment\n    {body}\n"
    job(project, rules, steps=[STEP | {"checks": {"own": {"no_ads": True}}}], max_failed=1.0)
    done = project.run("run", "job.yaml", "--allow-code")
    assert done.returncode == 3 and "Traceback" not in done.stderr
    failures = (project.folder / "output/shop/failures.csv").read_text()
    assert failures.count("plugin") == 3 and said in failures
    (project.folder / "house_rules.py").write_text("def check_no_ads(written, options):\n    return None\n")
    again = project.numbers("run", "job.yaml", "--allow-code")
    assert (again["ok"], again["sent"]) == (3, 0), "the answers were kept"


def test_a_check_cannot_change_its_options_for_other_rows(project: Project) -> None:
    rules = "def check_no_ads(written, options):\n    return None if options['of'].pop() == 3 else 'Bad'\n"
    own = {"own": {"no_ads": {"of": [1, 2, 3]}}}
    job(project, rules, steps=[STEP | {"checks": own}])
    assert project.numbers("run", "job.yaml", "--allow-code")["ok"] == 3


@pytest.mark.parametrize(
    ("said", "ok"),
    [
        ("''", 3),
        ("' \\n'", 3),
        ("type('S', (str,), {'__getitem__': 0, '__str__': 0, 'encode': 0})('Your answer')", 0),
    ],
)
def test_a_complaint_is_the_text_that_it_holds(said: str, ok: int, project: Project) -> None:
    rules = f"def check_no_ads(written, options):\n    return {said}\n"
    job(project, rules, steps=[STEP | {"checks": {"own": {"no_ads": True}}}], max_failed=1.0)
    assert project.numbers("run", "job.yaml", "--allow-code")["ok"] == ok


def test_what_a_filter_raises_fails_the_row_with_its_place(project: Project) -> None:
    job(project, steps=[STEP | {"prompt": "{{ title | price }}"}], max_failed=1.0)
    done = project.run("check", "job.yaml", "--allow-code")
    assert done.returncode == 3
    assert "house_rules.py:28: ValueError: could not convert string to float: 'tea'" in done.stderr


def test_a_private_value_in_a_message_of_code_is_not_shown(project: Project) -> None:
    rules = "def check_no_ads(written, options):\n    raise ValueError(written.values['title'])\n"
    file = job(project, rules, steps=[STEP | {"checks": {"own": {"no_ads": True}}}], max_failed=1.0)
    file.write_text(file.read_text().replace("  key: sku\n", "  key: sku\n  private: [title]\n"))
    assert project.run("run", "job.yaml", "--allow-code").returncode == 3
    failures = (project.folder / "output/shop/failures.csv").read_text()
    assert "ValueError: ***" in failures and "lamp" not in failures


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("def check_a(:\n", "house_rules.py:1: a plugin cannot be run: SyntaxError"),
        ("x = 1\n\nraise ValueError('no')", "house_rules.py:3: a plugin cannot be run: ValueError: no"),
        ("import sys\nsys.exit()", "house_rules.py:2: a plugin cannot be run: SystemExit"),
        ("raise BaseException('no')", "house_rules.py:1: a plugin cannot be run: BaseException: no"),
        ("import no_such_package", "house_rules.py:1: a plugin cannot be run: ModuleNotFoundError"),
        ("x = 1", "house_rules.py has no function for a job"),
        ("from os.path import join as check_join", "has no function for a job"),
        ("def filter_upper(value): return value", "there is a filter 'upper' already"),
        ("def check_other(written, options): pass", "no plugin has a check 'no_ads'"),
        ("def check_no_add(written, options): pass", "did you mean 'no_add'?"),
        ("def check_no_ads(written): pass", "write def check_no_ads(written, options)"),
        ("def source_a(): pass", "write def source_a(options)"),
        ("\0", "a plugin cannot be run"),
        ("x = '\\ud800'\ndef check_no_ads(w, o): pass\nraise ValueError(x)", "house_rules.py:3"),
    ],
)
def test_code_that_cannot_be_run_is_an_error_with_its_place(rules: str, said: str, project: Project) -> None:
    job(project, rules, steps=[STEP | {"checks": {"own": {"no_ads": True}}}])
    done = project.run("check", "job.yaml", "--allow-code")
    assert done.returncode == 2, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("yield {'sku': 1}\n    1 / 0", "house_rules.py:3: ZeroDivisionError"),
        ("yield 7", "record 1 is no dict of columns"),
        ("yield {1: 2}", "record 1 is no dict of columns"),
        ("return 7", "TypeError"),
        ("return []", "it gives no records"),
        ("yield {'sku': 1}\n    yield {'sku': [2]}", "several types"),
    ],
)
def test_a_source_that_gives_no_records_is_an_error(body: str, said: str, project: Project) -> None:
    file = job(project, f"def source_things(options):\n    {body}\n")
    file.write_text(file.read_text().replace("  from: records.csv\n", "  plugin: things\n"))
    done = project.run("check", "job.yaml", "--allow-code")
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"plugins": ["rules.txt"]}, "is no file of Python"),
        ({"plugins": ["nowhere.py"]}, "nowhere.py: there is no such file"),
        ({"plugins": [], "steps": [STEP | {"checks": {"own": {"x": True}}}]}, "no plugin has a check 'x'"),
        ({"records": {"plugin": "x", "from": "a.csv"}}, "has both `plugin` and `from`"),
        ({"records": {"plugin": "x", "sheet": "a"}}, "which is for files"),
        (
            {"records": {"from": "records.csv", "options": {"a": 1}}},
            "has `options`, which are for a `plugin`",
        ),
        ({"records": {"plugin": "thing"}}, "did you mean 'things'?"),
    ],
)
def test_what_names_no_code_is_an_error(changes: dict[str, Any], said: str, project: Project) -> None:
    records = changes.pop("records", None)
    file = job(project, **changes)
    if records:
        text = file.read_text()
        file.write_text(
            text.replace("records:\n  from: records.csv\n  key: sku\n", f"records: {json.dumps(records)}\n")
        )
    done = project.run("check", "job.yaml", "--allow-code")
    assert done.returncode == 2 and said in done.stderr, done.stderr


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
