from __future__ import annotations

from typing import TYPE_CHECKING

import keyring
import pytest

from recognize_cli.accounts.keyrings import Keyring, usable_keyring
from recognize_cli.errors import PasswordUnusable
from recognize_cli.secret import Secret
from tests.support.keyrings import FileKeyring, LockedKeyring, PoorKeyring, SilentKeyring

if TYPE_CHECKING:
    from pathlib import Path

    from keyring.backend import KeyringBackend


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEYRING", str(tmp_path / "keyring.json"))


def test_a_password_is_kept_and_forgotten() -> None:
    kept = Keyring(FileKeyring())
    assert kept.get("https://alice@cloud.example") is None
    kept.put("https://alice@cloud.example", Secret("geheim"))
    assert kept.get("https://alice@cloud.example") == Secret("geheim")
    kept.delete("https://alice@cloud.example")
    kept.delete("https://alice@cloud.example")
    assert kept.get("https://alice@cloud.example") is None


def test_a_keyring_that_nobody_opens_is_not_waited_for() -> None:
    with pytest.raises(PasswordUnusable, match=r"within 0\.05 seconds"):
        Keyring(SilentKeyring(), seconds=0.05).get("anything")


def test_a_keyring_that_fails_says_how() -> None:
    with pytest.raises(PasswordUnusable, match="KeyringLocked: Failed to unlock"):
        Keyring(LockedKeyring()).put("anything", Secret("geheim"))


@pytest.mark.parametrize(
    ("backend", "usable"),
    [(FileKeyring(), True), (PoorKeyring(), False), (keyring.backends.fail.Keyring(), False)],
)
def test_only_a_keyring_worth_the_name_is_used(backend: KeyringBackend, usable: bool) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        assert (usable_keyring() is not None) is usable
    finally:
        keyring.set_keyring(before)


def test_without_the_package_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    assert usable_keyring() is None
