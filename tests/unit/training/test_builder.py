"""A zoo model, or a user's `module:build` from the current folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgetool.data.preprocess import Preprocessing
from edgetool.errors import ManifestError, MissingFileError, ModelCardError, UnsupportedModelError, UsageError
from edgetool.options.commands import ModelOptions
from edgetool.training.builder import build_model, card_of, recorded_card


class Model:
    def __init__(self, inputs: Any = (1,), outputs: Any = (1,)) -> None:
        self.inputs, self.outputs = inputs, outputs


KERAS = SimpleNamespace(Model=Model)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in ("their_models", "their_broken_models"):
        sys.modules.pop(name, None)


def test_the_zoos_card_or_one_of_options() -> None:
    assert card_of("document-cnn", ModelOptions()).title == "The document's CNN"
    card = card_of("m:build", ModelOptions(task="regression", scale=0.5, mean="1,2"))
    assert (card.name, card.task, card.metric) == ("m:build", "regression", "")
    assert (card.preprocessing.scale, card.preprocessing.mean) == (0.5, (1.0, 2.0))
    with pytest.raises(ModelCardError, match="did you mean 'document-cnn'"):
        card_of("document_cnn", ModelOptions())
    with pytest.raises(UsageError, match="--scale"):
        card_of("m:build", ModelOptions(scale=0.0))


def test_the_record_beside_a_trained_model_says_what_it_is_for(tmp_path: Path) -> None:
    record = tmp_path / "train.json"
    assert recorded_card(record) is None
    fields: dict[str, Any] = {"model": "m:build", "task": "binary", "metric": "auc", "preprocessing": {"scale": 0.5}}
    record.write_text(json.dumps(fields))
    card = recorded_card(record)
    assert card is not None and (card.name, card.task, card.metric) == ("m:build", "binary", "auc")
    assert card.preprocessing == Preprocessing(scale=0.5)
    record.write_text(json.dumps({"model": "document-cnn"}))
    assert recorded_card(record) == card_of("document-cnn", ModelOptions())
    odd = ({**fields, "preprocessing": 3}, {"model": "xray-cnn", "settings": 3})
    for wrong in ("{", "[]", '{"model": "m:build"}', '{"model": "gone"}', *map(json.dumps, odd)):
        record.write_text(wrong)
        assert recorded_card(record) is None


def test_the_record_says_how_classes_were_weighed_and_labels_smoothed(tmp_path: Path) -> None:
    record = tmp_path / "train.json"
    settings = {"balanced": False, "label_smoothing": 0.1}
    record.write_text(json.dumps({"model": "xray-cnn", "settings": settings}))
    card, as_stated = recorded_card(record), card_of("xray-cnn", ModelOptions())
    assert card is not None and (card.training.balanced, card.training.label_smoothing) == (False, 0.1)
    assert as_stated.training.balanced and card.training.epochs == as_stated.training.epochs


def test_a_builder_of_the_current_folder_is_called_with_keras(here: Path) -> None:
    (here / "their_models.py").write_text("def build(keras):\n    return keras.Model(inputs=(3,))\n")
    assert build_model(card_of("their_models:build", ModelOptions()), KERAS).inputs == (3,)


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ("def other(keras): ...", MissingFileError, "has no attribute 'build'"),
        ("def build(keras):\n    return 1 / 0", UnsupportedModelError, "ZeroDivisionError"),
        ("def build(): ...", UnsupportedModelError, "TypeError"),
        ("build = 3", UnsupportedModelError, "a int, expected a function"),
        ("def build(keras):\n    return 7", UnsupportedModelError, "returned a int"),
        ("def build(keras):\n    return keras.Model(inputs=None)", UnsupportedModelError, "without defined inputs"),
        ("import no_such_module", MissingFileError, "no_such_module"),
        ("1 / 0", UnsupportedModelError, "cannot be imported"),
    ],
)
def test_what_is_no_builder_is_refused(here: Path, body: str, error: type[Exception], message: str) -> None:
    (here / "their_broken_models.py").write_text(f"{body}\n")
    with pytest.raises(error, match=message):
        build_model(card_of("their_broken_models:build", ModelOptions()), KERAS)


def test_a_module_that_is_not_there(here: Path) -> None:
    with pytest.raises(MissingFileError, match="current folder is searched"):
        build_model(card_of("no_such_models:build", ModelOptions()), KERAS)


DAMAGED = ['{"schema_version": 2, "edgetool_version": "0.1.0", "model"', '{"edgetool_version": "1", "a": 1e999}']


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_record_of_edgetool_is_refused_by_name(tmp_path: Path, text: str) -> None:
    """Without it the model would be measured on inputs that are not those of its training, without a word."""
    (tmp_path / "train.json").write_text(text)
    with pytest.raises(ManifestError, match=r"train\.json"):
        recorded_card(tmp_path / "train.json")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"text": "a line"}\n{"text": "another"}\n', "[1, 2]", "\x00"])
def test_a_file_of_that_name_that_is_somebody_elses_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "train.json").write_text(text)
    assert recorded_card(tmp_path / "train.json") is None
