"""Rows whose answers were all rejected wait for a person, whose decision the next run takes in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from pipeline.output.review import Sheet
from pipeline.runs.reviewing.review import Reviewing
from pipeline.testing import Rule, Script
from tests.support.fakes import chat_body
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

LONG = "- A text of thing 3, which says “=SUM(A1)” and goes on, on and on.\nIt has a second line, too."
POST: dict[str, Any] = {
    "name": "post",
    "prompt": "Write of {{ title }}.",
    "checks": {"excludes": "on and on"},
    "repairs": 0,
}
JSON: dict[str, Any] = {
    "name": "card",
    "prompt": "Card of {{ title }}",
    "answer": {"json": {"head": "string", "stars": "integer"}},
    "checks": {"excludes": "on and on"},
    "repairs": 0,
}


def wrong(match: str, text: str = LONG) -> Rule:
    """A model that says the same whenever it is asked."""
    return Rule(match=match, fault="body", body=chat_body(text).decode())


class Desk:
    """A job whose third record fails, and the file that its person edits."""

    def __init__(self, project: Project, base_url: str, steps: list[dict[str, Any]], rows: int = 5) -> None:
        self.project, self._steps, self._url = project, steps, base_url
        self.rows = rows
        self.job()

    def job(self, **changes: Any) -> None:
        """Write the job; `changes` are those of its last step."""
        steps = [*self._steps[:-1], {**self._steps[-1], **changes}]
        records = Project.numbered(self.rows)
        self.project.job(models=served(self._url), records=records, steps=steps, max_failed=1)

    def path(self, name: str = "review.csv") -> Path:
        """A file in the job's folder."""
        return self.project.folder / "output/shop" / name

    def read(self, name: str = "review.csv") -> list[dict[str, str]]:
        """Its rows; none where it is not there."""
        if not self.path(name).exists():
            return []
        return list(csv.DictReader(io.StringIO(self.path(name).read_text("utf-8-sig"), newline="")))

    def write(self, rows: list[dict[str, str]], encoding: str = "utf-8-sig", **dialect: Any) -> None:
        """Save the file as an editor does."""
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, list(rows[0]), **dialect)
        table.writeheader()
        table.writerows(rows)
        self.path().write_bytes(text.getvalue().encode(encoding, "replace"))

    def decide(self, **cells: str) -> None:
        """Change cells of the first row."""
        first, *others = self.read()
        self.write([first | cells, *others])

    def run(self, *words: str) -> dict[str, Any]:
        """Run the job; what it says to programs."""
        return self.project.numbers(*(words or ("run",)), "job.yaml")

    def cell(self, column: str = "post", key: str = "00003") -> tuple[str | None, str, str]:
        """What the table has for a record: the cell, its status, its model."""
        frame = self.project.result()
        (row,) = frame.filter(frame["sku"] == key).to_dicts()
        return row[column], row["_status"], row["_model"]


@pytest.fixture
def desk(project: Project) -> Iterator[Callable[..., Desk]]:
    """A desk for a job of these steps, with a model that fails at thing 3."""
    with serve(Script(faults=(wrong("thing 3"),))) as server:

        def made(*steps: dict[str, Any]) -> Desk:
            made_now = Desk(project, server.base_url, list(steps) or [POST])
            done = made_now.run()
            assert done["failed"] == done["to_review"] == 1
            return made_now

        yield made


def test_a_row_that_waits_is_there_with_its_best_attempt(desk: Callable[..., Desk]) -> None:
    of = desk()
    (row,) = of.read()
    assert row == {
        "key": "00003",
        "step": "post",
        "why": row["why"],
        "answer": "'" + LONG,
        "accept": "",
        "request": row["request"],
    }
    assert row["why"].startswith("the answer must not contain")
    assert of.path().stat().st_mode & 0o777 == 0o600
    assert of.read("decisions.csv") == [] and of.cell()[:2] == (None, "failed")
    done = of.project.run("run", "job.yaml")
    assert done.returncode == 3
    assert "\nreview    output/shop/review.csv: 1 row; change `answer`, or write yes into" in done.stdout


