"""`recognize tags push`, `list --pushed` and `reset`, against the test Nextcloud."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.catalogue.outbox_api import Remote
from recognize_cli.cli.app import root
from recognize_cli.errors import ExitCode
from tests.catalogue.making import outcome
from tests.dav.clouds import PASSWORD, Clouds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Called
    from tests.support.nextcloud import NextcloudServer


@pytest.fixture
def server() -> Iterator[NextcloudServer]:
    with ExitStack() as stack:
        yield Clouds(stack).start(folder="/cloud")


@pytest.fixture
def target(server: NextcloudServer) -> str:
    """The account that owns the files, whose login name is another than its id."""
    return f"nextcloud://alice@{server.host}/cloud"


@pytest.fixture
def tags(
    call: Callable[..., Called], server: NextcloudServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Called]:
    """Runs a command of `recognize tags`; alice and bob are logged in."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    for user in ("bob", "alice%40example.org"):
        login = ("login", "nextcloud", f"http://{user}@{server.host}/cloud", "--ask")
        assert call(root, *login, env={"RECOGNIZE_PASSWORD": PASSWORD}).returncode == ExitCode.DONE
    catalogue = str(tmp_path / "catalogue.sqlite3")
    return lambda *arguments: call(root, "tags", *arguments, "--catalogue", catalogue)


@pytest.fixture
def file(server: NextcloudServer, target: str, tmp_path: Path) -> int:
    """A file with a tag of alice's own, and two that wait to be put on it."""
    cloud = server.cloud
    node = cloud.write("alice", "Fotos/a ä.jpg", b"x")
    cloud.tags.assign(cloud.tags.create("Mine"), node.id)
    remote = Remote(target, str(node.id), "Fotos/a ä.jpg")
    with SqliteCatalogue.open(tmp_path / "catalogue.sqlite3") as catalogue:
        catalogue.commit([replace(outcome(tags={"objects": ["Cat", "Käse"]}), remotes=(remote,))])
    return node.id


def test_what_waits_is_told_pushed_listed_and_taken_off(
    tags: Callable[..., Called], server: NextcloudServer, target: str, file: int
) -> None:
    cloud = server.cloud
    told = tags("push", "-n")
    assert (told.returncode, told.stdout) == (ExitCode.DONE, "Fotos/a ä.jpg: +Cat +Käse\n")
    assert cloud.tags.names_of(file) == {"Mine"}
    pushed = tags("push")
    assert (pushed.returncode, "2 put" in pushed.stderr) == (ExitCode.DONE, True)
    assert cloud.tags.names_of(file) == {"Mine", "Cat", "Käse"}
    listed = json.loads(tags("list", "--format", "json").stdout)
    assert listed["pushed"][target]["Cat"] == {"ours": 1, "foreign": 0, "waiting": 0, "refused": 0}
    assert target in tags("list", "--pushed").stdout
    assert "nothing waits" in tags("push", target).stderr

    assert tags("reset", target).returncode == ExitCode.USAGE
    assert tags("reset", f"nextcloud://{server.host}", "--yes").returncode == ExitCode.DONE
    assert cloud.tags.names_of(file) == {"Mine"}
    assert json.loads(tags("list", "--format", "json").stdout)["pushed"] == {}


def test_an_address_that_nothing_was_pushed_to_is_told(
    tags: Callable[..., Called], target: str, file: int
) -> None:
    ended = tags("push", "nextcloud://elsewhere.example")
    assert (ended.returncode, target in ended.stderr) == (ExitCode.USAGE, True)


def test_a_push_with_nothing_to_push_to_says_so(tags: Callable[..., Called], tmp_path: Path) -> None:
    SqliteCatalogue.open(tmp_path / "catalogue.sqlite3").close()
    ended = tags("push")
    assert (ended.returncode, "scan --push" in ended.stderr) == (ExitCode.DONE, True)


def test_what_is_refused_is_asked_for_again_on_demand(
    tags: Callable[..., Called], server: NextcloudServer, file: int
) -> None:
    cloud = server.cloud
    cloud.tags.only_admins = True
    refused = tags("push")
    assert (refused.returncode, "2 refused" in refused.stderr) == (ExitCode.SOME_FAILED, True)
    cloud.tags.only_admins = False
    again = tags("push")
    assert (again.returncode, "2 refused" in again.stderr) == (ExitCode.SOME_FAILED, True)
    assert "nothing waits" in again.stderr
    assert tags("push", "-n").stdout == ""
    assert "+Cat" in tags("push", "-n", "--retry").stdout
    assert tags("push", "--retry").returncode == ExitCode.DONE
    assert cloud.tags.names_of(file) == {"Mine", "Cat", "Käse"}


def test_a_refused_login_loses_nothing(
    tags: Callable[..., Called], server: NextcloudServer, file: int
) -> None:
    alice = server.cloud.accounts.users["alice"]
    alice.password = "another"
    ended = tags("push")
    assert (ended.returncode, PASSWORD in ended.stderr) == (ExitCode.LOGIN, False)
    alice.password = PASSWORD
    assert tags("push").returncode == ExitCode.DONE
    assert server.cloud.tags.names_of(file) == {"Mine", "Cat", "Käse"}


def test_a_login_that_is_refused_keeps_no_other_from_being_tried(
    tags: Callable[..., Called], call: Callable[..., Called], server: NextcloudServer, file: int
) -> None:
    aaron = server.cloud.add_user("aaron", PASSWORD)
    login = ("login", "nextcloud", f"http://aaron@{server.host}/cloud", "--ask")
    assert call(root, *login, env={"RECOGNIZE_PASSWORD": PASSWORD}).returncode == ExitCode.DONE
    aaron.password = "another"
    assert tags("push").returncode == ExitCode.DONE
    assert server.cloud.tags.names_of(file) == {"Mine", "Cat", "Käse"}


def test_a_password_of_the_environment_is_for_the_account_of_the_target(
    tags: Callable[..., Called], server: NextcloudServer, file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOGNIZE_PASSWORD", "of nobody")
    assert tags("push").returncode == ExitCode.DONE
    assert {seen.user for seen in server.cloud.seen if seen.method == "PUT"} == {"alice"}
    assert server.cloud.accounts.failures == 1
