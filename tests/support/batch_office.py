"""A fake of an endpoint's files and batches, on loopback; gone on exit.

It checks what comes by the types of OpenAI's SDK, speaks OpenAI's, Mistral's or Together's dialect, and fails
in the ways that it is told: a word for each call in turn, '' for none. `500`, `404`: refused, nothing done.
`500 after`, `drop after`: done, and then an error, or no answer. `drop`: no answer, nothing done. `html`: a
page for people.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from openai.types import Batch, BatchCreateParams, FileObject
from pydantic import TypeAdapter

DONE = {"openai": "completed", "mistral": "SUCCESS", "together": "COMPLETED"}
NAMES = {"openai": ("output_file_id", "error_file_id"), "mistral": ("output_file", "error_file")}


@dataclass
class Office:
    """What the fake has, and how it is to fail."""

    url: str = ""
    dialect: str = "openai"
    keeps_metadata: bool = True
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """name and content, by id"""
    batches: list[dict[str, Any]] = field(default_factory=list)
    """the newest last"""
    faults: dict[str, list[str]] = field(default_factory=dict)
    """by what is called (upload, create, list, look, file, content, cancel): a word for each call in turn"""
    calls: list[str] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    now: int = 1_800_000_000
    page: int = 100
    reading: int = 0
    """how often a file is said to be read still"""

    def upload(self, body: bytes) -> dict[str, Any]:
        """Keep a file."""
        fields = dict(re.findall(rb'name="(\w+)"\r\n\r\n([^\r]*)\r\n', body))
        assert fields[b"purpose"] == (b"batch-api" if self.dialect == "together" else b"batch")
        content = re.search(rb'filename="([^"]+)"\r\n[^\r]+\r\n\r\n(.*)\r\n--', body, re.DOTALL)
        assert content
        ident = f"file-{len(self.files)}"
        self.files[ident] = content[1].decode(), content[2]
        return self.about(ident)

    def about(self, ident: str) -> dict[str, Any]:
        """What is said of a file."""
        self.reading -= 1
        name, content = self.files[ident]
        said = {"id": ident, "bytes": len(content), "created_at": self.now, "filename": name}
        made = FileObject.model_validate(said | {"object": "file", "purpose": "batch", "status": "processed"})
        return made.model_dump() | ({"status": "pending"} if self.reading >= 0 else {})

    def create(self, body: bytes) -> dict[str, Any]:
        """Make a batch, which is paid for."""
        asked = json.loads(body)
        if self.dialect == "openai":
            TypeAdapter(BatchCreateParams).validate_python(asked)
            assert asked.keys() <= BatchCreateParams.__annotations__.keys()
        batch = {"id": f"batch_{len(self.batches)}", "object": "batch", "created_at": self.now, **asked}
        batch |= {"status": "validating" if self.dialect == "openai" else "QUEUED"}
        if not self.keeps_metadata:
            batch["metadata"] = None
        self.batches.append(batch)
        return self.shown(batch)

    def end(self, output: bytes, errors: bytes = b"", status: str = "") -> None:
        """End the newest batch with these files."""
        for key, content in zip(NAMES.get(self.dialect, NAMES["openai"]), (output, errors), strict=True):
            if content:
                ident = f"file-{len(self.files)}"
                self.files[ident] = f"{key}.jsonl", content
                self.batches[-1][key] = ident
        self.batches[-1]["status"] = status or DONE[self.dialect]

    def shown(self, batch: dict[str, Any]) -> dict[str, Any]:
        """A batch as the dialect shows it."""
        if self.dialect == "openai":
            return Batch.model_validate(batch).model_dump()
        return {"job": batch} if self.dialect == "together" else batch

    def list(self, query: dict[str, list[str]]) -> Any:
        """A page of the list, newest first."""
        found = [self.shown(one) for one in reversed(self.batches)]
        if self.dialect == "together":
            return [one["job"] for one in found]
        if self.dialect == "mistral":
            start = int(query.get("page", ["0"])[0]) * self.page
            page = found[start : start + self.page]
            return {"object": "list", "total": len(found)} | ({"data": page} if page else {})
        after = query.get("after", [""])[0]
        start = next((i + 1 for i, one in enumerate(found) if one["id"] == after), 0)
        page = found[start : start + self.page]
        return {"object": "list", "data": page, "has_more": len(found) > start + self.page}

    def answer(self, method: str, path: str, body: bytes) -> tuple[str, Any]:
        """The fault that is due, and what is answered without one."""
        parts = urlsplit(path)
        place = (
            parts.path.removeprefix("/v1")
            .replace("/batch/jobs", "/batches")
            .replace("/files/upload", "/files")
        )
        ident = place.split("/")[2] if place.count("/") > 1 else ""
        if place in ("/models", "/props"):
            return "404", {}
        if place == "/chat/completions":  # what is sent by itself is refused
            return "400", {}
        routes = {
            "POST /files": ("upload", lambda: self.upload(body)),
            "POST /batches": ("create", lambda: self.create(body)),
            "GET /batches": ("list", lambda: self.list(parse_qs(parts.query))),
            f"GET /batches/{ident}": ("look", lambda: self.shown(self.batch(ident))),
            f"POST /batches/{ident}/cancel": ("cancel", lambda: self.shown(self.batch(ident))),
            f"GET /files/{ident}": ("file", lambda: self.about(ident)),
            f"GET /files/{ident}/content": ("content", lambda: self.files[ident][1]),
        }
        name, call = routes[f"{method} {place}"]
        self.calls.append(name)
        fault = (self.faults.get(name) or [""]).pop(0)
        return (fault, {}) if fault and "after" not in fault else (fault, call())

    def batch(self, ident: str) -> dict[str, Any]:
        """A batch by its name."""
        return next(one for one in self.batches if one["id"] == ident)


@contextmanager
def office(**how: Any) -> Iterator[Office]:
    """The fake, in a thread of this process."""
    fake = Office(**how)

    class Handler(BaseHTTPRequestHandler):
        wbufsize, disable_nagle_algorithm = 65_536, True

        def _serve(self) -> None:
            fake.heads.append(dict(self.headers.items()))
            fault, said = fake.answer(self.command, self.path, _body_of(self))
            if "drop" in fault:
                self.close_connection = True
                return
            words = {"error": {"message": "it went wrong", "type": "x"}} if fault else said
            content = words if isinstance(words, bytes) else json.dumps(words).encode()
            if fault == "html":
                fault, content = "200", b"<html>busy</html>"
            self.send_response(int(fault.split()[0]) if fault else 200)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        fake.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join(10)


def _body_of(handler: BaseHTTPRequestHandler) -> bytes:
    if "chunked" not in str(handler.headers.get("Transfer-Encoding")):
        return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    body = b""
    while size := int(handler.rfile.readline(), 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return body
