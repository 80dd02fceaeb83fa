"""The HTTP behind every provider that speaks OpenAI's API.

A request is one `post` of aiohttp with the bytes that it carries. It is what OpenAI's SDK would send
(`tests/contracts/test_sdk.py` compares the two), but the SDK is not used: its way of sending costs four times
as much, its retries would sleep inside a slot and avoid the rate limits, and its import alone takes 0.6 s
and 40 MB. No redirect is followed, no proxy used that the job does not name, no cookie kept, no compressed
reply asked for; the size of a reply is capped, and a deadline holds for the whole call.
This module does not retry, count or read what an answer says, and does not know where a key came from.
"""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from io import BytesIO
from time import perf_counter
from urllib.parse import urlsplit

import aiohttp
from anyio import CapacityLimiter, to_thread
from yarl import URL

from pipeline.core.domain import FLEX, Billed, Call, Fault, Reply, Request
from pipeline.core.secret import Secret, cleansed, cleansed_bytes, guarding, is_guarded
from pipeline.providers.http import body as bodies
from pipeline.providers.http.body import Body
from pipeline.providers.http.connections import RampedConnector
from pipeline.providers.http.deadlines import Deadline, Deadlines
from pipeline.providers.http.extras import NOTHING, Extras
from pipeline.providers.http.models import advice, fetched
from pipeline.providers.http.strangers import NO_TLS, Strangers
from pipeline.wire import faults
from pipeline.wire.headers import advertised_limits, advertised_wait
from pipeline.wire.inside import failed_generation

PATHS = {
    "chat": "/chat/completions",
    **{api: f"/{api}" for api in ("responses", "completions", "decisions", "moderations")},
}
CONNECT_SECONDS = 30.0
READ_AT_ONCE = 4  # requests whose pictures are read at the same time: that takes their size several times
OTHER_FILES = 128  # files that are open besides the connections
OFFICIAL_HOST = "api.openai.com"
_MALFORMED = (400, 422)
"""statuses under which a server may send what the model wrote: that is an answer to be asked for again"""
_MEMBERSHIP = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
"""headers, each with the variable that the SDK reads it from"""


