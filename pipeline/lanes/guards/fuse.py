"""After a fatal fault nothing new is sent; requests under way end and are recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio import CancelScope

from pipeline.core.clock import Clock
from pipeline.core.domain import Call, Fate, Fault, Reply, Request
from pipeline.core.errors import (
    DiskError,
    Interrupted,
    KeyRefused,
    OutOfBudget,
    OutOfQuota,
    PipelineError,
    RunStopped,
)
from pipeline.wire.faults import PROXY

_HINTS = {
    "unauthorized": "set the right key in the variable that api_key_env names",
    "forbidden": "the key is known but may not use this model or endpoint",
    "not_found": "check model, base_url (it usually ends in /v1) and api; `pipeline doctor JOB` looks too",
    "redirected": "set base_url to the address that the server names, if you trust it",
    "untrusted": "for a certificate authority of your own, set SSL_CERT_FILE to its certificate",
    "not_https": "write http:// in base_url, if the server is on this machine or in your own network",
    "proxy_refused": "check options.proxy, and the user and password in the variable that it names",
    "not_an_api": "check base_url (it usually ends in /v1), and whether a proxy or a sign-in page answers",
    "out_of_quota": "top up the account, or use another key",
    "outage": "check base_url, and whether the server is running",
    "refusing": "the account's limits may be shared with others; set limits.rpm, or come back later",
    "all_refused": "check params and the prompt; nothing was paid for",
    "out_of_budget": "raise the budget in the job file, or with --set",
    "maybe_billed": "check the server, then raise budget.maybe_billed or limits.timeout; after timeouts, set "
    "limits.concurrency to how many requests the server works on at once",
    "mostly_failing": "see the failed rows with `pipeline export`; max_failed sets how many are too many",
    "no_memory": "give it more memory, or set limits.concurrency to fewer requests at once",
    "deadline": "the next run goes on from here",
}
_ERRORS = {
    "unauthorized": KeyRefused,
    "forbidden": KeyRefused,
    "out_of_quota": OutOfQuota,
    "out_of_budget": OutOfBudget,
    "maybe_billed": OutOfBudget,
}


class Fuse:
    """Blown once, by the first fatal fault. Blowing it cancels `scope`, in which all hands walk."""

    def __init__(self) -> None:
        self.scope = CancelScope()
        self.reason: Fault | PipelineError | None = None
        self.where = ""
        """the lane that was asked when it blew, as users know it"""

    def blow(self, reason: Fault | PipelineError, where: str = "") -> None:
        """Let nothing new pass. Waiting requests are cancelled at once; sent ones are shielded."""
        if self.reason is None:
            self.reason, self.where = reason, where
            self.scope.cancel()

    def interrupt(self, signal: str) -> None:
        """Blow it because somebody asked the run to end."""
        what = f"the run was interrupted ({signal}); what was answered is in the journal"
        self.blow(Interrupted(what))

    def check(self) -> None:
        """Raise what blew it, if anything did."""
        if isinstance(self.reason, PipelineError):
            raise self.reason
        if self.reason is not None:
            error = _ERRORS.get(self.reason.kind, RunStopped)
            hint = _HINTS.get(self.reason.kind, "")
            if self.reason.kind == "outage" and f"cannot connect to {PROXY} " in self.reason.message:
                hint = "check options.proxy, and whether the proxy is running"
            about_key = error is not RunStopped
            where = self.where if about_key else self.where.partition(" (key: ")[0]
            raise error(f"the run stopped: {self.reason}", where=where, hint=hint)


@asynccontextmanager
async def ending_by(until: float | None, clock: Clock, fuse: Fuse) -> AsyncIterator[None]:
    """Blow the fuse at a Unix time, whatever holds the run up then: a pause, a cool-down, a back-off."""

    async def wait() -> None:
        while until is not None and (left := until - clock.at(anyio.current_time())) > 0:  # noqa: ASYNC110 - the clock may be set meanwhile
            await anyio.sleep(min(left, 60.0))  # the machine may sleep meanwhile
        fuse.blow(Fault("deadline", "the time set for this run is over", fate=Fate.STOP))

    async with anyio.create_task_group() as group:
        if until is not None:
            group.start_soon(wait)
        try:
            yield
        finally:
            group.cancel_scope.cancel()


def with_fuse(call: Call, fuse: Fuse, where: str = "") -> Call:
    """A call that passes only while the fuse is whole; `where` names the lane that it asks.

    It blows the fuse for a fault with the fate STOP, and when the journal cannot be written. It does so
    before the slot is free again, so that nothing more is paid for that could not be kept.
    """

    async def ask(request: Request) -> Reply:
        if fuse.reason is not None:
            raise Fault("stopped", str(fuse.reason), fate=Fate.STOP)
        try:
            return await call(request)
        except Fault as fault:
            if fault.fate is Fate.STOP:
                fuse.blow(fault, where)
            raise
        except DiskError as error:
            fuse.blow(error)
            raise

    return ask
