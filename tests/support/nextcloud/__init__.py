"""A small Nextcloud on the loopback that answers as real ones do, and fails as it is told.

cloud = Cloud(version="34")
cloud.add_user("alice", "her password")
with NextcloudServer(cloud) as server:
    ...
"""

from __future__ import annotations

from tests.support.nextcloud.cloud import Cloud
from tests.support.nextcloud.exchange import Fault, Faults
from tests.support.nextcloud.server import NextcloudServer

__all__ = ["Cloud", "Fault", "Faults", "NextcloudServer"]