ANSWER = "A whole new text of thing 3, written by a person."
DECIDED = {
    "accepted": ({"accept": "yes"}, LONG),
    "in another word": ({"accept": " Ja "}, LONG),
    "edited": ({"answer": ANSWER}, ANSWER),
    "edited and accepted": ({"answer": ANSWER, "accept": "x"}, ANSWER),
    "short and accepted": ({"answer": "Short.", "accept": "yes"}, "Short."),
    "edited with what the check refuses": ({"answer": f"{ANSWER} on and on"}, f"{ANSWER} on and on"),
    "a formula": ({"answer": f"'={ANSWER}"}, f"={ANSWER}"),
    "a formula without its guard": ({"answer": f"={ANSWER}"}, f"={ANSWER}"),
    "carriage returns": (
        {"answer": "One line of a text by hand.\r\nAnother.\r"},
        "One line of a text by hand.\nAnother.",
    ),
}


@pytest.mark.parametrize("name", DECIDED)
def test_a_decision_is_taken_in_by_the_next_run_and_stays(name: str, desk: Callable[..., Desk]) -> None:
    cells, text = DECIDED[name]
    of = desk()
    of.decide(**cells)
    for _ in range(3):
        done = of.run()
        assert (done["ok"], done["failed"], done["to_review"], done["by_hand"], done["sent"]) == (
            5,
            0,
            0,
            1,
            0,
        )
        assert of.cell() == (text, "ok", "by hand")
        assert not of.path().exists() and len(of.read("decisions.csv")) == 1
        assert of.read("decisions.csv")[0]["why"].startswith("the answer must not contain")
    before = of.path("decisions.csv").read_bytes()
    assert of.run("export")["by_hand"] == 1 and of.path("decisions.csv").read_bytes() == before
    assert "0 requests" in of.project.run("plan", "job.yaml").stdout or of.run("plan")["missing"] == 0


