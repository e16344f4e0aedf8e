"""/remote.php/dav/files: what WebDAV clients see of a user's tree."""

from __future__ import annotations

import secrets
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tests.support.nextcloud.exchange import Answer
from tests.support.nextcloud.multistatus import OC, asked, error, multistatus, parsed, response
from tests.support.nextcloud.properties import file_properties
from tests.support.nextcloud.tree import Place, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.support.nextcloud.cloud import Cloud
    from tests.support.nextcloud.exchange import Request

FILES = "/remote.php/dav/files/"

_PAGE = 100  # where the client does not say how many it wants


def files(cloud: Cloud, request: Request, uid: str, rest: str) -> Answer:
    """Answers a request below the files of a user; ``rest`` is ``<uid>/<path>``."""
    assert request.user is not None
    owner, _, path = rest.partition("/")
    path = path.strip("/")
    if owner != uid:
        return _of_others(cloud, request, owner)
    method = _METHODS.get(request.method)
    if method is None:
        return error(501, f"There was no plugin in the system that was willing to handle {request.method}")
    return method(cloud, request, uid, path)


def responses(
    cloud: Cloud, uid: str, places: Iterable[Place], names: list[str], *, minimal: bool
) -> Iterator[str]:
    """The ``d:response`` of each place."""
    for place in places:
        slash = "/" if place.node.is_folder and place.path else ""
        path = f"{cloud.folder}{FILES}{uid}/{place.path}{slash}"
        yield response(path, file_properties(cloud, uid, place, names), minimal=minimal)


def is_minimal(request: Request) -> bool:
    """Whether properties that are not there shall not be mentioned."""
    return "return=minimal" in request.header("Prefer").replace(" ", "").lower()


def _of_others(cloud: Cloud, request: Request, owner: str) -> Answer:
    """Somebody else's folder: empty, and no error."""
    if request.method != "PROPFIND" or owner not in cloud.accounts.users:
        return error(404, f"Principal with name {owner} not found")
    entry = response(f"{cloud.folder}{FILES}{owner}/", dict.fromkeys(asked(request.body)), minimal=False)
    return multistatus([entry], DAV=_features(cloud))


def _features(cloud: Cloud) -> str:
    base = "1, 3, extended-mkcol, access-control, calendarserver-principal-property-search"
    return f"{base}, nc-paginate" if cloud.offers_paging else base


def _propfind(cloud: Cloud, request: Request, uid: str, path: str) -> Answer:
    paged = cloud.offers_paging and bool(request.header("X-NC-Paginate"))
    token = request.header("X-NC-Paginate-Token")
    count = int(request.header("X-NC-Paginate-Count") or _PAGE)
    offset = int(request.header("X-NC-Paginate-Offset") or 0)
    if paged and token in cloud.pages:
        page = cloud.pages[token][offset : offset + count]
        return multistatus(page, **{"X-NC-Paginate": "true", "DAV": _features(cloud)})
    place = _there(cloud, uid, path)
    names = asked(request.body)
    places = _reached(cloud, uid, place, request.header("Depth") or "infinity")
    all_of_them = list(responses(cloud, uid, places, names, minimal=is_minimal(request)))
    headers = {"DAV": _features(cloud), "Vary": "Brief,Prefer"}
    if paged and len(all_of_them) > offset + count:
        token = secrets.token_hex(16)
        if not cloud.paging_forgets:
            cloud.pages[token] = all_of_them
        headers |= {"X-NC-Paginate": "true", "X-NC-Paginate-Token": token}
        headers |= {"X-NC-Paginate-Total": str(len(all_of_them))}
    if paged:
        all_of_them = all_of_them[offset : offset + count]
    return multistatus(all_of_them, **headers)


def _reached(cloud: Cloud, uid: str, place: Place, depth: str) -> Iterator[Place]:
    match depth:
        case "0":
            yield place
        case "1":
            yield place
            if place.node.is_folder:
                yield from cloud.tree.below(uid, place)
        case _:
            yield from cloud.tree.everything(uid, place)


