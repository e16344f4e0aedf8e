"""The test server answers as real ones were seen to: each fact that the project builds on, pinned."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
import requests
from PIL import Image

from tests.support.nextcloud import Cloud, Fault, Faults, NextcloudServer
from tests.support.nextcloud.multistatus import DAV, NC, OC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.nextcloud.cloud import Version

PASSWORD = "alice's own"
FILES = "/remote.php/dav/files/alice/"
TAGS = "/remote.php/dav/systemtags/"
RELATIONS = "/remote.php/dav/systemtags-relations/files/"
OCS = {"OCS-APIRequest": "true"}


class Client:
    """Sends requests as alice, or as whom a test says."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.server = NextcloudServer(cloud)

    def __call__(
        self, method: str, path: str, body: object = None, *, user: str = "alice", **headers: str
    ) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = {"json" if isinstance(body, dict) else "data": body}
        with requests.Session() as session:
            session.auth = (user, PASSWORD)
            return session.request(method, self.server.url + path, headers=named, **data)  # type: ignore[arg-type]

    def propfind(
        self, path: str, *names: str, depth: str = "1", **headers: str
    ) -> list[dict[str, str | None]]:
        """The properties of each response, those that are there; its path under ``""``."""
        answer = self("PROPFIND", path, _propfind(*names), Depth=depth, **headers)
        assert answer.status_code == 207
        return _found(answer)


@pytest.fixture
def serve() -> Iterator[Callable[..., Client]]:
    running: list[NextcloudServer] = []

    def start(version: Version = "34", **settings: object) -> Client:
        cloud = Cloud(version, **settings)  # type: ignore[arg-type]
        for uid in ("alice", "bob"):
            cloud.add_user(uid, PASSWORD)
        cloud.add_user("root", PASSWORD, admin=True)
        client = Client(cloud)
        running.append(client.server.__enter__())
        return client

    yield start
    for server in running:
        server.__exit__()


@pytest.fixture
def client(serve: Callable[..., Client]) -> Client:
    return serve()


def _propfind(*names: str) -> str:
    props = "".join(f'<x:{name.partition("}")[2]} xmlns:x="{name[1:].partition("}")[0]}"/>' for name in names)
    return f'<d:propfind xmlns:d="DAV:"><d:prop>{props}</d:prop></d:propfind>'


def _found(answer: requests.Response) -> list[dict[str, str | None]]:
    entries = []
    for response in ElementTree.fromstring(answer.content):
        entry = {"": response.findtext(f"{DAV}href")}
        for propstat in response.findall(f"{DAV}propstat"):
            if "200" in (propstat.findtext(f"{DAV}status") or ""):
                entry |= {prop.tag: prop.text for prop in propstat.find(f"{DAV}prop") or ()}
        entries.append(entry)
    return entries


def test_missing_properties_stand_apart_unless_the_client_wants_little(client: Client) -> None:
    client.cloud.write("alice", "a.jpg", b"x")
    body = _propfind(f"{DAV}getcontentlength", f"{OC}fileid")
    text = client("PROPFIND", FILES, body, Depth="0").text
    assert "HTTP/1.1 404 Not Found" in text
    text = client("PROPFIND", FILES, body, Depth="0", Prefer="return=minimal").text
    assert "404" not in text


def test_etags_are_quoted_and_paths_escaped_in_lower_case(client: Client) -> None:
    client.cloud.write("alice", "Käse (1).jpg", b"x")
    text = client("PROPFIND", FILES, _propfind(f"{DAV}getetag")).text
    assert "<d:getetag>&quot;" in text
    assert "K%c3%a4se%20(1).jpg" in text


def test_a_tree_is_read_by_depth(client: Client) -> None:
    client.cloud.write("alice", "a/b/c.jpg", b"x")
    assert [len(client.propfind(FILES, f"{OC}fileid", depth=depth)) for depth in ("0", "1", "infinity")] == [
        1,
        2,
        4,
    ]


def test_the_files_of_others_are_one_empty_entry(client: Client) -> None:
    (entry,) = client.propfind("/remote.php/dav/files/bob/", f"{OC}fileid", f"{DAV}getetag")
    assert entry == {"": "/remote.php/dav/files/bob/"}


