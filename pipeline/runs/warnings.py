"""What is likely to be a slip, though the job can run: told before money is spent.

Nothing is sent. This module prints nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from itertools import chain
from math import prod

from pipeline.answers.draws import drawing
from pipeline.answers.feasible import unmet_checks, unmet_schema
from pipeline.answers.items import NUMBER, WRITTEN
from pipeline.core import adapters
from pipeline.core.display import counted
from pipeline.core.document import PSEUDO
from pipeline.core.domain import BATCH
from pipeline.core.errors import JobError, PipelineError
from pipeline.engine.stages import Stage
from pipeline.job.endpoints import places_of
from pipeline.job.models import Model
from pipeline.job.slips import param_slip
from pipeline.job.yaml_source import Path
from pipeline.money.lanes import doubt, resolved_lane
from pipeline.money.prices import nearly
from pipeline.money.tokens import limit_of
from pipeline.records.types import DECIMAL_COMMA
from pipeline.runs.session import Session
from pipeline.templates.template import Template
from pipeline.text.language_codes import meant

_WITH_SOURCES = ("echo", "judge", "numbers", "original", "shorter_than_source")
"""checks that compare an answer with texts of its row"""
_SINGLE = re.compile(r"(?<![{\w$])\{ *(\w[\w ]*?) *\}(?!\})")
_VARIABLE = re.compile(r"\{\{ *(\w+) *\}\}")
_CURVED = re.compile(r"\s*[“„‘«][^“„‘«]*[”“’»]\s*", re.DOTALL)


def warnings_of(session: Session) -> Iterator[JobError]:
    """All warnings, each with its place and what to do."""
    yield from slips_of(session)
    yield from missing(session)


def slips_of(session: Session, *, pilot: bool = False) -> Iterator[JobError]:
    """Those that a run would not meet itself: it would send what was not meant, and pay for it.

    A `pilot` has only a few of the records, so it says nothing of how many rows can be ok.
    """
    yield from _of_records(session)
    yield from () if pilot else _of_accept(session)
    varied = {"row", *session.source.schema}
    known = set(session.source.schema)
    for i, stage in enumerate(session.stages):
        names = frozenset[str]().union(*(template.names for template in stage.runner.templates.values()))
        known |= stage.spec.each.keys()
        if stage.runner.documents or (names & varied) - stage.spec.each.keys() or stage.model is None:
            varied.add(stage.spec.name)
        elif session.source.total() > 1:
            which = f"step '{stage.spec.name}' reads no column"
            what = f"{which}: all rows get the same request and share an answer"
            hint = f"name a column in its prompt: {_read(next(iter(session.source.schema)))}"
            yield JobError(what, where=_place(session, i), hint=hint)
        for template in stage.runner.templates.values():
            yield from _of_text(template, known)
        yield from _of_draws(session, i, stage)
        yield from _of_answers(session, i, stage)
        yield from _of_sources(session, i, stage, known)
        yield from _of_judge(session, i, stage)
        known.add(stage.spec.name)
    yield from _of_languages(session)
    yield from _of_context(session)
    yield from _of_params(session)
    yield from _of_names(session)
    yield from _of_lanes(session)


def _place(session: Session, step: int, key: str = "name") -> str:
    return session.job.text.where(("steps", step, key), key=key != "name")


def _read(name: str) -> str:
    """A column as a template reads it."""
    return f"{{{{ {name} }}}}" if name.isidentifier() else f'{{{{ row["{name}"] }}}}'


def _of_records(session: Session) -> Iterator[JobError]:
    records = session.job.records
    if not session.source.total():
        chosen = next((key for key in ("where", "limit", "sample") if getattr(records, key) is not None), "")
        what = f"no records are chosen: records.{chosen} keeps no row" if chosen else "the table has no rows"
        where = session.job.text.where(("records", chosen or "from"))
        yield JobError(what, where=where, hint="nothing will be sent; look at the table, and at `records`")
    for name, count, first in session.source.no_numbers():
        private = name in records.private
        comma = not private and re.match(DECIMAL_COMMA, first.strip())
        shown = "" if private else f" (the first is '{first[:40]}')"
        what = f"{counted(count, 'cell')} of '{name}' cannot be read as a number{shown}"
        read = f"records.types: {{{name}: decimal_comma}} reads the comma as a decimal point"
        hint = read if comma else "correct the table, if these rows matter"
        where = session.job.text.where(("records", "where"))
        yield JobError(f"{what}: `where` takes them for empty", where=where, hint=hint)


def _of_accept(session: Session) -> Iterator[JobError]:
    accept, records = session.job.accept, session.source.total()
    most = records * prod(stage.spec.branches for stage in session.stages)
    if accept is not None and 0 < most < accept and not session.tree:
        what = f"accept: {accept:,} rows can never be ok, because the records give {most:,} at most"
        where = session.job.text.where(("accept",))
        yield JobError(what, where=where, hint="lower it, or add records (and `candidates`)")


def _of_text(template: Template, known: set[str]) -> Iterator[JobError]:
    text = template.text
    for found in _SINGLE.finditer(text):
        if found[1] in known:
            start = found.start()
            line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
            what = f"{found[0]} is sent as it stands: it is not replaced by the column"
            yield JobError(what, where=template.locate(line, column), hint=f"write {_read(found[1])}")
    if _CURVED.fullmatch(text):
        what = "the text stands in curved quotes, which are sent with it"
        yield JobError(what, where=template.locate(1, 1), hint="use straight quotes: \"…\" or '…'")


def _of_draws(session: Session, step: int, stage: Stage) -> Iterator[JobError]:
    names = drawing(stage.spec.forks, stage.runner.templates.values())
    for name in names:
        if not all(isinstance(value, int) for value in stage.spec.forks[name]):
            unread = f"no template of the step reads '{name}'"
            what, hint = f"{unread}: each of its values asks the same prompt once more", _read(name)
            yield JobError(what, where=_place(session, step, "each"), hint=f"write {hint} in the prompt")
    item = stage.spec.item
    if item and stage.names.isdisjoint((item, NUMBER, WRITTEN)):
        what = f"no template of the step reads '{item}': all items get the same request and share an answer"
        yield JobError(what, where=_place(session, step, "each"), hint=f"write {_read(item)} in the prompt")
    if item and WRITTEN in stage.names and stage.spec.order != "serial":
        what = f"`{WRITTEN}` is always empty, because all items are asked for at once"
        yield JobError(what, where=_place(session, step, "each"), hint="add order: serial")
    samples = stage.spec.follows.samples > 1
    params = stage.model.params if stage.model and (names or samples) else {}
    seeded = params.get("seed") is not None
    if seeded or params.get("temperature") == 0:
        how, hint = "at temperature 0", "params: {temperature: 0.8}"
        how, hint = ("with the same seed", "take seed out of params") if seeded else (how, hint)
        what = f"step '{stage.spec.name}' asks several times {how}: its answers will hardly differ"
        yield JobError(what, where=_place(session, step, "each" if names else "samples"), hint=hint)


def _of_answers(session: Session, step: int, stage: Stage) -> Iterator[JobError]:
    written = stage.spec.model_dump(include={"checks"}, exclude_none=True, warnings=False).get("checks", {})
    for what in unmet_checks(written, limit_of(stage.model.params if stage.model else {})):
        hint = "every answer would be rejected, and paid for: change the checks or the token limit"
        yield JobError(what, where=_place(session, step, "checks"), hint=hint)
    chosen = stage.spec.model_dump(include={"samples", "pick"}, exclude_unset=True)
    if "pick" in chosen and chosen.get("samples", 1) == 1:
        hint = "add samples: 4; without it, each row has one answer"
        yield JobError("`pick` has nothing to choose from", where=_place(session, step, "pick"), hint=hint)
    end = stage.spec.model_dump(include={"end"}).get("end")
    if end and stage.model and end in str(stage.model.params.get("stop")):
        what = f"`stop` ends an answer before {end} is written, so that every answer lacks it"
        yield JobError(what, where=_place(session, step, "end"), hint=f"take {end} out of params.stop")
    for what in unmet_schema(stage.runner.shape.schema) if stage.runner.shape else ():
        hint = "no answer can fit: change the schema"
        yield JobError(what, where=_place(session, step, "answer"), hint=hint)


def _of_sources(session: Session, step: int, stage: Stage, known: Set[str]) -> Iterator[JobError]:
    """Names of columns where the text of a check's source is meant, which a template reads."""
    checks = stage.spec.model_dump(include={"checks"}, exclude_unset=True, warnings=False).get("checks", {})
    for name, options in chain(checks.items(), (checks.get("soft") or {}).items()):
        for key in ("of", "source", "show", "origin") if name in _WITH_SOURCES else ():
            given = options.get(key) or ()
            for text in (given,) if isinstance(given, str) else given:
                if text in known:
                    what = f"{name}: '{text}' is this word itself, and not the column"
                    yield JobError(what, where=_place(session, step, "checks"), hint=f"write {_read(text)}")


