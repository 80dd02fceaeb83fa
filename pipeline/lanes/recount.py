"""Counts and prices the replies that an earlier run could not.

This module does not know how requests are sent.
"""

from __future__ import annotations

from functools import partial

from pipeline.core.domain import Answer, Fault, Reply, Request
from pipeline.job.endpoints import places_of
from pipeline.job.spec import Job
from pipeline.journal.journal import Journal
from pipeline.money.estimate import Expected
from pipeline.money.tariff import Tariff, tariff_of
from pipeline.money.tokens import DEFAULT_OUTPUT
from pipeline.wire.conversation import read


def count_anew(job: Job, journal: Journal) -> int:
    """Count and price the replies that an earlier run could not; how many there were."""
    tariffs = _tariffs(job)
    priced = {model for (_, model, _), tariff in tariffs.items() if tariff.known}
    counted, after = 0, 0
    while rows := journal.uncounted(priced, after):
        for seq, api, model, step, endpoint, body in rows:
            try:
                answer = read(Reply(api, body))
            except Fault:  # it was paid for all the same
                answer = Answer("")
            tariff = tariffs.get((step, model, endpoint)) or tariffs.get((step, model, "")) or Tariff(None)
            charge = tariff.charge(answer, Request(api, model, b""), partial(_supposed, body))
            journal.count_row(seq, charge.usage, charge.cost)
        counted += len(rows)
        after = rows[-1][0]
    return counted


def _supposed(body: bytes, _: Request) -> Expected:
    """What is supposed of a request whose reply is all that is left: no fewer tokens than are usual."""
    usual = 4 * DEFAULT_OUTPUT
    return Expected(usual, usual, max(usual, len(body)))


def _tariffs(job: Job) -> dict[tuple[str, str, str], Tariff]:
    """The tariff of every step, model's name and endpoint; the endpoint '' stands for a step's first."""
    tariffs: dict[tuple[str, str, str], Tariff] = {}
    for step in job.steps:
        for name, model in job.models_of(step).items():
            for place in places_of(name, model):
                tariff = tariff_of(place.model)
                tariffs[step.name, model.model, place.name] = tariff
                tariffs.setdefault((step.name, model.model, ""), tariff)
    return tariffs