def test_a_change_below_changes_every_etag_above_and_no_other(client: Client) -> None:
    for path in ("a/b/c.jpg", "a/d/e.jpg"):
        client.cloud.write("alice", path, b"x")

    def etags() -> dict[str | None, str | None]:
        return {
            each[""]: each[f"{DAV}getetag"]
            for each in client.propfind(FILES, f"{DAV}getetag", depth="infinity")
        }

    before = etags()
    client.cloud.write("alice", "a/b/.nomedia", b"")
    after = etags()
    changed = {path for path, etag in before.items() if etag != after[path]}
    assert changed == {FILES, f"{FILES}a/", f"{FILES}a/b/"}


def test_a_rename_keeps_id_and_etag(client: Client) -> None:
    node = client.cloud.write("alice", "a.jpg", b"x")
    before = (node.id, node.etag)
    assert client("MOVE", f"{FILES}a.jpg", Destination=f"{client.server.url}{FILES}b.jpg").status_code == 201
    (_, entry) = client.propfind(FILES, f"{OC}fileid", f"{DAV}getetag")
    assert (int(entry[f"{OC}fileid"] or 0), entry[f"{DAV}getetag"]) == (before[0], f'"{before[1]}"')


def test_two_overwrites_within_a_second_keep_the_etag(client: Client) -> None:
    client("PUT", f"{FILES}a.jpg", b"one")
    first = client("HEAD", f"{FILES}a.jpg").headers["ETag"]
    client("PUT", f"{FILES}a.jpg", b"two")
    assert client("HEAD", f"{FILES}a.jpg").headers["ETag"] == first
    client.cloud.pass_time(1)
    client("PUT", f"{FILES}a.jpg", b"six")
    assert client("HEAD", f"{FILES}a.jpg").headers["ETag"] != first


def test_pages_follow_a_token_on_34(client: Client) -> None:
    for number in range(5):
        client.cloud.write("alice", f"{number}.jpg", b"x")
    paging = {"X_NC_Paginate": "true", "X_NC_Paginate_Count": "4", "Depth": "1"}
    first = client("PROPFIND", FILES, _propfind(f"{OC}fileid"), **paging)
    assert "nc-paginate" in first.headers["DAV"]
    assert first.headers["X-NC-Paginate-Total"] == "6"
    token = {"X_NC_Paginate_Token": first.headers["X-NC-Paginate-Token"], "X_NC_Paginate_Offset": "4"}
    second = client("PROPFIND", FILES, _propfind(f"{OC}fileid"), **paging, **token)
    assert [len(_found(first)), len(_found(second))] == [4, 2]


def test_30_knows_no_pages(serve: Callable[..., Client]) -> None:
    client = serve("30")
    for number in range(5):
        client.cloud.write("alice", f"{number}.jpg", b"x")
    answer = client(
        "PROPFIND", FILES, _propfind(f"{OC}fileid"), Depth="1", X_NC_Paginate="true", X_NC_Paginate_Count="2"
    )
    assert "nc-paginate" not in answer.headers["DAV"]
    assert "X-NC-Paginate-Token" not in answer.headers
    assert len(_found(answer)) == 6


def test_a_share_is_the_same_file_elsewhere_and_read_only_where_it_says_so(client: Client) -> None:
    client.cloud.write("bob", "trips/a.jpg", b"x")
    client.cloud.tree.share("bob", "trips", "alice", writable=False)
    own = client(
        "PROPFIND", "/remote.php/dav/files/bob/trips/", _propfind(f"{OC}fileid"), user="bob", Depth="1"
    )
    (_, mine) = client.propfind(f"{FILES}trips/", f"{OC}fileid", f"{OC}permissions", f"{OC}owner-id")
    assert mine[f"{OC}fileid"] == _found(own)[1][f"{OC}fileid"]
    assert (mine[f"{OC}permissions"], mine[f"{OC}owner-id"]) == ("SRG", "bob")


def _search(where: str, extra: str = "") -> str:
    return (
        '<d:searchrequest xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:basicsearch><d:select><d:prop><oc:fileid/>'
        "</d:prop></d:select><d:from><d:scope><d:href>/files/alice</d:href><d:depth>infinity</d:depth></d:scope>"
        f"</d:from><d:where>{where}</d:where>{extra}</d:basicsearch></d:searchrequest>"
    )


