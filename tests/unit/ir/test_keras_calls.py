"""References between layers, as Keras 2 and Keras 3 write them."""

from __future__ import annotations

from edgetool.ir.keras_calls import calls_of, endpoints, layer_name, reversed_calls

TENSOR = {"class_name": "__keras_tensor__", "config": {"shape": [None, 4], "keras_history": ["dense", 1, 0]}}


def test_keras_2_writes_a_list_for_each_input_of_a_call() -> None:
    nodes = [[["a", 0, 0, {}], ["b", 2, 0, {"other": ["c", 1, 0]}]], [["a", 1, 0, {}]]]
    assert calls_of(nodes) == [[("a", 0), ("b", 2), ("c", 1)], [("a", 1)]]


def test_keras_3_writes_tensors_with_their_history_and_masks_are_no_inputs() -> None:
    node = {"args": [TENSOR], "kwargs": {"mask": TENSOR, "value": TENSOR}}
    assert calls_of([node]) == [[("dense", 1), ("dense", 1)]]
    assert calls_of(None) == [] and calls_of("damaged") == []


def test_an_embedding_says_which_of_its_calls_is_reversed() -> None:
    assert reversed_calls([{"kwargs": {}}, {"kwargs": {"reverse": True}}]) == {1}
    assert reversed_calls([[["a", 0, 0, {"reverse": True}]]]) == {0}
    assert reversed_calls(None) == set()


def test_endpoints_are_one_reference_or_many() -> None:
    assert endpoints(["a", 0, 0]) == [("a", 0)]
    assert endpoints([["a", 0, 0], ["b", 1, 0]]) == [("a", 0), ("b", 1)]
    assert endpoints({"first": ["a", 0, 0]}) == [("a", 0)]
    assert endpoints(None) == []


def test_a_name_is_text_that_can_be_written() -> None:
    assert layer_name("\udcff") == "?" and len(layer_name("x" * 600)) == 512
