"""Batches over HTTP: files of requests are uploaded, made into batches, looked after and fetched.

A batch is paid for, so `submit` asks for it once. Where it is not known whether it was made, it raises a
`Fault` that says so, and `find` looks for its mark in the server's whole list. Calls that change nothing, and
the upload, which costs nothing, are repeated after waits where their faults may pass.
This module does not know keys, what stands in the files, or when anything is called.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

import anyio
from anyio import to_thread

from pipeline.core.contracts import BatchState
from pipeline.core.domain import Billed, Fate, Fault
from pipeline.core.health import Check, ok, warn
from pipeline.providers.http.batch_words import batch_in, begun_at, input_of, name_in, state_of
from pipeline.providers.http.rest import Rest
from pipeline.wire.batching import Vendor, body_of, filled, made_at, path_of
from pipeline.wire.faults import certainly_nothing

PAUSES = (1.0, 4.0, 15.0, 30.0)  # seconds before a call is repeated
TWICE = 2
LONGEST = 120.0  # seconds that a server may ask to wait before that
PAGES, PAGE = 200, 100
APART = 3 * 86_400.0  # seconds that a server's clock may be behind this machine's
MOST_RESULTS = 16 << 30  # bytes of a file of results
LOOKS = 20  # more looks at a file, with the longest pause, until the server has read it
READING = ("pending", "running", "notrunning", "not_running")
"""what is said of a file that the server has not read yet"""
_GONE = frozenset({"not_found"})
_T = TypeVar("_T")


class Batches:
    """The batches of one account at one server."""

    def __init__(self, rest: Rest, vendor: Vendor, model: str, pauses: Sequence[float] = PAUSES) -> None:
        self.vendor = vendor
        self._rest, self._model, self._pauses = rest, model, tuple(pauses)
        self._names: dict[str, str] = {}  # of input files, by the names that the server gave them

    async def submit(self, file: Path, mark: str, api: str) -> BatchState:
        """Upload the file, and make a batch of it that carries the mark.

        After a `Fault` that is not billed, no batch was made. After another one it may have been.
        """
        try:
            uploaded = await self._uploaded(file, f"{mark}.jsonl")
        except Fault as fault:
            raise fault.but(billed=Billed.NO) from None
        names = {"file": uploaded, "endpoint": path_of(api), "window": self.vendor.window}
        body = body_of(self.vendor, **names, model=self._model, mark=mark)
        try:
            with anyio.CancelScope(shield=True):  # its reply says whether it was made
                said = await to_thread.run_sync(partial(self._rest.post, self.vendor.path, body))
            return state_of(said)
        except Fault as fault:
            raise fault.but(billed=Billed.NO if certainly_nothing(fault) else Billed.MAYBE) from None

    async def _uploaded(self, path: Path, name: str) -> str:
        """The name that the server gave the file; some make no batch of it before they have looked at it."""

        def upload() -> dict[str, Any]:
            with path.open("rb") as file:
                return self._rest.upload(
                    self.vendor.upload, name, file, **filled(self.vendor.form, name=name)
                )

        said = await self._patiently(upload)
        given = name_in(said, "id")
        self._names[given] = name
        for pause in (*self._pauses, *self._pauses[-1:] * LOOKS):
            if str(said.get("status")).lower() not in READING:
                break
            await anyio.sleep(pause)
            said = await self._patiently(partial(self._rest.get, f"/files/{given}"))
        return given

    async def find(self, mark: str) -> BatchState | None:
        """The batch that carries the mark; None where the server's whole list has none.

        A list may not show yet what was made a moment ago: whoever asks must give it time.
        """
        since = made_at(mark) - APART
        async for batch in self._listed(since):
            if await self._has(batch, mark, since):
                return state_of(batch)
        return None

    async def _has(self, batch: Mapping[str, Any], mark: str, since: float) -> bool:
        data, name = batch.get("metadata"), input_of(batch)
        if isinstance(data, dict) and data.get("pipeline"):
            return bool(data["pipeline"] == mark)
        if not name or (name not in self._names and self.vendor.metadata):
            return False
        if name not in self._names and (begun_at(batch) or since) >= since:
            try:
                said = await self._patiently(partial(self._rest.get, f"/files/{name}"))
            except Fault as fault:
                if fault.kind not in _GONE:
                    raise
                said = {}
            self._names[name] = str(said.get("filename") or said.get("name") or "")
        return mark in self._names.get(name, "")

    async def _listed(self, since: float) -> AsyncIterator[Mapping[str, Any]]:
        """The server's list, to its end; a list with the newest first only as far as `since`."""
        where: dict[str, Any] = {"page": 0, "page_size": PAGE} if self.vendor.pages == "number" else {}
        seen, times = set[str](), list[float]()
        for number in range(PAGES):
            page = await self._patiently(partial(self._page, where))
            batches = [batch_in(one) for one in page["data"] if isinstance(one, dict)]
            names = [name_in(one, "id") for one in batches]
            if names and seen.issuperset(names):
                break  # the same page again: it is not known what the others hold
            for batch in batches:
                yield batch
            seen.update(names)
            times += [at for one in batches if (at := begun_at(one)) is not None]
            newest_first = times == sorted(times, reverse=True) and len(times) == len(seen)
            if not _goes_on(page, len(batches)) or (newest_first and times[0] > times[-1] < since):
                return
            where = {"page": number + 1, "page_size": PAGE} if "page" in where else {"after": names[-1]}
        raise Fault("unreadable", "the server's list of batches has no end", fate=Fate.RETRY)

    def _page(self, where: Mapping[str, Any]) -> dict[str, Any]:
        limit = {} if "page" in where else {"limit": PAGE}
        page = self._rest.listed(self.vendor.path, **limit, **where)
        if page.get("data") is None and page.keys() & {"total", "has_more", "object"}:
            page["data"] = []
        if not isinstance(page.get("data"), list):
            raise Fault("unreadable", "the server's list of batches cannot be read", fate=Fate.RETRY)
        return page

    async def look(self, batch: str) -> BatchState:
        """How it stands. A batch that was made a moment ago may not be known everywhere yet."""
        return state_of(await self._patiently(partial(self._rest.get, self._path(batch)), also=_GONE))

    def _path(self, batch: str) -> str:
        return f"{self.vendor.path}/{batch}"

    async def fetch(self, state: BatchState, into: Path) -> None:
        """Write all lines of its files of results, one after the other, into the file `into`.

        A file that the server has no more is left out. An `OSError` is this machine's.
        """
        with into.open("wb") as file:
            for name in state.files:
                try:
                    await self._patiently(partial(self._download, name, file, file.tell()), also=_GONE)
                except Fault as fault:
                    if fault.kind not in _GONE:
                        raise

    def _download(self, name: str, file: IO[bytes], start: int) -> None:
        file.seek(start)
        file.truncate()
        self._rest.download(f"/files/{name}/content", file, MOST_RESULTS)

    async def cancel(self, batch: str) -> BatchState:
        """Ask for its end. What is under way may still be answered, and is paid for then."""
        try:
            await self._patiently(partial(self._rest.post, f"{self._path(batch)}/cancel", {}))
        except Fault as fault:
            if fault.fate is not Fate.FAIL and fault.kind != "conflict":  # it has ended already
                raise
        return await self.look(batch)

    async def _patiently(self, call: Callable[[], _T], also: frozenset[str] = frozenset()) -> _T:
        """What a call brings; it is repeated where its fault may pass, and twice for the kinds `also`."""
        for number, pause in enumerate(self._pauses):
            try:
                return await to_thread.run_sync(call, abandon_on_cancel=True)
            except Fault as fault:
                passes = fault.fate is Fate.RETRY and fault.status != 409
                soon = fault.kind in also and number < TWICE
                if not passes and not soon and fault.kind != "unreadable":
                    raise
                wait = max(pause, min(fault.wait or 0.0, LONGEST))
            await anyio.sleep(wait)
        return await to_thread.run_sync(call, abandon_on_cancel=True)


def _goes_on(page: Mapping[str, Any], count: int) -> bool:
    """Whether a list has more pages; where it does not say so, a full page is not its last one."""
    said = page.get("has_more")
    return bool(count) and (said if isinstance(said, bool) else count >= PAGE)


@asynccontextmanager
async def batches_of(
    opening: AbstractContextManager[Rest], vendor: Vendor, model: str, pauses: Sequence[float] = PAUSES
) -> AsyncIterator[Batches]:
    """The batches at an endpoint whose calls are opened here."""
    with opening as rest:
        yield Batches(rest, vendor, model, pauses)


def looked_at(rest: Rest, host: str, vendor: Vendor) -> Check:
    """Whether an endpoint takes batches, at no cost."""
    later = "its requests are sent one by one instead"
    if not vendor.apis:
        return warn("batches", f"{host}: takes no batches in OpenAI's form", vendor.note or later)
    try:
        rest.listed(vendor.path, limit=1)
    except Fault as fault:
        return warn("batches", f"{host}: has no list of batches: {fault.message}", later)
    return ok("batches", f"{host}: takes batches")
