"""The rows of the outbox: files that are followed on servers, and what is known of their tags there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recognize_cli.catalogue.codec import decode_path, encode_message, encode_path
from recognize_cli.catalogue.outbox_api import PushFile, PushTag, State, TagCount

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from recognize_cli.catalogue.database import Database
    from recognize_cli.catalogue.outbox_api import Followed, Remote, Settled

MAY_BE_THERE: Final = f"('{State.SENT}', '{State.OURS}', '{State.LEAVING}')"
"""The states of tags that may be on the server by our doing."""

_STALE: Final = "INSERT OR IGNORE INTO push_stale VALUES (?)"
_ALL_STALE: Final = """
    INSERT OR IGNORE INTO push_stale
    SELECT id FROM push_files WHERE target = (SELECT id FROM push_targets WHERE name = ?)
"""
_LINKED: Final = """
    SELECT f.id, EXISTS (
        SELECT 1 FROM push_links AS l JOIN push_files AS p ON p.id = l.push
            JOIN push_targets AS t ON t.id = p.target
        WHERE l.file = f.id AND t.name = ? AND p.file_id = ? AND p.folder = ? AND p.name = ?)
    FROM directories AS d JOIN files AS f ON f.directory = d.id
    WHERE d.storage = ? AND d.path = ? AND f.name = ?
"""
_PENDING: Final = """
    SELECT p.id, p.file_id, p.folder, p.name FROM push_files AS p
    WHERE p.target = (SELECT id FROM push_targets WHERE name = :target)
        AND (p.folder, p.name, p.id) > (:folder, :name, :id)
        AND EXISTS (SELECT 1 FROM push_tags AS g WHERE g.push = p.id AND g.due <= :now)
    ORDER BY p.folder, p.name, p.id LIMIT :size
"""
_OF_TARGET: Final = """
    push IN (SELECT p.id FROM push_files AS p JOIN push_targets AS t ON t.id = p.target WHERE t.name = ?)
"""
_NEXT_DUE: Final = """
    SELECT g.due FROM push_tags AS g CROSS JOIN push_files AS p ON p.id = g.push
    WHERE g.due IS NOT NULL AND p.target = (SELECT id FROM push_targets WHERE name = ?)
    ORDER BY g.due LIMIT 1
"""
# What was asked for may have been wanted otherwise meanwhile: then there is something to do again.
_SETTLE: Final = f"""
    UPDATE push_tags SET problem = :problem,
        attempts = CASE WHEN :retry_at IS NULL THEN 0 ELSE attempts + (:problem <> '') END,
        state = coalesce(:state, '{State.NEW}'),
        due = CASE WHEN :retry_at IS NOT NULL THEN :retry_at WHEN :problem <> '' THEN NULL
            WHEN wanted = (coalesce(:state, '{State.NEW}') <> '{State.NEW}') THEN NULL ELSE 0 END
    WHERE push = :id AND tag = :tag
"""
_NOTHING_LEFT: Final = f"""
    DELETE FROM push_tags
    WHERE push = :id AND tag = :tag AND NOT wanted AND state NOT IN {MAY_BE_THERE}
"""
_COUNT: Final = f"""
    SELECT tag, sum(state IN ('{State.OURS}', '{State.LEAVING}')), sum(state = '{State.FOREIGN}'),
        sum(due IS NOT NULL), sum(due IS NULL AND problem <> '')
    FROM push_tags WHERE {_OF_TARGET} GROUP BY tag ORDER BY tag
"""
_TROUBLES: Final = f"""
    SELECT problem, count(*) FROM push_tags WHERE due IS NOT NULL AND problem <> '' AND {_OF_TARGET}
    GROUP BY problem ORDER BY count(*) DESC, problem
