"""Replies with success and the wrong body: kept as they came, classed, and never half a cell."""

from __future__ import annotations

import json
import sqlite3

import orjson
import pytest

from pipeline.core import adapters
from pipeline.core.domain import Answer, Billed, Fate, Fault, Reply, Request, Usage
from pipeline.core.progress import MOST_REMARKS, Progress
from pipeline.lanes.guards.observe import observe, remarks
from pipeline.money.prices import price_of
from pipeline.money.tariff import Tariff
from pipeline.testing import Rule, Script
from pipeline.wire.apis._json import MOST_VALUES
from pipeline.wire.faults import REPLY_CAP, error_of, fault_of
from tests.support.fakes import Events, Provider, asked, chat_body
from tests.support.project import Project
from tests.support.server import serve


def said(content: str, **more: str) -> str:
    """A chat completion whose message is this JSON, as it stands."""
    fields = {"message": f'{{"role":"assistant","content":{content}}}', "finish_reason": '"stop"'} | more
    inner = ",".join(f'"{name}":{value}' for name, value in fields.items())
    return f'{{"id":"x","model":"m","choices":[{{{inner}}}]}}'


def beside(**more: str) -> str:
    """A good chat completion with more JSON beside its choices."""
    return said('"fine"')[:-1] + "".join(f',"{name}":{value}' for name, value in more.items()) + "}"


def events(*bodies: str) -> str:
    """A stream of these events."""
    return "".join(f"data: {body}\n\n" for body in bodies) + "data: [DONE]\n\n"


TAKEN = {  # name -> body, and the cell it makes
    "byte order mark": ("\ufeff" + said('"fine"'), "fine"),
    "lone surrogate": (said('"a\\ud83d b"'), "a? b"),
    "both halves of a pair": (said('"a\\ud83d\\ude00b"'), "a\U0001f600b"),
    "nul": (said('"a\\u0000b"'), "a\0b"),
    "line separators": (said('"a\\u2028b\\u2029c\\u0085d"'), "a\u2028b\u2029c\u0085d"),
    "bidirectional": (said('"a\u202eb\u2066c"'), "a\u202eb\u2066c"),
    "not a number": (beside(created="NaN", score="Infinity"), "fine"),
    "a number of 400 digits": (beside(created="9" * 400), "fine"),
    "a formula": (said('"=1+1"'), "=1+1"),
    "quotes and line ends": (said('"a\\"b\\r\\nc,d\\te"'), 'a"b\r\nc,d\te'),
    "parts of a text": (said('[{"type":"text","text":"fi"},{"type":"text","text":"ne"}]'), "fine"),
    "one part": (said('{"text":"fine"}'), "fine"),
    "another id": (beside(id="5"), "fine"),
    "usage missing": (said('"fine"'), "fine"),
    "usage null": (beside(usage="null"), "fine"),
    "usage negative": (beside(usage='{"prompt_tokens":-5,"completion_tokens":-7}'), "fine"),
    "usage in words": (beside(usage='{"prompt_tokens":"many","completion_tokens":"3"}'), "fine"),
    "usage beyond all": (
        beside(usage='{"prompt_tokens":1e308,"completion_tokens":99999999999999999999}'),
        "fine",
    ),
    "usage not a number": (beside(usage='{"prompt_tokens":NaN}'), "fine"),
    "usage a list": (beside(usage="[1,2]"), "fine"),
    "an event stream": (events(said('"fine"')), "fine"),
    "an end nobody knows": (said('"fine"', finish_reason='"\\u001b[31mwhy"'), "fine"),
}
REFUSED = {  # name -> body, the kind of fault, what it cost
    "nothing": ("", "unreadable", "maybe"),
    "spaces": ("  \n ", "unreadable", "maybe"),
    "half": (said('"fine"')[:60], "unreadable", "maybe"),
    "bytes behind it": (said('"fine"') + "]", "unreadable", "maybe"),
    "two answers": (said('"one"') + said('"two"'), "unreadable", "maybe"),
    "a key twice": (said('"one","content":"two"'), "unreadable", "maybe"),
    "choices twice": (said('"one"')[:-1] + "," + said('"two"')[1:], "unreadable", "maybe"),
    "a list": ("[]", "unreadable", "maybe"),
    "a text": ('"fine"', "unreadable", "maybe"),
    "a number": ("5", "unreadable", "maybe"),
    "null": ("null", "unreadable", "maybe"),
    "a hundred thousand levels": (said("[" * 100_000), "unreadable", "maybe"),
    "two thousand levels": (said("[" * 2000 + "]" * 2000), "unreadable", "maybe"),
    "a number of 5,000 digits": (beside(created="9" * 5000), "unreadable", "maybe"),
    "an error of a server": ('{"error":{"message":"boom","code":500}}', "server_error", "maybe"),
    "an error in words": ('{"error":"overloaded"}', "unreadable", "maybe"),
    "an error beside an answer": (beside(error='{"message":"cut"}'), "unreadable", "maybe"),
    "an error that is an object": ('{"object":"error","message":"no","code":400}', "bad_request", "no"),
    "several errors": ('{"errors":[{"message":"no"}]}', "unreadable", "maybe"),
    "a detail": ('{"detail":"Method Not Allowed"}', "unreadable", "maybe"),
    "an empty object": ("{}", "unreadable", "maybe"),
    "no choices": ('{"choices":[]}', "unreadable", "maybe"),
    "choices null": ('{"choices":null}', "unreadable", "maybe"),
    "choices a text": ('{"choices":"fine"}', "unreadable", "maybe"),
    "choices an object": ('{"choices":{"0":{"message":{"content":"fine"}}}}', "unreadable", "maybe"),
    "choices of null": ('{"choices":[null]}', "unreadable", "maybe"),
    "choices of texts": ('{"choices":["fine"]}', "unreadable", "maybe"),
    "message null": ('{"choices":[{"message":null,"finish_reason":"stop"}]}', "empty", "yes"),
    "message a text": ('{"choices":[{"message":"fine","finish_reason":"stop"}]}', "empty", "yes"),
    "content missing": ('{"choices":[{"message":{},"finish_reason":"stop"}]}', "empty", "yes"),
    "content null": (said("null"), "empty", "yes"),
    "content empty": (said('""'), "empty", "yes"),
    "content spaces": (said('" \\n\\t"'), "empty", "yes"),
    "content a number": (said("5"), "empty", "yes"),
    "content true": (said("true"), "empty", "yes"),
    "content of nulls": (said('[null,5,{"text":null}]'), "empty", "yes"),
    "tools alone": (
        said('null,"tool_calls":[{"id":"1"}]', finish_reason='"tool_calls"'),
        "unfinished",
        "yes",
    ),
    "a refusal": (said('null,"refusal":"no"'), "refused", "yes"),
    "cut off": (said('"fi"', finish_reason='"length"'), "truncated", "yes"),
    "filtered": (said('"fi"', finish_reason='"content_filter"'), "filtered", "yes"),
    "an end nobody knows, and no text": (said('" "', finish_reason='"\\u001b[31mwhy"'), "unfinished", "yes"),
    "an end that is a fault": (said('"fi"', finish_reason='"abort"'), "server_error", "maybe"),
    "two answers in two lines": (said('"one"') + "\n" + said('"two"'), "unreadable", "maybe"),
    "an event stream with two answers": (events(said('"one"'), said('"two"')), "unreadable", "maybe"),
    "an event stream without an end": (events(said('"fi"', finish_reason="null")), "unreadable", "maybe"),
}


