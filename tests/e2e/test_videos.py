"""Videos and animated pictures, by the installed command."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.media.films import film
from tests.support.photos import CAT, put

if TYPE_CHECKING:
    from tests.support.command import Recognize

VIDEOS = Path(__file__).parents[3] / "shared" / "data" / "video"

pytestmark = pytest.mark.model
needs_shared = [
    pytest.mark.shared,
    pytest.mark.skipif(not VIDEOS.exists(), reason="needs the labelled videos in ../shared"),
]


@pytest.fixture
def nobody(recognize: Recognize, model_store: Path) -> Recognize:
    """A user who has all models but that of actions, which cannot be fetched: nobody listens on port 9."""
    recognize.models = recognize.home / "models"
    shutil.copytree(model_store, recognize.models, ignore=shutil.ignore_patterns("movinet*", ".*"))
    recognize.variables["RECOGNIZE_GIT_MIRROR"] = "http://127.0.0.1:9"
    return recognize


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Two short films, and a photo."""
    folder = tmp_path / "films"
    folder.mkdir()
    film(folder / "a.mp4", 2)
    film(folder / "b.mkv", 1)
    put(CAT, folder / "cat.jpg")
    return folder


class TestActions:
    pytestmark = needs_shared

    def test_a_video_gets_tags_of_what_happens_in_it(self, recognize: Recognize, tmp_path: Path) -> None:
        folder = tmp_path / "videos"
        put(VIDEOS / "carving_ice.mp4", folder / "trip" / "ice.mp4")
        put(CAT, folder / "cat.jpg")
        ended = recognize("scan", folder, "--scores")
        assert ended.code == 0
        video = ended.files["trip/ice.mp4"]
        assert (video["kind"], video["recognizers"]) == ("video", ["actions"])
        assert "Ice carving" in {tag["name"] for tag in video["tags"]}
        best, score = video["scores"]["actions"][0]
        assert best == "carving ice"
        assert score >= 0.9
        assert ended.files["cat.jpg"]["recognizers"] == ["objects", "faces"]
        again = recognize("scan", folder).files["trip/ice.mp4"]
        assert (again["unchanged"], again["tags"]) == (True, video["tags"])

    def test_a_picture_that_moves_is_looked_at_as_a_photo_and_as_a_video(
        self, recognize: Recognize, tmp_path: Path
    ) -> None:
        folder = tmp_path / "pictures"
        folder.mkdir()
        noise = np.random.default_rng(1).integers(0, 256, (12, 90, 120, 3), np.uint8)
        first, *rest = map(Image.fromarray, noise)
        first.save(folder / "moves.gif", save_all=True, append_images=rest, duration=200)
        first.save(folder / "stands.gif")
        files = recognize("scan", folder, "--scores").files
        assert files["moves.gif"]["recognizers"] == ["objects", "faces", "actions"]
        assert files["moves.gif"]["scores"]["actions"]
        assert files["stands.gif"]["recognizers"] == ["objects", "faces", "actions"]
        assert files["stands.gif"]["scores"]["actions"] == []

    def test_objects_in_videos_can_be_asked_for_as_well(self, recognize: Recognize, films: Path) -> None:
        ended = recognize("scan", films, "-r", "default", "-r", "video_objects", "--scores")
        assert ended.files["a.mp4"]["recognizers"] == ["actions", "video_objects"]
        assert ended.files["a.mp4"]["scores"]["video_objects"]
        assert ended.files["cat.jpg"]["recognizers"] == ["objects", "faces"]


def test_where_no_model_of_actions_can_be_had_objects_are_tagged(nobody: Recognize, films: Path) -> None:
    ended = nobody("scan", films, "--scores")
    assert ended.code == 0
    assert {name: each["recognizers"] for name, each in ended.files.items()} == {
        "a.mp4": ["video_objects"],
        "b.mkv": ["video_objects"],
        "cat.jpg": ["objects", "faces"],
    }
    assert ended.files["a.mp4"]["scores"]["video_objects"]
    assert ended.stderr.count("recognize models fetch") == 1
    again = nobody("scan", films)
    assert (again.summary["unchanged"], again.summary["files"], again.code) == (3, 3, 0)


def test_without_objects_in_their_place_videos_wait_for_the_model(nobody: Recognize, films: Path) -> None:
    ended = nobody("scan", films, "--no-video-objects")
    assert ended.code == 6
    assert ended.errors == {"a.mp4": "model", "b.mkv": "model"}
    assert ended.files["cat.jpg"]["tags"]
    assert len(ended.summary["problems"]) == 1


def test_photos_alone_need_no_model_of_actions(nobody: Recognize, tree: Path) -> None:
    ended = nobody("scan", tree)
    assert ended.code == 0
    assert "movinet" not in ended.stderr.replace("using movinet", "")


def test_a_broken_video_costs_itself(nobody: Recognize, films: Path) -> None:
    (films / "broken.mp4").write_bytes((films / "a.mp4").read_bytes()[:500])
    ended = nobody("scan", films)
    assert ended.errors == {"broken.mp4": "decode"}
    assert ended.code == 3
    assert len(ended.files) == 3