IMAGES = "<d:like><d:prop><d:getcontenttype/></d:prop><d:literal>image/%</d:literal></d:like>"


def test_search_finds_media_a_hundred_at_a_time(client: Client) -> None:
    for number in range(103):
        client.cloud.write("alice", f"a/{number}.jpg", b"x")
    client.cloud.write("alice", "a/b.txt", b"x")
    assert client("SEARCH", "/remote.php/dav/", _search(IMAGES)).status_code == 501
    xml = {"Content_Type": "text/xml"}
    assert len(_found(client("SEARCH", "/remote.php/dav/", _search(IMAGES), **xml))) == 100
    more = (
        '<d:limit><d:nresults>200</d:nresults><s:firstresult xmlns:s="https://github.com/icewind1991/SearchDAV/ns">'
        "100</s:firstresult></d:limit>"
    )
    assert len(_found(client("SEARCH", "/remote.php/dav/", _search(IMAGES, more), **xml))) == 3
    order = "<d:orderby><d:order><d:prop><oc:fileid/></d:prop></d:order></d:orderby>"
    assert client("SEARCH", "/remote.php/dav/", _search(IMAGES, order), **xml).status_code == 400
    above = "<d:gt><d:prop><oc:fileid/></d:prop><d:literal>1</d:literal></d:gt>"
    assert client("SEARCH", "/remote.php/dav/", _search(above), **xml).status_code == 500


def test_tags_are_made_once_in_any_case_on_34_and_in_each_on_30(serve: Callable[..., Client]) -> None:
    for version, status in (("34", 409), ("30", 201)):
        client = serve(version)
        made = client("POST", TAGS, {"name": "Cat", "userVisible": True, "userAssignable": True})
        assert (made.status_code, made.headers["Content-Location"]) == (201, f"{TAGS}1")
        assert client("POST", TAGS, {"name": "Cat"}).status_code == 409
        assert client("POST", TAGS, {"name": "cat"}).status_code == status


def test_tags_may_be_refused(client: Client) -> None:
    assert client("POST", TAGS, {"name": "x", "userVisible": False}).status_code == 400
    client.cloud.tags.only_admins = True
    assert client("POST", TAGS, {"name": "x"}).status_code == 403
    assert client("POST", TAGS, {"name": "x"}, user="root").status_code == 201


@pytest.mark.parametrize(("database", "status"), [("sqlite", 201), ("mariadb", 500)])
def test_names_are_cut_to_64_bytes_even_within_a_character(
    serve: Callable[..., Client], database: str, status: int
) -> None:
    client = serve(database=database)
    assert client("POST", TAGS, {"name": "x" * 70}).status_code == 201
    assert client.cloud.tags.by_id[1].name == "x" * 64
    assert client("POST", TAGS, {"name": "x" * 63 + "é"}).status_code == status
    answer = client("PROPFIND", TAGS, _propfind(f"{OC}id"), Depth="1")
    broken = client("PROPFIND", TAGS, _propfind(f"{OC}display-name"), Depth="1")
    assert len(_found(answer)) == len(client.cloud.tags.by_id) + 1
    if database == "sqlite":
        with pytest.raises(ElementTree.ParseError):
            _found(broken)


def test_the_list_of_tags_leaves_out_what_is_invisible(client: Client) -> None:
    client.cloud.tags.create("seen")
    client.cloud.tags.create("restricted", admin=True, assignable=False)
    client.cloud.tags.create("hidden", admin=True, visible=False)
    _, *tags = client.propfind(TAGS, f"{OC}display-name", f"{OC}can-assign")
    assert [(tag[f"{OC}display-name"], tag[f"{OC}can-assign"]) for tag in tags] == [
        ("seen", "true"),
        ("restricted", "false"),
    ]
    assert client("PROPFIND", TAGS, _propfind(f"{OC}groups"), Depth="1").status_code == 403
    assert client("POST", TAGS, {"name": "hidden"}).status_code == 409


