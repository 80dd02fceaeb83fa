"""A step over the items of a list inside of a row."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipeline.answers.at_once import at_once
from pipeline.core.domain import Fate, Fault, Rejected, Reply, Request, Unanswered
from pipeline.engine.walk import Branch
from tests.support.articles import ARTICLE, BODY, OUTLINE, Writer, outline, section_of
from tests.support.fakes import said
from tests.support.walks import record, walk_of

SERIAL = {"order": "serial"}


async def article(
    folder: Path, call: Any, *, body: Any = (), more: Any = (ARTICLE,), **fields: Any
) -> Branch:
    """The only row of one record."""
    walk = walk_of(folder, [OUTLINE, BODY | dict(body), *more], call)
    with at_once():
        (leaf,) = await walk.leaves(record(**{"title": "tea", **fields}))
    assert walk.rows_of(leaf) == [leaf]
    return leaf


async def test_one_after_the_other_sees_what_was_written(tmp_path: Path) -> None:
    writer = Writer()
    leaf = await article(tmp_path, writer, body=SERIAL)
    assert leaf.values["body"] == ["Text 1", "Text 2", "Text 3"]
    assert writer.numbers == [0, 1, 2, 3] and writer.most == 1
    assert [messages[0].partition("So far: ")[2] for _, messages in writer.asked[1:]] == [
        "",
        "Text 1",
        "Text 1\n\nText 2",
    ]


async def test_all_at_once_in_their_order_whenever_they_come(tmp_path: Path) -> None:
    writer = Writer(outline("abcdef"), seconds=lambda number: 0.05 - 0.008 * number)
    leaf = await article(tmp_path, writer)
    assert leaf.values["body"] == [f"Text {i}" for i in range(1, 7)]
    assert writer.most == 6
    assert all(messages[0].endswith("So far: ") for number, messages in writer.asked if number)


async def test_an_article_is_joined_in_order_and_asks_nobody(tmp_path: Path) -> None:
    writer = Writer()
    leaf = await article(tmp_path, writer)
    assert leaf.values["article"] == "# T\n\n## a\n\nText 1\n\n## b\n\nText 2\n\n## c\n\nText 3"
    assert len(writer.asked) == 4 and leaf.status == "ok"


@pytest.mark.parametrize("order", ["serial", "parallel"])
async def test_no_items_ask_nothing(order: str, tmp_path: Path) -> None:
    writer = Writer(outline(""))
    leaf = await article(tmp_path, writer, body={"order": order})
    assert leaf.values["body"] == [] and writer.numbers == [0]


@pytest.mark.parametrize(
    ("template", "fields", "items"),
    [
        ("{{ row.tags }}", {"tags": ["x", 1, None, {"a": [True]}]}, ["x", 1, None, {"a": [True]}]),
        ("{{ tags | split(',') }}", {"tags": " x, y ,,z"}, ["x", "y", "z"]),
        ("{{ tags }}", {"tags": '["x", "y"]'}, ["x", "y"]),
        ("{{ range(3) }}", {}, [0, 1, 2]),
        ("{{ tags | map('upper') | list }}", {"tags": ["x", "<&>'\""]}, ["X", "<&>'\""]),
        ("{{ tags | dictsort }}", {"tags": {"b": 1, "a": 2**70}}, [["a", 2**70], ["b", 1]]),
    ],
)
async def test_whatever_gives_a_list_gives_items(
    template: str, fields: dict[str, Any], items: list[Any], tmp_path: Path
) -> None:
    step = {"each": {"it": template}, "prompt": "{{ [it] }}"}
    writer = Writer(write=lambda *_: "")
    walk = walk_of(tmp_path, [step], writer)
    (leaf,) = await walk.leaves(record(**fields))
    assert leaf.fault is None and len(leaf.values["s0"]) == len(items)
    assert [json.loads(messages[0])[0] for _, messages in writer.asked] == items


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (None, "gives nothing"),
        ("", "gives nothing"),
        ("a text", 'gives "a text"'),
        (7, "gives 7"),
        ({"a": 1}, 'gives a mapping: {"a": 1}'),
        ("[" * 100_000, 'gives "[[['),
        ([0] * 201, "gives 201 items, and at most 200"),
        ([0] * 10_000, "gives 10,000 items"),
        ("9" * 5_000, 'gives "999'),
    ],
)
async def test_what_is_no_list_fails_its_row_before_anything_is_sent(
    value: Any, what: str, tmp_path: Path
) -> None:
    writer = Writer()
    walk = walk_of(tmp_path, [{"each": {"it": "{{ a }}"}, "prompt": "{{ it }}"}], writer)
    (leaf,) = await walk.leaves(record(a=value))
    assert leaf.fault and leaf.fault.kind == "template" and leaf.status == "failed"
    assert what in leaf.fault.message and "job.yaml:" in leaf.fault.message and len(leaf.fault.message) < 300
    assert writer.asked == []


@pytest.mark.parametrize("order", ["serial", "parallel"])
async def test_an_item_that_fits_no_prompt_is_found_before_the_others_are_paid_for(
    order: str, tmp_path: Path
) -> None:
    step = {"each": {"it": "{{ a }}"}, "prompt": "{{ it.heading }} {{ written }}", "order": order}
    writer = Writer()
    walk = walk_of(tmp_path, [step], writer)
    (leaf,) = await walk.leaves(record(a=[{"heading": "x"}, None, {"heading": None}]))
    assert leaf.fault and leaf.fault.kind == "template" and "it 2 of 3: " in leaf.fault.message
    assert writer.asked == []


def too_short(bad: set[int]) -> Writer:
    """A writer of sections of which some are too short, and stay so."""
    return Writer(write=lambda number, turn: "no" if number in bad else f"Text {number}")


CHECKED = {"checks": {"length": {"min": 4}}, "repairs": 1}


@pytest.mark.parametrize(("order", "sent"), [("serial", 4), ("parallel", 6)])
async def test_an_item_that_fails_fails_its_row_and_is_named(order: str, sent: int, tmp_path: Path) -> None:
    writer = too_short({2, 3})
    leaf = await article(tmp_path, writer, body=CHECKED | {"order": order})
    fault = leaf.fault
    assert isinstance(fault, Rejected) and leaf.status == "failed"
    assert fault.message.startswith("section 2 of 3: the answer") and fault.best == "no" and fault.item == 2
    assert len(writer.asked) == sent and not fault.known
    assert len(fault.requests) == (2 if order == "serial" else 4)


@pytest.mark.parametrize("order", ["serial", "parallel"])
async def test_the_value_does_not_depend_on_who_fails_first(order: str, tmp_path: Path) -> None:
    dice = Random(5)
    seen = set()
    for _ in range(6):
        waits = [dice.random() / 100 for _ in range(5)]
        writer = too_short({2, 4})
        writer.outline, writer.seconds = outline("abcd"), lambda number, waits=waits: waits[number]
        leaf = await article(tmp_path, writer, body=CHECKED | {"order": order})
        assert isinstance(leaf.fault, Rejected)
        seen.add((leaf.fault.message, leaf.fault.requests))
    assert len(seen) == 1


def from_journal(answers: dict[int, str | Fault]) -> Any:
    """A call that knows the outline and some sections."""

    async def call(request: Request) -> Reply:
        number = section_of(json.loads(request.body)["messages"][0]["content"])
        found = answers.get(number, Unanswered(request)) if number else outline()
        if isinstance(found, Fault):
            raise found
        reply = said(found)
        return Reply(reply.api, reply.body, known=True)

    return call


@pytest.mark.parametrize(
    ("order", "answers", "later"),
    [
        ("serial", {}, 2),
        ("serial", {1: "x"}, 1),
        ("serial", {1: "x", 2: "y"}, 0),
        ("serial", {2: "y", 3: "z"}, 2),
        ("parallel", {}, 0),
        ("parallel", {1: "x", 3: "z"}, 0),
        ("parallel", {1: Fault("server_error", "no", fate=Fate.RETRY)}, 0),
    ],
)
async def test_a_row_is_pending_while_an_item_is(
    order: str, answers: dict[int, str | Fault], later: int, tmp_path: Path
) -> None:
    leaf = await article(tmp_path, from_journal(answers), body={"order": order})
    assert leaf.status == "pending" and isinstance(leaf.fault, Unanswered) and leaf.fault.later == later


async def test_a_fault_that_stops_the_run_goes_before_any_other(tmp_path: Path) -> None:
    answers: dict[int, str | Fault] = {1: Fault("x", "no"), 3: Fault("quota", "no", fate=Fate.STOP)}
    leaf = await article(tmp_path, from_journal(answers))
    assert leaf.fault and leaf.fault.kind == "quota" and leaf.status == "pending"


async def test_what_the_journal_knows_is_known(tmp_path: Path) -> None:
    leaf = await article(tmp_path, from_journal({1: "xxxx", 2: "yyyy", 3: "zzzz"}), body=CHECKED)
    assert leaf.status == "ok"
    short = await article(
        tmp_path, from_journal({1: "x", 2: "yyyy", 3: "zzzz"}), body=CHECKED | {"repairs": 0}
    )
    assert isinstance(short.fault, Rejected) and short.fault.known


async def test_items_may_be_answered_in_json_and_read_one_by_one(tmp_path: Path) -> None:
    step = {
        "each": {"q": "{{ qs }}"},
        "prompt": "Section 1 of 1 of x: {{ q }}.",
        "answer": {"json": {"a": "string"}},
    }
    after = {"prompt": "{{ s0[1].a }}", "when": "{{ s0 | length == 2 }}"}
    writer = Writer(write=lambda *_: '{"a": "b"}')
    walk = walk_of(tmp_path, [step, after], writer)
    (leaf,) = await walk.leaves(record(qs=["x", "y"]))
    assert leaf.values["s0"] == [{"a": "b"}, {"a": "b"}]
    assert writer.asked[-1][1] == ["b"]


async def test_texts_of_a_row_are_translated_one_by_one(tmp_path: Path) -> None:
    step = {"each": {"part": "{{ parts }}"}, "translate": {"text": "{{ part }}", "from": "en", "to": "de"}}

    async def call(request: Request) -> Reply:
        return said({"Good day.": "Guten Tag."}[json.loads(request.body)["messages"][-1]["content"]])

    walk = walk_of(tmp_path, [{name: part for name, part in step.items() if part}], call)
    with at_once():
        leaves = await walk.leaves(record(parts=["Good day.", "…", "Good day."]))
    assert [leaf.values["s0"] for leaf in leaves] == [["Guten Tag.", "…", "Guten Tag."]]


async def test_rows_still_fork_over_plain_lists(tmp_path: Path) -> None:
    writer = Writer()
    body = {"each": {"lang": ["en", "de"], **BODY["each"]}, "prompt": BODY["prompt"] + " In {{ lang }}"}
    walk = walk_of(tmp_path, [OUTLINE, BODY | body, ARTICLE], writer)
    leaves = await walk.leaves(record(title="tea"))
    assert [leaf.values["lang"] for leaf in leaves] == ["en", "de"]
    assert all(len(leaf.values["body"]) == 3 for leaf in leaves)
    assert all("section" not in leaf.values and "number" not in leaf.values for leaf in leaves)
    assert walk.rows_under(walk.start(record())) == 2 and walk.steps_from(0) == 1 + 2 + 2
