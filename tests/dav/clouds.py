"""Clients for the test Nextcloud, of users that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.dav.client import DavClient, Options
from recognize_cli.dav.credentials import Credentials
from recognize_cli.dav.nextcloud import sign_in
from recognize_cli.dav.patience import Patience
from recognize_cli.dav.systemtags import SystemTags
from recognize_cli.dav.writing import PATIENCE, Writer
from recognize_cli.secret import Secret
from tests.support.nextcloud import Cloud, NextcloudServer

if TYPE_CHECKING:
    from contextlib import ExitStack

PASSWORD = "correct horse battery"


class Clouds:
    """Starts test servers with alice, bob and an admin, and ends them with its stack."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def start(self, **settings: object) -> NextcloudServer:
        cloud = Cloud(**settings)  # type: ignore[arg-type]
        cloud.add_user("alice", PASSWORD, login_name="alice@example.org")
        cloud.add_user("bob", PASSWORD)
        cloud.add_user("root", PASSWORD, admin=True)
        return self._stack.enter_context(NextcloudServer(cloud))

    def client(
        self, server: NextcloudServer, user: str | None = "alice", password: str = PASSWORD
    ) -> DavClient:
        """A client for the host, which loses no time between tries; of nobody for None."""
        credentials = Credentials(user, Secret(password)) if user else None
        patience = Patience(attempts=4, backoff=0.0, longest_backoff=0.0, longest_wait=0.0)
        client = DavClient(
            f"http://{server.host}", credentials, Options(patience=patience), pause=lambda _: None
        )
        return self._stack.enter_context(client)

    def tags(self, server: NextcloudServer, user: str = "alice") -> SystemTags:
        """The tags as a user of the server may use them."""
        client = self.client(server, user)
        writer = Writer(client, patience=PATIENCE, pause=lambda _: None)
        cloud = sign_in(client, server.cloud.folder)
        return SystemTags(client, cloud, writer, clock=server.cloud.now)
