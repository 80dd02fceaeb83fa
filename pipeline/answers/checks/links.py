"""Whether the addresses in an answer are allowed: their hosts, their number, and that none is invented.

An address without its scheme (`example.com`) is not seen; `www.example.com` is.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from pipeline.answers.written import Written, leaves
from pipeline.job.fields import Count, Settings, Texts
from pipeline.text.links import links

_SCHEME = re.compile(r"!?(?:https?://)?(?:www\.)?")
_MOST_SHOWN = 100


class Options(Settings):
    """At least one of these; `links: {max: 0}` for an answer without addresses."""

    one_of = ("hosts", "max", "origin")

    hosts: Texts = Field((), description="hosts that may be linked to, with all below them: [example.com]")
    max: Count | None = Field(None, description="the most addresses")
    origin: Literal["record", "anywhere"] = Field(
        "anywhere",
        alias="from",
        description="`record`: every address must stand in the row's values or in the prompt",
    )


def complaint(written: Written, options: Options) -> str | None:
    text = written.text
    if not ("://" in text or "](" in text or "www." in text.lower() or "@" in text or "<" in text):
        return None
    found = sorted(link for link in links(text) if not link.lstrip("!").startswith("#"))
    pages = [link for link in found if "@" not in link or "://" in link]
    if options.max is not None and len(pages) > options.max:
        return f"Your answer has {len(pages)} links; it may have at most {options.max}. Write it again."
    foreign = [link for link in pages if options.hosts and not _at(link, options.hosts)]
    if foreign:
        listed = ", ".join(options.hosts)
        return f"Your answer links to {_shown(foreign[0])}; it may link only to {listed}. Leave it out."
    if options.origin == "record" and found:
        texts = (one for one in leaves(written.values) if isinstance(one, str))
        known = {_bare(link) for one in (written.prompt, *texts) for link in links(one)}
        invented = [link for link in found if _bare(link) not in known]
        if invented:
            said = f"Your answer has an address that you were not given: {_shown(invented[0])}"
            return f"{said}. Use only addresses that you were given."
    return None


def _bare(link: str) -> str:
    return _SCHEME.sub("", link, count=1)


def _shown(link: str) -> str:
    return link.lstrip("!")[:_MOST_SHOWN]


def _at(link: str, hosts: tuple[str, ...]) -> bool:
    try:
        host = urlsplit(f"//{_bare(link)}" if "://" not in _bare(link) else _bare(link)).hostname or ""
    except ValueError:  # brackets of an address of IPv6 that is none
        return False
    names = [name.casefold().removeprefix("www.") for name in hosts]
    return any(host == name or host.endswith(f".{name}") for name in names)
