"""Files and batches of the fake model: how a batch goes on, what it costs, what is refused, what survives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import anyio
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.job.models import Model
from pipeline.providers import scripted
from pipeline.testing import BatchRule, Ledger, Script
from pipeline.testing.batches.desk import Desk, folder_beside
from pipeline.testing.service import Service
from tests.support.batches import KINDS, MARK, lined, opened, requests
from tests.support.clock import on_test_time
from tests.support.server import serve

HOUR = 3600.0
FORM = "multipart/form-data; boundary=x"


class Client:
    """Calls to a desk, with the answers as JSON."""

    def __init__(self, script: Script, ledger: Path | None = None, folder: Path | None = None) -> None:
        self.ledger = Ledger(ledger)
        self.desk = Desk(Service(script, self.ledger), folder)

    def call(self, method: str, path: str, status: int = 200, **fields: Any) -> Any:
        wire = self.desk.handle(method, path, fields)
        assert wire.status == status, wire.body
        return wire.body if path.endswith("/content") else orjson.loads(wire.body)

    def create(self, content: bytes, status: int = 200, **fields: Any) -> Any:
        file = self.call("POST", "/files", purpose="batch", file=content, filename="in.jsonl")
        asked = {"endpoint": "/v1/chat/completions", "completion_window": "24h", **fields}
        return self.call("POST", "/batches", status, input_file_id=file["id"], **asked)

    def look(self, batch: Any) -> Any:
        return self.call("GET", f"/batches/{batch['id']}")


def batches(**keys: Any) -> Script:
    return Script.model_validate({"batches": keys})


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


def test_a_batch_passes_through_its_states_in_their_time() -> None:
    async def main() -> list[tuple[str, int]]:
        client = Client(batches(latency=HOUR))
        batch = client.create(lined(requests(9)))
        assert batch["status"] == "validating" and batch["output_file_id"] is None
        seen = []
        for _ in range(12):
            await anyio.sleep(HOUR / 11)
            now = client.look(batch)
            seen.append((now["status"], now["request_counts"]["completed"]))
        return seen

    seen = on_test_time(main)
    assert list(dict.fromkeys(status for status, _ in seen)) == ["in_progress", "completed"]
    assert [done for _, done in seen] == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 9]


@given(
    latency=st.floats(0, 2 * HOUR),
    window=st.floats(HOUR / 2, 3 * HOUR),
    cancel=st.none() | st.floats(0, 2 * HOUR),
    fault=st.sampled_from(["", "expired", "stall", "slow_cancel", "line_429", "token_limit", "no_output"]),
    count=st.integers(1, 12),
    seed=st.integers(0, 99),
)
def test_counts_only_grow_and_the_ledger_has_each_line_once(
    latency: float, window: float, cancel: float | None, fault: str, count: int, seed: int
) -> None:
    faults = [{"fault": fault, "every": 1}] if fault else []
    script = Script.model_validate(
        {"seed": seed, "batches": {"latency": latency, "window": window, "faults": faults}}
    )

    async def main() -> None:
        client = Client(script)
        batch, before, clock = client.create(lined(requests(count))), (0, 0), 0.0
        ended = ""
        while not ended:
            await anyio.sleep(300)
            clock += 300
            if cancel is not None and clock - 300 < cancel <= clock:
                client.desk.handle("POST", f"/batches/{batch['id']}/cancel", {})
            now = client.look(batch)
            counts = now["request_counts"]
            done = counts["completed"], counts["failed"]
            assert done[0] >= before[0] and done[1] >= before[1] and sum(done) <= counts["total"]
            before = done
            assert sum(line.billed for line in client.ledger.account().lines) == counts["completed"]
            if now["status"] in ("completed", "failed", "expired", "cancelled"):
                ended = now["status"]
        assert clock <= window + 700
        lines = client.ledger.account().lines
        total = 0 if fault == "token_limit" else count
        assert len({line.digest for line in lines}) == len(lines) == total == now["request_counts"]["total"]
        assert (ended == "failed") == (now["errors"] is not None) <= (fault == "token_limit")
        assert now["usage"]["output_tokens"] == sum(line.output for line in lines)
        files = [now["output_file_id"], now["error_file_id"]]
        came = b"".join(client.call("GET", f"/files/{name}/content") for name in files if name)
        assert len(came.splitlines()) == (0 if fault == "no_output" else total)

    on_test_time(main)


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


async def test_the_prompts_of_all_unfinished_batches_count_together() -> None:
    client = Client(batches(most_tokens=10, latency=HOUR))
    first, second = client.create(lined(requests(4))), client.create(lined(requests(4, start=4)))
    assert [client.desk._batches[one["id"]].errors == [] for one in (first, second)] == [True, False]
    client.call("POST", f"/batches/{first['id']}/cancel")
    third = client.create(lined(requests(4, start=8)))
    assert client.desk._batches[third["id"]].errors == []


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


async def test_a_file_that_was_deleted_is_gone_and_its_batch_goes_on() -> None:
    client = Client(Script())
    batch = client.look(client.create(lined(requests(2))))
    assert [one["purpose"] for one in client.call("GET", "/files")["data"]] == ["batch_output", "batch"]
    for name in (batch["input_file_id"], batch["output_file_id"]):
        assert client.call("DELETE", f"/files/{name}")["deleted"]
        client.call("GET", f"/files/{name}", 404)
    assert client.call("GET", "/files")["data"] == []
    assert client.look(batch)["status"] == "completed"


async def test_a_line_in_two_unfinished_batches_is_noticed_at_once() -> None:
    client = Client(batches(latency=HOUR))
    first = client.create(lined(requests(5)))
    client.create(lined(requests(5, start=3)))
    assert client.ledger.account().twice == 2
    client.call("POST", f"/batches/{first['id']}/cancel")
    client.create(lined(requests(3)))
    assert client.ledger.account().twice == 2, "the first one has ended"


async def test_faults_of_single_requests_hit_lines_and_those_of_connections_are_a_500() -> None:
    rules = ["rate_limit", "hang", "disconnect", "bad_request", "garbage", "refusal"]
    faults = [{"match": f"row {n}", "fault": fault} for n, fault in enumerate(rules)]
    client = Client(Script.model_validate({"faults": faults, "quota": {"rpm": 1}}))
    batch = client.look(client.create(lined(requests(7))))
    assert batch["request_counts"] == {"total": 7, "completed": 3, "failed": 4}
    files = [batch["output_file_id"], batch["error_file_id"]]
    lines = [line for name in files for line in client.call("GET", f"/files/{name}/content").splitlines()]
    said = {line["custom_id"]: line["response"] for line in map(orjson.loads, lines)}
    found = [said[request.digest.hex()]["status_code"] for request in requests(7)]
    assert found == [429, 500, 500, 400, 200, 200, 200]
    assert isinstance(said[requests(5)[4].digest.hex()]["body"], str), "what is no JSON comes as a text"
    billed = [line.fault for line in client.ledger.account().lines if line.billed]
    assert billed == ["garbage", "refusal", ""]


async def test_another_tier_is_said_and_billed() -> None:
    rule = {"every": 1, "fault": "other_tier", "tier": "priority", "part": 1}
    client = Client(batches(faults=[rule]))
    batch = client.look(client.create(lined(requests(3))))
    content = client.call("GET", f"/files/{batch['output_file_id']}/content")
    said = [orjson.loads(line)["response"]["body"]["service_tier"] for line in content.splitlines()]
    assert said == ["priority"] * 3 == [line.tier for line in client.ledger.account().lines]


async def test_rules_hit_the_batches_that_their_selectors_name() -> None:
    faults = [
        {"first": 2, "fault": "no_output"},
        {"every": 3, "fault": "token_limit"},
        {"after": 6, "share": 0.5, "fault": "other_tier"},
    ]
    client = Client(batches(faults=faults))
    made = [client.create(lined(requests(1, start=n)))["id"] for n in range(40)]
    rules = [[rule.fault for rule in client.desk._batches[name].rules] for name in made]
    assert [n for n, found in enumerate(rules, 1) if "no_output" in found] == [1, 2]
    assert [n for n, found in enumerate(rules, 1) if "token_limit" in found] == list(range(3, 41, 3))
    drawn = [n for n, found in enumerate(rules, 1) if "other_tier" in found]
    assert min(drawn) > 6 and 8 < len(drawn) < 26


@given(at=st.floats(0, HOUR), again=st.floats(0, HOUR))
def test_a_restart_at_any_time_bills_each_line_once(
    at: float, again: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("restart")
    ledger, state = folder / "ledger.jsonl", folder / "state"

    async def main() -> None:
        script = batches(latency=HOUR)
        batch = Client(script, ledger, state).create(lined(requests(20)), metadata={"mark": "x"})
        for wait in (at, again, 0.0, HOUR):
            await anyio.sleep(wait)
            client = Client(script, ledger, state)
            found = client.look(batch)
            assert found["metadata"] == {"mark": "x"}
            assert client.call("GET", f"/files/{batch['input_file_id']}/content") == lined(requests(20))
        assert found["status"] == "completed"
        content = client.call("GET", f"/files/{found['output_file_id']}/content")
        assert len(content.splitlines()) == 20

    on_test_time(main)
    account = Ledger.read(ledger)
    assert (account.billed, account.overpaid, account.requests) == (20, 0, 20)


async def test_a_cancel_and_a_delete_survive_a_restart(tmp_path: Path) -> None:
    ledger, state = tmp_path / "ledger.jsonl", tmp_path / "state"
    script = batches(latency=HOUR)
    client = Client(script, ledger, state)
    batch = client.create(lined(requests(2)))
    client.call("POST", f"/batches/{batch['id']}/cancel")
    client.call("DELETE", f"/files/{batch['input_file_id']}")
    client = Client(script, ledger, state)
    assert client.look(batch)["status"] == "cancelled"
    client.call("GET", f"/files/{batch['input_file_id']}", 404)


def test_another_run_finds_the_batches_beside_the_ledger(tmp_path: Path) -> None:
    async def submit() -> str:
        async with opened(KINDS[0], tmp_path, batches={"latency": 0.01}) as at:
            return (await at.submit(requests(3))).id

    async def find() -> str:
        async with opened(KINDS[0], tmp_path, batches={"latency": 0.01}) as at:
            found = await at.api.find(MARK)
            assert found is not None and (await at.ended(found.id)).done == 3
            return found.id

    assert anyio.run(submit) == anyio.run(find)
    assert folder_beside(tmp_path / "ledger.jsonl", "m").is_dir()


def test_without_a_ledger_batches_live_as_long_as_the_loop(tmp_path: Path) -> None:
    model = Model(provider="scripted", model="m", options={"batches": {"latency": HOUR}})
    path = tmp_path / "in.jsonl"
    path.write_bytes(lined(requests(2)))

    async def main(submit: bool) -> list[bool]:
        found = []
        if submit:
            async with scripted.batches(model) as api:
                await api.submit(path, MARK, "chat")
        for other in (model, model.model_copy(update={"model": "n"})):
            async with scripted.batches(other) as api:
                found.append(await api.find(MARK) is not None)
        return found

    assert anyio.run(main, True) == [True, False]
    assert anyio.run(main, False) == [False, False]


def test_a_night_of_batches_takes_no_time(tmp_path: Path) -> None:
    async def main() -> tuple[float, int]:
        begun = anyio.current_time()
        async with opened(KINDS[0], tmp_path, batches={"latency": {"mean": HOUR, "jitter": HOUR / 2}}) as at:
            made = [await at.submit(requests(20, start=20 * n), f"{MARK}{n}") for n in range(8)]
            done = sum([(await at.ended(one.id, 300)).done for one in made])
        return anyio.current_time() - begun, done

    night, done = on_test_time(main)
    assert HOUR < night < 2 * HOUR and done == 160


async def test_a_server_bills_a_batch_that_nobody_asks_after(tmp_path: Path) -> None:
    async with opened(KINDS[1], tmp_path, batches={"latency": 0.01}) as at:
        await at.submit(requests(3))
        with anyio.fail_after(5):
            while at.account().billed < 3:
                await anyio.sleep(0.01)
