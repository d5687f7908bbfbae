"""Options of preprocessing: what they replace, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from edgetool.data.options import parse_image_size, parse_numbers, preprocessing_from
from edgetool.data.preprocess import Preprocessing
from edgetool.errors import UsageError
from edgetool.options.groups import PreprocessingOptions

CARD = Preprocessing(scale=0.5, mean=(1.0,), std=(2.0,))


def test_without_options_the_card_holds() -> None:
    assert preprocessing_from(CARD, PreprocessingOptions()) == CARD


def test_an_option_replaces_its_part_only() -> None:
    found = preprocessing_from(CARD, PreprocessingOptions(mean="1,2,3", one_hot=True))
    assert found == Preprocessing(scale=0.5, mean=(1.0, 2.0, 3.0), std=(2.0,), one_hot=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 0.0}, "--scale: 0"),
        ({"scale": float("nan")}, "--scale: nan"),
        ({"std": "1,0"}, "--std: 0"),
        ({"mean": "a"}, "--mean: 'a'"),
        ({"mean": ""}, "--mean: ''"),
        ({"std": "1,inf"}, "--std: '1,inf'"),
        ({"dtype": "float23"}, "did you mean 'float32'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        preprocessing_from(CARD, PreprocessingOptions(**options))


def test_image_size() -> None:
    assert parse_image_size(None) is None
    assert parse_image_size("96x128") == (96, 128)
    for text in ("96", "0x4", "axb", "-1x2", "1x2x3"):
        with pytest.raises(UsageError, match="--image-size 96x96"):
            parse_image_size(text)


def test_numbers() -> None:
    assert parse_numbers("--mean", " 1, -2.5") == (1.0, -2.5)
