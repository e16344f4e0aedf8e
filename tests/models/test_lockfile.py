"""models.lock: what ships, what is refused, and that nothing else comes out."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recognize_cli.errors import LockFileError
from recognize_cli.models.convert import CONTINENTS
from recognize_cli.models.entries import (
    Algorithm,
    Classifier,
    Faces,
    GitSource,
    InputSpec,
    Landmarks,
    LockedFile,
    ModelEntry,
    NpmSource,
    PypiSource,
    Tagger,
    Tier,
    UrlSource,
    Video,
)
from recognize_cli.models.lockfile import load_lock
from recognize_cli.resources import shipped

UPSTREAM = Path(__file__).parents[3] / "shared" / "models" / "upstream"

SHA256 = "0123456789abcdef" * 4
BLOB = "0123456789" * 4
COMMIT = "abcdef0123" * 4
VALID = f"""
schema = 1

[[model]]
name = "small"
recognizer = "objects"
tier = "portable"
default = true
format = "onnx"
licence = "MIT OR Apache-2.0"
labels = "imagenet1k"
scores = "logits"
files = ["sha256:{SHA256} 12 model.onnx"]
source = [
  {{ kind = "pypi", package = "a_b", version = "1.0+x", root = "c/d" }},
  {{ kind = "npm", package = "@s/p", version = "1.2.3" }},
]
[model.input]
size = 8
short_side = 9
channels = "BGR"
layout = "NCHW"
dtype = "uint8"
resample = "bicubic"

[[model]]
name = "large"
recognizer = "objects"
tier = "native"
default = false
format = "tfjs-graph"
licence = "MIT"
labels = "imagenet1k"
scores = "probabilities"
files = [
  "git:{BLOB} 4194304 model.json",
  "sha256:{SHA256} 1 weights/shard@1+a.bin",
]
[model.input]
size = 16
channels = "RGB"
layout = "NHWC"
dtype = "float32"
resample = "bilinear"
mean = [127.5, 127.5, 127.5]
std = [1, 2, 3]
[[model.source]]
kind = "git"
repository = "owner/name"
commit = "{COMMIT}"
root = "models/large"
[[model.source]]
kind = "url"
base = "https://host.example:8443/a/b"

[[model]]
name = "friends"
recognizer = "faces"
tier = "native"
default = false
format = "face-api"
licence = "LicenseRef-Mine"
notice = "For friends only: ask (me) first!"
files = ["sha256:{SHA256} 7 face.bin"]
source = [{{ kind = "url", base = "https://host.example" }}]
[model.faces]
distance = 0.5

[[model]]
name = "tunes"
recognizer = "music"
tier = "portable"
default = true
format = "musicnn"
licence = "ISC"
labels = "msd50"
files = ["sha256:{SHA256} 5 .index", "sha256:{SHA256} 6 a/.data"]
source = [{{ kind = "pypi", package = "tunes", version = "1" }}]

[[model]]
name = "sights"
recognizer = "landmarks"
tier = "portable"
default = false
format = "landmarks"
licence = "MIT-0"
files = ["git:{BLOB} 4 models/landmarks_asia/model.json"]
source = [{{ kind = "git", repository = "owner/name", commit = "{COMMIT}" }}]

