"""A request that goes by batch is put aside, and its walk ends here; the next walk finds its answer.

This guard does not know files, batches or times: a `Parking` does.
"""

from __future__ import annotations

from typing import Protocol

from pipeline.core.domain import Call, Fate, Fault, Reply, Request, Unanswered
from pipeline.money.estimate import Estimator
from pipeline.money.tariff import Tariff


class Parking(Protocol):
    """Where requests wait for their batch."""

    def failed(self, request: Request) -> Fault | None:
        """Why it has failed in an earlier walk of this run; None where it has not."""

    def fail(self, request: Request, fault: Fault) -> None:
        """It has failed: no later walk of this run asks for it again."""

    def takes(self, name: str, request: Request, tariff: Tariff, estimator: Estimator) -> bool:
        """Whether it waits here now, for a batch of the model `name`; else it is to be sent at once."""


def park(call: Call, parking: Parking, name: str, tariff: Tariff, estimator: Estimator) -> Call:
    """A call that asks `call` only for what does not go by batch.

    Raises `Unanswered` for what waits. As the same records are walked several times in one run, a request
    that failed once fails again without being sent.
    """

    async def ask(request: Request) -> Reply:
        if (before := parking.failed(request)) is not None:
            raise before
        if parking.takes(name, request, tariff, estimator):
            raise Unanswered(request)
        try:
            return await call(request)
        except Fault as fault:
            if fault.fate is not Fate.STOP and not isinstance(fault, Unanswered):
                parking.fail(request, fault)
            raise

    return ask
