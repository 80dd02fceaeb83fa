"""Calls to an endpoint that are no questions: its files, its jobs. One at a time, each sent once.

They carry the headers of a question, go through the same proxy, follow no redirect and read no more than they
must. Whatever goes wrong is a `Fault`, which says whether the call may have been carried out: `Billed.MAYBE`.
This module does not know where a key comes from, nor what is called.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import IO, Any
from urllib.parse import urlsplit

from pipeline.core.domain import Billed, Fault
from pipeline.core.secret import Secret, cleansed_bytes, guarding
from pipeline.providers.http.client import head
from pipeline.providers.http.extras import Extras
from pipeline.wire import faults

MOST = 8 << 20  # bytes of a reply
MOST_LINE = 4 * faults.REPLY_CAP  # bytes of a line in a file: a reply with its signs escaped
CONNECT_SECONDS = 30.0
FILE_SECONDS = 3600.0  # for a whole file, however slowly it comes


class Rest:
    """The calls to one endpoint."""

    def __init__(self, http: Any, base_url: str, seconds: float) -> None:
        self._http, self._base, self._seconds = http, base_url.rstrip("/"), seconds
        self._host = urlsplit(base_url).netloc.rpartition("@")[2]

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """What is at a path."""
        return self._call("GET", path, params=params)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What a path answers to a body."""
        return self._call("POST", path, json=body)

    def upload(self, path: str, name: str, file: IO[bytes], **fields: str) -> dict[str, Any]:
        """What a path answers to a file."""
        return self._call("POST", path, data=fields, files={"file": (name, file, "application/jsonl")})

    def listed(self, path: str, **params: Any) -> dict[str, Any]:
        """A page of a list; some servers send the entries alone, all of them, which then are its `data`."""
        return self._call("GET", path, bare=True, params=params)

    def download(self, path: str, into: IO[bytes], most: int) -> None:
        """Write a file of lines, of at most `most` bytes, without any secret. A line that is too long is cut.

        Where it does not come as a whole, a part of it may have been written.
        """
        with self._answer("GET", path) as response:
            lines = _Lines(into)
            came = 0
            for piece in _in_time(response.iter_bytes(), max(self._seconds, FILE_SECONDS)):
                if came == 0 and faults.is_page(piece):
                    raise faults.unreadable(f"{self._host} sent a page for people instead of a file", b"")
                came += len(piece)
                if came > most:
                    raise Fault("too_large", f"the file is larger than {most >> 20:,} MiB")
                lines.add(piece)
            lines.end()

    def _call(self, method: str, path: str, *, bare: bool = False, **what: Any) -> dict[str, Any]:
        with self._answer(method, path, **what) as response:
            body = _whole(response, self._seconds)
        try:
            said = json.loads(cleansed_bytes(body))
        except (ValueError, RecursionError):
            said = None
        if bare and isinstance(said, list):
            return {"data": said, "has_more": False}
        if not isinstance(said, dict):
            raise Fault("unreadable", f"{self._host} answered with no JSON object", billed=Billed.MAYBE)
        return said

    @contextmanager
    def _answer(self, method: str, path: str, **what: Any) -> Iterator[Any]:
        """The response of a call that succeeded; whatever goes wrong, also while it is read, is a `Fault`."""
        import httpx2

        try:
            with self._http.stream(method, self._base + path, **what) as response:
                if 200 <= response.status_code < 300:
                    yield response
                    return
                body = _whole(response, self._seconds)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError, httpx2.InvalidURL) as error:
            raise faults.unreachable(f"cannot connect to {self._host}: {_why(error)}") from None
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise faults.dropped(Billed.MAYBE, f"{self._host} gave no answer: {_why(error)}") from None
        headers = {name.lower(): words for name, words in response.headers.items()}
        raise faults.fault_of(response.status_code, headers, cleansed_bytes(body))


class _Lines:
    """Writes a file line by line, so that a secret at the border of two pieces is taken out, too."""

    def __init__(self, into: IO[bytes]) -> None:
        self._into, self._rest, self._skips = into, bytearray(), False

    def add(self, piece: bytes) -> None:
        """Write the lines that are whole now."""
        head, newline, tail = piece.rpartition(b"\n")
        if newline:
            self._put(head + newline)
            piece = tail
        if not self._skips:
            self._rest += piece
            self._skips = len(self._rest) > MOST_LINE

    def _put(self, lines: bytes) -> None:
        if self._skips:  # the rest of a line that is too long: its beginning stays as a line of its own
            lines = b"\n" + lines.partition(b"\n")[2]
        self._into.write(cleansed_bytes(bytes(self._rest) + lines))
        self._rest.clear()
        self._skips = False

    def end(self) -> None:
        """Write what is left, as a line."""
        if self._rest:
            self._put(b"\n")


def _in_time(pieces: Iterator[bytes], seconds: float) -> Iterator[bytes]:
    """The pieces of a body; a `Fault` where they go on coming for longer than this."""
    until = monotonic() + seconds
    for piece in pieces:
        if monotonic() > until:
            raise faults.timed_out(seconds)
        yield piece


def _whole(response: Any, seconds: float) -> bytes:
    body = bytearray()
    for piece in _in_time(response.iter_raw(), seconds):
        body += piece
        if len(body) > MOST:
            raise faults.too_large().but(billed=Billed.MAYBE)
    return bytes(body)


def _why(error: BaseException) -> str:
    while not isinstance(error, OSError) and (below := error.__cause__ or error.__context__):
        error = below
    return getattr(error, "strerror", None) or type(error).__name__


def _trusted(base_url: str) -> ssl.SSLContext:
    """Whose certificates count: those of the system, or of SSL_CERT_FILE; nobody's where there is no TLS."""
    if urlsplit(base_url).scheme == "https":
        return ssl.create_default_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # to read the system's takes a tenth of a second


@contextmanager
def rest_at(base_url: str, key: Secret, extras: Extras, timeout: float) -> Iterator[Rest]:
    """The calls to an address. No secret of it comes back while it is open."""
    import httpx2  # half a second; only these calls need it

    headers = {name: words for name, words in head(base_url, key, extras).items() if name != "Content-Type"}
    with (
        guarding(key, *extras.secrets),
        httpx2.Client(
            headers=headers,
            verify=_trusted(base_url),
            trust_env=False,
            proxy=extras.proxy.reveal() or None,
            follow_redirects=False,
            timeout=httpx2.Timeout(timeout, connect=CONNECT_SECONDS),
        ) as http,
    ):
        yield Rest(http, base_url, timeout)
