"""`recognize scan nextcloud://...`: what is read of a server, and what is put on it."""

from __future__ import annotations

import io
import json
import signal
import threading
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from PIL import Image

from tests.e2e.clouds import PASSWORD, Alice, is_download
from tests.media.gps import exif
from tests.support.command import SECONDS
from tests.support.nextcloud import Cloud, Fault, Faults, NextcloudServer
from tests.support.photos import ASTRONAUT, CAT, COFFEE, ROCKET, put

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.support.command import Recognize
    from tests.support.nextcloud.exchange import Request

pytestmark = pytest.mark.model

UMLAUTS = "Käse 😀/ein Kaffee.png"
TAGS = {"cat.png": {"Cat", "Animal"}, UMLAUTS: {"Coffee", "Drink"}}


@pytest.fixture
def alice(recognize: Recognize, tmp_path: Path) -> Iterator[Alice]:
    """Three photos, in folders of their own."""
    cloud = Cloud()
    cloud.add_user("alice", PASSWORD)
    cloud.add_user("bob", PASSWORD)
    cloud.write("alice", "Photos/cat.png", CAT.read_bytes())
    cloud.write("alice", f"Photos/{UMLAUTS}", COFFEE.read_bytes())
    cloud.write("alice", "Photos/trip/rocket.jpg", ROCKET.read_bytes())
    (tmp_path / "temporary").mkdir()
    recognize.variables |= {"RECOGNIZE_PASSWORD": PASSWORD, "TMPDIR": str(tmp_path / "temporary")}
    with NextcloudServer(cloud) as server:
        yield Alice(recognize, server)
    assert list((tmp_path / "temporary").iterdir()) == []


def pushed_(**counts: int) -> dict[str, int]:
    """What the summary says of a push."""
    return {"assigned": 0, "removed": 0, "newly_refused": 0, "refused": 0, "waiting": 0} | counts


def small(colour: object, format_: str = "JPEG", **how: Any) -> bytes:
    """A picture that is quickly looked at."""
    made = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(made, format_, **how)  # type: ignore[arg-type]
    return made.getvalue()


def test_a_second_run_asks_for_the_root_only(alice: Alice) -> None:
    first = alice.scan()
    assert first.code == 0, first.stderr
    assert set(first.files) == {"cat.png", UMLAUTS, "trip/rocket.jpg"}
    assert {tag["name"] for tag in first.files[UMLAUTS]["tags"]} == TAGS[UMLAUTS]
    assert first.files["cat.png"]["source"] == alice.address()
    second = alice.scan()
    assert len(alice.cloud.asked("PROPFIND")) == 1
    assert alice.fetched == []
    assert second.files == {path: {**each, "unchanged": True} for path, each in first.files.items()}
    alice.scan("--full")
    assert len(alice.cloud.asked("PROPFIND")) == 3
    assert len(alice.fetched) == 3


def test_what_changed_moved_vanished_or_was_covered(alice: Alice) -> None:
    alice.scan()
    alice.write("trip/rocket.jpg", small("navy"))
    alice.cloud.tree.move("alice", "Photos/cat.png", "Photos/trip/chelsea.png")
    alice.write(".keep", b"")
    ended = alice.scan()
    assert {path: each["unchanged"] for path, each in ended.files.items()} == {
        UMLAUTS: True,
        "trip/chelsea.png": False,
        "trip/rocket.jpg": False,
    }
    assert {tag["name"] for tag in ended.files["trip/chelsea.png"]["tags"]} == TAGS["cat.png"]
    assert alice.fetched == ["preview"]
    assert not alice.cloud.asked("PROPFIND", "Käse")
    alice.write("trip/.noimage", b"")
    alice.cloud.remove("alice", f"Photos/{UMLAUTS}")
    ended = alice.scan()
    assert (ended.code, ended.files, alice.fetched) == (0, {}, [])
    assert {each["path"]: each["why"] for each in ended.of("removed")} == {
        UMLAUTS: "deleted",
        "trip/chelsea.png": "ignored",
        "trip/rocket.jpg": "ignored",
    }


