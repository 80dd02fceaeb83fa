"""Batches over HTTP: one is made once, found again by its mark, and its results are fetched whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from pipeline.core.domain import Billed, Fate, Fault, Request
from pipeline.core.secret import Secret
from pipeline.providers.http.batches import PAGES, Batches, batches_of
from pipeline.providers.http.extras import NOTHING
from pipeline.providers.http.rest import MOST_LINE, rest_at
from pipeline.wire.batching import line_of, new_mark, path_of, read_line, vendors
from tests.support.batch_office import Office, office

KEY = Secret("sk-" + "k" * 30)
NOW = 1_800_000_000
MARK = new_mark("films", NOW)
LINE = line_of(Request("chat", "m", b'{"model":"m"}'), path_of("chat"))
DIALECTS = {"openai": "openai", "mistral": "mistral", "together": "together"}


@asynccontextmanager
async def client(fake: Office, vendor: str = "openai", pause: float = 0.0) -> AsyncIterator[Batches]:
    opening = rest_at(fake.url, KEY, NOTHING, 5)
    async with batches_of(opening, vendors()[vendor], "m", (pause,) * 3) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_bytes(LINE * 3)
    return path


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_batch_is_submitted_found_and_fetched_in_each_dialect(dialect: str, file: Path) -> None:
    with office(dialect=dialect) as fake:
        async with client(fake, dialect) as batches:
            made = await batches.submit(file, MARK, "chat")
            assert made.status == "waiting" and not made.ended
            assert fake.files["file-0"] == (f"{MARK}.jsonl", LINE * 3)
        async with client(fake, dialect) as batches:  # another process
            assert await batches.find(MARK) == made
            assert await batches.find(new_mark("films", NOW)) is None
            fake.end(b'{"custom_id": "a"}\n{"custom_id": "b"}', b'{"custom_id": "c"}\n')
            ended = await batches.look(made.id)
            await batches.fetch(ended, file)
    assert ended.status == "completed" and len(ended.files) == 2
    assert file.read_bytes() == b'{"custom_id": "a"}\n{"custom_id": "b"}\n{"custom_id": "c"}\n'
    assert all(head["Authorization"] == f"Bearer {KEY.reveal()}" for head in fake.heads)


async def test_our_request_is_that_of_the_sdk(file: Path) -> None:
    with office() as fake:
        async with client(fake) as batches:
            await batches.submit(file, MARK, "responses")
    asked = fake.batches[0]
    assert (asked["endpoint"], asked["completion_window"]) == ("/v1/responses", "24h")
    assert (asked["input_file_id"], asked["metadata"]) == ("file-0", {"pipeline": MARK})


UNKNOWN = ["500", "500 after", "503", "409", "408", "drop", "drop after", "html"]


@pytest.mark.parametrize("fault", UNKNOWN)
async def test_a_create_of_unknown_outcome_is_said_and_never_repeated(fault: str, file: Path) -> None:
    with office(faults={"create": [fault]}) as fake:
        async with client(fake) as batches:
            with pytest.raises(Fault) as caught:
                await batches.submit(file, MARK, "chat")
            found = await batches.find(MARK)
    assert caught.value.billed is Billed.MAYBE
    assert fake.calls.count("create") == 1
    assert (found is not None) == ("after" in fault)


@pytest.mark.parametrize("fault", ["400", "401", "403", "404", "413", "429", "302"])
async def test_a_refused_create_made_nothing(fault: str, file: Path) -> None:
    with office(faults={"create": [fault]}) as fake:
        async with client(fake) as batches:
            with pytest.raises(Fault) as caught:
                await batches.submit(file, MARK, "chat")
    assert caught.value.billed is Billed.NO and caught.value.status == int(fault)
    assert fake.calls.count("create") == 1 and not fake.batches


@pytest.mark.parametrize("fault", ["500 after", "429", "drop", "html"])
async def test_an_upload_is_repeated_and_its_failure_made_no_batch(fault: str, file: Path) -> None:
    with office(faults={"upload": [fault, fault]}) as fake:
        async with client(fake) as batches:
            await batches.submit(file, MARK, "chat")
        assert fake.calls.count("upload") == 3 and len(fake.batches) == 1
    with office(faults={"upload": [fault] * 4}) as fake:
        async with client(fake) as batches:
            with pytest.raises(Fault) as caught:
                await batches.submit(file, MARK, "chat")
    assert caught.value.billed is Billed.NO and not fake.batches


async def test_a_file_that_is_still_read_is_waited_for(file: Path) -> None:
    with office(reading=3) as fake:
        async with client(fake) as batches:
            await batches.submit(file, MARK, "chat")
    assert fake.calls == ["upload", "file", "file", "file", "create"]


@pytest.mark.parametrize("newer", [0, 1, 99, 100, 101, 350])
@pytest.mark.parametrize("dialect", ["openai", "mistral"])
async def test_the_whole_list_is_turned_over(newer: int, dialect: str, file: Path) -> None:
    with office(dialect=dialect) as fake:
        async with client(fake, dialect) as batches:
            made = await batches.submit(file, MARK, "chat")
            for i in range(newer):
                fake.batches.append(fake.batches[0] | {"id": f"other_{i}", "metadata": {"pipeline": f"x{i}"}})
            assert await batches.find(MARK) == made
            assert await batches.find("nobody-1800000000-0123456789abcdef") is None


async def test_a_list_with_the_newest_first_is_left_where_the_mark_is_too_young(file: Path) -> None:
    with office(now=NOW - 40 * 86_400) as fake:
        async with client(fake) as batches:
            for _ in range(300):
                fake.now += 60
                fake.create(b'{"input_file_id":"f","endpoint":"/v1/responses","completion_window":"24h"}')
            assert await batches.find(MARK) is None
            assert fake.calls.count("list") == 1
            fake.batches.reverse()  # the oldest first: the mark may be on any page
            assert await batches.find(MARK) is None
    assert fake.calls.count("list") == 4


@pytest.mark.parametrize("vendor", ["azure", "dashscope", "compatible"])
async def test_a_server_without_metadata_is_asked_for_the_name_of_the_file(vendor: str, file: Path) -> None:
    with office(keeps_metadata=False) as fake:
        async with client(fake, vendor) as batches:
            await batches.submit(file, new_mark("films", NOW), "chat")
            made = await batches.submit(file, MARK, "chat")
            old = new_mark("films", NOW)
            fake.now -= 9 * 86_400
            await batches.submit(file, old, "chat")
        async with client(fake, vendor) as batches:
            fake.files.pop("file-0")  # a stranger's file that is gone
            fake.faults["file"] = ["", "404", "404", "404", "404"]
            assert await batches.find(MARK) == made
            assert fake.calls.count("file") == 1, "what is older than the mark is not looked at"


async def test_a_list_that_never_ends_is_no_proof_that_a_batch_is_missing(file: Path) -> None:
    with office(page=1) as fake:
        async with client(fake) as batches:
            await batches.submit(file, MARK, "chat")
            fake.batches *= PAGES + 1
            with pytest.raises(Fault, match="has no end"):
                await batches.find("nobody")


@pytest.mark.parametrize("call", ["list", "look", "content", "cancel"])
@pytest.mark.parametrize("fault", ["500", "429", "drop", "html"])
async def test_a_call_that_changes_nothing_is_repeated(call: str, fault: str, file: Path) -> None:
    with office(faults={call: [fault, fault]}) as fake:
        async with client(fake) as batches:
            made = await batches.submit(file, MARK, "chat")
            fake.end(LINE)
            assert await batches.find(MARK)
            ended = await batches.look(made.id)
            await batches.fetch(ended, file)
            await batches.cancel(made.id)
    assert file.read_bytes() == LINE


@pytest.mark.parametrize("call", ["list", "look", "content"])
async def test_a_fault_that_stays_is_raised(call: str, file: Path) -> None:
    with office(faults={call: ["500"] * 4}) as fake:
        async with client(fake) as batches:
            made = await batches.submit(file, MARK, "chat")
            fake.end(LINE)
            with pytest.raises(Fault) as caught:
                await batches.find(MARK)
                await batches.fetch(await batches.look(made.id), file)
    assert caught.value.kind == "server_error" and caught.value.fate is Fate.RETRY


@pytest.mark.parametrize("gone", ["404", "410"])
@pytest.mark.parametrize("status", ["completed", "expired", "cancelled", "failed"])
async def test_a_file_that_is_gone_is_not_the_loss_of_the_other(gone: str, status: str, file: Path) -> None:
    with office(faults={"content": [gone] * 4}) as fake:
        async with client(fake) as batches:
            made = await batches.submit(file, MARK, "chat")
            fake.end(b"lost", LINE, status)
            ended = await batches.look(made.id)
            assert ended.status == status and ended.ended
            await batches.fetch(ended, file)
    assert file.read_bytes() == LINE


async def test_a_file_that_is_not_there_yet_is_asked_for_again(file: Path) -> None:
    with office(faults={"content": ["404", "404"], "look": ["404"]}) as fake:
        async with client(fake) as batches:
            made = await batches.submit(file, MARK, "chat")
            fake.end(LINE)
            await batches.fetch(await batches.look(made.id), file)
    assert file.read_bytes() == LINE


async def test_a_batch_that_has_ended_is_not_cancelled_and_no_error(file: Path) -> None:
    for fault in ("400", "409"):
        with office(faults={"cancel": [fault]}) as fake:
            async with client(fake) as batches:
                made = await batches.submit(file, MARK, "chat")
                fake.end(LINE)
                assert (await batches.cancel(made.id)).status == "completed"
        assert fake.calls.count("cancel") == 1


async def test_a_key_does_not_come_back_in_a_file(file: Path) -> None:
    key = KEY.reveal().encode()
    with office() as fake:
        async with client(fake) as batches:
            made = await batches.submit(file, MARK, "chat")
            for before in (0, 65_530, 65_536, 200_000):  # also across the borders of pieces
                fake.end(b"x" * before + key + b"\n" + key[:20] + b"\n" + LINE)
                await batches.fetch(await batches.look(made.id), file)
                got = file.read_bytes()
                assert key not in got and got.endswith(LINE) and got.startswith(b"x" * before + b"***\n")


async def test_a_line_without_end_takes_no_memory_and_spoils_no_other(file: Path) -> None:
    with office() as fake:
        async with client(fake) as batches:
            made = await batches.submit(file, MARK, "chat")
            fake.end(LINE + b"y" * (2 * MOST_LINE) + b"\n" + LINE)
            await batches.fetch(await batches.look(made.id), file)
    lines = file.read_bytes().splitlines(keepends=True)
    assert (lines[0], lines[2]) == (LINE, LINE) and len(lines) == 3
    assert len(lines[1]) < MOST_LINE + (1 << 20)


def test_the_lines_that_we_write_are_read_as_requests() -> None:
    back = read_line(LINE.replace(b'"body"', b'"response": {"status_code": 200, "body": {}}, "body"'))
    assert back is not None and bytes.fromhex(back.id) == Request("chat", "m", b'{"model":"m"}').digest


async def test_whoever_waits_for_a_server_that_says_nothing_can_be_stopped() -> None:
    async with hanging() as url:
        began = anyio.current_time()
        async with batches_of(rest_at(url, KEY, NOTHING, 300), vendors()["openai"], "m") as batches:
            with anyio.move_on_after(0.3) as scope:
                await batches.look("batch_1")
        assert scope.cancelled_caught and anyio.current_time() - began < 5


@asynccontextmanager
async def hanging() -> AsyncIterator[str]:
    """A server that takes requests, and says nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
