"""The desktop's keyring, by the package `keyring` where it is installed; never waits for ever.

On a server there is none: then `usable_keyring` is None, and a file keeps the passwords. A keyring that is
locked asks its user to open it; where nobody answers, it counts as failing after a while.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final, TypeVar

from recognize_cli.errors import PasswordUnusable
from recognize_cli.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyring.backend import KeyringBackend

    T = TypeVar("T")

_LOG = logging.getLogger(__name__)

SERVICE: Final = "recognize"
SECONDS: Final = 45.0
_RECOMMENDED: Final = 1  # what keyring itself asks of a backend that it calls recommended


class Keyring:
    """One backend; each call ends after `seconds` at the latest. Methods raise PasswordUnusable."""

    def __init__(self, backend: KeyringBackend, seconds: float = SECONDS) -> None:
        self._backend = backend
        self._seconds = seconds

    @property
    def name(self) -> str:
        """What the backend calls itself."""
        return str(self._backend.name)

    def get(self, account: str) -> Secret | None:
        """The password of an account, None where it is not known."""
        found = self._bounded(lambda: self._backend.get_password(SERVICE, account))
        return None if found is None else Secret(found)

    def put(self, account: str, password: Secret) -> None:
        """Stores a password."""
        self._bounded(lambda: self._backend.set_password(SERVICE, account, password.reveal()))

    def delete(self, account: str) -> None:
        """Forgets a password; one that is not known is fine."""
        from keyring.errors import PasswordDeleteError

        def forget() -> None:
            try:
                self._backend.delete_password(SERVICE, account)
            except PasswordDeleteError:
                if self._backend.get_password(SERVICE, account) is not None:
                    raise

        self._bounded(forget)

    def _bounded(self, action: Callable[[], T]) -> T:
        """Does it in a thread that the process does not wait for."""
        answer: Future[T] = Future()
        threading.Thread(target=_answer, args=(answer, action), daemon=True).start()
        try:
            return answer.result(self._seconds)
        except TimeoutError:
            problem = f"it did not answer within {self._seconds:g} seconds; is it locked?"
        except Exception as error:  # noqa: BLE001 - backends raise what the desktop's libraries raise
            _LOG.debug("the keyring failed", exc_info=True)
            problem = f"{type(error).__name__}: {error}"
        raise PasswordUnusable(where=f"the keyring ({self.name})", problem=problem)


def _answer(answer: Future[T], action: Callable[[], T]) -> None:
    try:
        answer.set_result(action())
    except BaseException as error:  # noqa: BLE001 - goes to whoever asked
        answer.set_exception(error)


def usable_keyring() -> Keyring | None:
    """The keyring of this session; None where the package, or a keyring worth the name, is missing."""
    try:
        import keyring
    except ImportError:
        return None
    try:
        backend = keyring.get_keyring()
        if backend.priority < _RECOMMENDED:
            return None
    except Exception:  # noqa: BLE001 - one that is set up wrongly is none
        _LOG.debug("there is no keyring", exc_info=True)
        return None
    return Keyring(backend)