[[model]]
name = "moves"
recognizer = "actions"
tier = "native"
default = false
format = "movinet-tflite"
licence = "Apache-2.0"
labels = "kinetics600"
files = ["git:{BLOB} 9 saved_model.pb"]
source = [{{ kind = "url", base = "https://host.example" }}]
[model.video]
side = 176
short_side = 200
resample = "bilinear"
rate = 2.5
length = 12
count = 6
"""

EXPECTED = (
    ModelEntry(
        name="small",
        recognizer="objects",
        tier=Tier.PORTABLE,
        default=True,
        format="onnx",
        licence="MIT OR Apache-2.0",
        task=Classifier(
            "imagenet1k", "logits", InputSpec(8, "BGR", "NCHW", "uint8", "bicubic", short_side=9)
        ),
        files=(LockedFile("model.onnx", 12, Algorithm.SHA256, SHA256),),
        sources=(PypiSource("a_b", "1.0+x", "c/d"), NpmSource("@s/p", "1.2.3", "")),
    ),
    ModelEntry(
        name="large",
        recognizer="objects",
        tier=Tier.NATIVE,
        default=False,
        format="tfjs-graph",
        licence="MIT",
        task=Classifier(
            "imagenet1k",
            "probabilities",
            InputSpec(
                16, "RGB", "NHWC", "float32", "bilinear", mean=(127.5, 127.5, 127.5), std=(1.0, 2.0, 3.0)
            ),
        ),
        files=(
            LockedFile("model.json", 4194304, Algorithm.GIT, BLOB),
            LockedFile("weights/shard@1+a.bin", 1, Algorithm.SHA256, SHA256),
        ),
        sources=(
            GitSource("owner/name", COMMIT, "models/large"),
            UrlSource("https://host.example:8443/a/b"),
        ),
    ),
    ModelEntry(
        name="friends",
        recognizer="faces",
        tier=Tier.NATIVE,
        default=False,
        format="face-api",
        licence="LicenseRef-Mine",
        task=Faces(distance=0.5),
        files=(LockedFile("face.bin", 7, Algorithm.SHA256, SHA256),),
        sources=(UrlSource("https://host.example"),),
        notice="For friends only: ask (me) first!",
    ),
    ModelEntry(
        name="tunes",
        recognizer="music",
        tier=Tier.PORTABLE,
        default=True,
        format="musicnn",
        licence="ISC",
        task=Tagger(labels="msd50"),
        files=(
            LockedFile(".index", 5, Algorithm.SHA256, SHA256),
            LockedFile("a/.data", 6, Algorithm.SHA256, SHA256),
        ),
        sources=(PypiSource("tunes", "1", ""),),
    ),
    ModelEntry(
        name="sights",
        recognizer="landmarks",
        tier=Tier.PORTABLE,
        default=False,
        format="landmarks",
        licence="MIT-0",
        task=Landmarks(),
        files=(LockedFile("models/landmarks_asia/model.json", 4, Algorithm.GIT, BLOB),),
        sources=(GitSource("owner/name", COMMIT, ""),),
    ),
    ModelEntry(
        name="moves",
        recognizer="actions",
        tier=Tier.NATIVE,
        default=False,
        format="movinet-tflite",
        licence="Apache-2.0",
        task=Video("kinetics600", 176, "bilinear", rate=2.5, length=12, count=6, short_side=200),
        files=(LockedFile("saved_model.pb", 9, Algorithm.GIT, BLOB),),
        sources=(UrlSource("https://host.example"),),
    ),
)


def refusal(folder: Path, text: str) -> str:
    """The message with which a lock file is refused; it begins with the file's name."""
    path = folder / "my.lock"
    path.write_text(text)
    with pytest.raises(LockFileError) as caught:
        load_lock(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


def test_reads_every_key(tmp_path: Path) -> None:
    path = tmp_path / "my.lock"
    path.write_text(VALID)
    lock = load_lock(path)
    assert lock.models == EXPECTED
    assert lock.path == path
    assert lock.entry("large") == EXPECTED[1]
    assert lock.defaults() == (EXPECTED[0], EXPECTED[3])
    assert EXPECTED[1].download_size == 4194305


def test_of_a_git_blob_the_largest_size_will_do(tmp_path: Path) -> None:
    path = tmp_path / "my.lock"
    path.write_text(VALID.replace(" 4194304 ", " <=4194304 "))
    entry = load_lock(path).entry("large")
    assert entry.files[0] == LockedFile("model.json", 4194304, Algorithm.GIT, BLOB, at_most=True)
    assert (entry.download_size, entry.size_is_known) == (4194305, False)
    assert load_lock(path).entry("small").size_is_known


@pytest.mark.parametrize(("size", "exact", "at_most"), [(0, False, True), (4, True, True), (5, False, False)])
def test_which_sizes_fit(size: int, exact: bool, at_most: bool) -> None:
    file = LockedFile("model.json", 4, Algorithm.GIT, BLOB)
    assert file.fits(size) is exact
    assert replace(file, at_most=True).fits(size) is at_most


def test_an_unknown_name_is_answered_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "my.lock").write_text(VALID)
    with pytest.raises(LockFileError, match=r"no model 'lagre'; it has small, large, friends, tunes"):
        load_lock(tmp_path / "my.lock").entry("lagre")