def _of_judge(session: Session, step: int, stage: Stage) -> Iterator[JobError]:
    spec, models = stage.spec, session.job.models
    writers = {_identity(models[name]) for name in spec.writers}
    for name in (*spec.judges, *spec.critics):
        if _identity(models[name]) in writers:
            does, key = ("translates", "translate") if spec.judges else ("writes", "checks")
            what = f"step '{spec.name}': the judge '{name}' is the model that {does}"
            hint = "it finds few of its own errors: name another model"
            yield JobError(what, where=_place(session, step, key), hint=hint)


def _identity(model: Model) -> tuple[str, str, str]:
    return model.provider, model.model, model.base_url


def _of_languages(session: Session) -> Iterator[JobError]:
    """What is no code of a language in a job that translates documents: the model gets it as it stands."""
    if session.tree is None:
        return
    for key, field in (("from", "source"), ("to", "target")):
        text = session.translation[field]
        name = _VARIABLE.fullmatch(text)
        each = [row[name[1]] for row in session.tree.languages() if name[1] in row] if name else [text]
        for value in dict.fromkeys(map(str, each)):
            code = None if value == PSEUDO or "{" in value else meant(value)
            if code is not None:
                hint = f"did you mean '{code}'?" if code else "write a code such as en, ja or pt-BR"
                where = session.job.text.where(("steps", session.tree.step, "translate", key))
                yield JobError(f"'{value}' is no code of a language", where=where, hint=hint)