"""


def add_target(connection: sqlite3.Connection, name: str, *, people: bool) -> None:
    """Makes or changes a target."""
    connection.execute("INSERT OR IGNORE INTO push_targets (name, people) VALUES (?, 0)", (name,))
    changed = connection.execute(
        "UPDATE push_targets SET people = ? WHERE name = ? AND people <> ?", (people, name, people)
    )
    if changed.rowcount:
        connection.execute(_ALL_STALE, (name,))


def not_linked(connection: sqlite3.Connection, files: Sequence[Followed]) -> list[tuple[int, Remote]]:
    """Those of the files, by id, that are known and not followed there yet."""
    found = []
    for each in files:
        remote, place = each.remote, (each.storage, encode_path(each.directory), encode_path(each.name))
        row = connection.execute(_LINKED, (remote.target, remote.file_id, *_split(remote.path), *place))
        found += [(id_, remote) for id_, linked in row if not linked]
    return found


def link(connection: sqlite3.Connection, file: int, remote: Remote) -> None:
    """Follows a file at a server; where it was followed as another one there, that one is forgotten."""
    connection.execute("INSERT OR IGNORE INTO push_targets (name, people) VALUES (?, 0)", (remote.target,))
    ((target,),) = connection.execute("SELECT id FROM push_targets WHERE name = ?", (remote.target,))
    folder, name = _split(remote.path)
    connection.execute(
        "INSERT OR IGNORE INTO push_files (target, file_id, folder, name) VALUES (?, ?, ?, ?)",
        (target, remote.file_id, folder, name),
    )
    ((push,),) = connection.execute(
        "SELECT id FROM push_files WHERE target = ? AND file_id = ?", (target, remote.file_id)
    )
    moved = connection.execute(
        "UPDATE push_files SET folder = ?, name = ? WHERE id = ? AND (folder, name) <> (?, ?)",
        (folder, name, push, folder, name),
    )
    if moved.rowcount:
        connection.execute(_STALE, (push,))
        connection.execute(
            "UPDATE push_tags SET due = 0, problem = '' WHERE push = ? AND problem <> ''", (push,)
        )
    made = connection.execute("INSERT OR IGNORE INTO push_links (file, push) VALUES (?, ?)", (file, push))
    if made.rowcount:
        connection.execute(_STALE, (push,))
        _unlink_others(connection, file, target, push)


def _unlink_others(connection: sqlite3.Connection, file: int, target: int, push: int) -> None:
    """The file has another id at the server now: the old one was deleted, and its tags with it."""
    others = connection.execute(
        "SELECT p.id FROM push_links AS l CROSS JOIN push_files AS p ON p.id = l.push"
        " WHERE l.file = ? AND p.target = ? AND p.id <> ?",
        (file, target, push),
    ).fetchall()
    for (other,) in others:
        connection.execute("DELETE FROM push_links WHERE file = ? AND push = ?", (file, other))
        connection.execute(
            "DELETE FROM push_files WHERE id = ? AND NOT EXISTS (SELECT 1 FROM push_links WHERE push = id)",
            (other,),
        )


def pending(database: Database, target: str, now: float, size: int) -> Iterator[tuple[PushFile, ...]]:
    """The files with due tags, a page a query."""
    after = {"folder": b"", "name": b"", "id": 0}
    while True:
        with database.snapshot() as connection:
            rows = connection.execute(
                _PENDING, {"target": target, "now": now, "size": size, **after}
            ).fetchall()
            files = tuple(_file(connection, row, now) for row in rows)
        if files:
            yield files
        if len(rows) < size:
            return
        after = dict(zip(("id", "folder", "name"), (rows[-1][0], *rows[-1][2:]), strict=True))


def _file(connection: sqlite3.Connection, row: tuple[int, str, bytes, bytes], now: float) -> PushFile:
    id_, file_id, folder, name = row
    tags = connection.execute(
        "SELECT tag, wanted, state, due IS NOT NULL AND due <= ?, attempts, problem FROM push_tags"
        " WHERE push = ? ORDER BY tag",
        (now, id_),
    )
    return PushFile(
        id_,
        file_id,
        decode_path(folder),
        decode_path(name),
        tuple(
            PushTag(tag, bool(wanted), State(state), bool(due), attempts, problem)
            for tag, wanted, state, due, attempts, problem in tags
        ),
    )


def next_due(connection: sqlite3.Connection, target: str) -> float | None:
    """The earliest time that anything is due."""
    row = connection.execute(_NEXT_DUE, (target,)).fetchone()
    return None if row is None else float(row[0])


def begin(connection: sqlite3.Connection, target: str) -> None:
    """Forgets requests of which nothing was noted: they may not have been sent."""
    lost = f"state = '{State.SENT}' AND problem = '' AND {_OF_TARGET}"
    connection.execute(f"DELETE FROM push_tags WHERE NOT wanted AND {lost}", (target,))
    connection.execute(f"UPDATE push_tags SET state = '{State.NEW}' WHERE {lost}", (target,))


def sent(connection: sqlite3.Connection, changes: Sequence[tuple[int, str, State]]) -> None:
    """Notes requests; they stay due until they are settled. A problem that stays is of an earlier request."""
    connection.executemany(
        "UPDATE push_tags SET state = :state, problem = CASE state WHEN :state THEN problem ELSE '' END"
        " WHERE push = :push AND tag = :tag",
        ({"state": state, "push": push, "tag": tag} for push, tag, state in changes),
    )


def settle(connection: sqlite3.Connection, news: Sequence[Settled]) -> None:
    """Notes answers."""
    for each in news:
        values = {
            "id": each.id,
            "tag": each.tag,
            "state": each.state,
            "retry_at": each.retry_at,
            "problem": encode_message(each.problem),
        }
        connection.execute(_SETTLE, values)
        connection.execute(_NOTHING_LEFT, values)


def retry(connection: sqlite3.Connection, target: str) -> None:
    """Makes due what was refused."""
    connection.execute(
        f"UPDATE push_tags SET due = 0, problem = '' WHERE due IS NULL AND problem <> '' AND {_OF_TARGET}",
        (target,),
    )


def withdraw(connection: sqlite3.Connection, target: str) -> None:
    """Drops the links of a target."""
    connection.execute(f"DELETE FROM push_links WHERE {_OF_TARGET}", (target,))
    connection.execute(_ALL_STALE, (target,))


def counts(connection: sqlite3.Connection, target: str) -> list[TagCount]:
    """How things stand, tag by tag."""
    return [TagCount(*row) for row in connection.execute(_COUNT, (target,))]


def troubles(connection: sqlite3.Connection, target: str) -> list[tuple[str, int]]:
    """Why tags wait that were asked for in vain."""
    return connection.execute(_TROUBLES, (target,)).fetchall()


def _split(path: str) -> tuple[bytes, bytes]:
    folder, _, name = encode_path(path).rpartition(b"/")
    return folder, name