def test_every_body_is_kept_classed_and_makes_its_own_cell_or_none(project: Project) -> None:
    bodies = {name: body for name, (body, *_) in (TAKEN | REFUSED).items()}
    rules = tuple(Rule(match=f"<{name}>", fault="body", body=body) for name, body in bodies.items())
    # a good row after each: what is wrong with one reply is not yet wrong with the server
    titles = [title for name in bodies for title in (f"<{name}>", f"good after {name}")]
    records = "sku,title\n" + "".join(f'{n},"{title}"\n' for n, title in enumerate(titles))
    limits = {"concurrency": 1, "retries": 0, "maybe_billed_retries": 0, "timeout": 20}
    with serve(Script(faults=rules)) as server:
        project.job(server.base_url, records=records, max_failed=1)
        done = project.run("run", "job.yaml", "--set", f"models.writer.limits={json.dumps(limits)}")
        assert done.returncode == 3, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert server.ledger().requests == len(titles)
    rows = {row["title"]: row for row in project.result().iter_rows(named=True)}
    for name in bodies:
        assert f"good after {name}" in rows[f"good after {name}"]["post"]
    for name, (_, cell) in TAKEN.items():
        row = rows[f"<{name}>"]
        assert (row["_status"], row["post"]) == ("ok", cell), name
    failures = failures_of(project)
    for name, (_, kind, billed) in REFUSED.items():
        row = rows[f"<{name}>"]
        assert (row["_status"], row["post"]) == ("failed", None), name
        assert failures[f"<{name}>"] == (kind, billed), name
    kept = journalled(project, titles)
    for name, body in bodies.items():
        assert kept[f"<{name}>"] == body.encode(), name


def failures_of(project: Project) -> dict[str, tuple[str, str]]:
    """Title -> kind and cost of its failure."""
    rows = project.result("failures.csv").iter_rows(named=True)
    titles = dict(project.result().select("sku", "title").iter_rows())
    return {titles[row["key"]]: (row["kind"], row["billed"]) for row in rows}


def journalled(project: Project, titles: list[str]) -> dict[str, bytes]:
    """Title -> the body of its only attempt."""
    journal = sqlite3.connect(project.folder / "output/shop/journal.sqlite")
    rows = journal.execute("SELECT record, body FROM attempts").fetchall()
    journal.close()
    assert len(rows) == len(titles)
    return {titles[int(record)]: bytes(body) for record, body in rows}


APIS = [api for api in adapters.names("apis") if api != "translation"]


def read(raw: bytes, api: str = "chat") -> Answer:
    answer: Answer = adapters.load("apis", api).read(raw)
    return answer