def test_previews_stand_in_for_pictures_that_stand_still(alice: Alice) -> None:
    alice.write("moving.gif", small("red", "GIF", save_all=True, append_images=[Image.new("RGB", (64, 48))]))
    alice.write("scan.tif", small("blue", "TIFF"))
    ended = alice.scan()
    assert (ended.code, len(ended.files)) == (0, 5)
    assert alice.fetched == ["moving.gif", "scan.tif", "preview", "preview", "preview"]
    alice.scan("--full", "--no-previews")
    assert alice.fetched == sorted(["cat.png", UMLAUTS, "trip/rocket.jpg", "moving.gif", "scan.tif"])


def test_places_are_read_from_the_original(alice: Alice) -> None:
    gps = exif((52, 30, 58.68), (13, 22, 39.72)).tobytes()
    alice.write("gate.jpg", small("navy", exif=gps))
    ended = alice.scan("-r", "places")
    assert {tag["name"] for tag in ended.files["gate.jpg"]["tags"]} == {"Berlin", "Germany"}
    assert "preview" not in alice.fetched


def test_a_push_gives_exactly_the_tags(alice: Alice) -> None:
    alice.give("cat.png", "Cat")
    alice.give("trip/rocket.jpg", "mine")
    alice.scan()
    told = alice.scan("--push", "--dry-run")
    assert (told.code, alice.writes) == (0, [])
    assert {each["path"]: (each["assign"], each["unassign"]) for each in told.of("push")} == {
        "Photos/cat.png": (["Animal"], []),
        f"Photos/{UMLAUTS}": (["Coffee", "Drink"], []),
    }
    assert {each["target"] for each in told.of("push")} == {f"nextcloud://alice@{alice.server.host}"}
    pushed = alice.scan("--push")
    assert pushed.code == 0, pushed.stderr
    assert pushed.summary["pushed"] == pushed_(assigned=3, removed=0)
    expected = {**TAGS, "trip/rocket.jpg": {"mine"}}
    assert alice.tags == expected
    again = alice.scan("--push")
    assert (again.code, alice.writes, alice.tags) == (0, [], expected)
    assert len(alice.cloud.asked("PROPFIND")) == 1


def test_a_push_takes_off_what_is_not_wanted_any_more_and_only_what_is_ours(alice: Alice) -> None:
    alice.give("cat.png", "Cat")
    alice.scan("--push")
    own = alice.recognize.home / "own.yml"
    own.write_text("espresso: {label: Mokka, threshold: 0.1}\n")
    told = alice.scan("--push", "-n", "--rules", own)
    assert {each["path"]: (each["assign"], each["unassign"]) for each in told.of("push")} == {
        "Photos/cat.png": ([], ["Animal"]),
        f"Photos/{UMLAUTS}": (["Mokka"], ["Coffee", "Drink"]),
    }
    ended = alice.scan("--push", "--rules", own)
    assert ended.summary["pushed"] == pushed_(assigned=1, removed=3)
    assert alice.tags == {"cat.png": {"Cat"}, UMLAUTS: {"Mokka"}}


def test_a_marker_that_covers_everything_takes_the_tags_off(alice: Alice) -> None:
    alice.give("cat.png", "mine")
    alice.scan("--push")
    alice.write(".nomedia", b"")
    ended = alice.scan("--push")
    assert (ended.code, ended.files) == (0, {})
    assert ended.summary["pushed"]["removed"] == 4
    assert alice.tags == {"cat.png": {"mine"}}


def test_tags_of_local_files_go_to_their_twins(alice: Alice, tmp_path: Path) -> None:
    local = tmp_path / "data" / "files"
    for path, photo in {
        "Photos/cat.png": CAT,
        f"Photos/{UMLAUTS}": COFFEE,
        "Photos/own/cat.png": CAT,
    }.items():
        put(photo, local / path)
    put(ROCKET, local / "Photos" / "trip" / "rocket.jpg").write_bytes(COFFEE.read_bytes())
    root, variables = alice.address(""), ["--push-to", alice.address("")]
    ended = alice.scan_of(local / "Photos", *variables, "--map", f"{local}=/")
    assert ended.code == 0, ended.stderr
    assert alice.tags == TAGS
    assert alice.fetched == []
    assert f"2 files got no tags on {root}" in ended.stderr
    assert not alice.cloud.asked("PROPFIND", "/own")
    again = alice.scan_of(local, *variables)
    assert (again.code, alice.writes, alice.tags) == (0, [], TAGS)
    assert len(alice.cloud.asked("PROPFIND")) == 1


