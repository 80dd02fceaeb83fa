"""The steps of a job, each with what runs it: its templates, its models, the values it forks over.

This module does not know records or who answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from pipeline.answers.asking import Earlier, Runner
from pipeline.answers.items import NUMBER, Items
from pipeline.answers.written import NOTHING, Told
from pipeline.core import adapters
from pipeline.job.load import read_beside
from pipeline.job.models import Model
from pipeline.job.spec import Job, Step
from pipeline.templates.compiled import Compiled
from pipeline.templates.isolated import Worker
from pipeline.templates.sandbox import sandbox
from pipeline.templates.template import Prepare, Template


@dataclass(frozen=True)
class Stage:
    """A step of the job with what runs it."""

    spec: Step
    model: Model | None  # the first that it asks; None where it asks nobody
    runner: Runner
    when: Template | None
    names: frozenset[str]  # the names its templates read

    @property
    def forks(self) -> Iterator[dict[str, Any]]:
        """The values of `each`, one mapping per branch; one empty mapping where there is no `each`."""
        names = list(self.spec.forks)
        return (dict(zip(names, values, strict=True)) for values in product(*self.spec.forks.values()))


def preparing(job: Job) -> Prepare:
    """How the job's templates are prepared: in a process of their own if the job is untrusted."""
    if job.untrusted:
        return Worker().prepare
    filters = job.code.functions["filter"]
    return partial(Compiled, environment=sandbox(filters)) if filters else Compiled


def stages_of(
    job: Job, prepare: Prepare | None = None, earlier: Earlier = lambda *_: {}, told: Told = NOTHING
) -> list[Stage]:
    """The job's steps, ready to run; `JobError` for a template that cannot be read."""
    prepare = prepare or preparing(job)
    stages = []
    each: tuple[str, ...] = ()
    for i, spec in enumerate(job.steps):
        each = (*each, *spec.forks)
        models = {name: tuple(job.asked_by(spec, name).values()) for name in spec.asked}
        place = (*each, NUMBER) if spec.item else each
        template = _Templates(job, i, prepare, earlier, told, place)
        runner: Runner = adapters.load("steps", spec.kind).build(spec, models, template)
        if spec.item:
            runner = Items(spec, runner, template.at("each", spec.item))
        when = template("when") if spec.when else None
        if when:
            when.native = True  # it may ask whether there are bytes
        every = [*runner.templates.values(), *([when] if when else [])]
        names = frozenset().union(*(template.compiled().names for template in every))
        model = models[spec.asked[0]][0] if spec.asked else None
        stages.append(Stage(spec, model, runner, when, names))
    return stages


class _Templates:
    """The templates of one step by their key in the job file, each with its place for messages."""

    def __init__(
        self,
        job: Job,
        index: int,
        prepare: Prepare,
        earlier: Earlier,
        told: Told,
        each: tuple[str, ...],
    ) -> None:
        self.earlier, self.told, self.each = earlier, told, each
        self.own = job.code.functions["check"]
        self.folder, self.untrusted = job.file.parent, job.untrusted
        self._job, self._text, self._path, self._prepare = job, job.text, ("steps", index), prepare

    def file(self, dotted: str, name: str) -> tuple[str, str]:
        """(path as shown, content) of a file that this key names, relative to the job file."""
        path: tuple[str | int, ...] = (*self._path, *dotted.split("."))
        return read_beside(self._job, name, self._text.where(path))

    def __call__(self, dotted: str) -> Template:
        if dotted != "prompt_file":
            return self.at(*dotted.split("."))
        path: tuple[str | int, ...] = (*self._path, dotted)
        name = str(self._text.data["steps"][self._path[1]][dotted])
        shown, content = read_beside(self._job, name, self._text.where(path))
        return Template(content, lambda line, column: f"{shown}:{line}:{column}", self._prepare)

    def at(self, *path: str | int) -> Template:
        """The template at a path below the step."""
        whole: tuple[str | int, ...] = (*self._path, *path)
        value: Any = self._text.data
        for depth, part in enumerate(whole):
            if isinstance(value, str):  # one text, where a list of texts may stand
                whole = whole[:depth]
                break
            value = value[part]
        source = self._text
        if not isinstance(value, str):
            return Template(str(value), lambda line, column: source.where(whole, key=True), self._prepare)
        return Template(value, lambda line, column: source.inside(whole, line, column), self._prepare)
