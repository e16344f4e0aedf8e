from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.accounts.account import Account
from recognize_cli.errors import UserError


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("nextclouds://alice@Cloud.Example/Photos", "https://alice@cloud.example"),
        ("webdavs://alice@cloud.example:443/", "https://alice@cloud.example"),
        ("webdav://bob@nas:8080/dav", "http://bob@nas:8080"),
        ("http://bob@nas:80", "http://bob@nas"),
        ("https://alice%40example.org@cloud.example", "https://alice%40example.org@cloud.example"),
        ("https://me@[2001:db8::1]:8443/x", "https://me@[2001:db8::1]:8443"),
        ("https://cloud.example", "https://@cloud.example"),
    ],
)
def test_urls_of_one_account_are_one(url: str, text: str) -> None:
    assert str(Account.of(url)) == text
    assert Account.of(text) == Account.of(url)


def test_a_user_is_for_urls_that_name_none() -> None:
    assert Account.of("https://cloud.example", "bob").user == "bob"
    assert Account.of("https://alice@cloud.example", "bob").user == "alice"


@pytest.mark.parametrize(
    "url",
    [
        *("cloud.example", "ftp://cloud.example", "https://", "https://a:b@[", "https://h:x"),
        *("https://al?ice@cloud.example", "https://al#ice@cloud.example", "https://\udcff@cloud.example"),
    ],
)
def test_what_names_no_server_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="names no server"):
        Account.of(url)


@pytest.mark.parametrize("url", ["https://alice:geheim@cloud.example", "x://alice:geheim@cloud.example"])
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UserError) as caught:
        Account.of(url)
    assert "geheim" not in str(caught.value)
    assert "cloud.example" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://alice:geheim",
        "alice:geheim",
        "https://alice:geheim#@cloud.example",
        "x:geheim@[",
        "//u:geheim",
    ],
)
def test_what_may_be_a_password_is_not_repeated(url: str) -> None:
    with pytest.raises(UserError) as caught:
        Account.of(url)
    assert "geheim" not in str(caught.value)


@given(user=st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_user_name_survives(user: str) -> None:
    account = Account("https", "cloud.example", user)
    assert Account.of(str(account)) == account
