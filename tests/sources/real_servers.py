"""The contract of sources, on servers that others make: Apache's mod_dav and rclone, as Debian packages them.

No part of the default run: `nox -s servers` runs it, and skips what is not installed (`apt install apache2
rclone`).
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from recognize_cli.dav.address import Address
from recognize_cli.dav.client import DavClient
from recognize_cli.dav.credentials import Credentials
from recognize_cli.dav.spool import Spool
from recognize_cli.secret import Secret
from recognize_cli.sources.webdav import WebDavSource
from tests.contracts.source_contract import SourceContract, Tree
from tests.dav.servers import PASSWORD, USER
from tests.sources.folder import FolderTree
from tests.sources.test_whole import KNOWN, AtOnce

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recognize_cli.protocols import Source

_MODULES = Path("/usr/lib/apache2/modules")
_SECONDS = 20.0

_APACHE = """
ServerName localhost
ServerRoot {place}
PidFile {place}/pid
ErrorLog {place}/error.log
Listen 127.0.0.1:{port}
{modules}
{user}
DavLockDB {place}/locks/db
DocumentRoot {served}
Alias /dav {served}
AllowEncodedSlashes NoDecode
<Directory {served}>
    Dav On
    AuthType Basic
    AuthName x
    AuthUserFile {place}/passwords
    Require valid-user
</Directory>
"""
_LOADED = (
    *("mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic"),
    *("alias", "dav", "dav_fs"),
)


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[None]:
    """A server in a process of its own, from when it can be reached."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + _SECONDS
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    assert process.poll() is None, f"{command[0]} ended at once"
                    assert time.monotonic() < end, f"{command[0]} does not listen"
                    time.sleep(0.05)
            yield
        finally:
            process.terminate()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def apache(place: Path, served: Path) -> Iterator[int]:
    """Apache, which serves a folder at ``/dav``; gives its port."""
    port = free_port()
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()).decode()
    (place / "passwords").write_text(f"{USER}:{{SHA}}{digest}\n")
    (place / "locks").mkdir()
    (place / "locks").chmod(0o777)
    modules = "\n".join(f"LoadModule {name}_module {_MODULES}/mod_{name}.so" for name in _LOADED)
    user = "User www-data\nGroup www-data" if served.stat().st_uid == 0 else ""
    config = place / "apache.conf"
    config.write_text(_APACHE.format(place=place, port=port, modules=modules, user=user, served=served))
    with running(["apache2", "-X", "-f", str(config)], port):
        yield port


@contextmanager
def rclone(place: Path, served: Path) -> Iterator[int]:
    """Rclone, which serves a folder at ``/dav`` and remembers no listing; gives its port."""
    port = free_port()
    account = ("--user", USER, "--pass", PASSWORD)
    where = ("--addr", f"127.0.0.1:{port}", "--baseurl", "/dav", "--config", str(place / "rclone.conf"))
    with running(
        ["rclone", "serve", "webdav", *where, *account, "--dir-cache-time", "0s", str(served)], port
    ):
        yield port


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that a server may read which runs as another user."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


class ServerContract(SourceContract):
    keeps_ids: ClassVar[bool] = False

    @contextmanager
    def served(self, place: Path, folder: Path) -> Iterator[int]:
        raise NotImplementedError
        yield 0

    @pytest.fixture
    def tree(self, public: Path, tmp_path: Path) -> Iterator[Tree]:
        folder = public / "served"
        root = folder / "my photos %"
        root.mkdir(parents=True)
        with self.served(public, folder) as port:
            address = Address.of(f"webdav://{USER}@127.0.0.1:{port}/dav/my photos %25")
            credentials = Credentials(USER, Secret(PASSWORD))
            with DavClient(address.server, credentials) as client, Spool(tmp_path) as spool:
                yield FolderTree(root, self.source(WebDavSource(address, client, spool)))

    def source(self, source: WebDavSource) -> Source:
        """What is tested."""
        return source


@pytest.mark.skipif(shutil.which("apache2") is None, reason="Apache is not installed")
class TestApache(ServerContract):
    awkward_names: ClassVar[tuple[str, ...]] = (
        *SourceContract.awkward_names,
        "new\nline.jpg",
        "...",
        b"caf\xe9.jpg".decode("utf-8", "surrogateescape"),
    )

    @contextmanager
    def served(self, place: Path, folder: Path) -> Iterator[int]:
        with apache(place, folder) as port:
            yield port


@pytest.mark.skipif(shutil.which("rclone") is None, reason="rclone is not installed")
class TestRclone(ServerContract):
    @contextmanager
    def served(self, place: Path, folder: Path) -> Iterator[int]:
        with rclone(place, folder) as port:
            yield port


class TestRcloneAtOnce(TestRclone):
    """It tells whole trees."""

    def source(self, source: WebDavSource) -> Source:
        return AtOnce(source, KNOWN)


class TestApacheAtOnce(TestApache):
    """It refuses to, unless told otherwise."""

    def source(self, source: WebDavSource) -> Source:
        return AtOnce(source, KNOWN)
