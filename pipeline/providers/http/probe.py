"""Checks an endpoint at no cost: GET /models, with the key and a short time limit.

It finds out whether the server answers, accepts the key and knows the model, and how far the two clocks are
apart. No redirect is followed; the job's headers and proxy are used. OpenAI's SDK sends the request. This
module does not know where a key comes from.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from threading import Event, Thread
from urllib.parse import urlsplit

from pipeline.core.domain import ANY_MODEL, Fault
from pipeline.core.errors import JobError, KeyRefused, RunStopped
from pipeline.core.health import Check, bad, ok, warn
from pipeline.core.secret import Secret, cleansed_bytes, guarding
from pipeline.core.suggest import nearest
from pipeline.providers.http.extras import NOTHING, Extras
from pipeline.providers.http.models import MOST, PATIENCE, azure_address, is_azure, is_listed, names_in, shown
from pipeline.providers.http.strangers import NO_TLS
from pipeline.wire.faults import error_reply, fault_of, is_page

APART = 60.0  # seconds that two clocks may be apart
SAID, FOR_WORDS = 1 << 16, 0.5
"""bytes that are read of an error, and seconds for them once its status is known"""
_SENT = re.compile("host|accept.*|connection|user-agent|authorization|x-stainless-raw-response")
"""headers that are sent: none about this machine and its user; the SDK itself needs the last one"""
_NO_LIST = frozenset({404, 405, 410})  # statuses of a server that answers, and has no list of models
_WARNINGS = {403: ("this key may not list models:", "it may still answer")}
_DOUBT = "a run may get the same: check the key, model and base_url"
_ADDRESS = "check base_url, which usually ends in /v1"
_VERSION = re.compile(r"/v[0-9]")


class _Slow(Exception):
    """The server took the connection, and did not answer in time."""


@dataclass(frozen=True)
class _Heard:
    status: int
    date: str
    body: bytes
    at: float


def looked_at(base_url: str, key: Secret, model: str, extras: Extras = NOTHING) -> Iterator[Check]:
    """The checks of an endpoint that is to serve `model`."""
    host = urlsplit(base_url).netloc.rpartition("@")[2]
    try:
        with guarding(key, *extras.secrets):
            heard = _in_time(base_url, key, extras)
    except _Slow:
        hint = "the server is there; a run waits limits.timeout for an answer"
        yield warn("endpoint", f"{host}: no list of models within {PATIENCE:g} s", hint)
        return
    except (OSError, ValueError) as error:
        yield _unreached(host, error, extras.proxy_host)
        return
    yield _of_status(host, urlsplit(base_url).path, heard, bool(key or extras.secrets))
    if heard.status == 200 and not is_page(heard.body):
        yield _of_model(host, heard, model)
    yield from _of_clock(host, heard)


class _Ear:
    """What has been heard so far; `reached` is set once there is a connection."""

    def __init__(self) -> None:
        self.last: _Heard | Exception = TimeoutError()
        self.reached, self.noted = Event(), Event()

    def trace(self, event: str, _: object) -> None:
        if event.startswith("http11."):
            self.reached.set()

    def note(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.last = _Heard(status, headers.get("Date", ""), cleansed_bytes(body), time.time())
        self.noted.set()


def _in_time(base_url: str, key: Secret, extras: Extras) -> _Heard:
    """What comes within the time limit, which includes a slow name server and a server that sends slowly."""
    import openai  # noqa: F401 - its import takes most of a second, which must not count

    ear = _Ear()

    def get() -> None:
        try:
            _get(base_url, key, extras, ear)
        except Exception as error:
            ear.last = error
        ear.noted.set()

    thread = Thread(target=get, daemon=True)
    thread.start()
    ear.noted.wait(PATIENCE)
    thread.join(FOR_WORDS)
    if isinstance(ear.last, TimeoutError) and ear.reached.is_set():
        raise _Slow
    if isinstance(ear.last, Exception):
        raise ear.last
    return ear.last


def _get(base_url: str, key: Secret, extras: Extras, ear: _Ear) -> None:
    """Ask through OpenAI's SDK."""
    import httpx2
    import openai

    def before(request: httpx2.Request) -> None:
        for name in [name for name in request.headers if not _SENT.fullmatch(name)]:
            del request.headers[name]
        request.headers.update(own)
        request.extensions["trace"] = ear.trace

    def after(response: httpx2.Response) -> None:
        if not response.is_success:
            ear.note(response.status_code, response.headers, b"")  # its body may never come, or never end
            with suppress(httpx2.HTTPError):
                ear.note(response.status_code, response.headers, next(response.iter_raw(SAID), b""))
            response.close()

    own = {name: words.reveal() for name, words in extras.headers.items()}
    http = httpx2.Client(
        verify=ssl.create_default_context(),  # knows SSL_CERT_FILE, without `trust_env`
        trust_env=False,
        proxy=extras.proxy.reveal() or None,
        follow_redirects=False,
        event_hooks={"request": [before], "response": [after]},
    )
    who = key.reveal() or "nobody"  # without a key the SDK takes one from the environment
    headers = {"Authorization": f"Bearer {who}" if key else openai.Omit(), "Accept-Encoding": "identity"}
    url = base_url.rstrip("/")
    try:
        with (
            openai.OpenAI(
                api_key=who, base_url=url, timeout=PATIENCE, max_retries=0, http_client=http
            ) as sdk,
            sdk.models.with_streaming_response.list(extra_headers=headers) as reply,
        ):
            ear.note(reply.status_code, reply.headers, next(reply.http_response.iter_raw(MOST), b""))
    except (openai.APIStatusError, httpx2.ResponseNotRead):  # an error, which has been noted
        return
    except httpx2.InvalidURL:
        raise ConnectionError(0, "no such address") from None
    except (openai.APIConnectionError, httpx2.HTTPError) as error:
        raise _origin(error) from None


