"""Names of layers of models that were nested; the graph itself is read in tests/integration."""

from __future__ import annotations

from edgetool.importers.keras3_graph import unique_names


def test_every_layer_has_a_name_of_its_own() -> None:
    pairs = [(1, "dense", ""), (2, "image", ""), (3, "dense", "left"), (4, "dense", "left"), (5, "conv", "left")]
    assert unique_names(pairs, {"image"}) == {
        1: "dense",
        2: "image_1",
        3: "left_dense",
        4: "left_dense_1",
        5: "conv",
    }


def test_a_layer_that_is_called_twice_has_one_name() -> None:
    assert unique_names([(1, "dense", ""), (1, "dense", "")], set()) == {1: "dense"}
