"""The hosts that an untrusted job may send to, and which key may go to which host.

This module knows no job.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipeline.core.errors import JobError

OFFICIAL_HOST, OFFICIAL_KEY = "api.openai.com", "OPENAI_API_KEY"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PORTS = {"https": 443, "http": 80}
_ADDRESS = re.compile(
    r"https?://(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?(?:/[\w.~/-]*)?", re.ASCII
)
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True)
class Allowed:
    """What a job may reach: hosts (`host` or `host:port`) and keys (`NAME` or `NAME@host`).

    `asks` is false for commands that send nothing: then the job's hosts are not checked. `JobError` for an
    invalid host.
    """

    hosts: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    asks: bool = True

    def __post_init__(self) -> None:
        for option, host in (
            *(("--allow-host", host) for host in self.hosts),
            *(("--allow-key", key.partition("@")[2]) for key in self.keys if "@" in key),
        ):
            if not _HOST.fullmatch(host):
                better = host.partition("://")[2].partition("/")[0]
                hint = f"write {better}" if _HOST.fullmatch(better) else "such as 127.0.0.1:8000"
                what, where = "must be HOST or HOST:PORT, and nothing more", f"{option} {host}"
                raise JobError(what, where=where, hint=hint)

    @property
    def all_hosts(self) -> tuple[str, ...]:
        """The hosts; without any, the official endpoint alone."""
        return self.hosts or (OFFICIAL_HOST,)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """(key, host): which key may go to which host. `JobError` where several hosts are possible."""
        for key in self.keys or (OFFICIAL_KEY,):
            name, at, host = key.partition("@")
            if at:
                yield name, host.lower()
            elif name == OFFICIAL_KEY:
                yield name, OFFICIAL_HOST
            elif len(self.all_hosts) == 1:
                yield name, self.all_hosts[0].lower()
            else:
                hint = f"for example --allow-key {name}@{self.all_hosts[0]}"
                raise JobError("say which host gets this key", where=f"--allow-key {name}", hint=hint)

    def check(self, host: str, where: str) -> None:
        """Refuse a host that is not on the list."""
        if host not in (one.lower() for one in self.all_hosts):
            hint = f"to allow it: --allow-host {host}"
            raise refused(f"the host {host} is not on the list", where, hint)


def host_of(address: str, where: str) -> str:
    """An address's host, with a port that is not the default; `JobError` for an address that is not clear."""
    if not _ADDRESS.fullmatch(address):
        raise refused("an address is https://host/path, and nothing more", where)
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        raise refused("the port of an address is at most 65535", where) from None
    name = (parts.hostname or "").lower()
    if parts.scheme == "http" and name not in _LOOPBACK:
        raise refused("an address of another machine must begin with https", where)
    bracketed = f"[{name}]" if ":" in name else name
    return bracketed if port in (None, _PORTS[parts.scheme]) else f"{bracketed}:{port}"


def refused(what: str, where: str, hint: str = "") -> JobError:
    """The error for what an untrusted job may not do."""
    return JobError(f"{what} (--untrusted)", where=where, hint=hint)
