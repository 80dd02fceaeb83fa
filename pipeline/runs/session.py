"""A job with its records: opened, checked, ready to be walked. Nothing is sent.

Checking happens here, before any money is spent: every name that a template reads must exist
(`engine/names.py`), and no request may be one that its provider can never serve.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Any

from pipeline.core import adapters
from pipeline.core.document import Policy
from pipeline.core.domain import FLEX, Fault, Record
from pipeline.core.errors import JobError
from pipeline.core.redaction import redacted
from pipeline.engine.names import Names
from pipeline.engine.stages import Stage, preparing, stages_of
from pipeline.engine.walk import Branch, context
from pipeline.job.endpoints import places_of
from pipeline.job.spec import Job
from pipeline.money.lanes import check_lanes
from pipeline.money.tariff import unpriced
from pipeline.output.columns import Columns
from pipeline.output.overwrite import refuse_theirs
from pipeline.output.row_files import RowFiles
from pipeline.output.translated.ledger import earlier
from pipeline.output.translated.tree import Tree
from pipeline.output.types import check_types, refused
from pipeline.records.documents import Documents
from pipeline.records.opening import Rows
from pipeline.records.plugin import given
from pipeline.records.source import Source, open_records
from pipeline.runs.crowd.notes import Notes
from pipeline.runs.reviewing.by_hand import ByHand
from pipeline.system.files import same_file
from pipeline.system.remote import fetched, is_remote
from pipeline.translation.glossary import Glossary, load

_JOURNAL = ("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "journal.sqlite-journal")
_BESIDE = ("lock", "events.jsonl", "failures.csv", "published.json", "files.sqlite", "ballast", "spill")
_OTHERS = ("batches", "review.csv", "decisions.csv", "control.sock", "control.path")
OWN_NAMES = (*_JOURNAL, *_BESIDE, *_OTHERS)
"""what a run keeps in its folder, beside results"""
DERIVED = ("report.md", "meaning.csv", "bilingual")
"""what it writes there about documents, beside the ledger"""


@dataclass(frozen=True)
class Session:
    """A job, its source, its stages, the columns of its result, and its rows' files, if it wants any."""

    job: Job
    source: Source | Documents
    stages: tuple[Stage, ...]
    notes: Notes  # what the steps are told of rows
    hand: ByHand  # what people decided about rows
    row_files: RowFiles | None = None
    tree: Tree | None = None

    @classmethod
    def open(cls, job: Job, records: Rows | None = None) -> Session:
        """Open the records, or take a frame, and check the job; raises `JobError` and `InputError`."""
        prepare = preparing(job)
        notes = Notes(hand := ByHand(job.folder))
        stages = tuple(stages_of(job, prepare, partial(earlier, job.folder / job.output.ledger), notes))
        row_files, tree = RowFiles.of(job, stages, prepare), Tree.of(job, stages, prepare)
        with job.text.placing():
            source = source_of(job, tree, records)
            if job.candidates is not None:
                source.choose(None, job.candidates)
        session = cls(job, source, stages, notes, hand, row_files, tree)
        session._check_names()
        session._check_paths()
        check_lanes(job)
        session._check_budget()
        session._check_first_requests()
        if row_files:
            row_files.check(source)
        return session

    @cached_property
    def columns(self) -> Columns:
        """The columns of the result."""
        return Columns(self.job, self.stages, self.source.kept)

    def _check_names(self) -> None:
        schema = self.source.schema
        mute = {name: dtype for name, dtype in schema.items() if refused(dtype, "template")}
        names = Names(list(schema), mute, self.job.text)
        for i in range(len(self.stages)):
            names.add(i, self.stages)
        if self.row_files:
            names.check(self.row_files.template)
            self.row_files.check_name(schema)
        if self.tree:
            self._check_documents(self.tree)
        _ = self.columns  # columns of the result that would collide

    def _check_documents(self, tree: Tree) -> None:
        if not isinstance(self.source, Documents):
            where = self.job.text.where(("steps", tree.step, "name"))
            hint = 'say which text of a row is translated: translate: {text: "{{ title }}", …}'
            raise JobError(f"step '{tree.name}' translates documents, not rows", where=where, hint=hint)

    @property
    def policy(self) -> Policy:
        """What of the documents is translated; without the language, which a template may give."""
        written, names = self.translation, {field.name for field in fields(Policy)} - {"source"}
        return Policy(**{name: value for name, value in written.items() if name in names})

    @property
    def glossary(self) -> Glossary:
        """The glossary of the step that translates documents; an empty one where it has none."""
        files = [self.job.files[name] for name in self.translation.get("glossary", ())]
        lemmas = bool(self.translation.get("lemmas"))
        return load([(shown, text.encode()) for shown, text in files], lemmas=lemmas)

    @property
    def translation(self) -> dict[str, Any]:
        """The settings of the step that translates documents."""
        dumped = self.stages[self.tree.step].spec.model_dump() if self.tree else {}
        found: dict[str, Any] = dumped.get("translate", {})
        return found

    def _table(self) -> list[Path]:
        job, names = self.job, self.job.records.origins
        return [job.local(name) if is_remote(name) else job.file.parent / name for name in names]

    def _check_budget(self) -> None:
        """A budget in dollars needs a price for everything that may be asked: an unknown one is not zero."""
        if self.job.budget.cost is None and self.job.budget.maybe_billed is None:
            return
        for name, why in self.unpriced():
            flex = self.job.models[name].lane == FLEX
            tiers = (", tiers: {flex: 0.5}", "; those of tiers are factors") if flex else ("", "")
            price = f"{{input: …, output: …{tiers[0]}}}"
            hint = f"state it: models.{name}.price: {price}, dollars per million tokens{tiers[1]}"
            raise JobError(why, where=self.job.text.where(("models", name)), hint=hint)

    def unpriced(self) -> Iterator[tuple[str, str]]:
        """Models whose price is not known, with why."""
        for stage in self.stages:
            for name, model in self.job.models_of(stage.spec).items():
                for place in places_of(name, model):
                    if why := unpriced(place.model):
                        yield name, why

    def _check_paths(self) -> None:
        job, where = self.job, self.job.text.where(("output", "to"))
        own = (*OWN_NAMES, job.output.ledger, *DERIVED) if self.tree else OWN_NAMES
        taken = [job.file, *(job.folder / name for name in own)]
        taken += self.source.places() if isinstance(self.source, Documents) else self._table()
        for target in job.targets:
            if any(same_file(target, other) for other in taken):
                raise JobError(f"the result would overwrite {target.name}", where=where)
            if target.is_dir():
                raise JobError(f"'{target.name}' is a folder; name a file", where=where)
            if any(same_file(above, job.folder / "spill") for above in target.parents):
                what = "'spill' is for answers that could not be written to the journal; name another folder"
                raise JobError(what, where=where)
            check_types(target, self.columns.schema)
            taken.append(target)
        refuse_theirs(job)
        if self.row_files:
            self.row_files.check_folder([*taken, *(job.file.parent / name for name in job.files)])
        if self.tree and isinstance(self.source, Documents):
            files = [job.file, *job.targets, *(job.file.parent / name for name in job.files)]
            self.tree.check(self.source, files, own)

    def _check_first_requests(self) -> None:
        """Refuse a job whose first record makes a request that its provider can never serve."""
        first = next((batch[0] for batch in self.source.batches(1) if batch), None)
        for stage, fault in self.faults(first) if first else ():
            if fault.kind == "refused_by_provider":
                where = self.job.text.where(("steps", self.stages.index(stage), "name"))
                raise JobError(f"step '{stage.spec.name}': {fault.message}", where=where)
        for i, stage in enumerate(self.stages):
            for model in self.job.models_of(stage.spec).values() if stage.spec.kind == "translate" else ():
                if unable := adapters.load("providers", model.provider).CAPABILITIES.cannot_translate:
                    where = self.job.text.where(("steps", i, "name"))
                    raise JobError(f"step '{stage.spec.name}': {unable}", where=where)
            for name in stage.spec.judges:
                if self.job.models[name].api == "translation":
                    what = f"the model '{name}' only translates: it cannot judge"
                    raise JobError(what, where=self.job.text.where(("steps", i, "translate", "meaning")))
            when = stage.when
            if when and not when.names and when.text.strip().lower() not in ("true", "false"):
                hint = 'for example: when: "{{ stock | int > 0 }}"'
                what = "a condition must read a column or an answer"
                raise JobError(what, where=when.locate(1, 1), hint=hint)

    def faults(self, record: Record) -> Iterator[tuple[Stage, Fault]]:
        """What goes wrong when a record's templates are rendered, as far as they need no answers."""
        answers = {stage.spec.name for stage in self.stages}
        each: dict[str, Sequence[object]] = {}
        for stage in self.stages:
            each |= stage.spec.forks
            if stage.names & answers:
                continue
            read = {name: values if name in stage.names else values[:1] for name, values in each.items()}
            for fork in product(*read.values()):
                values = context(Branch(record, values=dict(zip(read, fork, strict=True))))
                try:
                    if stage.when is None or stage.when.holds(values):
                        stage.runner.first_request(values, record.key)
                except Fault as fault:
                    yield stage, redacted(fault, record.private)
                    break


def source_of(job: Job, tree: Tree | None, records: Rows | None = None) -> Source | Documents:
    """The records of a job, or a frame in their place.

    The job file, what it names and what the job writes are no documents of its own.
    """
    without = [job.file, *(job.file.parent / name for name in job.files), job.folder, *job.targets]
    without += [*tree.own_folders(), *tree.written()] if tree else []
    spec, frame = job.records, given(job, records)
    if frame is None and spec.kind != "documents" and is_remote(spec.path) and len(spec.origins) == 1:
        spec = spec.model_copy(update={"origins": (str(fetched(spec.path, job.folder)),)})
    return open_records(spec, job.file.parent, frame, without, tree.places if tree else None)
