"""Values of private columns go into prompts and results, and into nothing else that is said or written."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipeline.core.domain import Answer, Fault, Reply
from pipeline.core.errors import InputError, JobError
from pipeline.core.redaction import Redactor, label, redacted, without
from pipeline.job.spec import Records, Sample
from pipeline.lanes.guards.observe import remarks
from pipeline.records.source import open_records
from tests.support.fakes import asked
from tests.support.project import Project

ALICE, BOB, CAROL, DAVE = "alice@example.org", "bob@example.net", "carol@example.com", "dave@example.edu"
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
    assert 'your json does not fit: at title: "***"' in texts.replace('""', '"')
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


def test_a_key_that_occurs_twice_is_shown_as_its_digest(tmp_path: Path) -> None:
    frame = pl.DataFrame({"email": [ALICE, BOB, ALICE]})
    with pytest.raises(InputError) as error:
        open_records(Records.model_validate({"key": "email", "private": "email"}), tmp_path, frame)
    assert ALICE not in str(error.value)
    assert label(ALICE) in str(error.value)


def test_the_same_records_are_drawn_whether_their_key_is_private_or_not(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [str(i) for i in range(100)]})
    drawn = []
    for private in ((), ("id",)):
        source = open_records(Records.model_validate({"key": "id", "private": private}), tmp_path, frame)
        source.choose(Sample(n=7), None)
        drawn.append([record.fields["id"] for batch in source.batches() for record in batch])
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 7


def test_an_unknown_column_of_a_frame_is_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no column 'x'"):
        open_records(Records.model_validate({"private": "x"}), tmp_path, pl.DataFrame({"a": [1]}))


@pytest.mark.parametrize(
    ("message", "values", "shown"),
    [
        ("no Alice here", ["alice"], "no *** here"),
        ("404 for 40 and 4", [40], "404 for *** and 4"),
        ("malice, alice.", ["alice"], "malice, ***."),
        ("begins 'Dear doctor, my kn…'", ["Dear doctor, my knee hurts\nsince May"], "begins '***…'"),
        ("it said: doctor, my knee hurts since", ["Dear doctor, my knee  hurts\nsince May"], "it said:***"),
        ('at a: "say \\"hi\\"" is odd', ['say "hi"'], 'at a: "***" is odd'),
        ("caf\\u00e9 m\\u00fcller", ["Café Müller"], "***"),
        ("MÜLLER GMBH & CO", ["Müller GmbH & Co"], "***"),
        ("none of it", [None, "", " ", True], "none of it"),
        ("a list of x1 and y2", [["x1", {"b": "y2"}]], "a list of *** and ***"),
        ("İİİ alice", ["alice"], "İİİ ***"),
    ],
)
def test_what_a_message_quotes_is_taken_out(message: str, values: list[Any], shown: str) -> None:
    assert without(message, values) == shown


def test_a_fault_is_redacted_in_all_its_texts() -> None:
    fault = redacted(Fault("bad_request", f"no {ALICE}"), (ALICE,))
    assert ALICE not in f"{fault} {fault!r} {fault.message} {fault.args}"


def test_without_a_private_column_nothing_is_hidden() -> None:
    assert Redactor().reason("why") == "why"
    assert Redactor.before((), ("a",)).key("k") == "k"
    assert Redactor.before(("b",), ("a",)).key("k") == "k"
    assert Redactor.before(("a",), ("a", "b")).key("k") == label("k")


async def test_a_model_name_that_quotes_a_private_value_is_not_shown_nor_kept() -> None:
    answer = Answer("x", model=f"model for {ALICE}, {'long ' * 20}{BOB}")
    request = replace(asked("a"), private=(ALICE, BOB))
    said = " ".join(remarks(request, Reply("chat", b"", odd=f"odd {ALICE}"), answer))
    assert "***" in said
    assert "alice" not in said and "bob" not in said