def _origin(error: BaseException) -> OSError:
    """The operating system's error; if there is none, an error with only the name of the given one."""
    while not isinstance(error, OSError):
        below = error.__cause__ or error.__context__
        if below is None:
            return ConnectionError(0, type(error).__name__)
        error = below
    return error


def _unreached(host: str, error: Exception, proxy: str) -> Check:
    if getattr(error, "reason", "") in NO_TLS:
        hint = "write http:// in base_url, if the server is on this machine or in your own network"
        said = f"{host}: does not speak https, but plain http, it seems"
        return bad("endpoint", said, hint, code=JobError.exit_code)
    hint = "this machine is offline, the server is down, or base_url is wrong"
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "for a certificate authority of your own, set SSL_CERT_FILE to its certificate"
    elif proxy:
        host, hint = (
            f"{host}, through the proxy {proxy}",
            "check options.proxy, and whether the proxy is running",
        )
    return bad("endpoint", f"{host}: {_why(error)}", hint, code=RunStopped.exit_code)


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not verify: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return f"no answer within {PATIENCE:g} s"
    return f"cannot be reached: {getattr(error, 'strerror', None) or type(error).__name__}"


def _fault(heard: _Heard) -> Fault | None:
    """The fault that a run would see; None where a list came, or nothing that is known as an error."""
    if heard.status != 200:
        return fault_of(heard.status, {}, heard.body)
    return None if names_in(heard.body) else error_reply(heard.body)


def _of_status(host: str, path: str, heard: _Heard, has_key: bool = True) -> Check:
    status = heard.status
    fault = _fault(heard)
    if status == 200 and is_page(heard.body):
        return warn("endpoint", f"{host}: answers with a page for people (200)", _ADDRESS)
    if fault is not None and fault.kind == "unauthorized":
        hint = f"{'set the right key in' if has_key else 'set'} the variable that api_key_env names"
        what = "the key is refused" if has_key else "wants a key, and none is sent"
        return bad("endpoint", f"{host}: {what} ({status})", hint, code=KeyRefused.exit_code)
    if 300 <= status < 400:
        hint = "set base_url to the address that the server names; redirects are not followed"
        return bad("endpoint", f"{host}: answers with a redirect ({status})", hint, code=JobError.exit_code)
    if status == 404 and (right := azure_address(host, path)):
        return warn("endpoint", f"{host}: has no list of models at {path} (404)", right)
    if status == 404 and not _VERSION.search(path):
        what = f"{host}: has no list of models at {path.rstrip('/')}/models (404)"
        return warn("endpoint", what, _ADDRESS)
    if fault is None or status in _NO_LIST:
        listed = f" ({status} for its list of models, which not every server has)" if fault else ""
        return ok("endpoint", f"{host}: answers{listed}")
    what, hint = _WARNINGS.get(status, ("answers with", "come back later" if status >= 429 else _DOUBT))
    if fault.kind == "out_of_quota":
        hint = "the account is out of quota: top it up, or raise its limit"
    return warn("endpoint", f"{host}: {what} {fault.message}", hint)


def _of_model(host: str, heard: _Heard, model: str) -> Check:
    names = names_in(heard.body)
    if not names:
        return ok("model", f"{host}: lists no models")
    if is_listed(model, names):
        return ok("model", f"{host}: knows {model}")
    if model == ANY_MODEL and len(names) == 1:
        served = shown(model, names)
        return ok(
            "model", f"{host}: serves {served}; a server that does not look at the name takes 'any' for it"
        )
    if is_azure(host):
        return ok("model", f"{host}: lists models, not your deployments; is one named {model}?")
    near = nearest(model, names) or f"it lists: {shown(model, names)}"
    return warn("model", f"{host}: does not list '{model}'", f"{near}\na server may serve more than it lists")


def _of_clock(host: str, heard: _Heard) -> Iterator[Check]:
    try:
        theirs = parsedate_to_datetime(heard.date).timestamp()
    except (ValueError, TypeError):
        return
    apart = heard.at - theirs
    if abs(apart) > APART:
        ahead = "ahead of" if apart > 0 else "behind"
        said = f"this machine is {abs(apart):,.0f} s {ahead} {host}"
        hint = "set the clock: limits.hours, --until and the waits that servers ask for depend on it"
        yield warn("clock", said, hint)
    else:
        yield ok("clock", f"agrees with the clock of {host}")
