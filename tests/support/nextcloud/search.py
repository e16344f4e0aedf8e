"""SEARCH on /remote.php/dav/: files by what is known of them (RFC 5323, as far as Nextcloud goes)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.support.nextcloud.files import FILES, responses
from tests.support.nextcloud.multistatus import DAV, OC, error, multistatus, parsed
from tests.support.nextcloud.tree import Place, Refused

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from tests.support.nextcloud.cloud import Cloud
    from tests.support.nextcloud.exchange import Answer, Request

PAGING = "{https://github.com/icewind1991/SearchDAV/ns}"

_LIMIT = 100  # where the client gives none


def search(cloud: Cloud, request: Request, uid: str) -> Answer:
    """The files of a user that a query is for."""
    if request.header("Content-Type").partition(";")[0].strip() not in ("text/xml", "application/xml"):
        return error(501, "There was no plugin in the system that was willing to handle SEARCH")
    query = parsed(request.body).find(f"{DAV}basicsearch")
    if query is None:
        raise Refused(400, "Unexpected xml")
    if any(each.tag == f"{OC}fileid" for each in query.findall(f"{DAV}orderby//{DAV}prop/*")):
        raise Refused(400, "order by fileid is not supported")
    scope = unquote(query.findtext(f".//{DAV}scope/{DAV}href") or "").strip().removeprefix(cloud.folder)
    root = cloud.tree.at(uid, re.sub(f"^(?:{FILES}|/files/){uid}/?", "", scope))
    if root is None:
        raise Refused(404, "the scope is not there")
    condition = query.find(f"{DAV}where/*")
    places = [
        place
        for place in cloud.tree.everything(uid, root)
        if condition is None or _matches(place, uid, condition)
    ]
    limit = int(query.findtext(f"{DAV}limit/{DAV}nresults") or _LIMIT)
    first = int(query.findtext(f"{DAV}limit/{PAGING}firstresult") or 0)
    names = [each.tag for each in query.findall(f"{DAV}select/{DAV}prop/*")]
    return multistatus(list(responses(cloud, uid, places[first : first + limit], names, minimal=False)))


def _matches(place: Place, uid: str, condition: Element) -> bool:
    match condition.tag:
        case "{DAV:}and":
            return all(_matches(place, uid, each) for each in condition)
        case "{DAV:}or":
            return any(_matches(place, uid, each) for each in condition)
        case "{DAV:}not":
            return not _matches(place, uid, condition[0])
        case "{DAV:}is-collection":
            return place.node.is_folder
        case "{DAV:}like":
            pattern = re.escape(condition.findtext(f"{DAV}literal") or "").replace("%", ".*")
            return re.fullmatch(pattern, _value(place, uid, condition), re.DOTALL | re.IGNORECASE) is not None
        case "{DAV:}eq":
            return _value(place, uid, condition) == (condition.findtext(f"{DAV}literal") or "")
    if any(each.tag == f"{OC}fileid" for each in condition.findall(f"{DAV}prop/*")):
        raise Refused(500, "fileid cannot be compared")
    raise Refused(400, f"{condition.tag} is not supported here")


def _value(place: Place, uid: str, condition: Element) -> str:
    (prop,) = condition.findall(f"{DAV}prop/*")
    match prop.tag:
        case "{DAV:}displayname":
            return place.path.rpartition("/")[2] or uid
        case "{DAV:}getcontenttype":
            return "httpd/unix-directory" if place.node.is_folder else place.node.media_type
        case "{http://owncloud.org/ns}fileid":
            return str(place.node.id)
    raise Refused(400, f"property {prop.tag} is not searchable")
