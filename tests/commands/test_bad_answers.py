"""A writer that misbehaves: its check finds each fault; a good second answer repairs it; none is written."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

import polars as pl
import pytest

from tests.support.checks import said
from tests.support.misbehaving import BAD, CHECKS, CLOSING, OF_LANGUAGE, Row, prompt, writer
from tests.support.project import Project
from tests.support.served import served

MANY = 60
LEAST = 0.95
PROMPT = "[row {{ n }}] Write a post in {{ lang }} about pump {{ number }}. Notes: {{ notes }}"


def options_of(check: str, row: Row) -> Any:
    """The options of a check, with the values of a row."""
    given = {"lang": row.language, "closing": CLOSING[row.language], "number": str(row.number)}
    options = CHECKS[check]
    if isinstance(options, dict):
        return {
            key: given[value[3:-3]] if str(value)[:2] == "{{" else value for key, value in options.items()
        }
    return given[options[3:-3]] if isinstance(options, str) else options


@pytest.mark.parametrize("fault", BAD)
def test_each_fault_is_found_by_its_check_in_every_language(fault: str) -> None:
    check, bad = BAD[fault]
    found: Counter[str] = Counter()
    for row in map(Row, range(MANY)):
        answer = bad(row, Random(f"{fault} {row.n}"))
        found[row.language] += said(check, answer, options_of(check, row), prompt=prompt(row)) is not None
    least = LEAST if fault in OF_LANGUAGE else 1.0
    assert sum(found.values()) >= least * MANY, found


@pytest.mark.parametrize("check", CHECKS)
def test_a_good_answer_is_never_rejected(check: str) -> None:
    for row in map(Row, range(MANY)):
        assert said(check, row.good, options_of(check, row), prompt=prompt(row)) is None


def begin(project: Project, base_url: str, rows: int, **step: Any) -> list[Row]:
    """A job that writes so many posts."""
    found = [Row(n) for n in range(rows)]
    table = pl.DataFrame(
        {
            "n": [row.n for row in found],
            "lang": [row.language for row in found],
            "number": [row.number for row in found],
            "notes": [row.notes for row in found],
            "closing": [CLOSING[row.language] for row in found],
        }
    )
    step = {"name": "post", "prompt": PROMPT, "checks": CHECKS} | step
    project.job(base_url, records="n\n", steps=[step], models=served(base_url, limits={"concurrency": 8}))
    table.write_csv(project.folder / "records.csv")
    file = project.folder / "job.yaml"
    file.write_text(file.read_text().replace("key: sku", "key: n"))
    return found


def posts(project: Project) -> dict[int, str | None]:
    """What was written for each row."""
    table = pl.read_csv(project.folder / "output/shop/posts.csv")
    return dict(zip(table["n"], table["post"], strict=True))


def test_every_row_is_repaired_where_the_second_answer_is_good(project: Project) -> None:
    kinds = list(BAD)

    def write(row: Row, before: int, last: str) -> str:
        kind = kinds[row.n % len(kinds)]
        return row.good if before else BAD[kind][1](row, Random(row.n))

    with writer(write) as (server, heard):
        rows = begin(project, server.base_url, 66)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        assert posts(project) == {row.n: row.good for row in rows}
        assert Counter(n for n, _ in heard.requests) == {row.n: 2 for row in rows}
        repairs = {n: last for n, last in heard.requests if not last.startswith("[row")}
        assert all(last.startswith("Your answer") for last in repairs.values()) and len(repairs) == len(rows)
        assert project.run("run", "job.yaml").returncode == 0
        assert len(heard.requests) == 2 * len(rows), "what was paid for is not asked again"


@pytest.mark.parametrize("seed", range(3))
def test_no_bad_text_is_ever_written_as_good(project: Project, seed: int) -> None:
    chance = Random(seed)
    is_bad = [[chance.random() < 0.6 for _ in range(2)] for _ in range(60)]

    def write(row: Row, before: int, last: str) -> str:
        if not is_bad[row.n][before]:
            return row.good
        random = Random(f"{seed} {row.n} {before}")
        return BAD[random.choice(list(BAD))][1](row, random)

    with writer(write) as (server, heard):
        rows = begin(project, server.base_url, len(is_bad))
        done = project.run("run", "job.yaml")
        good = {row.n for row in rows if not all(is_bad[row.n])}
        assert done.returncode == (0 if len(good) == len(rows) else 3), done.stdout + done.stderr
        for n, text in posts(project).items():
            assert text == (rows[n].good if n in good else None)
        before = len(heard.requests)
        project.run("run", "job.yaml")
        assert len(heard.requests) == before


def test_json_that_is_broken_or_holds_a_bad_field_is_repaired_and_never_written(project: Project) -> None:
    names = [name for name in BAD if name != "too long"]

    def wrong(row: Row, whole: str) -> str:
        """JSON that is cut off, has other fields, or holds a bad text."""
        kind = row.n % 4
        if kind == 0:
            return whole[: len(whole) * 2 // 3]
        if kind == 1:
            return whole.replace('"text"', '"body"')
        random = Random(row.n)
        text = BAD[random.choice(names)][1](row, random)
        return json.dumps({"title": "A pump", "text": text}, ensure_ascii=kind == 2)

    def write(row: Row, before: int, last: str) -> str:
        whole = json.dumps({"title": "A pump", "text": row.good})
        return whole if before else wrong(row, whole)

    with writer(write) as (server, heard):
        step = {"answer": {"json": {"title": "string", "text": "string"}}, "checks": {"post.text": CHECKS}}
        rows = begin(project, server.base_url, 48, **step)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        table = pl.read_csv(project.folder / "output/shop/posts.csv")
        assert dict(zip(table["n"], table["post.text"], strict=True)) == {row.n: row.good for row in rows}
        assert len(heard.requests) == 2 * len(rows)
        repairs = [last for _, last in heard.requests if not last.startswith("[row")]
        assert sum('The field "text" of your answer' in last for last in repairs) == len(rows) // 2
