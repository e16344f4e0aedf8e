"""Who may come in: users, their passwords and app passwords, the brute-force brake, login flow v2."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

FAILURES_BEFORE_BRAKE = 11


@dataclass
class User:
    """An account; `login_name` may be another than the uid. App passwords are kept by the password."""

    uid: str
    login_name: str
    password: str
    admin: bool = False
    app_passwords: dict[str, str] = field(default_factory=dict)

    def accepts(self, password: str) -> bool:
        return password == self.password or password in self.app_passwords


@dataclass
class Flow:
    """A login that waits for its user; ``user`` and ``password`` are there once it was granted."""

    agent: str
    token: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    page: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    user: User | None = None
    password: str = ""


class Braked(Exception):
    """Too many failures from this address."""


class Accounts:
    """All accounts of the server, sessions and logins under way."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.sessions: dict[str, tuple[User, str]] = {}
        self.flows: list[Flow] = []
        self.failures = 0

    def add(self, uid: str, password: str, *, login_name: str | None = None, admin: bool = False) -> User:
        self.users[uid] = User(uid, login_name or uid, password, admin)
        return self.users[uid]

    def app_password(self, uid: str, name: str = "test") -> str:
        """A new one for a user."""
        password = "-".join(secrets.token_hex(3)[:5] for _ in range(5))
        self.users[uid].app_passwords[password] = name
        return password

    def enter(self, login_name: str, password: str) -> User | None:
        """The user of a login name and password; raises Braked after too many that were wrong."""
        if self.failures >= FAILURES_BEFORE_BRAKE:
            raise Braked
        for user in self.users.values():
            if login_name in (user.login_name, user.uid) and user.accepts(password):
                return user
        self.failures += 1
        return None

    def open_session(self, user: User, password: str) -> str:
        """The cookie of a new session."""
        cookie = secrets.token_hex(16)
        self.sessions[cookie] = (user, password)
        return cookie

    def resume(self, cookie: str) -> tuple[User, str] | None:
        """Whose session a cookie is, and the password that began it; None once that is revoked."""
        user, password = self.sessions.get(cookie, (None, ""))
        return (user, password) if user is not None and user.accepts(password) else None

    def begin(self, agent: str) -> Flow:
        flow = Flow(agent)
        self.flows.append(flow)
        return flow

    def grant(self, page: str, uid: str) -> None:
        """What a user does in a browser at the address of a login."""
        flow = next(flow for flow in self.flows if page.endswith(flow.page))
        flow.user, flow.password = self.users[uid], self.app_password(uid, flow.agent)

    def collect(self, token: str) -> Flow | None:
        """The login of a poll token, once, after it was granted."""
        flow = next((flow for flow in self.flows if flow.token == token and flow.user is not None), None)
        if flow is not None:
            self.flows.remove(flow)
        return flow
