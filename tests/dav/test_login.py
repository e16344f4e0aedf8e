from __future__ import annotations

import json
import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import requests

from recognize_cli.dav import login
from recognize_cli.dav.failures import RequestFailed
from recognize_cli.dav.nextcloud import sign_in
from recognize_cli.errors import LoginRefused
from tests.dav.clouds import Clouds

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def clouds() -> Iterator[Clouds]:
    with ExitStack() as stack:
        yield Clouds(stack)


@pytest.mark.parametrize("folder", ["", "/cloud"])
def test_an_app_password_comes_once_the_user_granted_it(
    clouds: Clouds, folder: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = clouds.start(folder=folder)
    nobody = clouds.client(server, None)
    flow = login.begin(nobody, folder, "recognize on mühle\n")
    assert requests.get(flow.page, timeout=5).status_code == 200
    assert login.poll(nobody, flow) is None
    server.cloud.accounts.grant(flow.page, "alice")
    credentials = login.poll(nobody, flow)
    assert credentials is not None
    assert credentials.user == "alice@example.org"
    assert login.poll(nobody, flow) is None
    alice = clouds.client(server, credentials.user, credentials.secret.reveal())
    assert sign_in(alice, folder).uid == "alice"
    assert list(server.cloud.accounts.users["alice"].app_passwords.values()) == ["recognize on m?hle?"]
    said = repr((flow, credentials)) + caplog.text
    assert credentials.secret.reveal() not in said
    assert flow.token.reveal() not in said


def test_a_revoked_app_password_is_worthless(clouds: Clouds) -> None:
    server = clouds.start()
    password = server.cloud.accounts.app_password("alice")
    assert login.revoke(clouds.client(server, "alice", password), "")
    with pytest.raises(LoginRefused):
        login.revoke(clouds.client(server, "alice", password), "")


def test_a_users_own_password_is_not_revoked(clouds: Clouds) -> None:
    server = clouds.start()
    assert not login.revoke(clouds.client(server), "")


ANSWER = {"poll": {"token": "secret-token", "endpoint": "{url}/poll"}, "login": "{url}/flow"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"poll": {"token": "secret-token", "endpoint": "http://elsewhere.example/poll"}}, "another host"),
        ({"poll": {"token": "secret-token", "endpoint": "poll"}}, "another host"),
        ({"poll": {"endpoint": "{url}/poll"}}, "no login flow"),
        ({"poll": []}, "no login flow"),
        ({"login": "javascript:alert(1)"}, "for the browser"),
        ({"login": "http://x/\x1b[2J"}, "for the browser"),
        ({"login": None}, "no login flow"),
    ],
)
def test_an_answer_that_is_none_is_refused(
    clouds: Clouds, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], problem: str
) -> None:
    server = clouds.start()
    told = json.dumps(ANSWER | change).replace("{url}", server.url)
    monkeypatch.setattr("tests.support.nextcloud.web.json.dumps", lambda _: told)
    with pytest.raises(RequestFailed, match=problem) as caught:
        login.begin(clouds.client(server, None), "", "recognize")
    assert "secret-token" not in str(caught.value)


def test_a_server_behind_a_proxy_may_be_wrong_about_its_scheme_and_port(
    clouds: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = clouds.start()
    told = json.dumps(ANSWER).replace("{url}", "https://127.0.0.1")
    monkeypatch.setattr("tests.support.nextcloud.web.json.dumps", lambda _: told)
    client = clouds.client(server, None)
    flow = login.begin(client, "", "recognize")
    assert flow.endpoint == "/poll"


def test_what_offers_no_flow_is_told_with_the_remedy(clouds: Clouds) -> None:
    server = clouds.start(folder="/cloud")
    with pytest.raises(RequestFailed):
        login.begin(clouds.client(server, None), "/elsewhere", "recognize")
