"""The job file as frozen models: every key a user can write, with its meaning.

Unknown keys are refused. The descriptions here are what an editor shows (`pipeline schema`).
This module does not read files and does not know what any adapter does with its settings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, StrictInt, ValidationInfo, field_validator, model_validator

from pipeline.core.contracts import Follows
from pipeline.job.code.plugins import Plugins
from pipeline.job.fields import (
    CLUSTER,
    Each,
    Identifier,
    JobName,
    Number,
    Params,
    Spec,
    Template,
    Texts,
)
from pipeline.job.files import Output, Records
from pipeline.job.models import Model
from pipeline.job.outside.on_end import OnEnds
from pipeline.job.yaml_source import YamlSource
from pipeline.system.remote import is_remote, mirror


class BudgetSpec(Spec):
    """What a job may spend in all its runs together; nothing is sent that could pass it."""

    cost: Number | None = Field(None, gt=0, le=1e9, description="dollars")
    tokens: StrictInt | None = Field(
        None, ge=1, le=10**15, description="tokens, prompts and answers together"
    )
    requests: StrictInt | None = Field(None, ge=1, le=10**12, description="requests, retries included")
    maybe_billed: Number | None = Field(
        None, ge=0, le=1e9, description="dollars that one run may lose to possibly billed, failed attempts"
    )


class Engine(Spec):
    """Where the records are walked: by workers on the machines of a cluster."""

    kind: Literal["ray"] = Field(description="ray: a Ray cluster, with the extra `ray`")
    address: Annotated[str, Field(pattern=CLUSTER)] = Field(
        "auto",
        description="auto: the cluster that this machine belongs to; local: one that is started here for the"
        " run; or another: host:6379, ray://host:10001",
    )
    workers: Annotated[StrictInt, Field(ge=1, le=1000)] | Literal["auto"] = Field(
        "auto",
        description="processes, spread over the nodes; auto: one for each CPU of the cluster, at most 32",
    )
    host: str = Field(
        "", description="the address by which the nodes reach this machine; default: as Ray knows it"
    )


class Step(Spec):
    """What every kind of step has; the kinds stand in `steps/`, one file each."""

    asks: ClassVar[bool] = True
    """whether a model of its own is asked"""
    name: Identifier = Field(
        description="the step's column in the result and its variable in later templates"
    )
    model: str = Field("", description="which of the models; not needed where there is only one")
    params: Params = Field({}, description="for this step; they take precedence over the model's own")
    each: dict[Identifier, Each] = Field(
        {},
        description="a list is a fan-out: one branch, and one row of the result, for each value, none twice;"
        " a template for a list: the step is taken for each item, and its value is the list of its answers",
    )
    order: Literal["parallel", "serial"] = Field(
        "parallel",
        description="of items: parallel; or serial, where {{ written }} holds the answers before this one",
    )
    when: Template | None = Field(
        None, description="a template; the step is skipped for a row where it gives false"
    )

    @property
    def kind(self) -> str:
        """Which kind of step it is: the name of its file in `steps/`."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def others(self) -> tuple[str, ...]:
        """The models that it asks besides its own, by their names in the job."""
        return ()

    @property
    def writers(self) -> tuple[str, ...]:
        """The models that may write its answers: they are asked with the step's parameters."""
        return (self.model,)

    @property
    def critics(self) -> Mapping[str, int]:
        """The models that are asked about each of its answers, with their usual requests for one."""
        return {}

    @property
    def distinct(self) -> tuple[Any, ...]:
        """Its checks that compare the answers of all rows, as `answers.checking.Named`."""
        return ()

    @property
    def several(self) -> bool:
        """Whether its value is a list of answers."""
        return False

    @property
    def judges(self) -> tuple[str, ...]:
        """The models that read its answers when all of them are there, by their names in the job."""
        return ()

    @property
    def unbounded(self) -> str:
        """Why no bound can be given for what its answers cost in the end; '' where one can."""
        return ""

    @property
    def follows(self) -> Follows:
        """What may follow a question of it, beside repairs."""
        return Follows()

    @property
    def asked(self) -> tuple[str, ...]:
        """The models that are asked while it is taken, its own first; () where none is."""
        return tuple(filter(None, (self.model, *self.others)))

    @cached_property
    def forks(self) -> dict[str, tuple[Any, ...]]:
        """The values of `each` that rows fork over."""
        return {name: values for name, values in self.each.items() if not isinstance(values, str)}

    @property
    def item(self) -> str:
        """The name in `each` that stands for one item after the other inside of a row; '' for none."""
        return next((name for name in self.each if name not in self.forks), "")

    @property
    def branches(self) -> int:
        """How many branches it makes of one: one for each combination of the values of `each`."""
        return math.prod(map(len, self.forks.values()))

    @model_validator(mode="after")
    def _one_item(self) -> Step:
        if len(self.each) - len(self.forks) > 1:
            raise ValueError("only one name in `each` can be a template; take the items from one list")
        if "order" in self.model_fields_set and not self.item:
            raise ValueError('`order` is for the items of a list: each: {section: "{{ outline.sections }}"}')
        return self