def test_what_ships_is_right() -> None:
    lock = load_lock()
    assert lock.path == shipped("models.lock")
    assert [model.name for model in lock.defaults()] == [
        "efficientnet-lite2",
        "yunet-sface",
        "musicnn-msd",
        "movinet-a0-stream",
    ]
    assert {model.tier for model in lock.defaults()} == {Tier.PORTABLE}
    assert {model.name for model in lock.models if model.notice} == {"buffalo_l", "buffalo_s"}
    assert [len(lock.entry(name).files) for name in ("efficientnet-lite4", "efficientnetv2")] == [14, 200]
    assert (len(lock.entry("landmarks").files), lock.entry("landmarks").download_size) == (70, 242_531_911)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["efficientnet-lite4", "efficientnetv2", "movinet-a3"])
def test_upstreams_models_are_locked_by_the_ids_in_its_repository(name: str) -> None:
    listing = Path(__file__).parents[3] / "shared" / "models" / "upstream" / "git-blobs.txt"
    if not listing.exists():
        pytest.skip("../shared is not here")
    entry = load_lock().entry(name)
    [source] = entry.sources
    assert isinstance(source, GitSource)
    ids = dict(reversed(line.split()) for line in listing.read_text().splitlines())
    wanted = {path: blob for path, blob in ids.items() if path.startswith(f"{source.root}/")}
    wanted.pop("models/movinet-a3/keras_metadata.pb", None)  # only Keras would read it
    assert {f"{source.root}/{file.path}": file.digest for file in entry.files} == wanted


