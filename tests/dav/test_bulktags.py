from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from recognize_cli.dav.bulktags import BulkTags
from recognize_cli.dav.failures import RequestFailed, StatusError
from recognize_cli.dav.nextcloud import sign_in
from recognize_cli.dav.taglist import SystemTag
from tests.dav.clouds import Clouds
from tests.support.nextcloud import Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.nextcloud import Cloud
    from tests.support.nextcloud.exchange import Request
    from tests.support.nextcloud.tags import Tag


class Setting:
    """A tag that a file of bob's bears, in alice's view (who may edit it), and one of hers."""

    def __init__(self, clouds: Clouds, version: str = "34") -> None:
        server = clouds.start(version=version)
        self.cloud: Cloud = server.cloud
        self.files = [str(self.cloud.write("alice", f"{number}.jpg", b"x").id) for number in range(3)]
        self.theirs = self.cloud.write("bob", "trips/theirs.jpg", b"x").id
        self.cloud.tree.share("bob", "trips", "alice")
        self.tag: Tag = self.cloud.tags.create("cat")
        self.tag.files |= {self.theirs, int(self.files[0])}
        self.pauses: list[Callable[[], object]] = []
        client = clouds.client(server)
        self.bulk = BulkTags(client, sign_in(client, ""), pause=self._pause)

    def _pause(self, seconds: float) -> None:
        """Time passes on the server, and what a test planned for then happens."""
        self.cloud.pass_time(seconds)
        if self.pauses:
            self.pauses.pop(0)()

    def assign(self) -> frozenset[str]:
        return self.bulk.assign(SystemTag(self.tag.id, "cat"), self.files)


@pytest.fixture
def clouds() -> Iterator[Clouds]:
    with ExitStack() as stack:
        yield Clouds(stack)


def test_all_files_get_the_tag_and_nobody_loses_it(clouds: Clouds) -> None:
    setting = Setting(clouds)
    assert setting.bulk.is_offered
    assert setting.assign() == {setting.files[0]}
    assert setting.tag.files == {setting.theirs, *map(int, setting.files)}
    assert len(setting.cloud.asked("PROPPATCH")) == 1
    assert setting.assign() == set(setting.files)
    assert len(setting.cloud.asked("PROPPATCH")) == 1


def test_what_others_do_meanwhile_stays(clouds: Clouds) -> None:
    setting = Setting(clouds)
    other = setting.cloud.write("bob", "trips/other.jpg", b"x").id
    setting.pauses = [lambda: setting.cloud.tags.assign(setting.tag, other)]
    setting.assign()
    assert setting.tag.files == {setting.theirs, other, *map(int, setting.files)}


def test_what_others_do_just_before_the_request_stays(clouds: Clouds) -> None:
    setting = Setting(clouds)
    other = setting.cloud.write("bob", "trips/other.jpg", b"x").id
    waiting = [other]

    def interfere(request: Request) -> None:
        if request.method == "PROPPATCH" and waiting:
            setting.cloud.tags.assign(setting.tag, waiting.pop())

    setting.cloud.before = interfere
    setting.assign()
    assert setting.tag.files == {setting.theirs, other, *map(int, setting.files)}
    assert len(setting.cloud.asked("PROPPATCH")) == 2


def test_an_answer_that_was_lost_makes_nothing_of_ours_theirs(clouds: Clouds) -> None:
    setting = Setting(clouds)
    setting.cloud.faults = Faults(
        only=lambda request: request.method == "PROPPATCH", script=[Fault.CUT_AFTER]
    )
    assert setting.assign() == {setting.files[0]}
    assert setting.tag.files == {setting.theirs, *map(int, setting.files)}


def test_a_tag_that_never_settles_is_given_up(clouds: Clouds) -> None:
    setting = Setting(clouds)
    others = [setting.cloud.write("bob", f"{number}.jpg", b"x").id for number in range(9)]
    setting.pauses = [lambda file=file: setting.cloud.tags.assign(setting.tag, file) for file in others]  # type: ignore[misc]
    with pytest.raises(RequestFailed, match="without bulk"):
        setting.assign()
    assert setting.cloud.asked("PROPPATCH") == []


def test_a_file_that_may_not_be_tagged_spoils_them_all(clouds: Clouds) -> None:
    setting = Setting(clouds)
    setting.files.append(str(setting.cloud.write("bob", "own.jpg", b"x").id))
    before = set(setting.tag.files)
    with pytest.raises(StatusError) as caught:
        setting.assign()
    assert caught.value.status == 403
    assert setting.tag.files == before


def test_30_does_not_offer_it(clouds: Clouds) -> None:
    setting = Setting(clouds, version="30")
    assert not setting.bulk.is_offered
    with pytest.raises(StatusError):
        setting.assign()
