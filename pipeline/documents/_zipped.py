"""A zip file of which some members are documents: only those that changed are written anew.

All other members are copied as they are, byte for byte, in the same order. The bytes that `skipped` counts
are those of the unpacked members. This module does not know what the members hold.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy
from itertools import accumulate, pairwise

from pipeline.core.document import Document, Finding, Segment
from pipeline.core.errors import InputError

MOST_BYTES = 256 * 1024**2
"""of one member that is read, unpacked"""
MOST_MEMBERS = 20_000
_PLAIN = 1 << 24
_MOST_TIMES = 200
"""a member of more bytes than that, unpacked, may be at most so many times its packed size"""
_ANEW = "open it in the program that wrote it, and save it again in the new format, without a password"
_OLE = b"\xd0\xcf\x11\xe0"
"""how encrypted Office files begin, and those of Office 97"""
_ENCRYPTED, _UTF8 = 0x1, 0x800


class Archive:
    """A zip file in memory, read with care."""

    def __init__(self, where: str, content: bytes) -> None:
        self.where, self.content = where, content
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (
            zipfile.BadZipFile,
            ValueError,
            OverflowError,
            NotImplementedError,
            UnicodeDecodeError,
        ) as error:
            raise self.damaged() from error
        self.members = sorted(self._zip.infolist(), key=lambda member: member.header_offset)
        self._refuse_strange()

    def damaged(self, member: str = "") -> InputError:
        """The error for a file that is no zip file, or a broken one."""
        where = f"{self.where}, {member}" if member else self.where
        if self.content.startswith(_OLE):
            return InputError(
                "the file is encrypted, or in a format from before 2007", where=where, hint=_ANEW
            )
        return InputError("the file is damaged, or it is of another kind", where=where, hint=_ANEW)

    def _refuse_strange(self) -> None:
        names = [member.filename for member in self.members]
        if len(names) > MOST_MEMBERS:
            what = f"the file has {len(names):,} parts; at most {MOST_MEMBERS:,} are read"
            raise InputError(what, where=self.where, hint=_ANEW)
        if len(set(names)) < len(names):
            raise InputError("two parts of the file have the same name", where=self.where, hint=_ANEW)
        if any(
            one.header_offset + one.compress_size > two.header_offset for one, two in pairwise(self.members)
        ):
            raise self.damaged()
        if any(member.flag_bits & _ENCRYPTED for member in self.members):
            raise InputError("the file is encrypted", where=self.where, hint="save it without a password")

    def read(self, name: str) -> bytes | None:
        """A member, unpacked; None where there is none of that name."""
        try:
            member = self._zip.getinfo(name)
        except KeyError:
            return None
        size = member.file_size
        if size > MOST_BYTES or (size > _PLAIN and size > _MOST_TIMES * member.compress_size):
            what = f"unpacked, the part {name} of {member.compress_size:,} bytes has {size:,}"
            raise InputError(what, where=self.where, hint="split the document into smaller ones")
        try:
            return self._zip.read(member)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            RuntimeError,
            NotImplementedError,
            OSError,
            ValueError,
        ) as error:
            raise self.damaged(name) from error

    def size(self, names: Iterable[str]) -> int:
        """The bytes of all members but these, unpacked."""
        left = set(names)
        return sum(member.file_size for member in self.members if member.filename not in left)

    def changed(self, members: dict[str, bytes]) -> bytes:
        """The file with other bytes in these members; the same file where there are none."""
        if not members:
            return self.content
        buffer = io.BytesIO()
        ends = [*(member.header_offset for member in self.members[1:]), self._zip.start_dir]
        with zipfile.ZipFile(buffer, "w") as out:
            out.comment = self._zip.comment
            for member, end in zip(self.members, ends, strict=True):
                if member.filename in members:
                    out.writestr(_fresh(member), members[member.filename])
                elif member.filename.isascii() or member.flag_bits & _UTF8:
                    _copy(out, buffer, member, self.content[member.header_offset : end])
                else:
                    out.writestr(_fresh(member), self._zip.read(member))
        return buffer.getvalue()


def _fresh(member: zipfile.ZipInfo) -> zipfile.ZipInfo:
    fresh = zipfile.ZipInfo(member.filename, member.date_time)
    fresh.compress_type = member.compress_type
    fresh.external_attr, fresh.create_system = member.external_attr, member.create_system
    return fresh


def _copy(out: zipfile.ZipFile, buffer: io.BytesIO, member: zipfile.ZipInfo, raw: bytes) -> None:
    """Put a member into a zip file as it is; the module zipfile writes the directory at the end."""
    buffer.seek(out.start_dir)
    placed = copy(member)
    placed.header_offset = out.start_dir
    buffer.write(raw)
    out.filelist.append(placed)
    out.NameToInfo[placed.filename] = placed
    out.start_dir = buffer.tell()


class Zipped:
    """A document whose segments are those of the members, one after the other."""

    def __init__(
        self,
        archive: Archive,
        parts: Sequence[tuple[str, Document]],
        *,
        rest: str,
        title: str,
    ) -> None:
        """`parts` are the members that are documents, each with its name; `rest` names all the others."""
        self.archive, self.parts = archive, parts
        self.segments: Sequence[Segment] = [segment for _, part in parts for segment in part.segments]
        self._starts = [0, *accumulate(len(part.segments) for _, part in parts)]
        self.lint = tuple(f"{name}: {said}" for name, part in parts for said in part.lint)
        self.title = title
        skipped = Counter[str]()
        for _, part in parts:
            skipped.update(part.skipped)
        skipped[rest] += archive.size(name for name, _ in parts)
        self.skipped: dict[str, int] = {reason: size for reason, size in skipped.items() if size}

    def _part(self, place: int) -> tuple[Document, int]:
        number = bisect_right(self._starts, place) - 1
        return self.parts[number][1], place - self._starts[number]

    def mended(self, place: int, target: str) -> str:
        """What the member's format puts right."""
        part, inner = self._part(place)
        return part.mended(inner, target)

    def findings(self, place: int, target: str) -> list[Finding]:
        """What the member's format finds wrong."""
        part, inner = self._part(place)
        return part.findings(inner, target)

    def build(self, targets: Sequence[str | None], language: str = "") -> bytes:
        """The file with these translations; the very bytes that were read where nothing changes."""
        if len(targets) != len(self.segments):
            raise ValueError(f"{len(targets)} translations for {len(self.segments)} segments")
        changed = {}
        for (name, part), start, end in zip(self.parts, self._starts, self._starts[1:], strict=False):
            built = part.build(targets[start:end], language)
            if built != self.archive.read(name):
                changed[name] = built
        return self.archive.changed(changed)

    def broken(self, built: bytes) -> list[Finding]:
        """Whether a member is lost or new, or one that is not translated changed; then the members' own."""
        after = Archive(self.archive.where, built)
        translated = {name for name, _ in self.parts}
        before = [(one.filename, one.filename in translated or one.CRC) for one in self.archive.members]
        if before != [(one.filename, one.filename in translated or one.CRC) for one in after.members]:
            return [Finding("structure", "The parts of the file are not those of the source.")]
        return [found for name, part in self.parts for found in part.broken(after.read(name) or b"")]
