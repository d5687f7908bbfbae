"""Invariants on graphs as exporters store them."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.errors import InvariantError
from edgetool.invariants import NOfM, Nonzero, NumClusters, Sparsity
from edgetool.ir.graph import Graph, Op, Quantization, Tensor
from edgetool.records import InvariantRecord
from edgetool.verify.invariants import check_graph, require_passed


def _graph(
    kernel: np.ndarray,
    kind: str = "FULLY_CONNECTED",
    name: str = "model/dense/MatMul",
    quantization: Quantization | None = None,
) -> Graph:
    tensor = Tensor(name, kernel.shape, kernel.dtype.name, quantization, kernel)
    tensors = {t.name: t for t in (Tensor("x", (1, 4), "float32"), tensor, Tensor("y", (1, 4), "float32"))}
    return Graph("tflite", tensors, (Op(kind, "y", ("x", name), ("y",)),), ("x",), ("y",))


def _only(records: tuple[InvariantRecord, ...], kind: str) -> InvariantRecord:
    found = [record for record in records if record.kind == kind]
    assert len(found) == 1
    return found[0]


def test_sparsity_counts_integers_minus_the_zero_point() -> None:
    kernel = np.full((4, 8), 3, np.uint8)
    kernel[0, :4] = 7
    graph = _graph(kernel, quantization=Quantization((0.1,), (3,)))
    record = _only(check_graph(graph, [Sparsity("dense", 0.8, (8, 4))], {}), "sparsity")
    assert record.passed
    assert record.found == pytest.approx(28 / 32)
    assert (record.layer, record.tensor) == ("dense", "model/dense/MatMul")


def test_lost_zeros_fail_with_the_layers_name() -> None:
    kernel = np.arange(32, dtype=np.int8).reshape(4, 8)
    records = check_graph(_graph(kernel), [Sparsity("dense", 0.8, (8, 4))], {})
    assert not _only(records, "sparsity").passed
    with pytest.raises(InvariantError, match=r"prune\.tflite: layer 'dense': 3\.1% zeros .*at least 80\.0% zeros"):
        require_passed(records, "prune.tflite")


def test_clusters_are_counted_in_stored_values() -> None:
    kernel = np.array([[1, -2, 5, 5], [1, 1, -2, 5]], np.int8)
    few = check_graph(_graph(kernel), [NumClusters("dense", 3, (4, 2))], {})
    assert _only(few, "num_clusters").passed
    many = check_graph(_graph(kernel), [NumClusters("dense", 2, (4, 2))], {})
    assert _only(many, "num_clusters").found == 3
    assert not _only(many, "num_clusters").passed


def test_two_of_four_is_counted_along_the_input_axis() -> None:
    stored = np.array([[1, 2, 0, 0, 0, 0, 3, 4]], np.int8)  # [out, in], as TFLite stores it
    invariant = NOfM("dense", 2, 4, (8, 1))
    assert _only(check_graph(_graph(stored), [invariant], {}), "n_of_m").passed
    dense = np.array([[1, 2, 3, 0, 0, 0, 3, 4]], np.int8)
    records = check_graph(_graph(dense), [invariant], {})
    assert _only(records, "n_of_m").found == 3
    with pytest.raises(InvariantError, match="at most 2 non-zero values in each 4"):
        require_passed(records, "x")


def test_every_kernel_is_checked_for_only_zeros_even_if_nothing_was_asked() -> None:
    records = check_graph(_graph(np.zeros((4, 8), np.float32)), (), {"conv1": "model/dense/MatMul"})
    assert len(records) == 1
    assert not records[0].passed
    with pytest.raises(InvariantError, match="layer 'conv1': only zeros"):
        require_passed(records, "x")
    sound = check_graph(_graph(np.eye(4, dtype=np.float32)), (), {})
    assert [record.passed for record in sound] == [True]
    require_passed(sound, "x")


def test_zeros_behind_a_zero_point_are_zeros() -> None:
    kernel = np.full((2, 2), 128, np.uint8)
    records = check_graph(_graph(kernel, quantization=Quantization((0.1,), (128,))), (), {})
    assert not records[0].passed


def test_what_the_source_has_as_zeros_may_be_zeros() -> None:
    zeros = _graph(np.zeros((4, 4), np.float32))
    hint = {"dense": "model/dense/MatMul"}
    assert check_graph(zeros, (), hint, zero_layers=["dense"]) == ()
    assert not check_graph(zeros, (), hint, zero_layers=["other"])[0].passed
    lost = np.full((4, 4), np.nan, np.float32)
    assert not check_graph(_graph(lost), (), hint, zero_layers=["dense"])[0].passed


def test_nonzero_that_a_pass_asked_for_is_checked_once() -> None:
    records = check_graph(_graph(np.eye(4)), [Nonzero("dense", (4, 4))], {})
    assert len(records) == 1


def test_nan_in_a_kernel_is_no_sound_kernel() -> None:
    kernel = np.eye(4, dtype=np.float32)
    kernel[0, 0] = np.nan
    with pytest.raises(InvariantError, match="NaN"):
        require_passed(check_graph(_graph(kernel), (), {}), "x")


def test_a_kernel_that_is_gone_fails() -> None:
    records = check_graph(_graph(np.eye(4)), [Sparsity("gone", 0.5, (3, 3, 8, 8))], {})
    assert [record.passed for record in records] == [False, True]
    with pytest.raises(InvariantError, match=r"'gone'.*no kernel of its shape"):
        require_passed(records, "x")


def test_the_exporters_hint_decides_between_kernels_of_one_shape() -> None:
    first, second = np.zeros((4, 4), np.int8), np.ones((4, 4), np.int8)
    first[0, 0] = 1
    tensors = {
        "x": Tensor("x", (1, 4), "float32"),
        "a": Tensor("a", (4, 4), "int8", None, first),
        "b": Tensor("b", (4, 4), "int8", None, second),
    }
    ops = (Op("FULLY_CONNECTED", "h", ("x", "a"), ("h",)), Op("FULLY_CONNECTED", "y", ("h", "b"), ("y",)))
    graph = Graph("tflite", tensors, ops, ("x",), ("y",))
    asked = [Sparsity("dense", 0.9, (4, 4))]
    assert _only(check_graph(graph, asked, {"dense": "a"}), "sparsity").passed
    assert not _only(check_graph(graph, asked, {"dense": "b"}), "sparsity").passed


def test_several_broken_layers_are_all_named() -> None:
    records = [InvariantRecord(f"layer{i}", "sparsity", 0.8, 0.1, False, f"t{i}") for i in range(3)]
    with pytest.raises(InvariantError, match=r"2 more broken: layer1 \(sparsity\), layer2 \(sparsity\)"):
        require_passed(records, "x")