def test_a_tag_is_put_on_files_and_taken_off(client: Client) -> None:
    file = client.cloud.write("alice", "a.jpg", b"x")
    foreign = client.cloud.write("bob", "b.jpg", b"x")
    shared = client.cloud.write("bob", "c.jpg", b"x")
    client.cloud.tree.share("bob", "c.jpg", "alice", writable=False)
    tags = client.cloud.tags
    cat = tags.create("cat").id
    restricted = tags.create("restricted", admin=True, assignable=False).id
    hidden = tags.create("hidden", admin=True, visible=False).id

    def status(method: str, file_id: int, tag_id: int) -> int:
        return client(method, f"{RELATIONS}{file_id}/{tag_id}").status_code

    assert [status("PUT", file.id, cat) for _ in range(2)] == [201, 409]
    (_, entry) = client.propfind(FILES, f"{NC}system-tags", f"{DAV}getetag")[:2]
    assert f'oc:id="{cat}"' in client("PROPFIND", FILES, _propfind(f"{NC}system-tags"), Depth="1").text
    assert entry[f"{DAV}getetag"] == f'"{file.etag}"'
    assert [status("DELETE", file.id, cat) for _ in range(2)] == [204, 404]
    assert [status("PUT", file.id, 99), status("PUT", file.id, hidden)] == [412, 412]
    assert [status("PUT", foreign.id, cat), status("PUT", 999, cat)] == [404, 404]
    assert [status("PUT", file.id, restricted), status("PUT", shared.id, cat)] == [403, 403]


def test_a_report_lists_the_files_of_a_tag(client: Client) -> None:
    file = client.cloud.write("alice", "deep/a.jpg", b"x")
    foreign = client.cloud.write("bob", "b.jpg", b"x")
    tag = client.cloud.tags.create("cat")
    tag.files |= {file.id, foreign.id}
    body = (
        '<oc:filter-files xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><oc:fileid/></d:prop>'
        "<oc:filter-rules><oc:systemtag>%d</oc:systemtag></oc:filter-rules></oc:filter-files>"
    )
    found = _found(client("REPORT", FILES, body % tag.id))
    assert [entry[""] for entry in found] == [f"{FILES}deep/a.jpg"]
    assert client("REPORT", FILES, body % 99).status_code == 412


def test_a_bulk_change_replaces_all_files_of_a_tag(serve: Callable[..., Client]) -> None:
    client = serve("34")
    first, second = (client.cloud.write("alice", name, b"x").id for name in ("a.jpg", "b.jpg"))
    foreign = client.cloud.write("bob", "c.jpg", b"x").id
    tag = client.cloud.tags.create("cat")
    tag.files |= {first, foreign}

    def replace(*ids: int, **headers: str) -> int:
        objects = "".join(
            f"<nc:object-id><nc:id>{each}</nc:id><nc:type>files</nc:type></nc:object-id>" for each in ids
        )
        body = (
            '<d:propertyupdate xmlns:d="DAV:" xmlns:nc="http://nextcloud.org/ns"><d:set><d:prop><nc:object-ids>'
            f"{objects}</nc:object-ids></d:prop></d:set></d:propertyupdate>"
        )
        return client("PROPPATCH", f"{TAGS}{tag.id}/files", body, user="root", **headers).status_code

    text = client("PROPFIND", f"{TAGS}{tag.id}/files", _propfind(f"{NC}object-ids"), Depth="0").text
    assert f"<nc:object-ids><nc:object-ids><nc:id>{first}</nc:id>" in text
    assert replace(second, If_Match='"no"') == 412
    assert replace(second, If_Match=f'"{tag.etag}"') == 207
    assert tag.files == {second}
    old = serve("30")
    old.cloud.tags.create("cat")
    assert old("PROPPATCH", f"{TAGS}1/files", "<x/>").status_code == 404


def test_previews_are_small_jpegs_of_what_the_server_can_read(client: Client) -> None:
    made = io.BytesIO()
    Image.new("RGB", (2000, 1000), "red").save(made, "JPEG")
    file = client.cloud.write("alice", "a.jpg", made.getvalue())
    broken = client.cloud.write("alice", "b.jpg", b"no picture")
    other = client.cloud.write("alice", "c.heic", made.getvalue())
    answer = client("GET", f"/index.php/core/preview?fileId={file.id}&x=1024&y=1024&a=1")
    assert answer.headers["ETag"] == f'"{file.etag}"'
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.format, image.size) == ("JPEG", (1024, 512))
    for none in (broken, other):
        answer = client("GET", f"/index.php/core/preview?fileId={none.id}&x=1024&y=1024&a=1")
        assert (answer.status_code, answer.content) == (404, b"[]")


