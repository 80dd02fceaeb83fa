"""Files and batches of the fake model, as OpenAI's API has them: what a call to them brings.

The calls are the same in process and behind HTTP: a method, a path below /v1, and fields. Batches survive a
restart where they are kept in a folder; what they have billed then is in the ledger alone.
This module does not know HTTP, and not how a batch goes on: `batch.py` does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote
from uuid import uuid4

import orjson

from pipeline.system.files import make_folder, replace_file
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
_NOT_KEPT = {"create_500": Wire(500, error(500, "", "server_error", "The server had an error").body)}
_NOT_KEPT["create_drop"] = Wire(0, manner=Manner.DROP)
"""what is sent for a batch that was made all the same"""
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
        """Put into the ledger what has been billed since the last time."""
        now = self.service.now()
        for batch in self._live:
            for bill in batch.bills(now):
                self.service.ledger.write(bill)
        self._live = [batch for batch in self._live if now < batch.end[0]]

    def upload(self, fields: Fields) -> Json:
        content = fields.get("file")
        if fields.get("purpose") != "batch" or not isinstance(content, bytes):
            raise _Refused(400, "A file and the purpose 'batch' are needed")
        name = str(fields.get("filename") or "batch.jsonl")
        about = self._about(f"file-{uuid4().hex}", name, len(content), self.service.now(), "batch")
        self._files[about["id"]] = about, content
        self._keep(f"{about['id']}.jsonl", content)
        self._keep(f"{about['id']}.json", orjson.dumps(about))
        return about

    def _about(self, ident: str, name: str, size: int, created: float, purpose: str) -> Json:
        about: Json = {"id": ident, "object": "file", "bytes": size, "created_at": int(created)}
        return about | {"filename": name, "purpose": purpose, "status": "processed"}

    def files(self, fields: Fields) -> Json:
        purpose = fields.get("purpose")
        made = [self._result(name) for batch in self._batches.values() for name in self._names(batch)]
        listed = [*(about for about, _ in self._files.values()), *(about for about, _ in made)]
        return _page([one for one in listed if purpose in (None, one["purpose"])], fields)

    def file(self, fields: Fields, ident: str) -> Json:
        return self._file(ident)[0]

    def content(self, fields: Fields, ident: str) -> Wire:
        return Wire(200, self._file(ident)[1], {"content-type": "application/octet-stream"})

    def delete(self, fields: Fields, ident: str) -> Json:
        self._file(ident)
        if self._files.pop(ident, None) is None:
            batch = self._owner(ident)
            batch.deleted.append(ident)
            self._save(batch)
        elif self._folder:
            for suffix in (".jsonl", ".json"):
                (self._folder / f"{ident}{suffix}").unlink(missing_ok=True)
        return {"id": ident, "object": "file", "deleted": True}

    def _file(self, ident: str) -> tuple[Json, bytes]:
        if ident in self._files:
            return self._files[ident]
        batch = self._owner(ident)
        if ident not in self._names(batch) or batch.rule("output_gone"):
            raise _no_file(ident)
        return self._result(ident)

    def _owner(self, ident: str) -> Batch:
        """The batch that a file of results belongs to."""
        batch = self._batches.get(ident.partition("-")[2].partition("-")[2])
        if batch is None:
            raise _no_file(ident)
        return batch

    def _names(self, batch: Batch) -> list[str]:
        return [name for name in batch.files(self.service.now()).values() if name not in batch.deleted]

    def _result(self, ident: str) -> tuple[Json, bytes]:
        batch, kind = self._owner(ident), ident.split("-")[1]
        content = batch.content(kind, self.service.now())
        name = f"{batch.id}_{kind}.jsonl"
        return self._about(ident, name, len(content), batch.end[0], "batch_output"), content

    def create(self, fields: Fields) -> Json | Wire:
        source, endpoint, window = (
            fields.get(name) for name in ("input_file_id", "endpoint", "completion_window")
        )
        if source not in self._files:
            raise _Refused(400, f"Invalid file: {source}")
        if endpoint not in PATHS:
            raise _Refused(400, f"Invalid value for 'endpoint': {endpoint}")
        asked = {"endpoint": endpoint, "input_file_id": source, "completion_window": window}
        batch = self._opened(asked | {"metadata": _metadata(fields.get("metadata"))}, _seconds(window))
        try:
            batch.outcomes = tuple(outcomes(self.service, batch, self._files[str(source)][1]))
            check(self.service.script.batches, batch, sum(other.waiting for other in self._live))
        except Wrong as wrong:
            code, message = wrong.args
            batch.outcomes = ()
            batch.errors = [{"code": code, "message": message, "line": None, "param": None}]
        self._warn(batch)
        self._batches[batch.id] = batch
        self._live.append(batch)
        self._save(batch)
        said = batch.shown(batch.created) | {"status": "validating"}
        return next((wire for fault, wire in _NOT_KEPT.items() if batch.rule(fault)), said)

    def _opened(self, asked: Json, window: float) -> Batch:
        script, n = self.service.script, len(self._batches) + 1
        return Batch(
            id=f"batch_{uuid4().hex}",
            n=n,
            created=self.service.now(),
            seconds=batch_latency(script, n),
            window=window if script.batches.window is None else script.batches.window,
            seed=script.seed,
            asked=asked,
            rules=strikes(script, n),
        )

    def _warn(self, batch: Batch) -> None:
        """Put lines into the ledger that are in another batch, too, and are not billed yet."""
        others = {(one.id, one.bill.digest) for other in self._live for one in other.outcomes}
        for one in batch.outcomes:
            if (one.id, one.bill.digest) in others:
                twice = replace(one.bill, billed=False, status=0, input=0, output=0, fault=TWICE, tier="")
                self.service.ledger.write(replace(twice, cached=0, cache_written=0, reasoning=0))

    def batches(self, fields: Fields) -> Json:
        now = self.service.now()
        ordered = sorted(self._batches.values(), key=lambda batch: batch.n)
        return _page([batch.shown(now) for batch in ordered], fields)

    def batch(self, fields: Fields, ident: str) -> Json:
        return self._batch(ident).shown(self.service.now())

    def cancel(self, fields: Fields, ident: str) -> Json:
        batch, now = self._batch(ident), self.service.now()
        if batch.cancelled is None:
            if now >= batch.end[0]:
                raise _Refused(409, f"Cannot cancel a batch with status '{batch.status(now)}'.")
            batch.cancelled = now
            self._save(batch)
        return batch.shown(now) | ({"status": "cancelling"} if batch.cancelled == now else {})

    def _batch(self, ident: str) -> Batch:
        if ident not in self._batches:
            raise _Refused(404, f"No batch found with id '{ident}'.")
        return self._batches[ident]

    def _save(self, batch: Batch) -> None:
        self._keep(f"{batch.id}.json", batch.model_dump_json().encode())

    def _keep(self, name: str, content: bytes) -> None:
        if self._folder:
            replace_file(self._folder / name, content)

    def _load(self, folder: Path) -> None:
        make_folder(folder)
        billed = Counter(line.batch for line in self.service.ledger.account().lines if line.fault != TWICE)
        for path in sorted(folder.glob("file-*.json")):
            about, content = orjson.loads(path.read_bytes()), path.with_suffix(".jsonl").read_bytes()
            self._files[path.stem] = about, content
        for path in folder.glob("batch_*.json"):
            batch = Batch.model_validate_json(path.read_bytes())
            batch.resume(billed[batch.id])
            self._batches[batch.id] = batch


def folder_beside(ledger: Path, model: str) -> Path:
    """Where the batches of a model are kept whose ledger is this file."""
    return ledger.with_name(f"{ledger.name}.batches") / quote(model, safe="")


def _no_file(ident: str) -> _Refused:
    return _Refused(404, f"No such File object: {ident}")


def _seconds(window: Any) -> float:
    found = _WINDOW.fullmatch(window) if isinstance(window, str) else None
    if not found:
        raise _Refused(400, f"Invalid value for 'completion_window': {window}")
    return int(found[1]) * _SECONDS[found[2]]


def _metadata(given: Any) -> Json | None:
    if given is None:
        return None
    if not isinstance(given, dict) or len(given) > 16:
        raise _Refused(400, "'metadata' must be an object of at most 16 texts")
    if not all(
        isinstance(text, str) and len(text) <= 512 and len(name) <= 64 for name, text in given.items()
    ):
        raise _Refused(400, "'metadata' must have keys of 64 and texts of 512 characters at most")
    return given


def _page(listed: list[Json], fields: Fields) -> Json:
    """A part of a list, the newest first: what stands behind `after`, at most `limit`."""
    listed = listed[::-1]
    limit = str(fields.get("limit", 20))
    if not limit.isdecimal() or not 1 <= int(limit) <= _MOST_LISTED:
        raise _Refused(400, f"Invalid value for 'limit': {limit}")
    if after := fields.get("after"):
        places = [place for place, one in enumerate(listed) if one["id"] == after]
        if not places:
            raise _Refused(400, f"Invalid value for 'after': {after}")
        listed = listed[places[0] + 1 :]
    data = listed[: int(limit)]
    ends = (
        {"first_id": data[0]["id"], "last_id": data[-1]["id"]}
        if data
        else {"first_id": None, "last_id": None}
    )
    return {"object": "list", "data": data, "has_more": len(listed) > len(data), **ends}


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
