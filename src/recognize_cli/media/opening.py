"""Opening of media files: the one way into every decoder."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from recognize_cli.errors import FileFailure
from recognize_cli.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator


ERRNOS_OF_DAMAGE = (None, errno.EINVAL, errno.EOVERFLOW)
"""Those of an OSError that speaks of what is in a file: the last is a jump to an impossible place in it."""


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """A regular file that is not empty. A pipe or device is refused before it can block.

    Raises OSError, and FileFailure: IO, DECODE.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileFailure(Reason.IO, "it is not a regular file")
        if status.st_size == 0:
            raise FileFailure(Reason.DECODE, "the file is empty")
        yield file