UNTOUCHED: dict[str, dict[str, str]] = {
    "nothing": {},
    "only blanks": {"answer": f"'{LONG}".replace(" ", "  ").replace("\n", "\r\n") + "  "},
    "emptied": {"answer": ""},
    "a key that a spreadsheet changed": {"key": "3", "step": "Post"},
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_a_spreadsheet_does_by_itself_is_no_decision(name: str, desk: Callable[..., Desk]) -> None:
    of = desk()
    before = of.read()
    of.decide(**UNTOUCHED[name])
    assert of.run()["failed"] == 1 and of.read() == before and not of.read("decisions.csv")


REFUSED = {
    "short without a yes": ({"answer": "7"}, "taken only with `yes`"),
    "a no": ({"answer": ANSWER, "accept": "no"}, "`accept` is 'no'"),
    "nothing to accept": ({"answer": "", "accept": "yes"}, "there is no answer to accept"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_used_is_told_and_kept(name: str, desk: Callable[..., Desk]) -> None:
    cells, said = REFUSED[name]
    of = desk()
    of.decide(**cells)
    for _ in range(2):
        done = of.run()
        assert done["failed"] == done["to_review"] == 1
        (remark,) = done["review_remarks"]
        assert "review.csv, line 2: " in remark and said in remark
        (row,) = of.read()
        assert row | cells == row and said in row["why"] and "must not contain" in row["why"]
    assert f"warning: {remark}" in of.project.run("plan", "job.yaml").stderr


def test_a_cell_that_a_spreadsheet_cut_off_is_not_taken_even_with_a_yes(desk: Callable[..., Desk]) -> None:
    of = desk()
    of.decide(answer="x" * 32_767, accept="yes")
    done = of.run()
    assert done["failed"] == 1 and "32,767 characters" in done["review_remarks"][0]
    assert of.read()[0]["answer"] == f"'{LONG}"


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ('{"head": "By hand, again", "stars": 4}', ("By hand, again", "4")),
        ("{“head”: “By hand, again”, “stars”: 4}", ("By hand, again", "4")),
        ('{"head": "a “quoted” head", "stars": 4}', ("a “quoted” head", "4")),
        ('{"head": "By hand, again", "stars": "four"}', None),
        ('{"head": "By hand, again"', None),
    ],
)
def test_a_json_answer_by_hand_fits_its_shape_or_is_not_used(
    answer: str, value: tuple[str, str] | None, project: Project
) -> None:
    bad = '{"head": "on and on", "stars": 3}'
    with serve(Script(faults=(wrong("thing 3", bad),))) as server:
        of = Desk(project, server.base_url, [JSON])
        assert of.run()["to_review"] == 1 and of.read()[0]["answer"] == bad
        of.decide(answer=answer)
        done = of.run()
        if value:
            assert (of.cell("card.head")[0], of.cell("card.stars")[0]) == value and done["ok"] == 5
        else:
            assert done["failed"] == 1 and "review.csv, line 2: the " in done["review_remarks"][0]
            assert of.read()[0]["answer"] == answer


SAVED: dict[str, dict[str, Any]] = {
    "Excel with a comma": {"encoding": "utf-8-sig", "lineterminator": "\r\n"},
    "Excel with semicolons": {"encoding": "utf-8-sig", "delimiter": ";", "lineterminator": "\r\n"},
    "Excel as Unicode text": {"encoding": "utf-16", "delimiter": "\t"},
    "LibreOffice": {"encoding": "utf-8", "quoting": csv.QUOTE_ALL},
    "an old Mac": {"encoding": "utf-8", "lineterminator": "\r"},
}


@pytest.mark.parametrize("editor", SAVED)
def test_the_file_is_read_as_editors_save_it(editor: str, desk: Callable[..., Desk]) -> None:
    of = desk()
    (row,) = of.read()
    text = 'Ein Text; er ist „von Hand“, 你好, 🙂.\nMit "zwei" Zeilen.'
    of.write([{**dict(reversed(row.items())), "answer": text, "accept": "yes"}], **SAVED[editor])
    assert of.run()["by_hand"] == 1 and of.cell()[0] == text


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "a code page": lambda content: content.decode("utf-8-sig").encode("cp1252", "replace"),
    "a code page read as another": lambda content: content.decode("cp1252", "replace").encode(),
    "no header": lambda content: content.split(b"\n", 1)[1],
    "a lost mark": lambda content: content.replace("✓".encode(), b"", 1).rsplit(b"-", 1)[0] + b"\n",
    "an open quote": lambda content: content.rstrip() + b'\n"00004,post,x,y,z\n',
    "bytes": lambda content: content + b"\xff\xfe\x00",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("command", ["run", "plan", "export"])
def test_a_file_that_cannot_be_relied_on_stops_before_anything_and_is_not_written_over(
    name: str, command: str, desk: Callable[..., Desk]
) -> None:
    of = desk()
    of.decide(answer=f"{ANSWER} 你好")
    broken = BROKEN[name](of.path().read_bytes())
    of.path().write_bytes(broken)
    done = of.project.run(command, "job.yaml")
    assert done.returncode == 2 and "review.csv" in done.stderr and "remove the file" in done.stderr
    assert of.path().read_bytes() == broken
    of.path().unlink()
    assert of.run()["to_review"] == 1


def test_a_decision_about_another_prompt_is_stale_until_the_prompt_is_back(desk: Callable[..., Desk]) -> None:
    of = desk()
    of.decide(answer=ANSWER)
    assert of.run()["by_hand"] == 1
    of.job(prompt="Write at length of {{ title }}.")
    done = of.run()
    assert (done["ok"], done["failed"], done["by_hand"], done["to_review"]) == (4, 1, 0, 1)
    assert done["review_remarks"] == [
        "1 decision is not used: the prompts have changed since (decisions.csv says which)"
    ]
    assert of.read("decisions.csv")[0]["why"] == "not used: the prompt of this row has changed since"
    assert of.read("decisions.csv")[0]["answer"] == ANSWER
    of.job()
    assert of.run()["by_hand"] == 1 and of.cell()[0] == ANSWER
    assert of.read("decisions.csv")[0]["why"] == ""


def test_another_model_or_another_setting_changes_no_decision(desk: Callable[..., Desk]) -> None:
    of = desk()
    of.decide(answer=ANSWER)
    of.run()
    of.job(params={"temperature": 0.5})
    assert of.run()["by_hand"] == 1 and of.cell() == (ANSWER, "ok", "by hand")


def test_decisions_about_rows_that_are_left_out_now_are_kept(desk: Callable[..., Desk]) -> None:
    of = desk()
    of.decide(answer=ANSWER)
    of.run()
    before = of.path("decisions.csv").read_bytes()
    assert of.project.run("run", "job.yaml", "--limit", "2").returncode == 0
    assert of.path("decisions.csv").read_bytes() == before
    assert of.run()["by_hand"] == 1


def test_a_copy_that_was_open_in_an_editor_loses_nothing_when_it_is_saved(desk: Callable[..., Desk]) -> None:
    of = desk()
    old = of.read()
    of.decide(answer=ANSWER)
    of.run()
    of.write(old)  # the editor had the file open from before, and saves it unchanged
    assert of.run()["by_hand"] == 1 and of.cell()[0] == ANSWER and not of.path().exists()
    of.write([old[0] | {"answer": f"{ANSWER} Better."}])
    assert of.run()["by_hand"] == 1 and of.cell()[0] == f"{ANSWER} Better."
    of.path("decisions.csv").unlink()
    assert of.run()["to_review"] == 1 and of.cell()[1] == "failed"


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
