"""/remote.php/dav/systemtags and /systemtags-relations: tags, and which files bear them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.nextcloud.exchange import Answer
from tests.support.nextcloud.files import is_minimal
from tests.support.nextcloud.multistatus import DAV, NC, OC, asked, error, multistatus, parsed, response
from tests.support.nextcloud.properties import tag_properties
from tests.support.nextcloud.tree import Refused

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from tests.support.nextcloud.cloud import Cloud
    from tests.support.nextcloud.exchange import Request
    from tests.support.nextcloud.tags import Tag

SYSTEMTAGS = "/remote.php/dav/systemtags/"
RELATIONS = "/remote.php/dav/systemtags-relations/files/"


def systemtags(cloud: Cloud, request: Request, uid: str, rest: str) -> Answer:
    """Answers a request at the list of tags, at a tag or at its files; ``rest`` is ``<id>[/files]``."""
    parts = [part for part in rest.split("/") if part]
    match request.method, parts:
        case "PROPFIND", []:
            return _list(cloud, request, uid)
        case "POST", []:
            return _create(cloud, request, uid)
        case "PROPFIND", [tag_id]:
            return _tag_answer(cloud, request, uid, _tag(cloud, tag_id, uid), tag_id)
        case "DELETE", [tag_id]:
            return _delete(cloud, uid, _tag(cloud, tag_id, uid))
        case _, [tag_id, "files"] if cloud.offers_bulk:
            return _objects(cloud, request, uid, _tag(cloud, tag_id, uid))
    raise Refused(404, f"{rest} not found")


def relations(cloud: Cloud, request: Request, uid: str, rest: str) -> Answer:
    """Puts a tag on a file and takes it off; ``rest`` is ``<file id>/<tag id>``."""
    file_id, _, tag_id = rest.partition("/")
    place = cloud.tree.place_of(uid, int(file_id)) if file_id.isdecimal() else None
    if place is None:
        raise Refused(404, f"Object with id {file_id} not found")
    tag = cloud.tags.by_id.get(int(tag_id)) if tag_id.isdecimal() else None
    admin = cloud.accounts.users[uid].admin
    if tag is None or not (tag.visible or admin):
        status = 412 if request.method == "PUT" else 404
        raise Refused(status, f"Tag with id {tag_id} does not exist, cannot assign")
    if request.method == "PUT" and place.node.id in tag.files:
        raise Refused(409, f"Conflict: tag {tag_id} is there already")
    if request.method == "DELETE" and place.node.id not in tag.files:
        raise Refused(404, f"Tag with id {tag_id} not present for object {file_id}")
    if not (tag.assignable or admin) or not place.writable:
        raise Refused(403, f"No permission to assign tag {tag_id}")
    match request.method:
        case "PUT":
            cloud.tags.assign(tag, place.node.id)
            return Answer(201)
        case "DELETE":
            cloud.tags.unassign(tag, place.node.id)
            return Answer(204)
    return error(405, "Method not allowed")


def _list(cloud: Cloud, request: Request, uid: str) -> Answer:
    names = asked(request.body)
    admin = cloud.accounts.users[uid].admin
    if f"{OC}groups" in names and not admin:
        raise Refused(403, "oc:groups is for admins")
    minimal = is_minimal(request)
    own = {name: "<d:collection/>" if name == f"{DAV}resourcetype" else None for name in names}
    found = [response(f"{cloud.folder}{SYSTEMTAGS}", own, minimal=minimal)]
    for tag in cloud.tags.by_id.values():
        if tag.visible or admin:
            last = str(tag.id) if cloud.version == "30" else tag.name.encode("utf-8", "replace").decode()
            path = f"{cloud.folder}{SYSTEMTAGS}{last}"
            found.append(response(path, tag_properties(tag, names, admin=admin), minimal=minimal))
    return multistatus(found)


def _create(cloud: Cloud, request: Request, uid: str) -> Answer:
    if request.header("Content-Type").partition(";")[0] != "application/json":
        raise Refused(415, "Unsupported media type")
    try:
        wanted = json.loads(request.body)
    except ValueError as problem:
        raise Refused(400, "no JSON") from problem
    tag = cloud.tags.create(
        str(wanted.get("name") or ""),
        admin=cloud.accounts.users[uid].admin,
        visible=bool(wanted.get("userVisible", True)),
        assignable=bool(wanted.get("userAssignable", True)),
    )
    return Answer(201, b"", {"Content-Location": f"{cloud.folder}{SYSTEMTAGS}{tag.id}"})


def _delete(cloud: Cloud, uid: str, tag: Tag) -> Answer:
    if not cloud.accounts.users[uid].admin:
        raise Refused(403, "No permission to delete tag")
    del cloud.tags.by_id[tag.id]
    return Answer(204)


def _tag_answer(cloud: Cloud, request: Request, uid: str, tag: Tag, path: str) -> Answer:
    admin = cloud.accounts.users[uid].admin
    values = tag_properties(tag, asked(request.body), admin=admin)
    return multistatus([response(f"{cloud.folder}{SYSTEMTAGS}{path}", values, minimal=is_minimal(request))])


def _objects(cloud: Cloud, request: Request, uid: str, tag: Tag) -> Answer:
    """The files of a tag, of all users; a PROPPATCH replaces them all."""
    if request.method == "PROPFIND":
        return _tag_answer(cloud, request, uid, tag, f"{tag.id}/files")
    if request.method != "PROPPATCH":
        return error(405, "Method not allowed")
    if request.header("If-Match") not in ("", f'"{tag.etag}"'):
        raise Refused(412, "An If-Match header was specified, but none of the ETags matched")
    if not (tag.assignable or cloud.accounts.users[uid].admin):
        raise Refused(403, f"No permission to assign tag {tag.id}")
    wanted = _object_ids(parsed(request.body))
    for file_id in wanted ^ tag.files:
        place = cloud.tree.place_of(uid, file_id)
        if (place is None or not place.writable) and not cloud.accounts.users[uid].admin:
            raise Refused(403, f"No permission to assign tag to {file_id}")
    for file_id in tag.files - wanted:
        cloud.tags.unassign(tag, file_id)
    for file_id in wanted - tag.files:
        cloud.tags.assign(tag, file_id)
    path = f"{cloud.folder}{SYSTEMTAGS}{tag.id}/files"
    return multistatus([response(path, {f"{NC}object-ids": ""}, minimal=False)])


def _object_ids(root: Element) -> set[int]:
    found = root.findall(f"{DAV}set/{DAV}prop/{NC}object-ids/{NC}object-id")
    return {int(each.findtext(f"{NC}id") or 0) for each in found if each.findtext(f"{NC}type") == "files"}


def _tag(cloud: Cloud, tag_id: str, uid: str) -> Tag:
    tag = cloud.tags.by_id.get(int(tag_id)) if tag_id.isdecimal() else None
    if tag is None or not (tag.visible or cloud.accounts.users[uid].admin):
        raise Refused(404, f"Tag with id {tag_id} not found")
    return tag