@pytest.mark.shared
@pytest.mark.skipif(not UPSTREAM.is_dir(), reason="../shared is absent")
def test_the_landmark_models_are_locked_whole() -> None:
    files = {file.path: file for file in load_lock().entry("landmarks").files}
    listing = (UPSTREAM / "git-blobs.txt").read_text()
    ids = dict(reversed(line.split()) for line in listing.splitlines())
    assert {path: file.digest for path, file in files.items()} == {
        path: blob for path, blob in ids.items() if "/landmarks" in path
    }
    for continent in CONTINENTS:
        topology = UPSTREAM / f"landmarks_{continent}.model.json"
        assert files[f"models/landmarks_{continent}/model.json"].size == topology.stat().st_size
        [group] = json.loads(topology.read_text())["weightsManifest"]
        needed = sum(4 * math.prod(weight["shape"]) for weight in group["weights"])
        sizes = [files[f"models/landmarks_{continent}/{path}"].size for path in group["paths"]]
        assert sum(sizes) == needed
        assert set(sizes[:-1]) == {4 << 20}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("schema = 1", "", "schema: this key is missing"),
        ("schema = 1", "schema = 2", "schema: is 2, and this recognize reads 1"),
        ("schema = 1", "schema = true", "schema: must be a whole number"),
        ("schema = 1", "schema = 1\nextra = 1", "extra: this key is not known"),
        ('name = "small"', 'title = "small"', "model 1: name: this key is missing"),
        ('name = "small"', 'name = "Small Model"', "model 1: name: 'Small Model' does not have the form"),
        ('name = "small"', 'name = "../small"', "model 1: name: '../small' does not have the form"),
        ('name = "small"', 'name = "large"', "name: is used by two models: 'large'"),
        ("default = false", "default = true", "default: two default models of recognizer: 'objects'"),
        ("default = true", 'default = "yes"', "model 'small', default: must be true or false"),
        ("default = true", "default = 1", "model 'small', default: must be true or false"),
        ('tier = "native"', 'tier = "fast"', "model 'large', tier: must be one of portable, native"),
        ('tier = "native"', "tier = []", "model 'large', tier: must be one of portable, native"),
        ('format = "onnx"', 'format = "pickle"', "model 'small', format: must be one of onnx, "),
        ('licence = "MIT"', 'licence = ""', "model 'large', licence: '' does not have the form"),
        ('licence = "MIT"', "licence = 3", "model 'large', licence: must be a string"),
        ('labels = "imagenet1k"', 'labels = "../x"', "model 'small', labels: '../x' does not"),
        (
            'scores = "logits"',
            'scores = "log"',
            "model 'small', scores: must be one of logits, probabilities",
        ),
        ("size = 16", "size = 0", "model 'large', input.size: must be 1 to 4096, not 0"),
        ("size = 16", "size = 16.0", "model 'large', input.size: must be a whole number"),
        ("size = 16", "size = 16\nfoo = 1", "model 'large', input.foo: this key is not known"),
        ("short_side = 9", "short_side = 7", "model 'small', input.short_side: must be 8 to 4096, not 7"),
        ("short_side = 9", "mean = [0, 0, 0]", "model 'small', input.mean: this key is not known"),
        ("std = [1, 2, 3]", "", "model 'large', input.std: this key is missing"),
        (
            "std = [1, 2, 3]",
            "std = [1, 2]",
            "model 'large', input.std: must be a list of three numbers",
        ),
        (
            "std = [1, 2, 3]",
            "std = [1, 2, '3']",
            "model 'large', input.std: must be a list of three numbers",
        ),
        (
            "std = [1, 2, 3]",
            "std = [1, 2, nan]",
            "model 'large', input.std: must be a list of three numbers",
        ),
        (
            "std = [1, 2, 3]",
            "std = [1, 2, true]",
            "model 'large', input.std: must be a list of three numbers",
        ),
        ("std = [1, 2, 3]", f"std = [1, 2, {10**400}]", "model 'large', input.std: must be a list of three"),
        ("std = [1, 2, 3]", "std = [1, 2, 0]", "model 'large', input.std: must be greater than 0"),
        ("distance = 0.5", "", "model 'friends', faces.distance: this key is missing"),
        ("distance = 0.5", "distance = 0", "model 'friends', faces.distance: must be more than 0 and no"),
        ("distance = 0.5", "distance = -0.5", "model 'friends', faces.distance: must be more than 0 and no"),
        ("distance = 0.5", "distance = 101", "model 'friends', faces.distance: must be more than 0 and no"),
        ("distance = 0.5", "distance = nan", "model 'friends', faces.distance: must be a number"),
        ("distance = 0.5", "distance = true", "model 'friends', faces.distance: must be a number"),
        ("distance = 0.5", 'distance = "0.5"', "model 'friends', faces.distance: must be a number"),
        ("distance = 0.5", "distance = 0.5\nsize = 8", "model 'friends', faces.size: this key is not known"),
        ("[model.faces]", "[model.input]", "model 'friends', faces: this key is missing"),
        ("[model.faces]", "[[model.faces]]", "model 'friends', faces: must be a table"),
        ('recognizer = "faces"', 'recognizer = "objects"', "model 'friends', labels: this key is missing"),
        (
            'notice = "F',
            'labels = "imagenet1k"\nnotice = "F',
            "model 'friends', labels: this key is not known",
        ),
        ('labels = "msd50"', "", "model 'tunes', labels: this key is missing"),
        ('labels = "msd50"', 'labels = "msd/50"', "model 'tunes', labels: 'msd/50' does not have the form"),
        (
            'labels = "msd50"',
            'labels = "msd50"\nscores = "logits"',
            "model 'tunes', scores: this key is not known",
        ),
        ('recognizer = "music"', 'recognizer = "sounds"', "model 'tunes', scores: this key is missing"),
        (
            'licence = "MIT-0"',
            'licence = "MIT-0"\nlabels = "msd50"',
            "model 'sights', labels: this key is not known",
        ),
        (
            'recognizer = "landmarks"',
            'recognizer = "sounds"',
            "model 'sights', labels: this key is missing",
        ),
        ('labels = "kinetics600"', "", "model 'moves', labels: this key is missing"),
        ("[model.video]", "[model.input]", "model 'moves', video: this key is missing"),
        ("side = 176\n", "", "model 'moves', video.side: this key is missing"),
        ("side = 176\n", "side = 4097\n", "model 'moves', video.side: must be 1 to 4096"),
        ("short_side = 200", "short_side = 175", "model 'moves', video.short_side: must be 176 to 4096"),
        ("rate = 2.5", "rate = 0", "model 'moves', video.rate: must be more than 0 and no more than 60"),
        ("rate = 2.5", "rate = 61", "model 'moves', video.rate: must be more than 0 and no more than 60"),
        ("length = 12", "length = 0", "model 'moves', video.length: must be 1 to 1024"),
        ("length = 12", "length = 1.5", "model 'moves', video.length: must be a whole number"),
        ("count = 6", "count = 65", "model 'moves', video.count: must be 1 to 64"),
        ("length = 12", "length = 121", "model 'moves', video.count: all clips together take 67465728 bytes"),
        ("count = 6", 'count = 6\nlayout = "NHWC"', "model 'moves', video.layout: this key is not known"),
        ("ask (me)", "ask\\n(me)", "model 'friends', notice: 'For friends only: ask\\n(me) first!' does not"),
        ("ask (me)", "\\u001b[2J", "model 'friends', notice: "),
        ("ask (me)", "\\u202e", "model 'friends', notice: "),
        ("For friends only: ask (me) first!", "", "model 'friends', notice: '' does not have the form"),
        ("For friends only: ask (me) first!", "x" * 301, "model 'friends', notice: "),
        ('channels = "RGB"', 'channels = "rgb"', "model 'large', input.channels: must be one of RGB, BGR"),
        (f'["sha256:{SHA256} 12 model.onnx"]', "[]", "model 'small', files: must be a list of strings"),
        (f'["sha256:{SHA256} 12 model.onnx"]', "[3]", "model 'small', files: must be a list of strings"),
        (" 12 ", " 012 ", "model 'small', files: "),
        (" 12 ", " 0 ", "model 'small', files: "),
        (" 12 ", " -1 ", "model 'small', files: "),
        (" 12 ", " 999999999999 ", "model 'small', files: 'model.onnx' has 999999999999 bytes, more than"),
        (" 12 ", "  12 ", "model 'small', files: "),
        (" 12 ", " <=12 ", "model 'small', files: "),
        (" 4194304 ", " <= 4194304 ", "model 'large', files: "),
        (" 4194304 ", " <4194304 ", "model 'large', files: "),
        (" 4194304 ", " <=0 ", "model 'large', files: "),
        (" 4194304 ", " <=99999999999 ", "'model.json' has 99999999999 bytes, more than"),
        ("weights/shard@1+a.bin", "model.json", "model 'large', files: 'model.json' is there twice"),
        ("weights/shard@1+a.bin", "MODEL.json", "is there twice"),
        ("weights/shard@1+a.bin", "model.json/x", "'model.json/x' lies below another file"),
        ('package = "a_b"', 'package = "-r/etc/passwd"', "model 'small', source 1: package: '-r/etc/passwd'"),
        ('version = "1.0+x"', 'version = "1.0 --pre"', "model 'small', source 1: version: '1.0 --pre'"),
        ('package = "@s/p"', 'package = "@s/../p"', "model 'small', source 2: package: '@s/../p'"),
        (
            'version = "1.2.3" }',
            'version = "1.2.3", md5 = "x" }',
            "model 'small', source 2: md5: this key is",
        ),
        ('kind = "npm"', 'kind = "ftp"', "model 'small', source 2: kind: must be one of pypi, npm, git, url"),
        ('root = "c/d"', 'root = "c/../d"', "model 'small', source 1: root: 'c/../d' does not have the form"),
        (COMMIT, "main", "model 'large', source 1: commit: 'main' does not have the form"),
        ("owner/name", "../name", "model 'large', source 1: repository: '../name'"),
        ("https://host", "file://host", "model 'large', source 2: base: 'file://host"),
        ("https://host", "https://user:secret@host", "model 'large', source 2: base: "),
        ("/a/b", "/a/b?token=1", "model 'large', source 2: base: "),
        ('[[model.source]]\nkind = "git"', '[model.source]\nkind = "git"', "is not TOML: "),
        ("[model.input]", "[[model.input]]", "model 'small', input: must be a table"),
        ("schema = 1", "schema = ", "is not TOML: "),
    ],
)
def test_refuses(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in VALID
    assert problem in refusal(tmp_path, VALID.replace(old, new, 1))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../x",
        "a/../x",
        "a//b",
        "a/",
        "./a",
        ".",
        "..",
        "a\\b",
        "C:/a",
        "a:b",
        "~/a",
        "a\0b",
        "é",
        "a\u202eb",
    ],
)
def test_refuses_paths_that_lead_out_or_are_not_plain(tmp_path: Path, path: str) -> None:
    line = f"sha256:{SHA256} 12 {path}".replace("\\", "\\\\").replace("\0", "\\u0000")
    text = VALID.replace(f"sha256:{SHA256} 12 model.onnx", line)
    assert refusal(tmp_path, text).startswith("model 'small', files: ")


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LockFileError, match=r"none\.lock: cannot be read: No such file"):
        load_lock(tmp_path / "none.lock")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = " + b"[" * 100_000, b"a = " + b"9" * 5000, b"\0"])
def test_refuses_bytes_that_are_not_toml(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "my.lock").write_bytes(content)
    with pytest.raises(LockFileError, match=r"my\.lock: is not TOML"):
        load_lock(tmp_path / "my.lock")


in_one_folder = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@in_one_folder
@given(position=st.integers(0, len(SHA256) - 1), text=st.text(max_size=3))
def test_a_changed_digest_is_refused_or_another_digest(tmp_path: Path, position: int, text: str) -> None:
    """Whatever replaces a character of a digest, no file with the old bytes passes for the model."""
    changed = SHA256[:position] + text + SHA256[position + 1 :]
    path = tmp_path / "my.lock"
    quoted = "".join(f"\\U{ord(c):08x}" if not "\ud800" <= c <= "\udfff" else "!" for c in changed)
    path.write_text(VALID.replace(f"sha256:{SHA256} 12 ", f"sha256:{quoted} 12 "))
    try:
        digest = load_lock(path).entry("small").files[0].digest
    except LockFileError:
        assert changed != SHA256
    else:
        assert digest == changed
        assert len(digest) == 64
        assert set(digest) <= set("0123456789abcdef")


_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 5000), st.floats(), st.text(max_size=4), st.just("../x")
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=4,
)