def test_ocs_wants_its_header(client: Client) -> None:
    assert client("GET", "/ocs/v2.php/cloud/user?format=json").status_code == 412
    user = client("GET", "/ocs/v2.php/cloud/user?format=json", OCS_APIRequest="true")
    assert user.json()["ocs"]["data"]["id"] == "alice"
    told = client("GET", "/ocs/v2.php/cloud/capabilities?format=json", OCS_APIRequest="true").json()["ocs"][
        "data"
    ]
    assert told["version"]["major"] == 34
    assert told["capabilities"]["systemtags"]["enabled"] is True


def test_maintenance_is_503_everywhere_but_in_the_status(client: Client) -> None:
    client.cloud.maintenance = True
    assert client("GET", "/status.php").json()["maintenance"] is True
    assert {client("PROPFIND", FILES).status_code, client("GET", "/ocs/v2.php/cloud/user").status_code} == {
        503
    }


def test_after_eleven_wrong_passwords_the_right_one_is_no_use(client: Client) -> None:
    with requests.Session() as session:
        session.auth = ("alice", "wrong")
        answers = [session.get(client.server.url + FILES).status_code for _ in range(12)]
    assert answers == [401] * 11 + [429]
    assert client("PROPFIND", FILES).status_code == 429


def test_a_session_beats_the_password_until_that_is_revoked(client: Client) -> None:
    secret = client.cloud.accounts.app_password("alice")
    user = f"{client.server.url}/ocs/v2.php/cloud/user"
    with requests.Session() as session:
        assert session.get(user, auth=("alice", secret), headers=OCS).status_code == 200
        assert session.get(user, auth=("bob", PASSWORD), headers=OCS).json()["ocs"]["data"]["id"] == "alice"
        gone = f"{client.server.url}/ocs/v2.php/core/apppassword"
        assert session.delete(gone, auth=("alice", secret), headers=OCS).status_code == 200
        assert session.get(user, auth=("alice", secret), headers=OCS).status_code == 401
    assert client("DELETE", "/ocs/v2.php/core/apppassword", OCS_APIRequest="true").status_code == 403


def test_a_login_flow_ends_once_with_an_app_password(client: Client) -> None:
    started = requests.post(f"{client.server.url}/index.php/login/v2", timeout=5).json()
    poll, token = started["poll"]["endpoint"], {"token": started["poll"]["token"]}
    assert requests.post(poll, token, timeout=5).status_code == 404
    client.cloud.accounts.grant(started["login"], "alice")
    done = requests.post(poll, token, timeout=5).json()
    assert done["loginName"] == "alice"
    assert done["appPassword"] in client.cloud.accounts.users["alice"].app_passwords
    assert requests.post(poll, token, timeout=5).status_code == 404


def test_writes_that_meet_on_sqlite_find_the_database_locked(serve: Callable[..., Client]) -> None:
    client = serve(database="sqlite", lock_rate=1.0)
    client.server.writing = 1  # another one, which does not end
    answer = client("POST", TAGS, {"name": "Cat"})
    assert (answer.status_code, "database is locked" in answer.text) == (500, True)
    assert client("PROPFIND", TAGS, _propfind(f"{OC}id")).status_code == 207
    client.server.writing = 0
    assert client("POST", TAGS, {"name": "Cat"}).status_code == 201


def test_faults_come_as_they_are_told(client: Client) -> None:
    client.cloud.faults = Faults(
        script=[Fault.ERROR, Fault.LOCKED, Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.ERROR_AFTER]
    )
    for name, status in (("a", 500), ("b", 500), ("c", 0), ("d", 0), ("e", 500)):
        if status:
            assert client("PUT", f"{FILES}{name}.jpg", b"x").status_code == status
        else:
            with pytest.raises(requests.ConnectionError):
                client("PUT", f"{FILES}{name}.jpg", b"x")
    assert set(client.cloud.tree.roots["alice"].children) == {"d.jpg", "e.jpg"}
    assert [seen.status for seen in client.cloud.seen] == [500, 500, 0, 0, 500]
