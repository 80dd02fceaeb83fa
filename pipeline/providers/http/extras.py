"""What a job adds to every request besides its body: headers of its own, and a proxy.

What is secret in them stands in environment variables, and the job file has the names: `{env: NAME}`.
This module sends nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator

from pipeline.core.errors import JobError
from pipeline.core.secret import Secret
from pipeline.job.fields import address

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_LONGEST = 8000
_NOT_SENT = {
    "authorization": "it carries the key: name its variable in api_key_env",
    "proxy-authorization": "options.proxy names a variable with the proxy's address, user and password",
    **dict.fromkeys(
        ("host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection",
         "expect", "keep-alive", "te", "trailer", "upgrade", "accept-encoding"),
        "it says how the request is sent, which is not the job's to change",
    ),
}  # fmt: skip
"""headers that a job cannot set, each with the reason"""
_SECRET = re.compile(r"key|token|secret|auth|password|credential|cookie|session", re.IGNORECASE)
"""names of headers that carry secrets"""


def _variable(value: Any) -> str:
    """The name in `{env: NAME}`; '' for anything else."""
    name = value.get("env") if isinstance(value, dict) and len(value) == 1 else None
    return name if isinstance(name, str) and _VARIABLE.fullmatch(name) else ""


def _headers(value: Any) -> dict[str, Any]:
    """Refuse headers that cannot be sent, that are set elsewhere, or that hold a secret themselves."""
    if not isinstance(value, dict):
        raise ValueError("must be a mapping of names and values: {X-Team: writers}")
    seen = set[str]()
    for name, text in value.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError("a header's name has letters, digits and hyphens: X-Team")
        if reason := _NOT_SENT.get(name.lower()):
            raise ValueError(f"the header {name} cannot be set: {reason}")
        if name.lower() in seen:
            raise ValueError(f"the header {name} is there twice")
        seen.add(name.lower())
        if _variable(text):
            continue
        if not isinstance(text, str):
            raise ValueError(f"the header {name} must be a text in quotes, or {{env: NAME_OF_A_VARIABLE}}")
        if _SECRET.search(name):
            raise ValueError(
                f"the header {name} looks like a secret, and a job file must not contain one: "
                f"put it into an environment variable, and write {name}: {{env: NAME_OF_THE_VARIABLE}}"
            )
        if not _is_sendable(text):
            raise ValueError(f"the header {name} must be one line of ASCII characters, and not empty")
    return value


def _is_sendable(text: str) -> bool:
    return 0 < len(text) <= _LONGEST and text.isascii() and text.isprintable() and text == text.strip()


def _proxy(value: Any) -> Any:
    """Refuse what is neither `env`, nor the address of an HTTP proxy, nor the name of a variable."""
    if value in (None, "env") or _variable(value):
        return value
    if not isinstance(value, str) or "@" in value or not _is_proxy(value):
        raise ValueError(
            "must be env, or an address without a password such as http://proxy.example:3128, or, "
            "with a password, the name of a variable that holds the address: {env: MY_PROXY}"
        )
    return value


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(address(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()))
    except ValueError:
        return False


Headers = Annotated[dict[str, Any], BeforeValidator(_headers)]
Proxy = Annotated[Any, BeforeValidator(_proxy)]


@dataclass(frozen=True, slots=True)
class Extras:
    """Headers and a proxy, ready to be sent. None of it prints."""

    headers: Mapping[str, Secret] = field(default_factory=dict)
    proxy: Secret = field(default_factory=Secret)
    """the proxy's address, with user and password if it has them; empty where there is no proxy"""
    secrets: tuple[Secret, ...] = ()  # what of it must not come back

    @property
    def proxy_host(self) -> str:
        """The proxy as messages name it: without user and password."""
        return urlsplit(self.proxy.reveal()).netloc.rpartition("@")[2]


NOTHING = Extras()


def extras_of(headers: Mapping[str, Any], proxy: Any, base_url: str) -> Extras:
    """What is sent to an address besides the key; `JobError` where a variable is missing or unusable."""
    sent = {name: Secret(_value(f"the header {name}", text)) for name, text in headers.items()}
    secrets = [sent[name] for name, text in headers.items() if _variable(text)]
    through = _through(proxy, base_url)
    if password := urlsplit(through).password:
        secrets += [Secret(unquote(password)), Secret(password)]
    return Extras(sent, Secret(through), tuple(secrets))


def _value(what: str, text: Any) -> str:
    if not (name := _variable(text)):
        return str(text)
    value = os.environ.get(name, "").strip()
    if not value:
        unset = f"the environment variable {name} is not set, and {what} needs it"
        raise JobError(unset, hint=f"export {name}=…")
    if not _is_sendable(value):
        raise JobError(f"the environment variable {name} holds something that cannot be sent in a header")
    return value


def _through(proxy: Any, base_url: str) -> str:
    """The proxy's address for a base URL, '' for none."""
    if not proxy:
        return ""
    if proxy != "env":
        return _usable(_value("options.proxy", proxy), f"${_variable(proxy)}")
    name, url = proxy_of_environment(base_url)
    return _usable(url if "://" in url else f"http://{url}", f"${name}") if url else ""


def _usable(url: str, where: str) -> str:
    if not _is_proxy(url):
        hint = "such as http://proxy.example:3128"
        raise JobError("it is not the address of an HTTP proxy", where=where, hint=hint)
    return url


def proxy_of_environment(base_url: str) -> tuple[str, str]:
    """(the variable, what it holds) for the proxy that the environment has for an address; '' for none."""
    from urllib.request import getproxies_environment, proxy_bypass  # slow to import

    parts, proxies = urlsplit(base_url), getproxies_environment()
    for name in (parts.scheme, "all"):
        if url := proxies.get(name, "").strip():
            bypassed = proxy_bypass(parts.netloc.rpartition("@")[2])
            return ("", "") if bypassed else (f"{name}_proxy".upper(), url)
    return "", ""
