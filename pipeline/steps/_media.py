"""The pictures and recordings of a step, row by row: files, addresses, and columns of bytes.

Only what is sent is read in full, once more at that time: a request that waits holds none of it. This module
does not know dialects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.core.domain import Fault, Media, Values
from pipeline.core.errors import JobError
from pipeline.job.untrusted import inside
from pipeline.system.media import Kind, Unfit, as_json, check_size, content_of, decoded, kind_of
from pipeline.templates.template import Template

MOST = 100
"""the most pictures and recordings of one request"""
_LONGEST_URL = 8_192
_MOST_KEPT = 10_000
"""files whose kind and digest are kept, so that they are read once where they stay as they are"""
_NAMES = {"images": ("image/", "a picture"), "audio": ("audio/", "a recording")}


class Attached:
    """What one key of a step attaches to its requests: `images` or `audio`."""

    def __init__(
        self, key: str, templates: Sequence[Template], folder: Path, *, untrusted: bool, detail: str = ""
    ) -> None:
        self._templates, self._folder, self._untrusted, self._detail = templates, folder, untrusted, detail
        self._prefix, self._word = _NAMES[key]
        self._known: dict[tuple[Any, ...], tuple[Kind, int, str]] = {}

    def of(self, values: Values) -> Iterator[Media]:
        """The media of a row; a `Fault` where one cannot be sent."""
        for template in self._templates:
            for source in _sources(template.value(values)):
                try:
                    yield self._media(source)
                except Unfit as error:
                    name = f"'{source[:200]}'" if isinstance(source, str) and source[:5] != "data:" else ""
                    what = f"{self._word} {name} {error}".replace("  ", " ")
                    raise Fault("template", f"{template.locate(1, 1)}: {what}") from None

    def _media(self, source: Any) -> Media:
        if isinstance(source, bytes):
            check_size(len(source))
            return self._made(*_known(source), lambda: source)
        if not isinstance(source, str) or not source.strip():
            what = "is missing" if not source else "is neither a text nor bytes"
            raise Unfit(f"{what}; to leave such rows out, give the step a condition: when")
        scheme = source[:8].lower()
        if scheme.startswith("data:"):
            return self._made(*_known(decoded(source)), lambda: decoded(source))
        if scheme.startswith(("http://", "https://")):
            return self._at_address(source)
        path = self._path(source)
        return self._made(*self._known_file(path), lambda: content_of(path))

    def _at_address(self, url: str) -> Media:
        if self._untrusted:
            raise Unfit("is an address, which is not allowed here: name a file (--untrusted)")
        if self._prefix != "image/":
            raise Unfit("is an address, and servers take the bytes of a recording only: name a file")
        if len(url) > _LONGEST_URL or not url.isprintable() or " " in url:
            raise Unfit(f"is no address: it has a space or more than {_LONGEST_URL:,} characters")
        return Media("image/*", url=url, detail=self._detail)

    def _path(self, name: str) -> Path:
        if "://" in name:
            raise Unfit("is no address that servers know: http://, https:// or data:")
        if not self._untrusted:
            return self._folder / name
        try:
            return inside(self._folder, name, "")
        except JobError as error:
            raise Unfit(f"may not be read: {error.what}") from None

    def _known_file(self, path: Path) -> tuple[Kind, int, str]:
        try:
            state = path.stat()
            same = (path, state.st_ino, state.st_size, state.st_mtime_ns)
        except (OSError, ValueError):
            return _known(content_of(path))  # it says what is wrong
        if same not in self._known:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[same] = _known(content_of(path))
        return self._known[same]

    def _made(self, kind: Kind, size: int, digest: str, read: Callable[[], bytes]) -> Media:
        if not kind.name.startswith(self._prefix):
            raise Unfit(f"is of the type {kind.name}")
        mark = (
            f'"\\u003c{kind.name}, {size:,} bytes, sha256 {digest}>"'.encode()
        )  # no text is written with \\u003c
        load = partial(_loaded, kind.name, digest, read)
        detail = self._detail if self._prefix == "image/" else ""
        return Media(kind.name, size, mark, "", kind.pixels, kind.seconds, detail, load)


def check_all(media: Sequence[Media]) -> None:
    """Refuse more than one request may carry."""
    try:
        if len(media) > MOST:
            raise Unfit(f"has {len(media):,} pictures and recordings, and {MOST} are the most")
        check_size(sum(one.size for one in media), "has pictures and recordings of")
    except Unfit as error:
        raise Fault("template", f"the request {error}") from None


def _sources(value: Any) -> Iterator[Any]:
    """Each single one: of a list; of the objects {bytes, path} in which collections keep pictures."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from _sources(one)
    elif isinstance(value, Mapping):
        yield value.get("bytes") or value.get("path")
    else:
        yield value


def _known(data: bytes) -> tuple[Kind, int, str]:
    return kind_of(data), len(data), sha256(data).hexdigest()


def _loaded(kind: str, digest: str, read: Callable[[], bytes]) -> bytes:
    """The bytes as they are sent: those that the digest of the request stands for, or none."""
    try:
        data = read()
    except Unfit as error:
        raise Fault("template", f"a picture or recording of this row {error}") from None
    if sha256(data).hexdigest() != digest:
        raise Fault("template", "a picture or recording of this row was changed while the run was under way")
    return as_json(kind, data)
