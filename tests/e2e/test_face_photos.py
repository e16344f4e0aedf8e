"""From photos to people and names, with the real models: scan, cluster, name, and scan again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from tests.support.bench import load
from tests.support.photos import ASTRONAUT, CAT, put

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.command import Recognize

pytestmark = pytest.mark.model

LFW = Path(__file__).parents[3] / "shared" / "data" / "faces"
ORIENTATION = 0x0112
UNDO = {  # what brings an upright picture into the state that an orientation describes
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.fixture
def portraits(tmp_path: Path) -> Path:
    """One photo of one person, stored in all eight orientations and a bit brighter each time; and a cat."""
    folder = tmp_path / "portraits"
    put(CAT, folder / "cat.png")
    with Image.open(ASTRONAUT) as image:
        upright = image.convert("RGB").crop((0, 0, 512, 400))
    for orientation, turn in UNDO.items():
        picture = ImageEnhance.Brightness(upright).enhance(0.9 + 0.03 * orientation)
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        stored = picture if turn is None else picture.transpose(turn)
        stored.save(folder / f"{orientation}.jpg", quality=92, exif=exif)
    return folder


def faces(record: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = record["faces"]
    return found


def names(record: dict[str, Any]) -> list[str]:
    return [tag["name"] for tag in record["tags"] if tag["recognizer"] == "faces"]


def test_a_face_is_at_the_same_place_in_every_orientation(recognize: Recognize, portraits: Path) -> None:
    ended = recognize("scan", "-r", "faces", portraits)
    assert ended.code == 0, ended.stderr
    boxes = []
    for orientation in UNDO:
        [face] = faces(ended.files[f"{orientation}.jpg"])
        boxes.append([face["box"][side] for side in ("x", "y", "width", "height")])
    assert np.ptp(boxes, axis=0).max() < 0.02
    assert boxes[0] == pytest.approx([0.35, 0.15, 0.17, 0.28], abs=0.03)


def test_a_scan_looks_for_objects_and_faces_in_one_go(recognize: Recognize, portraits: Path) -> None:
    ended = recognize("scan", portraits)
    assert ended.files["1.jpg"]["recognizers"] == ["objects", "faces"]
    assert len(faces(ended.files["1.jpg"])) == 1
    cat = ended.files["cat.png"]
    assert "Cat" in [tag["name"] for tag in cat["tags"]]
    assert names(cat) == []


def test_a_name_becomes_a_tag_of_all_photos_of_the_person(recognize: Recognize, portraits: Path) -> None:
    recognize("scan", portraits)
    assert recognize("faces", "cluster").code == 0
    [person] = recognize("faces", "list", "--format", "jsonl").of("person")
    assert person["faces"] == 8
    assert recognize("faces", "name", str(person["id"]), "Eileen Collins").code == 0
    first, second = recognize("-v", "scan", portraits), recognize("-v", "scan", portraits)
    for orientation in UNDO:
        record = first.files[f"{orientation}.jpg"]
        assert names(record) == ["Eileen Collins"]
        [face] = faces(record)
        assert (face["person"], face["name"]) == (person["id"], "Eileen Collins")
        assert not record["unchanged"]
        assert second.files[f"{orientation}.jpg"] == {**record, "unchanged": True}
    assert first.files["cat.png"]["unchanged"]
    assert "loading the model" not in first.stderr
    assert "8  Eileen Collins" in recognize("tags", "list").stdout.decode()


def test_an_edited_photo_keeps_its_people(recognize: Recognize, portraits: Path) -> None:
    recognize("scan", "-r", "faces", portraits)
    recognize("faces", "cluster")
    [person] = recognize("faces", "list", "--format", "jsonl").of("person")
    recognize("faces", "name", str(person["id"]), "Eileen Collins")
    before = recognize("scan", "-r", "faces", portraits).files["1.jpg"]
    with Image.open(portraits / "1.jpg") as image:
        ImageEnhance.Color(image).enhance(0.3).save(portraits / "1.jpg", quality=80)
    after = recognize("scan", "-r", "faces", portraits).files["1.jpg"]
    assert not after["unchanged"]
    assert names(after) == ["Eileen Collins"]
    assert [face["id"] for face in faces(after)] == [face["id"] for face in faces(before)]


def test_a_mirrored_or_turned_photo_keeps_its_people(recognize: Recognize, tmp_path: Path) -> None:
    with Image.open(ASTRONAUT) as image:
        head = image.convert("RGB").crop((130, 0, 330, 240))
    photo = Image.new("RGB", (400, 240))
    photo.paste(head, (0, 0))
    photo.save(tmp_path / "a.jpg", quality=92)
    [before] = faces(recognize("scan", "-r", "faces", tmp_path / "a.jpg").files["a.jpg"])
    for change in (ImageOps.mirror, lambda picture: picture.rotate(15)):
        photo = change(photo)
        photo.save(tmp_path / "a.jpg", quality=92)
        [after] = faces(recognize("scan", "-r", "faces", tmp_path / "a.jpg").files["a.jpg"])
        assert after["id"] == before["id"]
        assert after["box"] != before["box"]


def test_without_a_catalogue_faces_have_no_ids(recognize: Recognize, portraits: Path) -> None:
    ended = recognize("scan", "-r", "faces", "--no-catalogue", portraits / "1.jpg")
    [face] = faces(ended.files["1.jpg"])
    assert (face["id"], face["person"], face["name"]) == (None, None, None)


def test_another_model_may_be_named(recognize: Recognize, portraits: Path) -> None:
    """It is not installed, and must not be fetched."""
    ended = recognize("scan", "-r", "faces", "--model", "buffalo_s", "--offline", portraits)
    assert ended.code == 6
    assert "the model buffalo_s is not installed" in ended.stderr
    assert recognize("scan", "--model", "nonsense", portraits).code == 2


def main_faces(exported: Iterable[dict[str, Any]]) -> dict[str, int]:
    """The person (0 for nobody) of the largest and most central face of each photo."""
    best: dict[str, tuple[float, int]] = {}
    for face in exported:
        box = face["box"]
        aside = max(abs(box["x"] + box["width"] / 2 - 0.5), abs(box["y"] + box["height"] / 2 - 0.5))
        weight = box["width"] * (1 - aside)
        best[face["path"]] = max(best.get(face["path"], (0.0, 0)), (weight, face["person"] or 0))
    return {path: person for path, (_, person) in best.items()}


@pytest.mark.shared
@pytest.mark.skipif(not LFW.is_dir(), reason="../shared is not here")
def test_twenty_people_are_told_apart(recognize: Recognize) -> None:
    """With default models and settings; LFW's people, a dozen photos each."""
    scores = load("grouping_scores")
    recognize("scan", "-r", "faces", LFW)
    recognize("faces", "cluster")
    people = main_faces(recognize("faces", "export", "--format", "jsonl").of("face"))
    photos = sorted(path.name for path in LFW.glob("*.jpg"))
    assert len(people) == len(photos), "a face is found in every photo"
    truth = np.unique([name.rpartition("_")[0] for name in photos], return_inverse=True)[1]
    found = np.array([people[name] for name in photos])
    assert scores.pairwise(truth, found).f1 >= 0.97
    assert scores.bcubed(truth, found).f1 >= 0.97
