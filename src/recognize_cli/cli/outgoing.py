"""What `recognize tags push` and `reset` do: empty the outbox, with no scan."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING
from urllib.parse import quote

from recognize_cli.accounts.account import Account
from recognize_cli.accounts.given import VARIABLES
from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.cli.accounts import stored_logins
from recognize_cli.cli.output import styler
from recognize_cli.cli.remotes import Remotes
from recognize_cli.errors import (
    ExitCode,
    LoginError,
    SourceError,
    SourceUnreachable,
    UnknownTarget,
    severest,
)
from recognize_cli.interrupt import Interrupt
from recognize_cli.locking import acquire
from recognize_cli.pushing.preview import preview
from recognize_cli.pushing.runner import Pushed, Pusher
from recognize_cli.sinks.text import TextSink

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from recognize_cli.catalogue.outbox_api import Outbox
    from recognize_cli.dav.systemtags import SystemTags

_LOG = logging.getLogger(__name__)
_WORKERS = 2


def push(
    addresses: Sequence[str], catalogue: Path, ca: Path | None, *, wait: bool, retry: bool, dry_run: bool
) -> ExitCode:
    """Pushes what waits for the accounts at these addresses, or for all; returns how it went.

    With ``retry`` also what was refused. In a dry run it is told on stdout.
    """
    with _outgoing(catalogue, ca, wait=wait) as (outbox, servers, stop):
        codes = []
        with outbox.rehearsal() if dry_run else nullcontext(outbox) as used:
            targets = _targets(used, addresses)
            if not targets:
                _LOG.info("nothing was pushed to any server yet; `recognize scan --push` begins with it")
            for target in targets:
                if retry:
                    used.retry(target)
                codes.append(_one(used, servers, target, stop, dry_run=dry_run))
        return severest(*codes, stop.exit_code)


def reset(address: str, catalogue: Path, ca: Path | None, *, wait: bool) -> ExitCode:
    """Takes all tags that are ours off the files of an account, and follows them no more."""
    with _outgoing(catalogue, ca, wait=wait) as (outbox, servers, stop):
        (target,) = _targets(outbox, [address])
        outbox.withdraw(target)
        code = severest(_one(outbox, servers, target, stop, dry_run=False), stop.exit_code)
        if not outbox.counts(target):
            outbox.forget(target)
        return code


@contextmanager
def _outgoing(catalogue: Path, ca: Path | None, *, wait: bool) -> Iterator[tuple[Outbox, Remotes, Interrupt]]:
    with ExitStack() as stack:
        stack.enter_context(acquire(catalogue, wait=wait))
        opened = stack.enter_context(SqliteCatalogue.open(catalogue))
        stop = stack.enter_context(Interrupt())
        servers = stack.enter_context(Remotes(stop=stop, ca=ca, connections=_WORKERS + 1))
        yield opened.outbox, servers, stop


def _targets(outbox: Outbox, addresses: Sequence[str]) -> list[str]:
    """The targets at these addresses, whose paths do not count; all of them for no address."""
    known = outbox.targets()
    chosen = []
    for address in addresses:
        account = Account.of(address)
        same = [each for each in known if _is_at(Account.of(each), account)]
        if len(same) != 1:
            raise UnknownTarget(address=address, known=", ".join(known) or "none")
        chosen += same
    return chosen if addresses else known


def _is_at(target: Account, account: Account) -> bool:
    return target.host == account.host and account.user in ("", target.user)


def _one(outbox: Outbox, servers: Remotes, target: str, stop: Interrupt, *, dry_run: bool) -> ExitCode:
    """Pushes to one target; says what keeps it from that."""
    done, code = Pushed(), ExitCode.DONE
    try:
        if outbox.next_due(target) is not None:
            server = _open(servers, target)
            if dry_run:
                _show(outbox, server, target)
                return ExitCode.DONE
            with Pusher(outbox, server, target, workers=_WORKERS, stop=stop) as pusher:
                done = pusher.done
                pusher.run()
    except (SourceError, LoginError) as error:
        if isinstance(error, LoginError) or not stop():  # else it was cut short
            _LOG.error("%s", error)
            code = error.exit_code
    return severest(code, _tell(outbox, target, done))


def _tell(outbox: Outbox, target: str, done: Pushed) -> ExitCode:
    """Says what a run did and what is left to do; how that counts."""
    left = outbox.counts(target)
    waiting, refused = sum(each.waiting for each in left), sum(each.refused for each in left)
    counts = {
        "put": done.assigned,
        "taken off": done.removed,
        "there before": done.foreign,
        "refused (--retry asks again)": refused,
        "waiting (run `recognize tags push` again)": waiting,
    }
    said = [f"{count} {name}" for name, count in counts.items() if count]
    _LOG.info("%s: tags %s", target, ", ".join(said if waiting else [*said, "nothing waits"]))
    return ExitCode.SOME_FAILED if waiting or refused else ExitCode.DONE


def _show(outbox: Outbox, server: SystemTags, target: str) -> None:
    sink = TextSink(sys.stdout, styler(sys.stdout))
    try:
        for change in preview(outbox, server, target):
            sink.change(change)
    except OSError as error:
        raise SourceUnreachable(source=target, problem=error.strerror or error) from error


def _open(servers: Remotes, target: str) -> SystemTags:
    """The tags of a target. It names the account's id; the login name, which may be another, is found out.

    A login that is refused keeps none of the others from being tried.
    """
    scheme, _, rest = target.partition("://")
    here, path = Account.of(target), rest.partition("/")[2]
    refused: LoginError | None = None
    for name in _login_names(here):
        address = f"{scheme}://{quote(name, safe='')}@{here.host}/{path}"
        try:
            if servers.source(address).storage == target:
                return servers.tags(target)
        except LoginError as error:
            refused = error
    raise refused or UnknownTarget(address=target, known=", ".join(servers.clouds))


def _login_names(account: Account) -> list[str]:
    """The names that an account with an id may log in by, the likeliest first."""
    stored = {
        login.account.user
        for login in stored_logins().all()
        if (login.account.scheme, login.account.host) == (account.scheme, account.host)
    }
    others = sorted(stored - {account.user})
    # A password of the environment is for the first account that asks.
    is_first = account.user in stored or any(map(os.environ.get, VARIABLES))
    return [account.user, *others] if is_first else [*others, account.user]