def test_a_server_that_is_away_costs_a_local_scan_nothing_but_the_push(alice: Alice, tmp_path: Path) -> None:
    photo = put(CAT, tmp_path / "data" / "cat.png")
    wrong = alice.scan_of(photo.parent, "--push-to", alice.address("Nowhere"))
    assert wrong.code == 4
    assert "check the path" in wrong.stderr
    assert len(wrong.files) == 1
    alice.cloud.tags_enabled = False
    switched_off = alice.scan_of(photo.parent, "--push-to", alice.address())
    assert switched_off.code == 4
    assert "Collaborative tags" in switched_off.stderr
    assert switched_off.files["cat.png"]["unchanged"]
    alice.cloud.tags_enabled = True
    assert alice.scan_of(photo.parent, "--push-to", alice.address()).code == 0
    assert alice.tags == {"cat.png": TAGS["cat.png"]}


def test_names_of_people_are_pushed_where_somebody_asks_for_it(alice: Alice) -> None:
    with Image.open(ASTRONAUT) as image:
        for number, quality in enumerate((95, 90, 85)):
            made = io.BytesIO()
            image.convert("RGB").save(made, "JPEG", quality=quality)
            alice.write(f"her/{number}.jpg", made.getvalue())
    scan = (alice.address("Photos/her"), "-r", "faces")
    assert alice.scan_of(*scan).code == 0
    assert alice.recognize("faces", "cluster").code == 0
    (person,) = (
        json.loads(line) for line in alice.recognize("faces", "list", "--format", "jsonl").stdout.splitlines()
    )
    assert alice.recognize("faces", "name", str(person["id"]), "Eileen").code == 0
    alice.scan_of(*scan, "--push")
    assert alice.tags == {}
    alice.scan_of(*scan, "--push", "--push-people")
    assert alice.tags == {f"her/{number}.jpg": {"Eileen"} for number in range(3)}
    assert alice.recognize("faces", "name", str(person["id"]), "Eileen Collins").code == 0
    assert alice.recognize("tags", "push").code == 0
    assert alice.tags == {f"her/{number}.jpg": {"Eileen Collins"} for number in range(3)}
    alice.recognize("faces", "remove", "1")
    assert alice.recognize("tags", "push").code == 0
    assert sorted(map(len, alice.tags.values())) == [1, 1]
    alice.scan_of(*scan, "--push", "-n")
    assert alice.recognize("tags", "push", "-n").stdout == b""
    alice.scan_of(*scan, "--push")
    assert alice.tags == {}


def test_what_a_server_does_not_allow_is_told_by_tag(alice: Alice) -> None:
    cloud = alice.cloud
    cloud.tags.create("Cat", admin=True, assignable=False)
    cloud.tags.create("Animal")
    cloud.write("bob", "Shared/coffee.png", COFFEE.read_bytes())
    cloud.tree.share("bob", "Shared", "alice", writable=False)
    cloud.tags.only_admins = True
    cloud.tags.create("Drink", admin=True)
    ended = alice.scan_of(alice.address(), alice.address("Shared"), "--push")
    assert ended.code == 3, ended.stderr
    assert alice.tags == {"cat.png": {"Animal"}, UMLAUTS: {"Drink"}}
    assert ended.summary["pushed"] == pushed_(assigned=2, newly_refused=4, refused=4)
    for told in (
        "the tag Cat is left alone",
        "the tag Coffee is left alone",
        "the tags of Shared/coffee.png",
    ):
        assert ended.stderr.count(told) == 1
    again = alice.scan("--push")
    assert (again.code, again.summary["pushed"]) == (3, pushed_(refused=4))
    assert alice.writes == []
    assert alice.scan("--push", "--changed-only").code == 0
    waiting = alice.recognize("tags", "push")
    assert (waiting.code, "4 refused" in waiting.stderr) == (3, True)
    cloud.tags.only_admins = False
    assert alice.scan("--push", "--retry").summary["pushed"]["assigned"] == 1
    assert alice.tags[UMLAUTS] == {"Coffee", "Drink"}


