"""Makes a review: looks at the catalogue, cuts thumbnails that are not there yet, writes the page."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

from recognize_cli.naming import raw
from recognize_cli.records import Skipped
from recognize_cli.review import thumbnails
from recognize_cli.review.folder import THUMBNAILS
from recognize_cli.review.page import FaceCell, Pair, PersonCard, ReviewPage
from recognize_cli.review.render import render
from recognize_cli.review.survey import survey
from recognize_cli.sources.local import LocalSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from recognize_cli.catalogue.people_api import FaceStore, KnownFace
    from recognize_cli.media.jobs import DecodeJob, DecodeResult
    from recognize_cli.protocols import Progress
    from recognize_cli.review.folder import ReviewFolder
    from recognize_cli.review.survey import Flags, Limits, Survey

_LOG = logging.getLogger(__name__)
_NAMED_FAILURES = 20


@dataclass(frozen=True, slots=True)
class Cutter:
    """How photos are decoded: by whom, and how many at a time; `fresh` has all thumbnails cut anew."""

    submit: Callable[[DecodeJob], Future[DecodeResult]]
    look_ahead: int
    progress: Progress
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Which catalogue a review is of, and when it is made; see `ReviewPage`."""

    catalogue: str
    catalogue_option: str
    made: str


def make(
    store: FaceStore, flags: Flags, limits: Limits, cutter: Cutter, folder: ReviewFolder, place: Place
) -> tuple[ReviewPage, int]:
    """Writes the review into the folder; returns what it shows, and how many photos could not be read.

    Their faces have a placeholder. Until the end the page that was there before stays as it was. Raises
    CatalogueError, OutputError and SandboxError.
    """
    found = survey(store, flags, limits)
    names = {face.id: thumbnails.name(face) for face in found.faces.values()}
    there, failed = _cut_missing(found.faces.values(), names, cutter, folder)
    page = compose(found, {id: name for id, name in names.items() if name in there}, place)
    folder.publish(render(page))
    folder.tidy(names.values())
    return page, failed


def _cut_missing(
    faces: Iterable[KnownFace], names: dict[int, str], cutter: Cutter, folder: ReviewFolder
) -> tuple[set[str], int]:
    """Cuts what is not there; returns the names of all thumbnails, and how many photos could not be read."""
    there = set() if cutter.fresh else folder.thumbnails()
    disk = LocalSource("/")
    missing = [face for face in faces if names[face.id] not in there]
    here = [face for face in missing if face.file.source == LocalSource.storage]
    failed = len({(face.file.source, face.file.path) for face in missing if face not in here})
    if failed:
        _LOG.warning("faces in photos that are not on this machine are shown without a picture: %d", failed)
    cuts = thumbnails.cut(
        here, lambda face: disk.local_path(face.file), cutter.submit, look_ahead=cutter.look_ahead
    )
    for outcome in cuts:
        cutter.progress.advance(failed=isinstance(outcome, Skipped))
        if isinstance(outcome, Skipped):
            failed += 1
            _warn(outcome, failed)
            continue
        for each in outcome:
            folder.add_thumbnail(names[each.face.id], each.jpeg)
            there.add(names[each.face.id])
    return there, failed


def _warn(skipped: Skipped, count: int) -> None:
    if count <= _NAMED_FAILURES:
        _LOG.warning("/%s: %s; its faces are shown without a picture", skipped.file.path, skipped.message)
    elif count == _NAMED_FAILURES + 1:
        _LOG.warning("more photos cannot be read; they are counted, and not named here")


def compose(found: Survey, names: dict[int, str], place: Place) -> ReviewPage:
    """The page of what was found; `names` are those of the thumbnails that exist, by face."""

    def cells(ids: Iterable[int]) -> tuple[FaceCell, ...]:
        faces = (found.faces[id] for id in ids if id in found.faces)
        return tuple(_cell(face, names.get(face.id), found.doubts.get(face.id, ())) for face in faces)

    def card(id: int, faces: Iterable[int]) -> PersonCard:
        person = found.persons[id]
        return PersonCard(id, person.name, person.faces, person.files, cells(faces))

    return ReviewPage(
        people=tuple(card(id, faces) for id, faces in found.people.items()),
        pairs=tuple(
            Pair(card(pair.left, pair.left_faces), card(pair.right, pair.right_faces), pair.distance)
            for pair in found.pairs
        ),
        unsure=cells(found.unsure),
        nobody=cells(found.nobody),
        people_count=len(found.persons),
        named_count=sum(person.name is not None for person in found.persons.values()),
        face_count=found.face_count,
        unsure_count=found.unsure_count,
        nobody_count=found.nobody_count,
        catalogue=place.catalogue,
        catalogue_option=place.catalogue_option,
        made=place.made,
    )


def _cell(face: KnownFace, thumbnail: str | None, doubts: tuple[str, ...]) -> FaceCell:
    local = face.file.source == LocalSource.storage
    return FaceCell(
        id=face.id,
        file=face.file.name,
        link="file://" + quote_from_bytes(b"/" + raw(face.file.path)) if local else "",
        thumbnail=f"{THUMBNAILS}/{thumbnail}" if thumbnail else "",
        person=face.person,
        person_name=face.name,
        doubts=doubts,
    )
