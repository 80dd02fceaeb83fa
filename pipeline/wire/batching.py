"""Batches on the wire: what each server takes, the lines that go out, and the lines that come back.

A line is JSON: `{"custom_id": …, "method": "POST", "url": …, "body": …}` out, and back
`{"custom_id": …, "response": {"status_code": …, "body": …}, "error": …}`. What is known of servers is in
`batching.toml`. This module does not know HTTP or files.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from secrets import token_hex
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson

from pipeline.core.domain import Request

BEFORE_BODY = b'"body":'
"""in a line that goes out, right before the request's body"""
_MARK = re.compile(r".*-([0-9]{10,12})-[0-9a-f]{16}")


_FORM = {"purpose": "batch"}
_CREATE: Mapping[str, Any] = {
    "input_file_id": "{file}",
    "endpoint": "{endpoint}",
    "completion_window": "{window}",
    "metadata": {"pipeline": "{mark}"},
}


@dataclass(frozen=True, slots=True)
class Vendor:
    """What one server's batches are like. With all of them files are uploaded, and ids tell lines apart."""

    name: str
    hosts: tuple[str, ...]
    """a host that begins with a dot stands for all that end so"""
    source: str
    """where it says so"""
    apis: tuple[str, ...]
    """dialects that a batch can be in; none where it takes no batches in this form"""
    most_requests: int = 0
    most_bytes: int = 0
    window: str = ""
    """in which time it answers, as the server wants it said"""
    most_tokens: int | None = None
    """tokens that may wait there at once; None where only its refusals tell"""
    metadata: bool = True
    """whether a batch surely keeps its mark; where it may not, the name of its input file is looked at"""
    expires: bool = True
    """whether a batch ends at the end of its window, with what is answered until then"""
    retention: int | None = None
    """days that results are kept; None where that is not known"""
    factor: float = 0.5
    """its price, relative to the usual one"""
    flex: bool = False
    """whether it has the service tier flex, at this price"""
    upload: str = "/files"
    """where files are taken in"""
    form: Mapping[str, str] = field(default_factory=lambda: _FORM)
    """what is said of a file; {name} stands for its name"""
    path: str = "/batches"
    """where its batches are"""
    line: Literal["whole", "body"] = "whole"
    """whether a line that goes out says method and url, or nothing but its id and its body"""
    pages: Literal["after", "number"] = "after"
    """how its list is turned over"""
    create: Mapping[str, Any] = field(default_factory=lambda: _CREATE)
    """the request for a batch; {file}, {endpoint}, {window}, {model} and {mark} stand for what is meant"""
    note: str = ""
    """what people must know"""


@cache
def vendors() -> dict[str, Vendor]:
    """All that is known, by name."""
    text = files("pipeline.wire").joinpath("batching.toml").read_text("utf-8")
    return {name: _vendor(name, knobs) for name, knobs in tomllib.loads(text).items()}


def _vendor(name: str, knobs: Mapping[str, Any]) -> Vendor:
    listed: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in knobs.items()
    }
    return Vendor(name, **listed)


def vendor_of(address: str) -> Vendor:
    """The one at an address; `compatible` where it is not known."""
    host = urlsplit(address).hostname or ""
    known = (one for one in vendors().values() if any(_is_at(host, end) for end in one.hosts))
    return next(known, vendors()["compatible"])


def _is_at(host: str, end: str) -> bool:
    return host == end or (end.startswith(".") and host.endswith(end))


def path_of(api: str) -> str:
    """The path of a dialect, as it stands in a batch."""
    return "/v1/chat/completions" if api == "chat" else f"/v1/{api}"


def new_mark(job: str, now: float) -> str:
    """A mark that no other batch has. It may stand in a file's name; it says when it was made."""
    return f"{re.sub('[^A-Za-z0-9_]', '-', job)[:40]}-{int(now)}-{token_hex(8)}"


def made_at(mark: str) -> float:
    """When a mark was made; 0 where it does not say so."""
    found = _MARK.fullmatch(mark)
    return float(found[1]) if found else 0.0


def filled(template: Any, **names: str) -> Any:
    """A template of a vendor, with these names in their places."""
    if isinstance(template, str):
        return names.get(template[1:-1], template) if template[:1] == "{" else template
    if isinstance(template, Mapping):
        return {key: filled(one, **names) for key, one in template.items()}
    return [filled(one, **names) for one in template] if isinstance(template, list) else template


def body_of(vendor: Vendor, **names: str) -> dict[str, Any]:
    """The request for a batch."""
    return {key: filled(one, **names) for key, one in vendor.create.items()}


def line_of(request: Request, path: str, vendor: Vendor | None = None) -> bytes:
    """The line of a request, with its newline, for a dialect at this path; its id is the digest."""
    head = b'{"custom_id":"%s",' % request.digest.hex().encode()
    if vendor is None or vendor.line == "whole":
        head += b'"method":"POST","url":"%s",' % path.encode()
    return head + BEFORE_BODY + request.sent + b"}\n"


@dataclass(frozen=True, slots=True)
class LineBack:
    """A line of results: whose it is, and the reply in it. `status` is 0 where the request was never sent."""

    id: str
    status: int
    body: bytes


def read_line(raw: bytes) -> LineBack | None:
    """What a line of results says; None where it is blank, cut off, or nothing that can be understood."""
    line = _loaded(raw.removeprefix(b"\xef\xbb\xbf"))
    if not isinstance(line, dict) or not isinstance(line.get("custom_id"), str):
        return None
    response, error = line.get("response"), line.get("error")
    status, body = 0, None
    if isinstance(response, dict):
        status, body = _status(response.get("status_code")), response.get("body")
    if isinstance(body, str) and isinstance(within := _loaded(body.encode("utf-8", "surrogatepass")), dict):
        body = within
    if 200 <= status < 300 and not body and not error:  # it may have been billed, and says nothing
        return LineBack(line["custom_id"], status, b"")
    if body in (None, "", {}):  # an error beside an empty body says what its status is about
        return LineBack(line["custom_id"], 0 if status < 400 else status, _dumped({"error": error}))
    if status == 0 and error:
        status = _status(error.get("code")) if isinstance(error, dict) else 0
    return LineBack(line["custom_id"], status, _dumped(body))


def _status(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch("[1-5][0-9]{2}", value):
        return int(value)
    return value if type(value) is int and 100 <= value < 600 else 0


def _loaded(raw: bytes) -> Any:
    """What JSON says; the standard parser also reads lone surrogates."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError):  # what the quick parser did not read
        return json.dumps(value).encode()
