"""Calls to the fake model's desk of files and batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from pipeline.testing import Ledger, Script
from pipeline.testing.batches.desk import Desk
from pipeline.testing.service import Service

HOUR = 3600.0


class Client:
    """Calls to a desk, with the answers as JSON."""

    def __init__(self, script: Script, ledger: Path | None = None, folder: Path | None = None) -> None:
        self.ledger = Ledger(ledger)
        self.desk = Desk(Service(script, self.ledger), folder)

    def call(self, method: str, path: str, status: int = 200, **fields: Any) -> Any:
        wire = self.desk.handle(method, path, fields)
        assert wire.status == status, wire.body
        return wire.body if path.endswith("/content") else orjson.loads(wire.body)

    def create(self, content: bytes, status: int = 200, **fields: Any) -> Any:
        file = self.call("POST", "/files", purpose="batch", file=content, filename="in.jsonl")
        asked = {"endpoint": "/v1/chat/completions", "completion_window": "24h", **fields}
        return self.call("POST", "/batches", status, input_file_id=file["id"], **asked)

    def look(self, batch: Any) -> Any:
        return self.call("GET", f"/batches/{batch['id']}")


def batches(**keys: Any) -> Script:
    return Script.model_validate({"batches": keys})
