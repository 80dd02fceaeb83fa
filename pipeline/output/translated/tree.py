"""The tree of translated documents: which file each of them gets.

    output/docs/{{ lang }}/{{ path }}    docs/{{ name }}.{{ lang }}{{ suffix }}

The name of a file is known before anything is sent, so what would share a file, or overwrite a source, is
found before, too. Names stay exactly as they are. This module does not write files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path

from pipeline.core.domain import Fault, Values
from pipeline.core.dtypes import cell_text
from pipeline.core.errors import InputError, JobError
from pipeline.core.suggest import nearest
from pipeline.engine.stages import Stage
from pipeline.job.spec import Job
from pipeline.output.folder import label
from pipeline.output.manifest import paths_in
from pipeline.records.documents import FIELDS, Documents
from pipeline.templates.template import Prepare, Template

_KEY = ("output", "tree")
_CODE = re.compile(r"\{[{%#]")
_UNKNOWN = "\x01"  # stands for a value of a record, where a part of the name is wanted that holds none


class Tree:
    """The files of the documents that the step `step` translates; `folder` holds all of them."""

    def __init__(self, job: Job, stages: Sequence[Stage], step: int, prepare: Prepare) -> None:
        self.step = step
        self.name = stages[step].spec.name
        self._job = job
        self._each = {name: values for stage in stages for name, values in stage.spec.forks.items()}
        self._steps = [stage.spec.name for stage in stages]
        usual = "".join(f"{{{{ {name} }}}}/" for name in self._each) + "{{ path }}"
        text = job.output.tree or f"output/{job.name}/translated/{usual}"
        self._where = job.text.where(_KEY)
        locate = partial(job.text.inside, _KEY) if job.output.tree else lambda line, column: "output.tree"
        self.template = Template(text, locate, prepare).compiled()
        fixed = _CODE.split(text, maxsplit=1)[0]
        self._fixed = fixed.rpartition("/")[0] if fixed[:1] != "/" else fixed
        self.folder = job.root / self._fixed
        self._check_names()
        self._check_folder()

    @classmethod
    def of(cls, job: Job, stages: Sequence[Stage], prepare: Prepare) -> Tree | None:
        """The tree of the last step that translates documents; None where there is no such step."""
        steps = [i for i, stage in enumerate(stages) if stage.runner.documents]
        if not steps:
            if job.output.tree:
                what = "no step of this job translates documents"
                raise JobError(
                    what, where=job.text.where(_KEY), hint="add one: translate: {from: en, to: de}"
                )
            return None
        return cls(job, stages, steps[-1], prepare)

    def path(self, values: Values) -> str:
        """The file of a row, relative to the folder; `InputError` for one that is no path in it."""
        try:
            whole = self.template.render({name: cell_text(values[name]) for name in self._names}).strip("\n")
        except Fault as fault:
            raise InputError(fault.message) from None
        path = whole.removeprefix(f"{self._fixed}/") if self._fixed else whole
        parts = whole.split("/")
        if not all(parts) or ".." in parts or "." in parts or "\0" in whole:
            hint = "its folders are named relative to the job's folder, without '..'"
            raise InputError(f"'{whole}' is no file in the tree", where=self._where, hint=hint)
        return path

    @property
    def _names(self) -> list[str]:
        return [name for name in (*FIELDS, *self._each) if name in self.template.names]

    def languages(self) -> Iterator[dict[str, object]]:
        """The values of `each`, one mapping for each row of a document."""
        return (dict(zip(self._each, values, strict=True)) for values in product(*self._each.values()))

    def paths(self, fields: Values) -> Iterator[str]:
        """The files of a document, one for each combination of the values of `each`."""
        return (self.path({**fields, **values}) for values in self.languages())

    def places(self, fields: Values) -> Iterator[Path]:
        """The same as paths on the disk."""
        return (self.folder / path for path in self.paths(fields))

    def own_folders(self) -> list[Path]:
        """The folders in which nothing but translations is: they hold no documents of the job."""
        found = set[str]()
        unknown = dict.fromkeys(FIELDS, _UNKNOWN)
        for values in self.languages():
            try:
                texts = {name: cell_text(value) for name, value in {**unknown, **values}.items()}
                whole = self.template.render(texts)
            except Fault:  # a filter that such a value does not fit
                continue
            found.add(whole.partition(_UNKNOWN)[0].rpartition("/")[0])
        return [self._job.root / folder for folder in sorted(found) if folder]

    def written(self) -> list[Path]:
        """The files that the job has written, as far as it knows."""
        real = Path(os.path.realpath(self.folder))
        return [real / path for path in paths_in(self._job.folder, label(real, self._job.root))]

    def _check_names(self) -> None:
        """Refuse a template that reads anything but fields of the record and values of `each`."""
        known = [*FIELDS, *self._each]
        for name, _, line, column in self.template.uses():
            if name in known or name not in self.template.names:
                continue
            where = self.template.locate(line, column)
            if name in (*self._steps, "content", "row"):
                hint = f"a file's name must be known before anything is sent: use {', '.join(known)}"
                raise JobError(f"a file cannot be named by '{name}'", where=where, hint=hint)
            hint = nearest(name, known) or f"known here: {', '.join(known)}"
            raise JobError(f"template: there is no '{name}'", where=where, hint=hint)

    def _check_folder(self) -> None:
        root, folder = os.path.realpath(self._job.root), Path(os.path.realpath(self.folder))
        if not folder.is_relative_to(root) or (folder.exists() and not folder.is_dir()):
            what = f"'{self._fixed or '/'}' is no folder in the job's own folder, {root}"
            raise JobError(what, where=self._where, hint="name the tree relative to the job: output/docs/…")

    def check(self, source: Documents, taken: Iterable[Path], own: Iterable[str]) -> None:
        """Refuse files that two rows would share, and those that are sources or `taken`.

        `own` are the names of the job's own files in its folder.
        """
        folder = Path(os.path.realpath(self.folder))
        others = {os.path.realpath(path): f"would overwrite {path.name}" for path in taken}
        others |= {str(place): f"would overwrite the document {place.name}" for place in source.everything()}
        state = Path(os.path.realpath(self._job.folder))
        seen: dict[str, str] = {}
        for record in source.known():
            for path in self.paths(record.fields):
                place = folder / path
                why = others.get(str(place), "")
                if place.is_relative_to(state) and place.relative_to(state).parts[0] in own:
                    why = "would take the place of the job's own files"
                if path in seen:
                    both = f"{seen[path]} and {record.key}" if seen[path] != record.key else record.key
                    why = f"would hold several translations, of {both}"
                if why:
                    raise JobError(f"the file {path} {why}", where=self._where, hint=self._hint())
                seen[path] = record.key

    def _hint(self) -> str:
        names = [name for name, values in self._each.items() if len(values) > 1]
        read = "".join(f"{{{{ {name} }}}}/" for name in names)
        return (
            f"name the files by all values of `each`, and by the path: tree: output/docs/{read}{{{{ path }}}}"
        )