def test_strange_names_of_files_and_tags(alice: Alice) -> None:
    cloud, long = alice.cloud, "ä" * 32
    paths = [
        f"Öl/{unicodedata.normalize('NFD', 'ä')}.png",
        "100% & <x>'\".png",
        "a+b #1?.png",
        "x" * 100 + ".png",
    ]
    for path in paths:
        alice.write(path, COFFEE.read_bytes())
    cloud.write("bob", "Gruppe/k.png", CAT.read_bytes())
    cloud.tree.share("bob", "Gruppe", "alice")
    cloud.tags.create("KÄTZCHEN 😀")
    own = alice.recognize.home / "own.yml"
    labels = {
        "espresso": f"{long}1",  # what differs lies behind the 64th byte
        "cup": f"{long}2",
        "Egyptian cat": unicodedata.normalize("NFD", "Kätzchen 😀"),
        "tabby": "kätzchen 😀",
    }
    own.write_text(
        "".join(f'"{of}": {{label: "{label}", threshold: 0.01}}\n' for of, label in labels.items())
    )
    ended = alice.scan_of(alice.address(), alice.address("Gruppe"), "--push", "--rules", own)
    assert (ended.code, ended.stderr.count("warning")) == (0, 0), ended.stderr
    expected = {UMLAUTS: {long.capitalize()}, "cat.png": {"KÄTZCHEN 😀"}}
    expected |= {unicodedata.normalize("NFC", path): {long.capitalize()} for path in paths}
    assert alice.tags == expected
    shared = cloud.tree.at("alice", "Gruppe/k.png")
    assert shared
    assert cloud.tags.names_of(shared.node.id) == {"KÄTZCHEN 😀"}
    assert len(cloud.tags.by_id) == 2
    again = alice.scan_of(alice.address(), alice.address("Gruppe"), "--push", "--rules", own)
    assert (again.code, alice.writes) == (0, [])
    assert alice.recognize("tags", "reset", alice.address(""), "--yes").code == 0
    assert (alice.tags, cloud.tags.names_of(shared.node.id)) == ({}, set())


def test_a_push_goes_on_after_kill_9(alice: Alice) -> None:
    for number in range(8):
        alice.write(f"more/{number}.png", CAT.read_bytes())
    alice.give("more/3.png", "Cat")
    alice.scan()
    reached, go_on = threading.Event(), threading.Event()
    puts: list[str] = []

    def before(request: Request) -> None:
        puts.extend([request.path] if request.method == "PUT" else [])
        if len(puts) > 6:
            reached.set()
            go_on.wait(SECONDS)

    alice.cloud.before = before
    process = alice.start("--push")
    assert reached.wait(SECONDS)
    process.kill()
    process.communicate()
    alice.cloud.before = lambda request: None
    go_on.set()
    ended = alice.scan("--push")
    assert ended.code == 0
    assert alice.tags == TAGS | {f"more/{number}.png": TAGS["cat.png"] for number in range(8)}
    own = alice.recognize.home / "own.yml"
    own.write_text("espresso: {label: Mokka, threshold: 0.1}\n")
    alice.scan("--push", "--rules", own)
    expected = {"more/3.png": {"Cat"}, UMLAUTS: {"Mokka"}}
    stayed = {path: tags - expected.get(path, set()) for path, tags in alice.tags.items()}
    assert all(expected[path] <= alice.tags[path] for path in expected)
    assert sum(map(len, stayed.values())) <= 2, "no more than nobody heard the answer to"


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("where", ["download", "push"])
def test_ctrl_c_while_the_server_hangs(alice: Alice, where: str, times: int) -> None:
    if where == "push":
        alice.scan()
    reached, go_on = threading.Event(), threading.Event()

    def before(request: Request) -> None:
        if is_download(request) if where == "download" else request.method == "PUT":
            reached.set()
            go_on.wait(SECONDS)

    alice.cloud.before = before
    process = alice.start("--push")
    assert reached.wait(SECONDS)
    process.send_signal(signal.SIGINT)
    if times == 2:
        assert process.stderr is not None
        while b"again to stop at once" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
    results, errors = process.communicate(timeout=30)
    go_on.set()
    assert process.returncode == 130
    assert b"Traceback" not in errors
    if times == 1:
        summary = json.loads(results.splitlines()[-1])
        assert (summary["type"], summary["stopped_by"]) == ("summary", "SIGINT")
        assert b'"error"' not in results
        assert "problems" not in summary
    alice.cloud.before = lambda request: None
    ended = alice.scan("--push")
    assert (ended.code, alice.tags) == (0, TAGS)


