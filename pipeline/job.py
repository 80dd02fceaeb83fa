"""The job file as frozen models: every key a user can write, with its meaning.

Unknown keys are refused. The descriptions here are what an editor shows (`pipeline schema`).
This module does not read files and does not know what any adapter does with its settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StrictInt,
    StringConstraints,
)

from pipeline.yaml_text import YamlText

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=64)]
JobName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Template = Annotated[str, StringConstraints(min_length=1)]


def _listed(value: object) -> object:
    """One text where several are allowed."""
    return (value,) if isinstance(value, str) else value


def _sendable(params: dict[str, Any]) -> dict[str, Any]:
    """Refuse what would make another request of it than the one that is understood."""
    for name in ("messages", "input", "prompt"):
        if name in params:
            raise ValueError(f"`{name}` is what the step asks, not a parameter")
    if "model" in params:
        raise ValueError("the model's name is the model's own key: model")
    if params.get("stream"):
        raise ValueError("answers are not streamed: leave `stream` out")
    if params.get("n") not in (None, 1):
        raise ValueError("one answer is asked for and used: leave `n` out, or fan out with `each`")
    return params


Params = Annotated[dict[str, Any], AfterValidator(_sendable)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])]


class Spec(BaseModel):
    """What all parts of a job file share: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sample(Spec):
    """A random part of the records, the same for the same seed."""

    n: StrictInt = Field(ge=1, description="how many records")
    seed: StrictInt = Field(0, description="another seed, another sample")


class Records(Spec):
    """Where the input comes from, and what of it is used."""

    path: str = Field(
        "", alias="from", description="csv, tsv, parquet, jsonl or xlsx (.gz, .zst), relative to the job file"
    )
    key: Texts = Field(
        (), description="the column(s) that name a record; without it: the content and an occurrence number"
    )
    where: str | None = Field(
        None, description="SQL condition over the columns: \"price > 0 and lang = 'en'\""
    )
    limit: StrictInt | None = Field(None, ge=0, description="only the first n records")
    sample: Sample | None = Field(None, description="only a random part of the records")


class Limits(Spec):
    """What a model may be asked per minute and at once."""

    rpm: StrictInt | None = Field(None, ge=1, description="requests a minute")
    tpm: StrictInt | None = Field(None, ge=1, description="tokens a minute, prompt and answer together")
    concurrency: StrictInt | None = Field(None, ge=1, le=4096, description="requests under way at once")
    retries: StrictInt = Field(
        6, ge=0, le=100, description="how often one request is sent again after a fault"
    )
    timeout: Number = Field(300, gt=0, le=86_400, description="seconds for one whole call")


class Model(Spec):
    """A model and the endpoint that serves it."""

    provider: str = Field("openai", description="openai (any compatible endpoint), embedded, scripted, …")
    model: str = Field("", description="the model's name, as the endpoint knows it")
    api: Literal["", "chat", "responses", "completions", "translation"] = Field(
        "", description="the endpoint's dialect; without it, the provider's first"
    )
    base_url: str = Field(
        "",
        pattern=r"^(https?://[^\s@]+)?$",
        description="the endpoint's address, up to and with /v1; no password",
    )
    api_key_env: str = Field(
        "",
        pattern=r"^([A-Z_][A-Z0-9_]*)?$",
        description="the NAME of the environment variable that holds the key",
    )
    params: Params = Field({}, description="sent with every request: temperature, stop, seed, …")
    limits: Limits = Field(Limits(), description="rates, concurrency, retries, timeout")
    options: dict[str, Any] = Field({}, description="settings of the provider itself")


class Step(Spec):
    """What every kind of step has; the kinds stand in `steps/`, one file each."""

    name: Identifier = Field(
        description="the step's column in the result and its variable in later templates"
    )
    model: str = Field("", description="which of the models; not needed where there is only one")
    params: Params = Field({}, description="over the model's own params, in this step only")
    each: dict[Identifier, Annotated[tuple[str | int | float | bool, ...], Field(min_length=1)]] = Field(
        {}, description="fan-out: one branch, and one row of the result, for each value"
    )
    when: Template | None = Field(None, description="a template; the step is skipped where it gives false")


Included = Literal["status", "reason", "model", "key"]


class Output(Spec):
    """Where the result goes."""

    to: Texts = Field((), description="one file or several; csv, tsv, parquet, jsonl or xlsx by suffix")
    include: tuple[Included, ...] = Field(
        ("status", "model"), description="columns about the answers, each with an underscore before its name"
    )


class Job(Spec):
    """A whole job file. `steps` holds the kinds of step that `loading.py` puts in place of `Step`."""

    name: JobName = Field(description="state and results live in output/<name>/")
    records: Records
    models: dict[Identifier, Model] = Field(min_length=1)
    steps: tuple[Step, ...] = Field(min_length=1)
    output: Output = Output()

    _file: Path = Path("job.yaml")
    _text: YamlText = YamlText("job.yaml")
    _files: dict[str, tuple[str, str]] = PrivateAttr(default_factory=dict)

    @property
    def file(self) -> Path:
        """The job file, absolute."""
        return self._file

    @property
    def text(self) -> YamlText:
        """The job file as it was loaded, for the places that errors name."""
        return self._text

    @property
    def files(self) -> dict[str, tuple[str, str]]:
        """The files that were read beside it, so that a run sees one state of them: (path, content)."""
        return self._files

    @property
    def root(self) -> Path:
        """The folder that `output/` stands in: the job file's own, or its parent where that is `jobs/`.

        It never depends on the current folder: the same job started from elsewhere must find its journal.
        """
        folder = self._file.parent
        return folder.parent if folder.name == "jobs" else folder

    @property
    def folder(self) -> Path:
        """The job's own folder with journal, lock, events and failures."""
        return self.root / "output" / self.name

    @property
    def targets(self) -> tuple[Path, ...]:
        """The files of the result; without `output.to` a results.csv in the job's folder."""
        return tuple(self.root / name for name in self.output.to) or (self.folder / "results.csv",)

    def step(self, name: str) -> Step:
        """The step of that name."""
        return next(step for step in self.steps if step.name == name)
