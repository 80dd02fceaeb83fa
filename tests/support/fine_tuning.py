"""A fake of an endpoint's files and fine-tuning jobs, on loopback; gone on exit.

It checks each request by the types of OpenAI's SDK, and fails in the ways that it is told: one word for
each call in turn, '' for none. `500`: an error, nothing done. `500 after`, `drop after`: done, and then an
error, or no answer. `drop`: no answer, nothing done. `400`, `401`, `429`: refused.
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

from openai.types import FileObject
from openai.types.fine_tuning import FineTuningJob, JobCreateParams
from pydantic import TypeAdapter

MODEL = "ft:m:org::abc"


@dataclass
class Trainer:
    """What the fake has, and how it is to fail."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    """by what is called (upload, create, list, look): a word for each call in turn"""
    stages: tuple[str, ...] = ("validating_files", "running", "succeeded")
    error: str = ""
    calls: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    listed: bool = True
    """whether the list of jobs shows them"""
    others: int = 0
    """jobs of other people in the list, newer than ours"""

    def upload(self, body: bytes) -> dict[str, Any]:
        """Keep a file."""
        content = re.search(rb'filename="([^"]+)"\r\n[^\r]+\r\n\r\n(.*?)\r\n--', body, re.DOTALL)
        assert content and b'name="purpose"\r\n\r\nfine-tune\r\n' in body
        name = f"file-{len(self.files)}"
        self.files[name] = content[2]
        said = {"id": name, "bytes": len(content[2]), "created_at": 1, "filename": content[1].decode()}
        made = {**said, "object": "file", "purpose": "fine-tune", "status": "processed"}
        return FileObject.model_validate(made).model_dump()

    def create(self, body: bytes) -> dict[str, Any]:
        """Make a job, which is paid for."""
        asked = TypeAdapter(JobCreateParams).validate_json(body)
        assert json.loads(body).keys() <= JobCreateParams.__annotations__.keys()
        assert asked["training_file"] in self.files
        return self._job(f"ftjob-{len(self.jobs)}", asked)

    def _job(self, name: str, asked: Any) -> dict[str, Any]:
        job = {
            "id": name,
            "created_at": 1,
            "hyperparameters": {},
            "object": "fine_tuning.job",
            "organization_id": "org",
            "result_files": [],
            "seed": 1,
            "status": self.stages[0],
            "looks": 0,
            **asked,
        }
        self.jobs[name] = job
        return FineTuningJob.model_validate(job).model_dump(exclude_unset=True)

    def look(self, name: str) -> dict[str, Any]:
        """A job, one stage further at each look."""
        job = self.jobs[name]
        status = self.stages[min(job["looks"], len(self.stages) - 1)]
        job["looks"] += 1
        job |= {"status": status, "fine_tuned_model": MODEL if status == "succeeded" else None}
        return job | ({"error": {"code": "x", "message": self.error}} if self.error else {})

    def list(self, after: str) -> dict[str, Any]:
        """A page of the list, newest first."""
        strange = [
            {"id": f"ftjob-x{i}", "training_file": "file-x", "metadata": None} for i in range(self.others)
        ]
        found = [*strange, *(reversed(self.jobs.values()) if self.listed else ())]
        start = next((i + 1 for i, job in enumerate(found) if job["id"] == after), 0)
        return {"object": "list", "data": found[start : start + 100], "has_more": len(found) > start + 100}

    def answer(self, method: str, path: str, body: bytes) -> tuple[str, dict[str, Any]]:
        """The fault that is due, and what is answered without one."""
        parts = urlsplit(path)
        place = parts.path.removeprefix("/v1")
        if place.endswith("/events"):
            return "", {"data": [{"message": "a step was made"}]}
        name = {
            "POST /files": "upload",
            "POST /fine_tuning/jobs": "create",
            "GET /fine_tuning/jobs": "list",
        }.get(f"{method} {place}", "look")
        self.calls.append(name)
        due = self.faults.get(name) or [""]
        fault = due.pop(0)
        if fault and "after" not in fault:
            return fault, {}
        if name == "upload":
            return fault, self.upload(body)
        if name == "create":
            return fault, self.create(body)
        if name == "list":
            return fault, self.list(parse_qs(parts.query).get("after", [""])[0])
        return fault, self.look(place.rpartition("/")[2])


@contextmanager
def trainer(**how: Any) -> Iterator[Trainer]:
    """The fake, in a thread of this process."""
    fake = Trainer(**how)

    class Handler(BaseHTTPRequestHandler):
        wbufsize, disable_nagle_algorithm = 65_536, True

        def _serve(self) -> None:
            fake.keys.add(str(self.headers.get("Authorization")))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if "chunked" in str(self.headers.get("Transfer-Encoding")):
                body = _chunks(self.rfile)
            fault, said = fake.answer(self.command, self.path, body)
            if "drop" in fault:
                self.close_connection = True
                return
            status = int(fault.split()[0]) if fault else 200
            said = {"error": {"message": "it went wrong", "type": "x"}} if fault else said
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
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


def _chunks(file: Any) -> bytes:
    body = b""
    while size := int(file.readline(), 16):
        body += file.read(size)
        file.readline()
    file.readline()
    return body