class Job(Spec):
    """A whole job file. `steps` holds the kinds of step that `load.py` puts in place of `Step`."""

    name: JobName = Field(description="state and results live in output/<name>/")
    records: Records
    models: dict[Identifier, Model] = Field(min_length=1)
    steps: tuple[Step, ...] = Field(min_length=1)
    output: Output = Output()
    budget: BudgetSpec = Field(BudgetSpec(), description="what the job may spend in all its runs together")
    engine: Engine | None = Field(
        None, description="who walks the records; default: this process, or those of --processes"
    )
    plugins: Texts = Field(
        (),
        description="Python files beside the job file, with checks, filters of templates or a source of the"
        " job's own; they run only with --allow-code",
    )
    accept: StrictInt | None = Field(
        None, ge=1, le=10**9, description="the run ends when so many rows are ok, and writes these alone"
    )
    candidates: StrictInt | None = Field(
        None, ge=1, le=10**9, description="with accept: how many records are tried at most; default: all"
    )
    on_end: OnEnds = Field(
        (), description="who is told when a run ends: a webhook, or a command (with --allow-code); or a list"
    )
    max_failed: Number = Field(
        0.5, gt=0, le=1, description="the run stops when more than this share of its last 50 rows failed"
    )

    @field_validator("candidates")
    @classmethod
    def _with_accept(cls, candidates: int | None, info: ValidationInfo) -> int | None:
        if candidates is not None and info.data.get("accept") is None and "accept" in info.data:
            raise ValueError("goes with `accept`; add accept: 100, or write limit under records")
        return candidates

    _file: Path = Path("job.yaml")
    _text: YamlSource = YamlSource("job.yaml")
    _files: dict[str, tuple[str, str]] = PrivateAttr(default_factory=dict)
    _untrusted: bool = False
    _allows_code: bool = False
    _code: Plugins = PrivateAttr(default_factory=Plugins)

    @property
    def file(self) -> Path:
        """The job file, absolute."""
        return self._file

    @property
    def text(self) -> YamlSource:
        """The job file as it was loaded, for the places that errors name."""
        return self._text

    @property
    def files(self) -> dict[str, tuple[str, str]]:
        """The files that were read beside it, so that a run sees one state of them: (path, content)."""
        return self._files

    @property
    def untrusted(self) -> bool:
        """Whether the job is untrusted: its templates are then rendered in a process of their own."""
        return self._untrusted

    @property
    def allows_code(self) -> bool:
        """Whether code that it names may run."""
        return self._allows_code

    @property
    def code(self) -> Plugins:
        """The functions of its plugins; none where they may not run."""
        return self._code

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
        """The files of the result; without `output.to` a results.csv in the job's folder.

        One that goes to a store is written into the job's folder first.
        """
        return tuple(map(self.local, self.output.to)) or (self.folder / "results.csv",)

    @property
    def uploads(self) -> dict[Path, str]:
        """The files of the result that go to a store, with their addresses."""
        return {self.local(name): name for name in self.output.to if is_remote(name)}

    def local(self, name: str) -> Path:
        """The file that a path of the job means, or the one that stands for an object in a store."""
        return mirror(name, self.folder) if is_remote(name) else self.root / name

    def chain(self, name: str) -> dict[str, Model]:
        """A model and its fallbacks by name, in the order they are asked."""
        models = {name: self.models[name]}
        while (fallback := self.models[name].fallback) is not None:
            name = fallback.model
            models[name] = self.models[name]
        return models

    def models_of(self, step: Step) -> dict[str, Model]:
        """All models that may be asked for a step: its own, those that it names besides, their fallbacks."""
        found: dict[str, Model] = {}
        for name in (*step.asked, *step.judges):
            found |= self.chain(name)
        return found

    def asked_by(self, step: Step, name: str = "") -> dict[str, Model]:
        """A model that a step names and its fallbacks; a writer's with the step's parameters over its own."""
        chain = self.chain(name or step.model)
        if name and name not in step.writers:
            return chain
        return {n: m.model_copy(update={"params": {**m.params, **step.params}}) for n, m in chain.items()}