def test_a_server_that_dies_costs_its_own_files_only(alice: Alice, tmp_path: Path) -> None:
    for number in range(12):
        alice.write(f"more/{number:02}.jpg", small((number, 0, 0)))
    local = put(CAT, tmp_path / "local" / "own.png").parent
    downloads: list[str] = []

    def before(request: Request) -> None:
        downloads.extend([request.path] if is_download(request) else [])
        if len(downloads) > 5:
            alice.cloud.faults = Faults({Fault.CUT_BEFORE: 1.0})

    alice.cloud.before = before
    ended = alice.scan_of(alice.address(), local)
    assert ended.code == 4
    assert f"cannot reach http://{alice.server.host}" in ended.stderr
    assert ended.files["own.png"]["source"] == str(local)
    assert ended.summary["complete"] is False
    done = {each["path"] for each in ended.of("file") if each["source"] != str(local)}
    assert len(done) == 5
    alice.cloud.before, alice.cloud.faults = (lambda request: None), Faults()
    again = alice.scan()
    assert again.code == 0
    assert {path for path, each in again.files.items() if each["unchanged"]} == done
    assert len(again.files) == 15


def test_a_wrong_password_is_sent_once(alice: Alice) -> None:
    sent: list[str] = []
    alice.cloud.before = lambda request: sent.extend([request.path] * bool(request.header("Authorization")))
    alice.recognize.variables["RECOGNIZE_PASSWORD"] = "wrong"
    ended = alice.scan("--push")
    assert ended.code == 5
    assert "recognize login" in ended.stderr
    assert len(sent) == 1
    del alice.recognize.variables["RECOGNIZE_PASSWORD"]
    missing = alice.scan()
    assert (missing.code, len(sent)) == (5, 1)
    assert "RECOGNIZE_PASSWORD_FILE" in missing.stderr


def test_nobody_gets_to_see_the_password(alice: Alice) -> None:
    seen: list[bytes] = []
    process: subprocess.Popen[bytes] | None = None

    def before(request: Request) -> None:
        if process and is_download(request):
            children = psutil.Process(process.pid).children(recursive=True)
            for each in children:
                seen.extend(Path(f"/proc/{each.pid}/{name}").read_bytes() for name in ("cmdline", "environ"))
            seen.append(Path(f"/proc/{process.pid}/cmdline").read_bytes())

    for number in range(8):
        alice.write(f"more/{number}.jpg", small((number, 0, 0)))
    alice.cloud.before = before
    process = alice.start("-vv", "--push", "--downloads", "1", "--jobs", "1")
    results, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert any(b"worker_main" in each for each in seen)
    assert not any(b"RECOGNIZE_" in each for each in seen)
    alice.recognize.variables["RECOGNIZE_DEBUG"] = "1"
    alice.cloud.accounts.users["alice"].password = "another"
    refused = alice.recognize("-vv", "scan", alice.address(), "--explain", "cat.png")
    assert refused.code == 5
    assert "Traceback" in refused.stderr
    files = [path.read_bytes() for path in alice.recognize.home.rglob("*") if path.is_file()]
    assert any(b"Coffee" in each for each in files)
    for text in (*seen, *files, results, errors, refused.stderr.encode(), refused.stdout):
        for form in (PASSWORD, "bättery", "b%C3%A4ttery", 'correct \\"horse', "YWxpY2U6"):
            assert form.encode() not in text
