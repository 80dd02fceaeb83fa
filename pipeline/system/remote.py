"""An object in a store, by its address (s3://bucket/key, gs://…, az://…): read whole, written whole.

Who may read and write comes from the environment (AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS, …) or
from the machine's own role. What a store says may name keys, so none of it reaches a message. This module
does not know what is in an object.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.core.errors import DiskError, InputError, JobError, PipelineError
from pipeline.system.files import adapter_name, make_folder, replace_file, writing
from pipeline.system.lock import holder
from pipeline.system.packages import install_command

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

PACKAGE = "'obstore>=0.12,<0.13'"
AT_ONCE = 128 << 20
"""bytes up to which a file is written in one request, which the store refuses where another came first"""
_ADDRESS = re.compile(r"(s3|gs|az)://([a-z0-9][a-z0-9._-]{1,220})/([^\x00-\x1f?#%\\*\[\]{}]{1,1000})")
_RETRIES: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}
_RIGHTS = "the credentials in the environment need the rights to list the bucket, to read and to write"
_WORDS = {
    "FileNotFoundError": ("there is no such object", "check its bucket and its key"),
    "PermissionDeniedError": ("the store refuses access", _RIGHTS),
    "UnauthenticatedError": ("the store does not accept the credentials", "check those in the environment"),
    "PreconditionError": ("somebody else wrote it at the same moment", "run the same command again"),
    "AlreadyExistsError": ("somebody else wrote it at the same moment", "run the same command again"),
    "NotSupportedError": ("the store cannot do this", "write to a local file, and copy it"),
}
"""what a store's refusals mean, and what to do, by the names of the package's errors"""
_FIRST = "download it first, and name the file here"
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "bucket does not exist")
_OTHERWISE = (
    "the store cannot be reached, or there are no credentials for it",
    "check the network and the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION for s3,"
    " GOOGLE_APPLICATION_CREDENTIALS for gs, AZURE_STORAGE_ACCOUNT_NAME and …_KEY for az; AWS_ENDPOINT_URL"
    " for another server, with AWS_ALLOW_HTTP=true where it has no TLS",
)


def is_remote(name: str) -> bool:
    """Whether a name is meant as an address and not as a path."""
    return "://" in name


def address(name: str) -> tuple[str, str, str]:
    """The scheme, the bucket and the key; a `ValueError` in words where it is no address of an object."""
    found = _ADDRESS.fullmatch(name)
    if not found or {"", ".", ".."} & set(found[3].split("/")):
        raise ValueError(
            "must be a path, or an object in a store: s3://bucket/folder/posts.csv, gs://…, az://…"
        )
    return found[1], found[2], found[3]


def mirror(name: str, folder: Path) -> Path:
    """The local file that stands for an object, in the folder of a job."""
    return folder.joinpath("remote", *name.replace("://", "/").split("/"))


@dataclass(frozen=True)
class Remote:
    """One object. What a store refuses is raised as `error`, in words, with the address."""

    url: str
    error: type[PipelineError] = DiskError

    @cached_property
    def _place(self) -> tuple[ObjectStore, str]:
        try:
            from obstore.store import from_url
        except ImportError:
            hint = f"install the extra 'remote': {install_command(PACKAGE)}"
            raise JobError("an address needs the package obstore", where=self.url, hint=hint) from None
        scheme, bucket, key = address(self.url)
        with self._told():
            return from_url(f"{scheme}://{bucket}", retry_config=_RETRIES), key

    def look(self) -> ObjectMeta | None:
        """Its size and tag; None where there is none, but the bucket is there."""
        import obstore

        store, key = self._place
        with self._told():
            try:
                return obstore.head(store, key)
            except FileNotFoundError:
                pass
            try:  # the answer to HEAD has no body: it does not say whether the bucket is missing
                return obstore.get(store, key).meta
            except FileNotFoundError as error:
                if any(code in str(error) for code in _NO_BUCKET):
                    raise self.error("there is no such bucket", where=self.url) from None
                return None

    def fetch(self, folder: Path) -> Path:
        """The object as a local file, which is one version of it; it is loaded only where it is not there.

        Older versions go, unless a run of this folder is alive, which may read one of them.
        """
        import obstore

        store, key = self._place
        mine = folder / "fetched" / hashlib.sha256(self.url.encode()).hexdigest()[:12]
        if (seen := self.look()) is None:
            raise self._said("FileNotFoundError")
        if (path := mine / _version(seen) / Path(key).name).exists():
            return path
        with self._told():
            found = obstore.get(store, key)
            path = mine / _version(found.meta) / Path(key).name
            with writing(path):
                make_folder(path.parent)
            replace_file(path, found.stream())
        if not holder(folder):
            _remove_others(mine, path)
        return path

    def sha256(self) -> str:
        """The SHA-256 of what stands there."""
        import obstore

        store, key = self._place
        digest = hashlib.sha256()
        with self._told():
            for piece in obstore.get(store, key).stream():
                digest.update(piece)
        return digest.hexdigest()

    def put(self, path: Path, seen: ObjectMeta | None) -> str:
        """Put a local file in the place of what was `seen`; its new tag. It is there whole, or not at all.

        A large file is written in parts, which become the object at once; then a change that somebody else
        makes within these minutes is not noticed.
        """
        import obstore

        store, key = self._place
        with self._told():
            if path.stat().st_size > AT_ONCE:
                return obstore.put(store, key, path)["e_tag"] or ""
            tags = {"e_tag": seen["e_tag"], "version": seen["version"]} if seen else {}
            mode: Any = {name: tag for name, tag in tags.items() if tag} if seen else "create"
            return obstore.put(store, key, path, mode=mode or "overwrite", use_multipart=False)["e_tag"] or ""

    def keep_beside(self) -> str:
        """Copy what stands there to a name beside it, with the time in it; the copy's address."""
        import obstore

        store, key = self._place
        name = Path(key).name
        suffix = "".join(Path(name).suffixes[-2 if adapter_name(Path(name))[1] else -1 :])
        beside = f"{key.removesuffix(suffix)}.before-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}{suffix}"
        with self._told():
            obstore.copy(store, key, beside)
        return f"{self.url.removesuffix(key)}{beside}"

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the package raises, in words; its own may hold keys and addresses."""
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError, ValueError) as error:
            raise self._said(type(error).__name__) from None

    def _said(self, name: str) -> PipelineError:
        what, hint = _WORDS.get(name, _OTHERWISE)
        return self.error(what, where=self.url, hint=hint)


def _version(seen: ObjectMeta) -> str:
    """By what a version of an object is told from the others."""
    told = (seen["e_tag"], seen["version"], seen["size"], None if seen["e_tag"] else seen["last_modified"])
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


def _remove_others(folder: Path, wanted: Path) -> None:
    with suppress(OSError):
        for other in folder.glob("*/*"):
            if other.parent != wanted.parent:
                other.unlink()
                other.parent.rmdir()


def fetched(name: str, folder: Path) -> Path:
    """The object that records are read from, as a local file in the folder of a job."""
    try:
        address(name)
    except ValueError:
        what, hint = (
            "only local files are read, and objects in stores: s3://bucket/key, gs://…, az://…",
            _FIRST,
        )
        raise JobError(what, where="records.from", hint=hint) from None
    return Remote(name, InputError).fetch(folder)
