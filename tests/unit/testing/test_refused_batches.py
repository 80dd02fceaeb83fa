"""What the fake model refuses of files and batches, and with what words and costs."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from pipeline.testing import BatchRule, Script
from tests.support.batch_desk import Client, batches
from tests.support.batches import lined, requests
from tests.support.server import serve

FORM = "multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "expired"},
        {"fault": "explode", "every": 1},
        {"fault": "shuffled", "every": 1, "part": 0.5},
        {"fault": "expired", "every": 1, "seconds": 5},
        {"fault": "missing", "every": 1, "tier": "flex"},
        {"fault": "missing", "share": 0},
    ],
)
def test_a_rule_for_batches_that_makes_no_sense_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BatchRule.model_validate(rule)


WRONG = {
    "not JSON": b"{\n",
    "no object": b"7\n",
    "no id": lined(requests(1), custom_id=None),
    "no body": lined(requests(1), body="text"),
    "a body that is too deep": b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"a":'
    + b"[" * 300
    + b"]" * 300
    + b"}}",
    "another method": lined(requests(1), method="GET"),
    "another url": lined(requests(1), url="/v1/responses"),
    "the same id twice": lined(requests(1)) * 2,
    "empty": b"",
    "too many": lined(requests(6)),
    "too many tokens": lined(requests(5)),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_file_that_is_wrong_fails_as_a_whole_and_costs_nothing(name: str) -> None:
    client = Client(batches(most_requests=5, most_tokens=9))
    failed = client.look(client.create(WRONG[name]))
    assert failed["status"] == "failed" and len(failed["errors"]["data"]) == 1
    assert client.ledger.account().lines == ()
    assert client.look(client.create(lined(requests(4))))["status"] == "completed"


REFUSED: dict[str, tuple[str, str, int, dict[str, Any]]] = {
    "another purpose": ("POST", "/files", 400, {"purpose": "fine-tune", "file": b"a"}),
    "no file": ("POST", "/files", 400, {"purpose": "batch"}),
    "no such file": ("GET", "/files/file-x", 404, {}),
    "no such content": ("GET", "/files/file-x/content", 404, {}),
    "no such file to delete": ("DELETE", "/files/file-x", 404, {}),
    "no such batch": ("GET", "/batches/batch_x", 404, {}),
    "no such batch to cancel": ("POST", "/batches/batch_x/cancel", 404, {}),
    "no input": ("POST", "/batches", 400, {"endpoint": "/v1/responses", "completion_window": "24h"}),
    "odd input": ("POST", "/batches", 400, {"input_file_id": [1], "endpoint": {}}),
    "a limit of nothing": ("GET", "/batches", 400, {"limit": "0"}),
    "a limit in words": ("GET", "/files", 400, {"limit": "many"}),
    "after nobody": ("GET", "/batches", 400, {"after": "batch_x"}),
    "another method": ("PUT", "/batches", 404, {}),
    "another path": ("GET", "/files/a/b", 404, {}),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_the_api_does_not_know_is_refused(name: str) -> None:
    method, path, status, fields = REFUSED[name]
    assert Client(Script()).desk.handle(method, path, fields).status == status


@pytest.mark.parametrize(
    "fields",
    [
        {"endpoint": "/v1/files"},
        {"completion_window": "soon"},
        {"completion_window": None},
        {"metadata": "text"},
        {"metadata": {"a": 7}},
        {"metadata": {str(number): "" for number in range(17)}},
        {"metadata": {"a": "x" * 513}},
    ],
)
async def test_a_batch_that_is_asked_for_in_a_wrong_way_is_refused(fields: dict[str, Any]) -> None:
    client = Client(Script())
    client.create(lined(requests(1)), 400, **fields)
    assert client.call("GET", "/batches")["data"] == []


ODD_BODIES: dict[str, tuple[str, str, bytes, str, int]] = {
    "no form": ("POST", "/files", b"no form", "multipart/form-data; boundary=x", 400),
    "half a form": ("POST", "/files", b'--x\r\nContent-Disposition: form-data; name="purpose"', FORM, 400),
    "a form without a boundary": ("POST", "/files", b"--x--", "multipart/form-data", 400),
    "no JSON": ("POST", "/batches", b"{", "application/json", 400),
    "a list": ("POST", "/batches", b"[1]", "application/json", 400),
    "deep": ("POST", "/batches", b"[" * 5000, "application/json", 400),
    "binary": ("POST", "/batches", bytes(range(256)), "application/json", 400),
    "odd limit": ("GET", "/batches?limit=%00", b"", "", 400),
    "odd name": ("GET", "/batches/..%2f..%2fetc", b"", "", 404),
}


@pytest.mark.parametrize("name", ODD_BODIES)
async def test_an_odd_call_is_refused_and_the_server_goes_on(name: str) -> None:
    method, path, body, kind, status = ODD_BODIES[name]
    async with aiohttp.ClientSession() as session:
        with serve() as server:
            for _ in range(2):
                head = {"content-type": kind}
                async with session.request(method, server.base_url + path, data=body, headers=head) as reply:
                    assert reply.status == status and (await reply.json())["error"]["message"]
