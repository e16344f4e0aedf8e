"""`recognize scan` from a shell: what it finds, prints and remembers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests.support.photos import CAT, COFFEE, put

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Ended, Recognize

pytestmark = pytest.mark.model


def tags(record: dict[str, Any]) -> set[str]:
    return {tag["name"] for tag in record["tags"]}


def ran_a_model(ended: Ended) -> bool:
    """Whether a scan with -v loaded a model."""
    return "loading the model" in ended.stderr


def test_photos_get_tags(recognize: Recognize, tree: Path) -> None:
    ended = recognize("scan", tree, "--scores")
    assert ended.code == 0, ended.stderr
    assert set(ended.files) == {"cat.jpg", "trip/coffee.png", "trip/far/rocket.jpg"}
    assert {"Cat", "Animal"} <= tags(ended.files["cat.jpg"])
    cat = ended.files["cat.jpg"]
    assert cat["source"] == str(tree)
    assert (cat["kind"], cat["recognizers"], cat["unchanged"]) == ("image", ["objects", "faces"], False)
    assert cat["size"] == (tree / "cat.jpg").stat().st_size
    assert cat["scores"]["objects"][0][0] in {"tabby", "tiger cat", "Egyptian cat"}
    assert ended.files["trip/coffee.png"]["scores"]["objects"][0][0] == "espresso"
    assert ended.summary["files"] == 3
    assert ended.summary["complete"] is True


def test_a_second_run_runs_no_model_and_says_the_same(recognize: Recognize, tree: Path) -> None:
    first, second = recognize("-v", "scan", tree), recognize("-v", "scan", tree)
    assert ran_a_model(first)
    assert not ran_a_model(second)
    assert all(record["unchanged"] for record in second.of("file"))
    for path, record in first.files.items():
        assert second.files[path] == {**record, "unchanged": True}
    assert recognize("scan", tree, "--changed-only").of("file") == []


def test_scanning_a_part_of_a_known_tree_runs_no_model(recognize: Recognize, tree: Path) -> None:
    recognize("scan", tree)
    part = recognize("-v", "scan", tree / "trip")
    assert not ran_a_model(part)
    assert set(part.files) == {"coffee.png", "far/rocket.jpg"}


def test_new_changed_moved_and_deleted_files(recognize: Recognize, tree: Path) -> None:
    before = recognize("scan", tree)
    put(COFFEE, tree / "new.jpg")
    put(CAT, tree / "trip" / "coffee.png")
    (tree / "trip" / "far").rename(tree / "near")
    (tree / "cat.jpg").unlink()
    ended = recognize("scan", tree)
    assert {path: record["unchanged"] for path, record in ended.files.items()} == {
        "new.jpg": False,
        "near/rocket.jpg": False,
        "trip/coffee.png": False,
    }
    assert "Cat" in tags(ended.files["trip/coffee.png"])
    assert ended.files["near/rocket.jpg"]["tags"] == before.files["trip/far/rocket.jpg"]["tags"]
    assert {(each["path"], each["why"]) for each in ended.of("removed")} == {
        ("cat.jpg", "deleted"),
        ("trip/far/rocket.jpg", "moved"),
    }
    again = recognize("-v", "scan", tree)
    assert not ran_a_model(again)
    assert again.of("removed") == []


def test_a_moved_file_is_not_looked_at_again(recognize: Recognize, tree: Path) -> None:
    recognize("scan", tree)
    (tree / "cat.jpg").rename(tree / "trip" / "chelsea.jpg")
    ended = recognize("-v", "scan", tree)
    assert not ran_a_model(ended)
    assert "Cat" in tags(ended.files["trip/chelsea.jpg"])


def test_a_marker_withdraws_and_gives_back_without_a_model(recognize: Recognize, tree: Path) -> None:
    recognize("scan", tree)
    marker = tree / "trip" / ".noimage"
    marker.touch()
    hidden = recognize("scan", tree)
    assert set(hidden.files) == {"cat.jpg"}
    assert {(each["path"], each["why"]) for each in hidden.of("removed")} == {
        ("trip/coffee.png", "ignored"),
        ("trip/far/rocket.jpg", "ignored"),
    }
    marker.unlink()
    shown = recognize("-v", "scan", tree)
    assert not ran_a_model(shown)
    assert len(shown.files) == 3


def test_an_unmounted_disk_loses_nothing(recognize: Recognize, tree: Path, tmp_path: Path) -> None:
    recognize("scan", tree)
    tree.rename(tmp_path / "away")
    tree.mkdir()
    assert len(recognize("scan", tree).of("removed")) == 3
    tree.rmdir()
    (tmp_path / "away").rename(tree)
    back = recognize("-v", "scan", tree)
    assert not ran_a_model(back)
    assert len(back.files) == 3


def test_one_bad_file_costs_only_itself(recognize: Recognize, tree: Path) -> None:
    (tree / "broken.jpg").write_bytes(b"\xff\xd8\xff" + b"nothing" * 50)
    (tree / "empty.png").touch()
    first = recognize("scan", tree)
    assert first.code == 3
    assert first.errors == {"broken.jpg": "decode", "empty.png": "decode"}
    assert len(first.files) == 3
    assert "Traceback" not in first.stderr
    second = recognize("scan", tree)
    assert second.errors == first.errors
    assert all(each["unchanged"] for each in second.of("error"))
    assert recognize("scan", tree, "--changed-only").code == 0
    put(CAT, tree / "broken.jpg")
    (tree / "empty.png").unlink()
    mended = recognize("scan", tree)
    assert mended.code == 0
    assert "Cat" in tags(mended.files["broken.jpg"])


def test_retry_tries_again_what_failed(recognize: Recognize, tree: Path) -> None:
    (tree / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    recognize("scan", tree)
    (error,) = recognize("scan", tree, "--retry").of("error")
    assert error["unchanged"] is False


def test_full_looks_at_everything_again(recognize: Recognize, tree: Path) -> None:
    recognize("scan", tree)
    ended = recognize("-v", "scan", tree, "--full")
    assert ran_a_model(ended)
    assert not any(record["unchanged"] for record in ended.of("file"))


def test_without_a_catalogue_nothing_is_remembered(recognize: Recognize, tree: Path) -> None:
    for _ in range(2):
        ended = recognize("scan", tree, "--no-catalogue")
        assert not any(record["unchanged"] for record in ended.of("file"))
    assert not list(recognize.home.rglob("catalogue*"))


def test_other_rules_give_other_tags_without_a_model(recognize: Recognize, tree: Path) -> None:
    recognize("scan", tree)
    own = recognize.home / "own.yml"
    own.write_text("tabby:\n  label: purrer\n  threshold: 0.01\nEgyptian cat:\n  see: tabby\n")
    rebuilt = recognize("-v", "tags", "rebuild", "--rules", own)
    assert rebuilt.code == 0, rebuilt.stderr
    assert not ran_a_model(rebuilt)
    ended = recognize("-v", "scan", tree, "--rules", own)
    assert not ran_a_model(ended)
    assert tags(ended.files["cat.jpg"]) == {"Purrer"}
    assert ended.files["cat.jpg"]["unchanged"] is True
    counts = json.loads(recognize("tags", "list", "--format", "json").stdout)
    assert counts["tags"] == {"Purrer": 1}
    back = recognize("-v", "scan", tree)
    assert not ran_a_model(back)
    assert "Cat" in tags(back.files["cat.jpg"])
    assert back.files["cat.jpg"]["unchanged"] is False


def test_every_orientation_gives_the_same_class(recognize: Recognize, tmp_path: Path) -> None:
    undo = {1: (), 2: (0,), 3: (3,), 4: (1,), 5: (5,), 6: (2,), 7: (6,), 8: (4,)}
    folder = tmp_path / "turned"
    folder.mkdir()
    with Image.open(CAT) as image:
        for orientation, operations in undo.items():
            stored = image.convert("RGB")
            for operation in operations:
                stored = stored.transpose(Image.Transpose(operation))
            exif = Image.Exif()
            exif[0x0112] = orientation
            stored.save(folder / f"{orientation}.jpg", exif=exif, quality=95)
    ended = recognize("scan", folder, "--scores")
    best = [each["scores"]["objects"][0] for each in ended.of("file")]
    assert len({name for name, _ in best}) == 1
    assert len(best) == 8
    assert np.ptp([score for _, score in best]) < 0.1  # JPEG blocks and odd pixels lie elsewhere


def test_kinds_that_nobody_reads_are_listed_and_left_alone(recognize: Recognize, tree: Path) -> None:
    ended = recognize("scan", tree, "-r", "music")
    assert {tuple(record["recognizers"]) for record in ended.of("file")} == {()}
    assert ended.code == 0


def test_names_that_are_no_text_survive(recognize: Recognize, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in (b"caf\xe9.jpg", b"new\nline.jpg", "🐈.jpg".encode()):
        put(CAT, folder / "plain.jpg").rename(folder / os.fsdecode(name))
    first, second = recognize("scan", folder), recognize("scan", folder)
    assert first.code == 0
    assert {record.get("path_bytes", record["path"]) for record in second.of("file")} == {
        "Y2Fm6S5qcGc=",
        "new\nline.jpg",
        "🐈.jpg",
    }
    assert all(record["unchanged"] for record in second.of("file"))


@pytest.mark.parametrize("nul", [False, True])
def test_paths_from_stdin(recognize: Recognize, tree: Path, nul: bool) -> None:
    listed = [str(tree / "cat.jpg"), "trip/coffee.png", "no/such.jpg"]
    end = "\0" if nul else "\n"
    ended = recognize(
        "scan",
        "-",
        *(["-0"] if nul else []),
        stdin="".join(f"{each}{end}" for each in listed).encode(),
        cwd=tree,
    )
    assert {record["path"] for record in ended.of("file")} == {
        f"{str(tree)[1:]}/cat.jpg",
        f"{str(tree)[1:]}/trip/coffee.png",
    }
    assert ended.code == 3
    assert list(ended.errors.values()) == ["io"]


def test_paths_through_a_symbolic_link(recognize: Recognize, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree)
    ended = recognize("scan", "-", stdin=f"{tmp_path}/link/cat.jpg\n".encode())
    assert set(ended.files) == {f"{str(tree)[1:]}/cat.jpg"}


def test_files_named_one_by_one(recognize: Recognize, tree: Path) -> None:
    put(COFFEE, tree / "coffee.jpg")
    named = [tree / "cat.jpg", tree / "coffee.jpg", tree / "trip" / "coffee.png", tree / "gone.jpg"]
    ended = recognize("scan", *named)
    assert ended.code == 4
    assert {(each["source"], each["path"]) for each in ended.of("file")} == {
        (str(tree), "cat.jpg"),
        (str(tree), "coffee.jpg"),
        (str(tree / "trip"), "coffee.png"),
    }


def test_a_list_of_files_does_not_withdraw_the_others(recognize: Recognize, tree: Path) -> None:
    recognize("scan", tree)
    listed = recognize("scan", tree, "--files-from", "-", stdin=b"cat.jpg\n")
    assert set(listed.files) == {"cat.jpg"}
    assert listed.of("removed") == []
    single = recognize("scan", tree / "cat.jpg")
    assert set(single.files) == {"cat.jpg"}
    assert single.of("removed") == []
    assert all(record["unchanged"] for record in recognize("scan", tree).of("file"))


def test_what_is_excluded_is_left_as_it_is(recognize: Recognize, tree: Path) -> None:
    recognize("scan", tree)
    ended = recognize("scan", tree, "--exclude", "trip/")
    assert set(ended.files) == {"cat.jpg"}
    assert ended.of("removed") == []
    first_wins = recognize("scan", tree, "--include", "coffee*", "--exclude", "*.png", "--include", "*")
    assert set(first_wins.files) == {"cat.jpg", "trip/coffee.png", "trip/far/rocket.jpg"}
    other_order = recognize("scan", tree, "--exclude", "*.png", "--include", "coffee*", "--include", "*")
    assert set(other_order.files) == {"cat.jpg", "trip/far/rocket.jpg"}


def test_explain_scans_nothing(recognize: Recognize, tree: Path) -> None:
    (tree / "trip" / ".nomedia").touch()
    ended = recognize("scan", tree, "--explain", "trip/coffee.png")
    assert ended.code == 0
    assert b".nomedia" in ended.stdout
    assert not list(recognize.home.rglob("catalogue*"))


def test_text_for_people(recognize: Recognize, tree: Path) -> None:
    ended = recognize("scan", tree, "--format", "text")
    lines = ended.stdout.decode().splitlines()
    assert any(line.startswith("cat.jpg: ") and "Cat" in line for line in lines)
    assert "3 files" in ended.stderr
    quiet = recognize("-q", "scan", tree, "--format", "text")
    assert quiet.stderr == ""


def test_a_scan_leaves_nothing_behind_but_the_catalogue(recognize: Recognize, tree: Path) -> None:
    recognize("scan", tree)
    left = {path.relative_to(recognize.home) for path in recognize.home.rglob("*") if path.is_file()}
    assert {path.parent.as_posix() for path in left} == {".local/state/recognize"}


def test_one_json_document(recognize: Recognize, tree: Path) -> None:
    document = json.loads(recognize("scan", tree, "--format", "json").stdout)
    assert [each["type"] for each in document] == ["file"] * 3 + ["summary"]


def test_the_config_file_sets_what_flags_override(recognize: Recognize, tree: Path) -> None:
    config = recognize.home / ".config" / "recognize" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[scan]\nscores = true\nformat = "json"\nexclude = ["*.png"]\n')
    ended = recognize("scan", tree, "--format", "jsonl")
    assert set(ended.files) == {"cat.jpg", "trip/far/rocket.jpg"}
    assert "scores" in ended.files["cat.jpg"]
