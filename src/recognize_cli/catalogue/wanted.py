"""Works out which tags are wanted of followed files, from what the catalogue knows of them now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recognize_cli.catalogue.api import DECODING
from recognize_cli.catalogue.outbox import MAY_BE_THERE
from recognize_cli.catalogue.outbox_api import State
from recognize_cli.catalogue.people import PRESENT_FACES
from recognize_cli.records import FACES, Gone

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

_FILES_A_TRANSACTION: Final = 500

_STALE: Final = """
    SELECT p.id FROM push_stale AS s CROSS JOIN push_files AS p ON p.id = s.push
    WHERE p.target = (SELECT id FROM push_targets WHERE name = ?) LIMIT ?
"""
# Is it there, and if not, is it gone (rather than ignored)?
_STANDING: Final = f"""
    SELECT coalesce(max(f.missing_since IS NULL), 0), coalesce(min(f.why_missing <> '{Gone.IGNORED}'), 0)
    FROM push_links AS l JOIN files AS f ON f.id = l.file WHERE l.push = ?
"""
_WANTED: Final = f"""
    SELECT json_extract(entry.value, '$[0]'), r.recognizer
    FROM push_links AS l JOIN files AS f ON f.id = l.file AND f.missing_since IS NULL
        JOIN results AS r ON r.file = f.id AND r.version = f.version, json_each(r.tags) AS entry
    WHERE l.push = :push
    UNION
    SELECT p.name, '{FACES}' FROM push_files AS q JOIN push_targets AS t ON t.id = q.target AND t.people
        JOIN push_links AS l ON l.push = q.id CROSS JOIN {PRESENT_FACES}
        JOIN people AS p ON p.id = face.person
    WHERE q.id = :push AND face.file = l.file AND p.name IS NOT NULL
"""
_FAILING: Final = """
    SELECT DISTINCT x.stage FROM push_links AS l JOIN files AS f ON f.id = l.file AND f.missing_since IS NULL
        JOIN failures AS x ON x.file = f.id AND x.version = f.version
    WHERE l.push = ?
"""
_MAY_BE_THERE: Final = f"state IN {MAY_BE_THERE}"


def refresh_some(connection: sqlite3.Connection, target: str) -> int:
    """Brings what is wanted of a number of stale files up to date.

    Returns how many; 0 when there are no more.
    """
    rows = connection.execute(_STALE, (target, _FILES_A_TRANSACTION)).fetchall()
    for (push,) in rows:
        _refresh(connection, push)
    connection.executemany("DELETE FROM push_stale WHERE push = ?", rows)
    connection.executemany(
        """DELETE FROM push_files WHERE id = ? AND NOT EXISTS (SELECT 1 FROM push_links WHERE push = id)
           AND NOT EXISTS (SELECT 1 FROM push_tags WHERE push = id)""",
        rows,
    )
    return len(rows)


def _refresh(connection: sqlite3.Connection, push: int) -> None:
    ((present, gone),) = connection.execute(_STANDING, (push,))
    if gone and not present:
        connection.execute(
            """UPDATE push_tags SET due = NULL, attempts = 0, problem = ''
               WHERE push = ? AND wanted AND due IS NOT NULL""",
            (push,),
        )
        return
    wanted: dict[str, str] = dict(connection.execute(_WANTED, {"push": push}))
    rows = connection.execute("SELECT tag, recognizer FROM push_tags WHERE push = ? AND wanted", (push,))
    before: dict[str, str] = dict(rows)
    failing = {stage for (stage,) in connection.execute(_FAILING, (push,))}
    _drop(
        connection,
        push,
        [tag for tag in before if tag not in wanted and failing.isdisjoint((before[tag], DECODING))],
    )
    _want(connection, push, {tag: who for tag, who in wanted.items() if before.get(tag) != who})
    # What was left alone while the file was gone.
    connection.execute(
        f"""UPDATE push_tags SET due = 0 WHERE push = ? AND wanted AND due IS NULL AND problem = ''
            AND state IN ('{State.NEW}', '{State.SENT}', '{State.LEAVING}')""",
        (push,),
    )


def _want(connection: sqlite3.Connection, push: int, tags: dict[str, str]) -> None:
    """These are wanted, and who gives them; in a SET, a column is what it was before."""
    connection.executemany(
        f"""INSERT INTO push_tags (push, tag, recognizer, wanted, state, due)
            VALUES (?, ?, ?, 1, '{State.NEW}', 0)
            ON CONFLICT (push, tag) DO UPDATE SET recognizer = excluded.recognizer, wanted = 1,
                attempts = CASE WHEN wanted THEN attempts ELSE 0 END,
                problem = CASE WHEN wanted THEN problem ELSE '' END,
                due = CASE WHEN wanted THEN due WHEN state = '{State.OURS}' THEN NULL ELSE 0 END""",
        ((push, tag, who) for tag, who in tags.items()),
    )


def _drop(connection: sqlite3.Connection, push: int, tags: Sequence[str]) -> None:
    """These are wanted no more: what may be ours on the server is to be removed."""
    for tag in tags:
        connection.execute(
            f"""UPDATE push_tags SET wanted = 0, due = 0, attempts = 0, problem = ''
                WHERE push = ? AND tag = ? AND {_MAY_BE_THERE}""",
            (push, tag),
        )
        connection.execute(
            f"DELETE FROM push_tags WHERE push = ? AND tag = ? AND NOT {_MAY_BE_THERE}", (push, tag)
        )
