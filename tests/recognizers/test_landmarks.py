"""What becomes of the answers of six classifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognize_cli.errors import EngineError
from recognize_cli.models.landmark_names import NAMELESS
from recognize_cli.recognizers.landmarks import (
    ASKED_BY,
    TOP,
    Classifiers,
    Continent,
    LandmarksRecognizer,
)
from recognize_cli.records import Batch, Decoded, Kind
from recognize_cli.resources import shipped
from recognize_cli.rules import by_class, load_rules
from tests.support.records import media_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class Fixed:
    """A session whose scores are always the same, plus a hundredth of the first pixel."""

    inputs = ("pixels",)
    outputs = ("scores",)

    def __init__(self, *scores: float) -> None:
        self.scores = np.array([scores], np.float32)
        self.shapes: list[tuple[int, ...]] = []
        self.closed = 0

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        pixels = feeds["pixels"]
        assert pixels.dtype == np.uint8
        self.shapes.append(pixels.shape)
        return {"scores": self.scores + np.float32(pixels[0, 0, 0, 0] / 100)}

    def close(self) -> None:
        self.closed += 1


def made(*continents: tuple[Fixed, Sequence[int]], names: Sequence[str] = "abcdefghijklmnopqrst") -> Any:
    classifiers = Classifiers(
        names, [Continent(session, np.array(numbers, np.int32)) for session, numbers in continents]
    )
    recognizer = LandmarksRecognizer(lambda: classifiers, model="m")
    recognizer.load()
    return recognizer


def photo(value: int = 0, shape: tuple[int, int] = (40, 60)) -> Decoded:
    return Decoded(media_file(), {None: np.full((*shape, 3), value, np.uint8)})


def tops(recognizer: LandmarksRecognizer, *photos: Decoded) -> list[list[tuple[str, float]]]:
    results = recognizer.run(Batch("landmarks", photos))
    assert {each.model for each in results} == {recognizer.fingerprint}
    return [[(top.name, pytest.approx(top.score)) for top in each.top] for each in results]


def test_the_best_of_all_continents_come_first() -> None:
    recognizer = made((Fixed(0.1, 0.9), (0, 1)), (Fixed(0.95, 0.5, 0.2), (2, 3, 4)))
    assert tops(recognizer, photo()) == [[("c", 0.95), ("b", 0.9), ("d", 0.5), ("e", 0.2), ("a", 0.1)]]


def test_a_name_counts_once_with_its_best_score() -> None:
    recognizer = made((Fixed(0.3, 0.8, 0.5), (0, 0, 1)), (Fixed(0.7, 0.6), (0, 1)))
    assert tops(recognizer, photo()) == [[("a", 0.8), ("b", 0.6)]]


def test_a_class_without_a_name_is_left_out() -> None:
    recognizer = made((Fixed(0.9, 0.8), (NAMELESS, 1)))
    assert tops(recognizer, photo()) == [[("b", 0.8)]]


def test_no_more_than_the_best_are_kept() -> None:
    many = np.linspace(0, 0.9, 20).tolist()
    [top] = tops(made((Fixed(*many), range(20))), photo())
    assert len(top) == TOP
    assert [name for name, _ in top] == list("tsrqponmlk")


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 9, 10, 11, 2815, 2816, 2900, 19_293, 99_424]),
    st.booleans(),
)
def test_the_best_of_many_classes_are_those_that_sorting_finds(seed: int, classes: int, coarse: bool) -> None:
    scores = np.random.default_rng(seed).uniform(size=classes)
    scores = np.round(scores, 2) if coarse else scores  # many are equal
    expected = np.sort(scores.astype(np.float32))[::-1][:TOP]
    recognizer = made((Fixed(*scores), range(classes)), names=[str(number) for number in range(classes)])
    [top] = recognizer.run(Batch("landmarks", (photo(),)))
    assert [each.score for each in top.top] == expected.tolist()
    assert all(np.float32(scores[int(each.name)]) == each.score for each in top.top)


def test_cosines_beyond_the_range_of_probabilities_are_put_at_its_ends() -> None:
    recognizer = made((Fixed(1.000001, -0.5), (0, 1)))
    assert tops(recognizer, photo()) == [[("a", 1.0), ("b", 0.0)]]


def test_equal_scores_always_come_in_the_same_order() -> None:
    recognizer = made((Fixed(0.5, 0.5, 0.5), (2, 0, 1)))
    assert [name for name, _ in tops(recognizer, photo())[0]] == ["a", "b", "c"]


def test_each_photo_of_a_batch_is_squeezed_into_a_square_of_its_own() -> None:
    first, second = Fixed(0.1), Fixed(0.2)
    recognizer = made((first, (0,)), (second, (1,)))
    assert tops(recognizer, photo(3), photo(50, (7, 900))) == [
        [("b", 0.23), ("a", 0.13)],
        [("b", 0.7), ("a", 0.6)],
    ]
    assert first.shapes == second.shapes == [(1, 321, 321, 3)] * 2


def test_a_view_that_came_from_the_decoder_is_taken_as_it_is() -> None:
    view = LandmarksRecognizer.view
    pixels = np.zeros((321, 321, 3), np.uint8)
    recognizer = made((Fixed(0.1), (0,)))
    decoded = Decoded(media_file(), {view: pixels + 10, None: np.zeros((5, 5, 3), np.uint8)})
    assert tops(recognizer, decoded) == [[("a", 0.2)]]


def test_numbers_that_are_none_are_an_error_of_the_engine() -> None:
    with pytest.raises(EngineError, match="landmarks"):
        tops(made((Fixed(0.1, float("nan")), (0, 1))), photo())


def test_a_file_without_a_picture_is_an_error_of_the_engine() -> None:
    with pytest.raises(EngineError, match=r"no picture of a\.jpg"):
        tops(made((Fixed(0.1), (0,))), Decoded(media_file(), {}))


def test_it_reads_photos_and_its_fingerprint_is_the_models_and_its_own() -> None:
    recognizer = made((Fixed(0.1), (0,)))
    assert (recognizer.name, recognizer.kinds) == ("landmarks", {Kind.IMAGE})
    assert recognizer.fingerprint.startswith("m.")


def test_closing_closes_all_sessions() -> None:
    sessions = Fixed(0.1), Fixed(0.2)
    recognizer = made(*((session, (0,)) for session in sessions))
    recognizer.close()
    recognizer.close()
    assert [session.closed for session in sessions] == [1, 1]


SIGHTS = (
    "castle", "church", "mosque", "palace", "monastery", "stupa", "obelisk", "megalith", "triumphal arch",
    "dome", "steel arch bridge", "suspension bridge", "viaduct", "dam", "fountain", "beacon", "bell cote",
    "water tower",
)  # fmt: skip


@pytest.mark.parametrize("name", SIGHTS)
def test_what_may_be_a_landmark_asks_for_a_look(name: str) -> None:
    rule = load_rules(shipped("rules.yml")).find("objects", name)
    assert rule is not None
    assert ASKED_BY & set(rule.tags)


def test_two_tags_alone_ask_as_often_as_all() -> None:
    rules = [set(rule.tags) for _, rule in by_class(load_rules(shipped("rules.yml")))]
    asking = [tags for tags in rules if tags & ASKED_BY]
    assert len(asking) == 31
    assert all(tags & {"Architecture", "Building"} for tags in asking)


@pytest.mark.parametrize("name", ["alp", "seashore", "volcano", "tabby", "pizza", "street sign"])
def test_landscapes_animals_and_food_do_not_ask(name: str) -> None:
    rule = load_rules(shipped("rules.yml")).find("objects", name)
    assert rule is not None
    assert not ASKED_BY & set(rule.tags)
