"""The rows of results and failures: what recognizers found in files, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recognize_cli.catalogue import faces
from recognize_cli.catalogue.api import DECODING, StoredScores
from recognize_cli.catalogue.codec import (
    damaged,
    decode_file,
    decode_scores,
    decode_tags,
    encode_message,
    encode_scores,
    encode_tags,
)
from recognize_cli.catalogue.people import PRESENT_FACES
from recognize_cli.records import Gone, Scores

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from typing import Any

    from recognize_cli.catalogue.api import Outcome, Retagged
    from recognize_cli.catalogue.database import Database
    from recognize_cli.records import ClassScore

_PAGE_ROWS: Final = 500

_STORED = """
    SELECT d.storage, d.path, f.name, f.kind, f.size, f.version, f.modified, f.file_id,
        f.id, f.why_missing, r.model, r.scores, r.tags, r.rules
    FROM results AS r CROSS JOIN files AS f ON f.id = r.file CROSS JOIN directories AS d ON d.id = f.directory
    WHERE r.file > :after AND r.recognizer = :recognizer AND r.rules IS NOT :rules AND f.name IS NOT NULL
    ORDER BY r.file LIMIT :rows
"""

_COUNT_TAGS = f"""
    SELECT tag, count(DISTINCT file) AS number FROM (
        SELECT json_extract(entry.value, '$[0]') AS tag, r.file AS file
        FROM results AS r JOIN files AS f ON f.id = r.file, json_each(r.tags) AS entry
        WHERE f.missing_since IS NULL
        UNION ALL
        SELECT p.name, f.id FROM people AS p CROSS JOIN {PRESENT_FACES}
        WHERE face.person = p.id AND p.name IS NOT NULL
    ) GROUP BY tag ORDER BY number DESC, tag
"""


def store(connection: sqlite3.Connection, file: int, outcome: Outcome) -> None:
    """Stores what one run learned of a file, and drops what was known of an older version of it."""
    result = outcome.result
    version = result.file.version
    connection.execute("DELETE FROM results WHERE file = ? AND version <> ?", (file, version))
    connection.execute("DELETE FROM failures WHERE file = ? AND version <> ?", (file, version))
    for scores in result.scores:
        tags = [tag for tag in result.tags if tag.recognizer == scores.recognizer]
        rules = outcome.rules.get(scores.recognizer, "")
        connection.execute(
            """INSERT OR REPLACE INTO results (file, recognizer, version, model, rules, tags, scores)
               VALUES (?, ?, ?, ?, ?, ?, ?)""",
            (
                file,
                scores.recognizer,
                version,
                scores.model,
                rules,
                encode_tags(tags),
                encode_scores(scores.top),
            ),
        )
        connection.execute(
            "DELETE FROM failures WHERE file = ? AND stage IN (?, ?)", (file, scores.recognizer, DECODING)
        )
        if scores.faces is not None:
            faces.replace(connection, file, scores.model, scores.faces)
    for failure in result.failures:
        message = encode_message(failure.message)
        connection.execute(
            """INSERT OR REPLACE INTO failures (file, stage, version, reason, message, decoder)
               VALUES (?, ?, ?, ?, ?, ?)""",
            (file, failure.recognizer, version, failure.reason, message, outcome.decoder),
        )


def scores(
    connection: sqlite3.Connection, file: int, recognizer: str, catalogue: str
) -> tuple[ClassScore, ...]:
    """The raw scores of one result."""
    row = connection.execute(
        "SELECT scores FROM results WHERE file = ? AND recognizer = ?", (file, recognizer)
    ).fetchone()
    return decode_scores(row[0], catalogue) if row else ()


def iter_scores(database: Database, recognizer: str, except_rules: str | None) -> Iterator[StoredScores]:
    """All scores of a recognizer, a page a query."""
    after = 0
    while True:
        with database.reading() as connection:
            rows = connection.execute(
                _STORED,
                {"after": after, "recognizer": recognizer, "rules": except_rules, "rows": _PAGE_ROWS},
            ).fetchall()
        for row in rows:
            after = row[8]
            yield _stored(row, recognizer, str(database.path))
        if len(rows) < _PAGE_ROWS:
            return


def _stored(row: tuple[Any, ...], recognizer: str, catalogue: str) -> StoredScores:
    id_, missing, model, top, tags, rules = row[8:]
    try:
        file = decode_file(*row[:8])
        gone = None if missing is None else Gone(missing)
    except ValueError as error:
        raise damaged(catalogue, error) from error
    found = Scores(file, recognizer, model, decode_scores(top, catalogue))
    return StoredScores(id_, found, decode_tags(tags, recognizer, catalogue), rules, gone)


def update_tags(connection: sqlite3.Connection, batch: Sequence[Retagged]) -> None:
    """Replaces the tags of results."""
    connection.executemany(
        "UPDATE results SET tags = ?, rules = ? WHERE file = ? AND recognizer = ?",
        ((encode_tags(entry.tags), entry.rules, entry.id, entry.recognizer) for entry in batch),
    )


def count_tags(connection: sqlite3.Connection) -> dict[str, int]:
    """How many files have each tag; a tag from two recognizers, or that is a name too, counts once a file."""
    return dict(connection.execute(_COUNT_TAGS).fetchall())
