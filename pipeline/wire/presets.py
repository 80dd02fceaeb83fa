"""The servers that a job can name by `preset:`, read from `presets.toml` when they are asked for.

This module does not know jobs, nor how a preset is put into one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Preset:
    """One server; `presets.toml` says what each part means."""

    title: str
    model: str
    works: str
    notes: str
    address: str = ""
    form: str = ""
    key: str = ""
    key_header: str = ""
    hosts: tuple[str, ...] = ()
    json_mode: str = ""
    concurrency: int | None = None
    tells_slots: bool = False
    free: bool = False

    def may_have_key(self, base_url: str) -> bool:
        """Whether the key may go to an address: one of its own hosts, or any if people run it themselves."""
        if self.address and self.form:
            return True
        host = urlsplit(base_url).hostname or ""
        own = (urlsplit(self.address).hostname, *self.hosts)
        return any(host == one or (one and one.startswith(".") and host.endswith(one)) for one in own)


@cache
def presets() -> dict[str, Preset]:
    """All presets by name."""
    import tomllib  # here, so that only whoever reads them pays for it
    from importlib.resources import files

    text = files(__package__).joinpath("presets.toml").read_text("utf-8")
    data: dict[str, dict[str, Any]] = tomllib.loads(text)
    return {name: Preset(**parts | {"hosts": tuple(parts.get("hosts", ()))}) for name, parts in data.items()}