def _report(cloud: Cloud, request: Request, uid: str, path: str) -> Answer:
    """The files of this user that bear all the tags; those of the whole tree, whatever the path."""
    _there(cloud, uid, path)
    rules = parsed(request.body).find(f"{OC}filter-rules")
    wanted = [] if rules is None else [int(rule.text or 0) for rule in rules if rule.tag == f"{OC}systemtag"]
    if not wanted:
        return error(400, "Missing filter-rule block in request")
    if not all(tag in cloud.tags.by_id and cloud.tags.by_id[tag].visible for tag in wanted):
        return error(412, "Cannot filter by non-existing tag")
    found = set.intersection(*(cloud.tags.by_id[tag].files for tag in wanted))
    places = (cloud.tree.place_of(uid, file_id) for file_id in sorted(found))
    seen = (place for place in places if place is not None)
    return multistatus(list(responses(cloud, uid, seen, asked(request.body), minimal=is_minimal(request))))


def _get(cloud: Cloud, request: Request, uid: str, path: str) -> Answer:
    place = _there(cloud, uid, path)
    content = place.node.content
    if content is None:
        return error(405, "This is the WebDAV interface. It can only be accessed by WebDAV clients.")
    etag = f'"{place.node.etag}"'
    headers = {
        "Content-Type": place.node.media_type,
        "Content-Disposition": "attachment",
        "ETag": etag,
        "OC-ETag": etag,
        "Last-Modified": formatdate(place.node.mtime, usegmt=True),
        "Accept-Ranges": "bytes",
    }
    if request.header("If-None-Match") == etag:
        return Answer(304, b"", headers)
    if request.header("If-Match") not in ("", etag):
        return error(412, "An If-Match header was specified, but none of the ETags matched")
    asked_range = request.header("Range")
    if asked_range.startswith("bytes=") and asked_range.endswith("-"):
        start = int(asked_range[6:-1])
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return Answer(206, content[start:], headers)
    return Answer(200, content, headers)


def _put(cloud: Cloud, request: Request, uid: str, path: str) -> Answer:
    before = cloud.tree.at(uid, path)
    mtime = request.header("X-OC-Mtime")
    node = cloud.tree.write(uid, path, request.body, mtime=int(mtime) if mtime else None)
    headers = {"ETag": f'"{node.etag}"', "OC-ETag": f'"{node.etag}"', "OC-FileId": f"{node.id:08d}octest"}
    return Answer(201 if before is None else 204, b"", headers)


def _mkcol(cloud: Cloud, request: Request, uid: str, path: str) -> Answer:
    cloud.tree.make_folder(uid, path)
    return Answer(201)


def _delete(cloud: Cloud, request: Request, uid: str, path: str) -> Answer:
    cloud.remove(uid, path)
    return Answer(204)


def _move(cloud: Cloud, request: Request, uid: str, path: str) -> Answer:
    target = unquote(urlsplit(request.header("Destination")).path).removeprefix(
        f"{cloud.folder}{FILES}{uid}/"
    )
    cloud.tree.move(uid, path, target)
    return Answer(201)


def _options(cloud: Cloud, request: Request, uid: str, path: str) -> Answer:
    allowed = ", ".join(sorted(_METHODS))
    return Answer(200, b"", {"DAV": _features(cloud), "Allow": allowed, "MS-Author-Via": "DAV"})


def _there(cloud: Cloud, uid: str, path: str) -> Place:
    place = cloud.tree.at(uid, path)
    if place is None:
        raise Refused(404, f"File with name {path} could not be located")
    return place


_METHODS: dict[str, Callable[[Cloud, Request, str, str], Answer]] = {
    "DELETE": _delete,
    "GET": _get,
    "HEAD": _get,
    "MKCOL": _mkcol,
    "MOVE": _move,
    "OPTIONS": _options,
    "PROPFIND": _propfind,
    "PUT": _put,
    "REPORT": _report,
}
