"""Files and batches of the fake model, as OpenAI's API has them: what a call to them brings.

The calls are the same in process and behind HTTP: a method, a path below /v1, and fields. Batches survive a
restart where they are kept in a folder; what they have billed then is in the ledger alone.
This module does not know HTTP, and not how a batch goes on: `batch.py` does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote
from uuid import uuid4

import orjson

from pipeline.system.files import make_folder
from pipeline.testing.answers import PATHS
from pipeline.testing.batches.batch import Batch
from pipeline.testing.batches.intake import Wrong, check, outcomes
from pipeline.testing.chance import batch_latency, strikes
from pipeline.testing.ledger import TWICE
from pipeline.testing.service import Service
from pipeline.testing.wire import Manner, Wire, error

Json: TypeAlias = dict[str, Any]
Fields: TypeAlias = Mapping[str, Any]

_WINDOW = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_ASKED = ("endpoint", "input_file_id", "completion_window", "metadata")
_NOT_TOLD = {
    "create_500": error(500, "", "server_error", "The server had an error while processing your request"),
    "create_drop": Wire(0, manner=Manner.DROP),
}
"""what is sent for a batch that was made all the same"""
_NO_FILES = {"output_file_id": None, "error_file_id": None}
_MOST_LISTED = 100


class _Refused(Exception):
    def __init__(self, status: int, message: str, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.wire = error(status, code, "invalid_request_error", message)


class Desk:
    """Takes files and batches, and has the service answer their lines. `users` counts who has it open."""

    def __init__(self, service: Service, folder: Path | None = None) -> None:
        self.service = service
        self.users = 0
        self._now = 0.0  # one time for a whole call: what is shown as billed is in the ledger
        self._folder = folder
        self._files: dict[str, tuple[Json, bytes]] = {}
        self._batches: dict[str, Batch] = {}
        if folder:
            self._load(folder)
        self._live = list(self._batches.values())

    def handle(self, method: str, path: str, fields: Fields, key: str = "") -> Wire:
        """The response to a call; `fields` are those of the body, or those of the query."""
        if refused := self.service.refused(key):
            return refused
        self.advance()
        for wanted, pattern, call in _ROUTES:
            if method == wanted and (found := re.fullmatch(pattern, path)):
                try:
                    told = call(self, fields, *found.groups())
                except _Refused as no:
                    return no.wire
                return told if isinstance(told, Wire) else Wire(200, orjson.dumps(told))
        return _Refused(404, f"Unknown request: {method} /v1{path}", "unknown_url").wire

    def advance(self) -> None:
        """Put into the ledger what has been billed since the last time, and files of results in place."""
        now = self._now = self.service.now()
        for batch in self._live:
            for bill in batch.bills(now):
                self.service.ledger.write(bill)
            if now >= batch.end[0] and not batch.rule("output_gone"):
                for kind, ident in batch.files(now).items():
                    name = f"{batch.id}_{kind}.jsonl"
                    self._put(ident, name, "batch_output", batch.end[0], batch.content(kind, now))
        self._live = [batch for batch in self._live if now < batch.end[0]]

    def upload(self, fields: Fields) -> Json:
        content = fields.get("file")
        if fields.get("purpose") != "batch" or not isinstance(content, bytes):
            raise _Refused(400, "A file and the purpose 'batch' are needed")
        ident, name = f"file-{uuid4().hex}", str(fields.get("filename") or "batch.jsonl")
        about = self._put(ident, name, "batch", self._now, content)
        self._keep(ident, orjson.dumps([name, about["created_at"], content.decode("latin-1")]))
        return about

    def _put(self, ident: str, name: str, purpose: str, created: float, content: bytes) -> Json:
        about: Json = {"id": ident, "object": "file", "bytes": len(content), "created_at": int(created)}
        about |= {"filename": name, "purpose": purpose, "status": "processed"}
        self._files[ident] = about, content
        return about

    def files(self, fields: Fields) -> Json:
        purpose = fields.get("purpose")
        return _page([one for one, _ in self._files.values() if purpose in (None, one["purpose"])], fields)

    def file(self, fields: Fields, ident: str) -> Json:
        return self._file(ident)[0]

    def content(self, fields: Fields, ident: str) -> Wire:
        return Wire(200, self._file(ident)[1], {"content-type": "application/octet-stream"})

    def delete(self, fields: Fields, ident: str) -> Json:
        self._file(ident)
        del self._files[ident]
        if self._folder:
            (self._folder / ident).unlink(missing_ok=True)
        return {"id": ident, "object": "file", "deleted": True}

    def _file(self, ident: str) -> tuple[Json, bytes]:
        if ident not in self._files:
            raise _Refused(404, f"No such File object: {ident}")
        return self._files[ident]

    def create(self, fields: Fields) -> Json | Wire:
        asked = {name: fields.get(name) for name in _ASKED}
        source = str(asked["input_file_id"])
        if source not in self._files or str(asked["endpoint"]) not in PATHS:
            raise _Refused(400, "The input_file_id or the endpoint is not known")
        if not _is_metadata(asked["metadata"]):
            raise _Refused(400, "'metadata' must be an object of at most 16 short texts")
        batch = self._opened(asked, _seconds(asked["completion_window"]))
        try:
            batch.outcomes = tuple(outcomes(self.service, batch, self._files[source][1]))
            check(self.service.script.batches, batch, sum(other.waiting for other in self._live))
        except Wrong as wrong:
            code, message = wrong.args
            batch.outcomes, batch.errors = (), [{"code": code, "message": message}]
        self._note_twice(batch)
        self._batches[batch.id] = batch
        self._live.append(batch)
        self._keep(batch.id, batch.model_dump_json().encode())
        said = batch.shown(batch.created) | {"status": "validating"} | _NO_FILES
        return next((wire for fault, wire in _NOT_TOLD.items() if batch.rule(fault)), said)

    def _opened(self, asked: Json, window: float) -> Batch:
        script, n = self.service.script, len(self._batches) + 1
        return Batch(
            id=f"batch_{uuid4().hex}",
            n=n,
            created=self._now,
            seconds=batch_latency(script, n),
            window=window if script.batches.window is None else script.batches.window,
            seed=script.seed,
            asked=asked,
            rules=strikes(script, n),
        )

    def _note_twice(self, batch: Batch) -> None:
        """Note in the ledger which lines stand in another unfinished batch, too."""
        others = {(one.id, one.bill.digest) for other in self._live for one in other.outcomes}
        for one in batch.outcomes:
            if (one.id, one.bill.digest) in others:
                self.service.ledger.write(one.bill.unpaid(batch.created, TWICE))

    def batches(self, fields: Fields) -> Json:
        ordered = sorted(self._batches.values(), key=lambda batch: batch.n)
        return _page([batch.shown(self._now) for batch in ordered], fields)

    def batch(self, fields: Fields, ident: str) -> Json:
        return self._batch(ident).shown(self._now)

    def cancel(self, fields: Fields, ident: str) -> Json:
        batch, now = self._batch(ident), self._now
        if batch.cancelled is not None:
            return batch.shown(now)
        if now >= batch.end[0]:
            raise _Refused(409, f"Cannot cancel a batch with status '{batch.status(now)}'.")
        batch.cancelled = now
        self._keep(batch.id, batch.model_dump_json().encode())
        return batch.shown(now) | {"status": "cancelling"} | _NO_FILES

    def _batch(self, ident: str) -> Batch:
        if ident not in self._batches:
            raise _Refused(404, f"No batch found with id '{ident}'.")
        return self._batches[ident]

    def _keep(self, name: str, content: bytes) -> None:
        if self._folder:
            aside = self._folder / f".{name}.part"
            aside.write_bytes(content)
            aside.replace(self._folder / name)

    def _load(self, folder: Path) -> None:
        make_folder(folder)
        billed = Counter(line.batch for line in self.service.ledger.account().lines if line.fault != TWICE)
        for path in folder.glob("file-*"):
            name, created, content = orjson.loads(path.read_bytes())
            self._put(path.name, name, "batch", created, content.encode("latin-1"))
        for path in folder.glob("batch_*"):
            batch = self._batches[path.name] = Batch.model_validate_json(path.read_bytes())
            batch.resume(billed[batch.id])


def folder_beside(ledger: Path, model: str) -> Path:
    """Where the batches of a model are kept whose ledger is this file."""
    return ledger.with_name(f"{ledger.name}.batches") / quote(model, safe="")


def _seconds(window: Any) -> float:
    found = _WINDOW.fullmatch(window) if isinstance(window, str) else None
    if not found:
        raise _Refused(400, f"Invalid value for 'completion_window': {window}")
    return int(found[1]) * _SECONDS[found[2]]


def _is_metadata(given: Any) -> bool:
    return given is None or (
        isinstance(given, dict)
        and len(given) <= 16
        and all(isinstance(text, str) and len(text) <= 512 for text in given.values())
    )


def _page(listed: list[Json], fields: Fields) -> Json:
    """A part of a list, the newest first: what stands behind `after`, at most `limit`."""
    limit, after = str(fields.get("limit", 20)), fields.get("after")
    names = [one["id"] for one in listed[::-1]]
    if not limit.isdecimal() or not 1 <= int(limit) <= _MOST_LISTED or (after and after not in names):
        raise _Refused(400, "Invalid value for 'limit' or 'after'")
    rest = listed[::-1][names.index(after) + 1 if after else 0 :]
    data = rest[: int(limit)]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
    return {"object": "list", "data": data, "has_more": len(rest) > len(data), **ends}


_ROUTES: tuple[tuple[str, str, Callable[..., Json | Wire]], ...] = (
    ("POST", "/files", Desk.upload),
    ("GET", "/files", Desk.files),
    ("GET", "/files/([^/]+)", Desk.file),
    ("GET", "/files/([^/]+)/content", Desk.content),
    ("DELETE", "/files/([^/]+)", Desk.delete),
    ("POST", "/batches", Desk.create),
    ("GET", "/batches", Desk.batches),
    ("GET", "/batches/([^/]+)", Desk.batch),
    ("POST", "/batches/([^/]+)/cancel", Desk.cancel),
)
