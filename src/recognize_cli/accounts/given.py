"""Passwords that the environment or the config file gives: as they are, in a file, or by a command."""

from __future__ import annotations

import logging
import os
import shlex
import stat
from typing import TYPE_CHECKING, Final

from recognize_cli.errors import ConfigError, PasswordUnusable
from recognize_cli.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recognize_cli.accounts.account import Account

_LOG = logging.getLogger(__name__)

PASSWORD: Final = "RECOGNIZE_PASSWORD"
PASSWORD_FILE: Final = "RECOGNIZE_PASSWORD_FILE"
PASSWORD_COMMAND: Final = "RECOGNIZE_PASSWORD_COMMAND"
VARIABLES: Final = (PASSWORD, PASSWORD_FILE, PASSWORD_COMMAND)

COMMAND_SECONDS: Final = 60.0
_LONGEST: Final = 64 * 1024
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def from_environment(
    environment: Mapping[str, str], *, command_seconds: float = COMMAND_SECONDS
) -> tuple[str, Secret] | None:
    """The password that the environment gives, with the name of the variable; None where it gives none.

    The first of `VARIABLES` that is set and not empty counts. Raises PasswordUnusable, which names it.
    """
    for name in VARIABLES:
        value = environment.get(name)
        if not value:
            continue
        if name == PASSWORD:
            return name, Secret(value)
        text = _of_file(value) if name == PASSWORD_FILE else _of_command(value, command_seconds)
        return name, _first_line(text, name)
    return None


def from_config(path: Path, table: Mapping[str, object], account: Account) -> Secret | None:
    """The password of an account in the table [passwords] of a config file; None where there is none.

    The keys are URLs as of `Account`; paths in them do not count. Raises ConfigError where a value is no
    text, and where others than its owner may read a file with passwords.
    """
    if not table:
        return None
    if path.stat().st_mode & _OTHERS:
        problem = f"holds passwords and others may read it; run: chmod 600 {shlex.quote(str(path))}"
        raise ConfigError(where=path, problem=problem)
    for key, value in table.items():
        if not isinstance(value, str):
            raise ConfigError(where=f"{path} [passwords]", problem=f"the key {key!r} must be a string")
        if account.of(key) == account:
            return Secret(value)
    return None


def _of_file(path: str) -> bytes:
    try:
        # systemd's credentials and /run/secrets are such files; a pipe (<(pass show cloud)) is fine, too.
        with open(path, "rb") as stream:
            status = os.fstat(stream.fileno())
            text = stream.read(_LONGEST)
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror}"
        raise PasswordUnusable(where=PASSWORD_FILE, problem=problem) from error
    if stat.S_ISREG(status.st_mode) and status.st_mode & _OTHERS:
        _LOG.warning("others may read the password in %s; run: chmod 600 %s", path, shlex.quote(path))
    return text


def _of_command(command: str, seconds: float) -> bytes:
    import subprocess  # kept out of the start-up of all commands

    try:
        words = shlex.split(command)
        # stderr is the user's: a command that asks for something, or fails, says so itself.
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        problem = f"the command gave no password within {seconds:g} seconds"
    except OSError as error:
        problem = f"{words[0]} cannot be run: {error.strerror}"
    except (ValueError, IndexError):
        problem = "it is no command; write one as in a shell, such as: pass show cloud"
    else:
        if not done.returncode:
            return done.stdout
        problem = f"{words[0]} ended with exit code {done.returncode}"
    raise PasswordUnusable(where=PASSWORD_COMMAND, problem=problem) from None


def _first_line(text: bytes, where: str) -> Secret:
    lines = text.splitlines()
    try:
        line = lines[0].decode("utf-8") if lines else ""
    except UnicodeDecodeError:
        raise PasswordUnusable(where=where, problem="what it gives is not UTF-8") from None
    if not line:
        raise PasswordUnusable(where=where, problem="the first line of what it gives is empty")
    return Secret(line)
