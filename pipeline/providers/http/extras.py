"""What a job adds to every request besides its body: headers of its own, and a proxy.

What is secret in them stands in environment variables, and the job file has the names: `{env: NAME}`.
This module sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator

from pipeline.core.errors import JobError
from pipeline.core.secret import Secret
from pipeline.job.fields import address
from pipeline.job.outside.headers import value_of, variable_of


def _proxy(value: Any) -> Any:
    """Refuse what is neither `env`, nor the address of an HTTP proxy, nor the name of a variable."""
    if value in (None, "env") or variable_of(value):
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
    sent = {name: Secret(value_of(f"the header {name}", text)) for name, text in headers.items()}
    secrets = [sent[name] for name, text in headers.items() if variable_of(text)]
    through = _through(proxy, base_url)
    if password := urlsplit(through).password:
        secrets += [Secret(unquote(password)), Secret(password)]
    return Extras(sent, Secret(through), tuple(secrets))


def _through(proxy: Any, base_url: str) -> str:
    """The proxy's address for a base URL, '' for none."""
    if not proxy:
        return ""
    if proxy != "env":
        return _usable(value_of("options.proxy", proxy), f"${variable_of(proxy)}")
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