def _places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [path, *(place for key in value for place in _places(value[key], (*path, key)))]
    if isinstance(value, list):
        return [path, *(place for index, item in enumerate(value) for place in _places(item, (*path, index)))]
    return [path]


def _to_toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_to_toml(str(k))} = {_to_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_to_toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(c):08x}" for c in value) + '"'
    return '""' if value is None else repr(value)


_DOCUMENT = tomllib.loads(VALID)


@in_one_folder
@given(place=st.sampled_from([place for place in _places(_DOCUMENT) if place]), value=_values)
def test_any_value_anywhere_is_refused_or_safe(tmp_path: Path, place: tuple[Any, ...], value: object) -> None:
    document = tomllib.loads(VALID)
    *inner, last = place
    target: Any = document
    for step in inner:
        target = target[step]
    target[last] = value
    path = tmp_path / "my.lock"
    path.write_text("\n".join(f"{key} = {_to_toml(item)}" for key, item in document.items()))
    try:
        models = load_lock(path).models
    except LockFileError:
        return
    for file in (file for model in models for file in model.files):
        assert not PurePosixPath(file.path).is_absolute()
        assert ".." not in PurePosixPath(file.path).parts


def test_a_valid_document_survives_the_writer_of_these_tests(tmp_path: Path) -> None:
    path = tmp_path / "my.lock"
    path.write_text("\n".join(f"{key} = {_to_toml(item)}" for key, item in _DOCUMENT.items()))
    assert load_lock(path).models == EXPECTED
