"""What goes wrong in a job's own code is said with its place, and costs its row at most."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.house_rules import STEP, job
from tests.support.project import Project


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