def _of_context(session: Session) -> Iterator[JobError]:
    """Translations that a batch cannot show: all parts of a document are in it at once."""
    if session.tree is None or session.translation["context"] != "previous":
        return
    job, step = session.job, session.tree.step
    if any(resolved_lane(job.models[name]) == BATCH for name in job.steps[step].writers):
        what = "by batch, a part of a document sees the sources before it, but not their translations"
        hint = "lane: flex, if they are to read as one; if not, write context: source"
        yield JobError(what, where=job.text.where(("steps", step, "translate")), hint=hint)


def _asked(session: Session) -> Iterator[tuple[str, Model]]:
    """The models that may be asked, with their names in the job; one with several endpoints for each."""
    for stage in session.stages:
        for name, model in session.job.models_of(stage.spec).items():
            yield from ((name, place.model) for place in places_of(name, model))


def _of_params(session: Session) -> Iterator[JobError]:
    """Names of parameters that are nearly those that servers know: a lost limit of tokens costs money."""
    job = session.job
    places: list[Path] = [("models", name) for name in job.models]
    places += [("steps", i) for i in range(len(job.steps))]
    for part, name in places:
        for key in job.text.data[part][name].get("params") or ():
            if hint := param_slip(key):
                what = f"the parameter '{key}' is not known: it is sent as it stands"
                yield JobError(what, where=job.text.where((part, name, "params", key), key=True), hint=hint)


def _of_names(session: Session) -> Iterator[JobError]:
    """Models whose price is not known, and whose names are nearly those of others at the same server."""
    for name, model in dict(_asked(session)).items():
        provider = adapters.load("providers", model.provider)
        stated = model.price is not None or provider.CAPABILITIES.free
        if not stated and (near := nearly(model.model, provider.address(model))):
            what = f"the model '{model.model}' is not in the list of prices"
            hint = f"{near} If the name is right, state its price: models.{name}.price"
            yield JobError(what, where=session.job.text.where(("models", name, "model")), hint=hint)


def _of_lanes(session: Session) -> Iterator[JobError]:
    told = {unsure: name for name, model in _asked(session) if (unsure := doubt(model))}
    for unsure, name in told.items():
        hint = "look at what the first answers cost, or write lane: sync"
        yield JobError(unsure, where=session.job.text.where(("models", name, "lane")), hint=hint)


def missing(session: Session) -> Iterator[JobError]:
    """What is missing on this machine for the models that may be asked: a key, an installed model."""
    told = set[str]()
    for name, model in _asked(session):
        try:
            next(adapters.load("providers", model.provider).health(model), None)
        except PipelineError as error:
            if error.what not in told:
                told.add(error.what)
                yield JobError(error.what, where=session.job.text.where(("models", name)), hint=error.hint)
