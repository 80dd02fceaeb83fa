"""Private columns in a run: they stand in the result and nowhere else."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from typing import Any

import yaml

from pipeline.core.domain import Answer, Reply
from pipeline.core.redaction import label
from pipeline.lanes.guards.observe import remarks
from tests.support.fakes import asked
from tests.support.people import ALICE, BOB, CAROL, DAVE
from tests.support.project import Project

RECORDS = f"email,age,kind\n{ALICE},41,error\n{BOB},42,condition\n{CAROL},43,misfit\n{DAVE},44,fine\n"


def job(project: Project, **records: Any) -> None:
    message = f"Invalid recipient: {ALICE.upper()}, age 41"
    error = {"match": "error", "fault": "bad_request", "message": message}
    answer = {"misfit": json.dumps({"title": CAROL}), "fine": '{"title": 7}'}
    model = {"provider": "scripted", "model": "m", "options": {"faults": [error], "answer": answer}}
    step = {
        "name": "post",
        "prompt": "{{ kind }}: write to {{ email }}, aged {{ age }}.",
        "when": "{{ email if kind == 'condition' else true }}",
        "answer": {"json": {"title": "integer"}},
        "repairs": 0,
    }
    output = {"to": "output/shop/posts.csv", "include": ["status", "reason", "key"]}
    file = project.job(records=RECORDS, models={"writer": model}, steps=[step], output=output)
    spec = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump(spec | {"records": {"from": "records.csv", **records}}, sort_keys=False))


def said(project: Project) -> str:
    """All that a run and the commands after it say, and all that they write, but for the result."""
    done = [project.run("run", "job.yaml")]
    done += [
        project.run(*words) for words in (("status", "job.yaml", "--json"), ("check", "job.yaml", "--rows"))
    ]
    folder = project.folder / "output/shop"
    texts = [text for one in done for text in (one.stdout, one.stderr)]
    texts += [(folder / name).read_text() for name in ("events.jsonl", "failures.csv")]
    with sqlite3.connect(folder / "journal.sqlite") as journal:
        texts += [str(row) for row in journal.execute("SELECT message, record FROM attempts")]
        texts += [str(row) for row in journal.execute("SELECT summary FROM runs")]
    journal.close()
    return "\n".join(texts)


def test_private_values_stand_in_the_result_and_nowhere_else(project: Project) -> None:
    job(project, key="email", private=["email", "age"])
    texts = said(project).lower()
    assert "invalid recipient: ***, age ***" in texts
    assert "true or false, not '***'" in texts
    assert 'the json does not fit: at title: "***"' in texts.replace('""', '"')
    for value in (ALICE, BOB, CAROL, DAVE):
        assert value not in texts
        assert value.partition("@")[0] not in texts
    assert label(ALICE) in texts
    rows = project.result().to_dicts()
    assert [row["email"] for row in rows] == [ALICE, BOB, CAROL, DAVE]
    assert [row["_key"] for row in rows] == [label(email) for email in (ALICE, BOB, CAROL, DAVE)]


def test_without_private_columns_messages_say_what_they_are_about(project: Project) -> None:
    job(project, key="email")
    texts = said(project)
    assert ALICE in texts
    assert BOB in texts


def test_making_a_column_private_asks_nothing_again(project: Project) -> None:
    job(project, key="email")
    assert project.numbers("run", "job.yaml")["sent"] == 3
    job(project, key="email", private="email")
    assert project.numbers("plan", "job.yaml")["missing"] == 1  # the request that was refused


def test_an_unknown_private_column_is_an_error_with_a_hint(project: Project) -> None:
    job(project, key="email", private="e-mail")
    done = project.run("check", "job.yaml")
    assert done.returncode == 2
    assert "records.private" in done.stderr
    assert "did you mean 'email'?" in done.stderr


async def test_a_model_name_that_quotes_a_private_value_is_not_shown_nor_kept() -> None:
    answer = Answer("x", model=f"model for {ALICE}, {'long ' * 20}{BOB}")
    request = replace(asked("a"), private=(ALICE, BOB))
    said = " ".join(remarks(request, Reply("chat", b"", odd=f"odd {ALICE}"), answer))
    assert "***" in said
    assert "alice" not in said and "bob" not in said
