"""Which rows wait for a person, of all kinds of steps, and what no kill and no writing at once loses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import polars as pl
import pytest

from pipeline.output.review import Sheet
from pipeline.runs.reviewing.review import Reviewing
from pipeline.testing import Rule, Script
from tests.support.desk import ANSWER, LONG, POST, Desk, desks, wrong
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve


@pytest.fixture
def desk(project: Project) -> Iterator[Callable[..., Desk]]:
    """Desks for a project."""
    with desks(project) as made:
        yield made


DRAFT: dict[str, Any] = {"name": "draft", "prompt": "Draft {{ title }}"}
EACH = {**POST, "each": {"step": ["en", "de"]}, "prompt": "{{ step }}: {{ draft }}"}


def test_values_of_each_are_rows_of_their_own(project: Project) -> None:
    rules = wrong("Draft thing 3", "thing 3"), wrong("en: thing 3"), wrong("de: thing 3")
    with serve(Script(faults=rules)) as server:
        of = Desk(project, server.base_url, [DRAFT, EACH])
        assert of.run()["to_review"] == 2
    first, second = of.read()
    assert [row["each step"] for row in (first, second)] == ["en", "de"]
    of.write([first | {"answer": ANSWER}, second])
    done = of.run()
    assert (done["ok"], done["failed"], done["to_review"]) == (9, 1, 1)
    frame = of.project.result()
    cells = dict(frame.filter(frame["sku"] == "00003").select("step", "post").iter_rows())
    assert cells == {"en": ANSWER, "de": None} and of.read()[0]["each step"] == "de"


def test_a_row_that_fails_before_it_forks_waits_once_and_then_goes_on(project: Project) -> None:
    with serve(Script(faults=(wrong("Draft thing 3"),))) as server:
        of = Desk(
            project,
            server.base_url,
            [{**DRAFT, **POST, "name": "draft", "prompt": "Draft {{ title }}"}, EACH],
        )
        done = of.run()
        assert (done["failed"], done["to_review"]) == (2, 1) and of.read()[0]["each step"] == ""
        of.decide(answer=ANSWER)
        done = of.run()
    assert (done["ok"], done["sent"], done["by_hand"]) == (10, 2, 1)
    assert of.project.result()["_model"].to_list()[6] == "by hand, openai/m"


def test_a_translation_of_a_text_is_reviewed_like_any_answer(project: Project) -> None:
    step = {"name": "tr", "translate": {"text": "This is {{ title }} of the shop.", "from": "en", "to": "de"}}
    with serve(Script(faults=(wrong("thing 3", "This is thing 3 of the shop."),))) as server:
        of = Desk(project, server.base_url, [{**step, "repairs": 0}])
        of.run()
        row = next(row for row in of.read() if row["key"] == "00003")
        text = "Das ist Ding 3 des Ladens, von Hand."
        of.write([row | {"answer": text}])
        of.run()
    assert of.cell("tr") == (text, "ok", "by hand")


def test_an_answer_that_was_cut_off_leaves_room_for_a_text_by_hand(project: Project) -> None:
    with serve(Script(faults=(Rule(match="thing 3", fault="length"),))) as server:
        of = Desk(project, server.base_url, [POST])
        assert of.run()["to_review"] == 1 and of.read()[0]["answer"] == ""
        of.decide(answer=ANSWER)
        assert of.run()["ok"] == 5 and of.cell() == (ANSWER, "ok", "by hand")


def test_what_was_never_answered_is_no_row_for_a_person(project: Project) -> None:
    with serve(Script(faults=(Rule(match="thing 3", fault="bad_request"),))) as server:
        of = Desk(project, server.base_url, [POST])
        done = of.run()
    assert done["failed"] == 1 and done["to_review"] == 0 and of.read() == []


def test_soft_checks_are_told_of_a_text_by_hand(desk: Callable[..., Desk]) -> None:
    of = desk({**POST, "checks": {**POST["checks"], "soft": {"length": {"min": 500}}}})
    of.decide(answer=ANSWER)
    assert of.run()["by_hand"] == 1


@pytest.mark.parametrize(
    "checks",
    [
        {"own": {"short": True}},
        {"excludes": "on and on", "soft": {"own": {"short": True}}},
        {"excludes": "on and on", "soft": {"distinct": True}},
        {"excludes": ["on and on", "{{ 1 // (sku | length - 5) }}"]},
    ],
    ids=["a hard plugin", "a soft plugin", "soft and over all rows", "a hard one whose template fails"],
)
def test_no_check_of_any_sort_stands_in_the_way_of_a_text_by_hand(
    checks: dict[str, Any], project: Project
) -> None:
    rules = "def check_short(written, options):\n    return 'Your answer is long.'\n"
    (project.folder / "rules.py").write_text(rules)
    with serve(Script(faults=(wrong("Write of"),))) as server:
        job = {"models": served(server.base_url), "records": Project.numbered(3), "max_failed": 1}
        project.job(**job, steps=[{**POST, "checks": {"excludes": "on and on"}}])
        assert project.run("run", "job.yaml").returncode == 3
        sheet = project.folder / "output/shop/review.csv"
        sheet.write_text(sheet.read_text("utf-8-sig").replace(",,✓", ",yes,✓"))
        project.job(**job, plugins=["rules.py"], steps=[{**POST, "checks": checks}])
        done = project.run("run", "job.yaml", "--allow-code")
    assert done.returncode == 0, done.stderr
    assert project.result()["_model"].to_list() == ["by hand"] * 3


def test_a_forgotten_record_is_gone_from_both_files(project: Project) -> None:
    with serve(Script(faults=(wrong("thing 1"), wrong("thing 2"), wrong("thing 3")))) as server:
        of = Desk(project, server.base_url, [POST])
        one, two, three = of.read() if of.run()["to_review"] == 3 else []
        of.write([one | {"answer": f"{ANSWER} 1"}, two | {"answer": f"{ANSWER} 2"}, three])
        of.run()
        for key in ("00001", "00003"):
            assert project.run("journal", "forget", "job.yaml", "--key", key).returncode == 0
    assert [row["key"] for row in of.read("decisions.csv")] == ["00002"] and of.read() == []


@pytest.mark.parametrize("seed", range(4))
def test_no_row_is_ok_in_the_result_and_waits_at_the_same_time(seed: int, project: Project) -> None:
    """Any mix of decisions: each record is ok or waits; what was decided is in the table, word for word."""
    draw = Random(seed)
    bad = [wrong(f"thing {i}.") for i in range(30) if draw.random() < 0.6]
    with serve(Script(faults=tuple(bad))) as server:
        of = Desk(project, server.base_url, [POST], rows=30)
        of.run()
        texts: dict[str, str] = {}
        for _ in range(4):
            waiting = of.read()
            for row in waiting:
                way = draw.choice(["wait", "accept", "edit", "short", "no"])
                if way in ("accept", "edit"):
                    texts[row["key"]] = LONG if way == "accept" else f"{ANSWER} {draw.random()}"
                ways: dict[str, dict[str, str]] = {
                    "wait": {},
                    "accept": {"answer": f"'{LONG}", "accept": "yes"},
                    "edit": {"answer": texts.get(row["key"], ""), "accept": "yes"},
                    "short": {"answer": "?"},
                    "no": {"accept": "no"},
                }
                row |= ways[way]
            if waiting:
                of.write(waiting)
            done = of.run()
            ok = set(project.result().filter(pl.col("_status") == "ok")["sku"])
            waits = {row["key"] for row in of.read()}
            assert not ok & waits and len(ok) + len(waits) == 30 == done["ok"] + done["to_review"]
            assert all(of.cell(key=key) == (text, "ok", "by hand") for key, text in texts.items())
            assert done["sent"] == 0


@pytest.mark.parametrize("moved", [0, 1])
def test_a_kill_between_the_two_files_loses_no_decision(
    moved: int, desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    of = desk()
    of.decide(answer=ANSWER)
    publish, left = Sheet.publish, [moved]

    def killed(sheet: Sheet) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        publish(sheet)

    with monkeypatch.context() as patched:
        patched.setattr(Sheet, "publish", killed)
        assert of.project.run("run", "job.yaml").returncode == 130
    assert len(of.read()) == 1 and len(of.read("decisions.csv")) == moved
    assert of.run()["by_hand"] == 1 and of.cell()[0] == ANSWER and of.read() == []


def test_what_is_written_while_the_job_runs_is_kept_for_the_next_run(
    desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    of = desk()
    note = Reviewing.note

    def meanwhile(self: Reviewing, leaves: Any) -> None:
        note(self, leaves)
        of.decide(answer=ANSWER)

    with monkeypatch.context() as patched:
        patched.setattr(Reviewing, "note", meanwhile)
        assert of.run()["by_hand"] == 0
    assert of.read("decisions.csv")[0]["answer"] == ANSWER
    assert of.run()["by_hand"] == 1 and of.cell()[0] == ANSWER and of.read() == []


def test_each_item_that_failed_is_a_row_of_its_own(project: Project) -> None:
    items = {"section": "{{ ['first', 'second', 'third'] }}"}
    step = {**POST, "each": items, "prompt": "{{ section }} of {{ title }}"}
    with serve(Script(faults=(wrong("first of thing 3"), wrong("third of thing 3")))) as server:
        of = Desk(project, server.base_url, [step])
        done = of.run()
        assert (done["failed"], done["to_review"]) == (1, 2)
        first, third = of.read()
        assert [row["step"] for row in (first, third)] == ["post 1", "post 3"]
        of.write([first | {"answer": f"{ANSWER} 1"}, third])
        assert (of.run()["failed"], [row["step"] for row in of.read()]) == (1, ["post 3"])
        of.write([of.read()[0] | {"answer": f"{ANSWER} 3"}])
        done = of.run()
    assert done["ok"] == 5 and done["sent"] == 0
    cell = json.loads(str(of.cell()[0]))
    assert (cell[0], cell[2], len(cell)) == (f"{ANSWER} 1", f"{ANSWER} 3", 3) and "by hand" in of.cell()[2]


@pytest.mark.parametrize("pick", ["first_passing", "all"])
def test_a_step_with_samples_takes_one_text_by_hand(pick: str, project: Project) -> None:
    with serve(Script(faults=(wrong("thing 3"),))) as server:
        of = Desk(project, server.base_url, [{**POST, "samples": 2, "pick": pick}])
        assert of.run()["to_review"] == 1
        of.decide(answer=ANSWER)
        assert of.run()["ok"] == 5
    assert of.cell()[0] == (ANSWER if pick == "first_passing" else json.dumps([ANSWER]))