@pytest.mark.parametrize("filler", [b"[],", b"{},", b"0,", b'"",', b"[0],"])
@pytest.mark.parametrize("api", APIS)
def test_a_body_of_a_million_small_values_is_not_even_parsed(api: str, filler: bytes) -> None:
    body = b'{"x":[' + filler * (MOST_VALUES + 1) + b'0],"choices":[{"message":{"content":"a"}}]}'
    with pytest.raises(Fault, match="small values"):
        read(body, api)


def test_a_long_text_with_many_commas_is_an_answer() -> None:
    text = "one, two; " * 150_000
    assert read(chat_body(text)).text == text


def test_names_that_stand_twice_in_different_objects_are_no_contradiction() -> None:
    choice = {"message": {"content": 'say "choices"'}, "logprobs": {"content": [{"token": "choices"}]}}
    assert read(orjson.dumps({"choices": [{**choice, "finish_reason": "stop"}]})).text == 'say "choices"'
    parts = [{"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}]
    reply = {"output": [{"content": parts}, {"content": []}], "text": {"format": {"type": "text"}}}
    assert read(orjson.dumps(reply), "responses").text == "ab"


@pytest.mark.parametrize("status", [400, 404, 413, 429, 500])
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000, b"\xff\xfe", b'{"error":' * 5000, b'{"error":{"message":"\\ud800"}}', b'"' * 1000,
        b'{"error":{"message":{"a":[1,2]}}}', b'{"error":{"code":"' + b"x" * 100_000 + b'"}}',
        b'{"error":{"message":"' + b"y" * 200_000 + b'"}}',
        b'{"error":{"code":"\\u001b[2J","message":"\\u0007"}}',
        b'{"error":{"code":[],"type":{},"message":null}}', b"<html>" + b"z" * 1000, b"", b"null", b"5",
    ],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_any_body_of_an_error_is_one_short_line(status: int, body: bytes) -> None:
    fault = fault_of(status, {}, body)
    assert fault.status == status
    assert len(fault.message) < 500 and "\n" not in fault.message
    fault.message.encode()
    code, message = error_of(body)
    assert len(code) <= 80 and len(message) <= 300


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://user:password@other.example/v1?key=sk-123456789", "to other.example,"),
        ("/v1/elsewhere", "(307),"),
        ("https://[bad", "(307),"),
        ("", "(307),"),
        ("//other.example:99/x", "to other.example:99,"),
        ("https://" + "x" * 1000, "x" * 79),
    ],
)
def test_a_redirect_names_its_host_and_nothing_that_could_be_secret(location: str, said: str) -> None:
    fault = fault_of(307, {"location": location}, b"")
    assert (fault.kind, fault.fate, fault.billed) == ("redirected", Fate.STOP, Billed.NO)
    assert said in fault.message and "123456" not in fault.message and "password" not in fault.message
    assert len(fault.message) < 200


@pytest.mark.parametrize(
    ("asked_for", "answered", "odd"),
    [
        ("gpt-5-mini", "gpt-5-mini-2026-01-31", False),
        ("gpt-5-mini", "GPT-5-mini", False),
        ("openai/gpt-5", "gpt-5", False),
        ("mistral-large-latest", "mistral-large-2411", False),
        ("llama-3:free", "meta/llama-3", False),
        ("m", "", False),
        ("", "m", False),
        ("any", "m", False),
        ("gpt-5", "gpt-5-mini", True),
        ("gpt-5", "gpt-4", True),
        ("m", "another-than-m", True),
        ("m", "-1" * 100_000, True),
    ],
)
def test_another_model_is_told_from_an_edition_of_the_same(asked_for: str, answered: str, odd: bool) -> None:
    request = Request("chat", asked_for, b"{}")
    found = list(remarks(request, Reply("chat", b""), Answer("text", model=answered)))
    assert bool(found) is odd
    assert all(len(remark) < 250 for remark in found)


async def test_a_server_that_has_a_new_name_for_each_reply_fills_neither_memory_nor_log() -> None:
    bodies = [
        orjson.dumps({"model": f"n{n}x", "choices": [{"message": {"content": "a"}}]}) for n in range(60)
    ]
    call, progress, events = Provider([Reply("chat", body) for body in bodies]), Progress(), Events()
    watched = observe(call, events, progress)
    for n in range(60):
        await watched(asked(str(n)))
    assert len(progress.remarks) == MOST_REMARKS
    assert sum(event == "reply.odd" for event, _ in events.seen) == MOST_REMARKS


def test_an_answer_that_does_not_say_what_it_used_is_not_taken_for_free() -> None:
    priced = Tariff(price_of("gpt-5-mini"))
    assert priced.cost(Answer("a", usage=Usage(1000, 10))) is not None
    assert priced.cost(Answer("a")) is None
    assert Tariff(None, free=True).cost(Answer("a")) == 0


def test_a_reply_may_have_the_size_of_anything_a_model_writes() -> None:
    longest = 128_000 * 4 * 6  # tokens, characters, bytes of an escaped character
    assert longest < REPLY_CAP
