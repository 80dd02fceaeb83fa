"""Files and batches of the fake model: how a batch goes on, what it costs, what survives."""

from __future__ import annotations

from pathlib import Path

import anyio
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.job.models import Model
from pipeline.providers import scripted
from pipeline.testing import Ledger, Script
from pipeline.testing.batches.desk import folder_beside
from tests.support.batch_desk import HOUR, Client, batches
from tests.support.batches import KINDS, MARK, lined, opened, requests
from tests.support.clock import on_test_time


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


async def test_the_prompts_of_all_unfinished_batches_count_together() -> None:
    client = Client(batches(most_tokens=10, latency=HOUR))
    first, second = client.create(lined(requests(4))), client.create(lined(requests(4, start=4)))
    assert [client.desk._batches[one["id"]].errors == [] for one in (first, second)] == [True, False]
    client.call("POST", f"/batches/{first['id']}/cancel")
    third = client.create(lined(requests(4, start=8)))
    assert client.desk._batches[third["id"]].errors == []


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
        with anyio.fail_after(30):
            while at.account().billed < 3:
                await anyio.sleep(0.01)