def _allow_sockets(concurrency: int) -> None:
    """Raise this process's own limit of open files to what the connections need, as far as allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = concurrency + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def head(base_url: str, key: Secret, extras: Extras = NOTHING) -> dict[str, str]:
    """The headers of each request: those of the SDK, without what they say about this machine, and the job's.

    The organisation, taken from the environment, goes to OpenAI alone.
    """
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "User-Agent": f"AsyncOpenAI/Python {version('openai')}",
    }
    if key:
        headers["Authorization"] = f"Bearer {key.reveal()}"
    if urlsplit(base_url).hostname == OFFICIAL_HOST:
        headers |= {name: words for name, place in _MEMBERSHIP.items() if (words := os.environ.get(place))}
    own = {name.lower() for name in extras.headers}
    headers = {name: words for name, words in headers.items() if name.lower() not in own}
    return headers | {name: words.reveal() for name, words in extras.headers.items()}


@asynccontextmanager
async def connection(
    base_url: str,
    key: Secret,
    concurrency: int,
    deadlines: Deadlines,
    extras: Extras = NOTHING,
    patient: Deadlines | None = None,
) -> AsyncIterator[Call]:
    """A call to an address. No secret of it comes back while it is open.

    `patient` are the deadlines of requests in the tier flex.
    """
    _allow_sockets(concurrency)
    connector = RampedConnector(concurrency, CONNECT_SECONDS)
    sent = head(base_url, key, extras)
    with guarding(key, *extras.secrets):
        async with aiohttp.ClientSession(
            connector=connector,
            headers=None if extras.proxy else sent,  # aiohttp would send these to the proxy, too
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            auto_decompress=False,
            trust_env=False,
        ) as session:
            endpoint = _Endpoint(
                session, connector, base_url, extras, deadlines, sent if extras.proxy else None
            )
            endpoint.keyless = not key and not extras.secrets
            endpoint.patient = patient or deadlines
            yield endpoint


class _Endpoint:
    """A call to one address, in the dialect of each request. Whatever goes wrong with it is a `Fault`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        connector: RampedConnector,
        base_url: str,
        extras: Extras,
        deadlines: Deadlines,
        headers: Mapping[str, str] | None,
    ) -> None:
        self._session = session
        self._connector = connector
        self._urls = {api: URL(base_url.rstrip("/") + path) for api, path in PATHS.items()}
        self._host = self._urls["chat"].authority.rpartition("@")[2]  # without a password before it
        self._headers = headers
        self._proxy, self._proxy_host = extras.proxy, extras.proxy_host
        self._deadlines = self.patient = deadlines
        self._room = asyncio.Semaphore(bodies.LARGE_AT_ONCE)
        self._reading = CapacityLimiter(READ_AT_ONCE)
        self._strangers = Strangers(self._host)
        self.keyless = False  # whether no secret is sent
        self._known = False
        self._listing = asyncio.Lock()
        self._listed: bytes | None = None  # the list of models; it is asked for once, and only after a 404

    async def __call__(self, request: Request) -> Reply:
        began = perf_counter()
        deadline = Deadline(self.patient if request.tier == FLEX else self._deadlines)
        response: aiohttp.ClientResponse | None = None
        body: Body | None = None
        data: bytes | BytesIO = request.body if request.media else request.sent
        if request.media:  # megabytes, of which no request that waits holds any
            data = BytesIO(await to_thread.run_sync(lambda: request.sent, limiter=self._reading))
        try:
            with deadline:
                async with self._session.post(
                    self._urls[request.api],
                    data=data,
                    headers=self._headers,
                    allow_redirects=False,
                    proxy=self._proxy.reveal() or None,
                ) as response:
                    body = _body_of(response)
                    whole = await body.read(deadline, self._room)
        except Exception as error:  # foreign code met hostile bytes: the reply may be paid for
            fault = self._fault(error, deadline, response, body)
        else:
            if _success(response) or (response.status in _MALFORMED and failed_generation(whole) is not None):
                return self._reply(response.headers, whole, began, request)
            fault = self._refusal(response, whole)
        if fault.kind == "not_found":
            fault = await self._explained(fault, request)
        raise fault  # outside of `except`, so that it does not hold the body or the key

    def _reply(self, headers: Mapping[str, str], body: bytes, began: float, request: Request) -> Reply:
        self._known = True
        body = cleansed_bytes(body)
        content_type = headers.get("content-type", "")
        if "json" not in content_type:
            content_type = cleansed(content_type)
        odd = self._strangers.look(content_type, body, request.digest)
        if self._connector.spoke_unasked:
            odd = f"{self._host} sends answers that no request asked for; no connection is reused"
        told, wait = advertised_limits(headers), advertised_wait(headers)
        return Reply(request.api, body, perf_counter() - began, advertised=told, wait=wait, odd=odd)

    def _refusal(self, response: aiohttp.ClientResponse, body: bytes) -> Fault:
        self._known = True
        headers = {name.lower(): cleansed(words) for name, words in response.headers.items()}
        fault = faults.fault_of(response.status, headers, cleansed_bytes(body))
        return fault.but(message=faults.no_key(self._host, fault)) if self.keyless else fault

    async def _explained(self, fault: Fault, request: Request) -> Fault:
        """The fault with what the server's list of models says about it."""
        async with self._listing:
            if self._listed is None:
                url = URL(str(self._urls["chat"]).removesuffix(PATHS["chat"]) + "/models")
                proxy = self._proxy.reveal() or None
                listed = await fetched(self._session, url, headers=self._headers, proxy=proxy)
                self._listed = cleansed_bytes(listed)
        about_model = "model" in fault.message.lower()
        said = advice(self._urls[request.api], request.api, request.model, self._listed, about_model)
        return fault.but(message=f"{fault.message.rstrip('. ')}; {said}") if said else fault

    def _fault(
        self, error: Exception, deadline: Deadline, response: aiohttp.ClientResponse | None, body: Body | None
    ) -> Fault:
        """The fault for an error before the whole reply was there."""
        match error:
            case aiohttp.ClientHttpProxyError():
                return faults.no_tunnel(self._proxy_host, self._host, error.status)
            case aiohttp.ClientProxyConnectionError():
                return _unconnected(error, f"{faults.PROXY} {self._proxy_host}", known=True)
            case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
                return _unconnected(error, self._host, self._known)
            case TimeoutError() if not deadline.idle:
                return faults.timed_out(deadline.seconds)
            case TimeoutError() | bodies.Unfinished() if response is not None and body is not None:
                return self._in_part(error, response, body)
            case aiohttp.ClientResponseError():
                return faults.unreadable("the reply's headers are not HTTP, or are too large", b"")
            case aiohttp.ClientError():
                return _closed(self._host)
            case MemoryError():
                return faults.no_memory()
        return faults.dropped(Billed.MAYBE, f"{type(error).__name__} while the reply was read")

    def _in_part(self, error: Exception, response: aiohttp.ClientResponse, body: Body) -> Fault:
        """The fault for a reply that came in part: the part is kept; a part of an error reply is enough."""
        if not _success(response):
            return self._refusal(response, body.came_plain())
        came = b"" if body.packed and is_guarded() else cleansed_bytes(body.came())
        match error:
            case TimeoutError():
                return faults.stalled(self._deadlines.idle, came)
            case bodies.ReplyTooLarge():
                return faults.too_large()
            case bodies.Undecodable():
                return faults.unreadable("the reply is compressed in a way that cannot be decoded", came)
        return _closed(self._host, came)


def _success(response: aiohttp.ClientResponse) -> bool:
    return 200 <= response.status < 300


def _body_of(response: aiohttp.ClientResponse) -> Body:
    """The body of a reply, with a smaller cap for an error reply."""
    encoding = ""
    if "content-encoding" in response.headers:
        encoding = ", ".join(response.headers.getall("content-encoding")).strip().lower()
    return Body(response.content, encoding, faults.REPLY_CAP if _success(response) else bodies.REFUSAL_CAP)


def _closed(host: str, body: bytes = b"") -> Fault:
    said = f"{host} closed the connection before the whole reply was there"
    return faults.dropped(Billed.MAYBE, said, body)


def _unconnected(error: Exception, host: str, known: bool) -> Fault:
    """A connection that was never made: nothing was sent, so nothing was billed.

    `known` is whether the host has answered before: then a certificate that went bad is an outage, which may
    pass.
    """
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = str(getattr(error.certificate_error, "verify_message", "")) or "it does not verify"
        return faults.unreachable(f"{host}: {reason}") if known else faults.untrusted(host, reason)
    if getattr(getattr(error, "os_error", None), "reason", "") in NO_TLS and not known:
        return faults.not_https(host)
    reason = getattr(error, "strerror", None) or type(error).__name__
    return faults.unreachable(f"cannot connect to {host}: {reason}")
