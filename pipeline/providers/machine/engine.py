"""What an engine is: a program that loads a model's weights and serves them on this machine.

Each engine is one file beside this one. What they share is here: their settings in the job file, where a
model's weights lie, and what is said where they are not there. This module starts nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt, field_validator

from pipeline.core.display import counted
from pipeline.core.errors import JobError
from pipeline.core.suggest import nearest_file
from pipeline.job.fields import Spec
from pipeline.system.resources import cores

Tokens = Annotated[StrictInt, Field(ge=64, le=10**8)]
_OURS = ("--host", "--port", "--api-key", "--served-model-name", "--uds")
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_WEIGHTS = ("*.safetensors", "*.gguf", "*.bin")


class Options(Spec):
    """How a model on this machine is served."""

    engine: Literal["", "llama-cpp", "vllm", "transformers"] = Field(
        "", description="what serves it; default: llama-cpp for a .gguf file, else vllm or transformers"
    )
    context: Tokens | None = Field(
        None,
        description="tokens of a prompt and its answer together; default: 4096, with vllm the model's own",
    )
    parallel: StrictInt | None = Field(None, ge=1, le=4096, description="answers at once")
    threads: StrictInt | None = Field(
        None, ge=1, le=1024, description="CPU threads; default: all cores but one"
    )
    timeout: float | None = Field(
        None, gt=0, le=86_400, description="seconds within which the server must have started"
    )
    download: StrictBool = Field(
        False, description="let the engine download a model that is not on this machine from the hub"
    )
    args: tuple[str, ...] = Field((), description="more arguments for the command of vllm or llama-server")

    @field_validator("args")
    @classmethod
    def _none_of_ours(cls, args: tuple[str, ...]) -> tuple[str, ...]:
        for one in args:
            if one.partition("=")[0].replace("_", "-") in _OURS:
                raise ValueError(f"may not contain {one.partition('=')[0]}: the program sets it itself")
        return args


@dataclass(frozen=True)
class Given:
    """A model to be served: its name in requests, the file or folder of its weights, the settings."""

    name: str
    path: Path | None
    """None where the engine finds it by its name, in the hub's cache or at the hub"""
    slots: int
    threads: int
    options: Options

    @property
    def context(self) -> int:
        """Tokens of a prompt and its answer together."""
        return self.options.context or 4096


@dataclass(frozen=True)
class Engine:
    """One way to serve a model."""

    name: str
    options: frozenset[str]
    """those of `Options` that it heeds, besides `engine` and `timeout`"""
    slots: int
    """answers at once, by default"""
    seconds: float
    """within which it starts, by default"""
    hub: bool
    """whether it takes a name at the hub, and folders; else a file alone"""
    installed: Callable[[], str]
    """which version is there; `JobError` with what to install"""
    launch: Callable[[Given, str], tuple[str, Mapping[str, Any]]]
    """the module that is run as a child process, and its settings; the text is the API key"""
    objection: Callable[[Mapping[str, Any], Given], str | None]
    """why it can never serve a body"""


def weights_of(name: str, folder: Path, engine: Engine, options: Options) -> Path | None:
    """The file or folder of a model's weights; None for a name at the hub. `JobError` if it is missing."""
    path = folder / Path(name).expanduser()
    if path.exists():
        _check(path, name, engine)
        return path
    if not engine.hub or name.endswith(".gguf") or not _HUB_NAME.fullmatch(name):
        near = [file.name for file in path.parent.glob("*")] if path.parent.is_dir() else []
        hint = nearest_file(path.name, near) or "a relative path begins at the folder of the job file"
        raise JobError(f"there is no model file {path}", hint=hint)
    if not options.download and not cache_of(name).is_dir():
        hint = "name a folder of weights, or let it be downloaded: options: {download: true}"
        raise JobError(f"the model '{name}' is not on this machine", hint=hint)
    return None


def _check(path: Path, name: str, engine: Engine) -> None:
    """Refuse a path that holds no weights which the engine can load."""
    if path.is_dir():
        files = sorted(file.name for file in path.glob("*.gguf"))
        if files and not (path / "config.json").exists():
            hint = f"name the file: {Path(name) / files[0]}"
            raise JobError(f"{path} is a folder with {counted(len(files), 'GGUF file')}", hint=hint)
        if not engine.hub or not (path / "config.json").is_file():
            what = "a file of GGUF" if not engine.hub else "config.json"
            raise JobError(f"{path} is a folder without {what}", hint="name a folder that holds a model")
        return
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic != b"GGUF":
        hint = "llama-cpp takes GGUF files alone; for other weights name their folder, and another engine"
        lfs = "; it is a pointer of Git LFS, not the file itself" if magic == b"vers" else ""
        raise JobError(f"{path} is not a GGUF file{lfs}", hint=hint)


def cache_of(name: str) -> Path:
    """Where the hub's own programs keep a model that they have downloaded."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    hub = os.environ.get("HF_HUB_CACHE") or Path(home, "hub")
    return Path(hub).expanduser() / f"models--{name.replace('/', '--')}"


def size_of(place: Path) -> int:
    """Bytes of the weights in a file or below a folder, each file once."""
    if place.is_file():
        return place.stat().st_size
    files = {file.resolve() for end in _WEIGHTS for file in place.rglob(end)}
    return sum(file.stat().st_size for file in files if file.is_file())


def text_parts(body: Mapping[str, Any]) -> Iterator[Any]:
    """Every piece of a prompt; text as `str`, anything else as it stands."""
    messages = body.get("messages") or [{"content": body.get("prompt", "")}]
    for message in messages:
        content = message.get("content") or ""
        for part in content if isinstance(content, list) else [content]:
            yield part.get("text", part) if isinstance(part, dict) else part


def beyond(body: Mapping[str, Any], given: Given, engine: str) -> str | None:
    """A message where a request holds more than text, or wants more answers than the engine gives at once."""
    if not all(isinstance(part, str) for part in text_parts(body)):
        return f"the engine {engine} is given text only, no images, sound or files"
    choices = body.get("n", 1)
    if isinstance(choices, int) and choices > given.slots:
        return f"n: {choices} is more than the {given.slots} answers at once: raise options.parallel"
    return None


def spare_cores() -> int:
    """All cores that we may use but one: with all of them an engine is very slow when anything else runs."""
    return max(1, cores() - 1)
