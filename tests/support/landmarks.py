"""Landmark models with made weights and made names, in the layout of the repository of Recognize.

They know photos of `tests.support.photos`: the weights of some classes are what the network makes of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from recognize_cli.media.views import render
from recognize_cli.models.entries import Algorithm
from recognize_cli.recognizers.landmarks import LandmarksRecognizer
from tests.models.convert.tfjs import plausible
from tests.models.convert.tfjs.evaluator import evaluate
from tests.models.convert.tfjs.made import Made
from tests.models.making import locked
from tests.support.photos import CAT, COFFEE, ROCKET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tests.models.web import Request, Server

UPSTREAM = Path(__file__).parents[3] / "shared" / "models" / "upstream"
REPOSITORY, COMMIT = "somebody/landmarks", "0123456789abcdef0123456789abcdef01234567"
SIDE = LandmarksRecognizer.view.size

CLASSES = {"africa": 11, "asia": 23, "europe": 40, "north_america": 17, "oceania": 12, "south_america": 19}
"""How many classes each of the small networks has."""

LONG_NAME = "Église Notre-Dame-de-l'Assomption de Saint-Étienne-du-Grès-lès-Alpilles"
KNOWN = {"europe": {3: CAT, 9: CAT}, "asia": {5: COFFEE, 6: ROCKET}}
"""Which classes are which photos."""
NAMES = {"europe": {3: "Chelsea", 9: "Chelsea"}, "asia": {5: LONG_NAME, 6: None}}
"""What those are called; all others have made names, each of which several classes bear."""


@dataclass(frozen=True)
class Repository:
    """A folder with the files of a commit."""

    folder: Path

    @property
    def files(self) -> list[str]:
        """Their paths."""
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.folder).as_posix() for path in paths)

    def lock(self) -> str:
        """A models.lock with these models."""
        files = [locked(path, (self.folder / path).read_bytes(), Algorithm.GIT) for path in self.files]
        lines = ",\n".join(f'"{each.checksum} {each.size} {each.path}"' for each in files)
        return (
            'schema = 1\n[[model]]\nname = "landmarks"\nrecognizer = "landmarks"\ntier = "portable"\n'
            f'default = false\nformat = "landmarks"\nlicence = "Apache-2.0"\nfiles = [\n{lines}\n]\n'
            f'source = [{{ kind = "git", repository = "{REPOSITORY}", commit = "{COMMIT}" }}]\n'
        )

    def serve(self, server: Server) -> None:
        """Puts the files where a mirror of git hosts has them."""
        for path in self.files:
            answer = partial(_send, self.folder / path)
            server.answers[f"/{REPOSITORY}/{COMMIT}/{path}"] = [answer]


def _send(path: Path, request: Request) -> None:
    data = path.read_bytes()
    request.head(200, len(data))
    request.wfile.write(data)


def view_of(photo: Path) -> NDArray[np.uint8]:
    """A photo as the recognizer sees it."""
    with Image.open(photo) as image:
        return np.asarray(render(image.convert("RGB"), LandmarksRecognizer.view))


def small_repository(folder: Path) -> Repository:
    """Six networks of a few layers, with the entrance, the exit and the kinds of ops of the real ones."""
    for seed, (continent, classes) in enumerate(CLASSES.items()):
        target = _folder(folder, continent)
        made, bank, features = _small_network(classes, seed)
        _learn(made.model([features]), made.weights, bank, continent, normalised=True)
        made.content = bytearray(b"".join(made.weights[each["name"]].tobytes() for each in made.entries))
        made.save(target, made.nodes[-1]["name"], shard_size=2000)
        _write_names(folder, continent, classes)
    return Repository(folder)


def real_repository(folder: Path) -> Repository:
    """The topologies of upstream, which must be at hand."""
    for continent in CLASSES:
        target = _folder(folder, continent)
        text = (UPSTREAM / f"landmarks_{continent}.model.json").read_text()
        (target / "model.json").write_text(text)
        model = json.loads(text)
        weights = plausible.weights(model, plausible.images((1, SIDE, SIDE, 3)))
        bank = "module_apply_default/Const"
        _learn(model, weights, bank, continent, normalised=False)
        plausible.write_shards(model, weights, target)
        _write_names(folder, continent, len(weights[bank]))
    return Repository(folder)


def _folder(root: Path, continent: str) -> Path:
    target = root / "models" / f"landmarks_{continent}"
    target.mkdir(parents=True)
    return target


def _small_network(classes: int, seed: int) -> tuple[Made, str, str]:
    """The network, its weight for the classes, and the node whose result is compared with them."""
    random = np.random.default_rng(seed)
    made = Made()
    image = made.add("Mul", made.placeholder((-1, SIDE, SIDE, 3)), made.const(np.float32(255)))
    image = made.add("Add", image, made.const(np.float32(0.5)))
    image = made.add("Cast", made.add("Cast", image, DstT="DT_UINT8"), DstT="DT_FLOAT")
    image = made.add("Mul", image, made.const(np.float32(1 / 127.5)))
    image = made.add("Add", image, made.const(np.float32(-1)))
    image = made.add("AvgPool", image, ksize=[1, 9, 9, 1], strides=[1, 9, 9, 1], padding="VALID")
    filters = made.const(random.normal(size=(3, 3, 3, 32)).astype(np.float32))
    image = made.add("Conv2D", image, filters, strides=[1, 2, 2, 1], dilations=[1, 1, 1, 1], padding="SAME")
    features = made.add("Mean", made.add("Relu6", image), made.const(np.array([1, 2], np.int32)))
    features = made.add("Sub", features, made.const(_means(made, features)))
    length = made.add("Sum", made.add("Square", features), made.const(np.int32(1)), keep_dims=True)
    length = made.add("Rsqrt", made.add("Maximum", length, made.const(np.float32(1e-12))))
    features = made.add("Mul", features, length)
    bank = made.const((random.normal(size=(classes, 32)) / 10).astype(np.float32))
    cosines = made.add("MatMul", bank, features, transpose_a=False, transpose_b=True)
    made.add("Transpose", cosines, made.const(np.array([1, 0], np.int32)))
    return made, bank, features


def _means(made: Made, node: str) -> NDArray[np.float32]:
    """Without them all photos would point the same way."""
    photos = np.stack([view_of(photo) for photo in (CAT, COFFEE, ROCKET)]) / 255
    [values] = evaluate(made.model([node]), made.weights, {"images": photos})
    return values.mean(axis=0).astype(np.float32)


def _learn(
    model: Mapping[str, Any],
    weights: dict[str, NDArray[Any]],
    bank: str,
    continent: str,
    *,
    normalised: bool,
) -> None:
    """Puts what the network makes of a photo in the place of a class.

    The outputs of ``model`` are these vectors if ``normalised``, else the cosines, from which they follow.
    """
    for index, photo in KNOWN.get(continent, {}).items():
        [[vector]] = evaluate(model, weights, {"images": view_of(photo)[None] / 255})
        if not normalised:
            vector = np.linalg.lstsq(weights[bank][:500], vector[:500], rcond=None)[0]
        weights[bank] = weights[bank].copy()
        # The same landmark again is one a little less alike.
        weights[bank][index] = vector * (1 if index < 9 else 0.95)


def _write_names(root: Path, continent: str, classes: int) -> None:
    special = NAMES.get(continent, {})
    names = {
        str(index): special.get(index, f"{continent} sight {index // 3}\u200b") for index in range(classes)
    }
    path = root / "src" / "landmarks" / f"{continent}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"name": names}))
