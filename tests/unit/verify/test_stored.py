"""What a file stores against what its recipe asked for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.errors import ExportError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor
from edgetool.passes.base import QuantizationScheme
from edgetool.verify.stored import count_stored, require_changed, share_note

FLOAT16 = QuantizationScheme.of("float16")
DYNAMIC = QuantizationScheme.of("dynamic")
STATIC = QuantizationScheme.of("static", "int8")


def graph(*tensors: Tensor, ops: tuple[Op, ...]) -> Graph:
    return Graph("tflite", {tensor.name: tensor for tensor in tensors}, ops, ("x",), ("y",))


def constant(name: str, dtype: str, num: int) -> Tensor:
    return Tensor(name, (num,), dtype, None, np.ones(num, dtype))


def dense(dtype: str, *, bias: str = "float32") -> Graph:
    op = Op("FULLY_CONNECTED", "y", ("x", "k", "b"), ("y",))
    return graph(constant("k", dtype, 320), constant("b", bias, 4), ops=(op,))


@pytest.mark.parametrize(("scheme", "dtype"), [(FLOAT16, "float16"), (DYNAMIC, "int8"), (STATIC, "int8")])
def test_a_file_in_which_the_weights_changed_is_taken(scheme: QuantizationScheme, dtype: str) -> None:
    require_changed(dense(dtype), scheme, "a.tflite")


@pytest.mark.parametrize("scheme", [FLOAT16, DYNAMIC, STATIC])
def test_a_file_in_which_nothing_changed_is_refused_with_the_reason(scheme: QuantizationScheme) -> None:
    with pytest.raises(ExportError) as caught:
        require_changed(dense("float32"), scheme, "a.tflite")
    assert "the recipe changed nothing" in caught.value.found
    assert "k with 320 values" in caught.value.found


@pytest.mark.parametrize(("scheme", "recipe"), [(FLOAT16, "float16"), (DYNAMIC, "w8_dynamic"), (STATIC, "w8a8_static")])
def test_advice_is_not_the_recipe_that_changed_nothing(scheme: QuantizationScheme, recipe: str) -> None:
    with pytest.raises(ExportError) as caught:
        require_changed(dense("float32"), scheme, "a.tflite")
    assert "float32" in caught.value.next_step and recipe not in caught.value.next_step


def test_kernels_too_small_for_dynamic_files_are_the_reason_that_is_told() -> None:
    with pytest.raises(ExportError, match="320 values, and kernels of fewer than 1,024 stay float32"):
        require_changed(dense("float32"), DYNAMIC, "a.tflite")


def test_a_model_without_weights_says_so() -> None:
    with pytest.raises(ExportError, match="the model has no weights"):
        require_changed(graph(ops=(Op("RELU", "y", ("x",), ("y",)),)), DYNAMIC, "a.tflite")


def test_scales_of_a_kernel_are_no_weights() -> None:
    ops = (
        Op("DynamicQuantizeLinear", "q", ("x",), ("xi", "xs", "xz")),
        Op("MatMulInteger", "p", ("xi", "k", "xz"), ("sum",)),
        Op("Mul", "s", ("xs", "ks"), ("scales",)),
        Op("Mul", "y", ("sum", "scales"), ("y",)),
    )
    product = graph(constant("k", "int8", 40), constant("ks", "float32", 20), ops=ops)
    assert count_stored(product).floats == 0 and share_note(product, DYNAMIC) == ()


def test_float32_asks_for_nothing() -> None:
    require_changed(dense("float32"), QuantizationScheme(), "a.tflite")


def test_integer_activations_are_enough_for_a_model_without_weights() -> None:
    quantized = Tensor("y", (1, 4), "int8", Quantization((0.5,), (0,)))
    require_changed(graph(quantized, ops=(Op("RELU", "y", ("x",), ("y",)),)), STATIC, "a.tflite")


def test_zero_points_are_no_weights() -> None:
    pair = Op("DequantizeLinear", "d", ("k", "s", "z"), ("d",))
    found = count_stored(
        graph(constant("k", "float32", 8), constant("s", "float32", 2), constant("z", "int8", 2), ops=(pair,))
    )
    assert (found.integers, found.floats) == (0, 8)
    assert not found.is_integer


def test_the_share_that_stayed_float_is_told_where_it_is_large() -> None:
    op = Op("ADD", "y", ("x", "k", "t"), ("y",))
    half = graph(constant("k", "int8", 100), constant("t", "float32", 100), ops=(op,))
    (note,) = share_note(half, DYNAMIC)
    assert note.startswith("50% of the weights are float32 all the same, the largest in t")
    assert share_note(dense("int8"), DYNAMIC) == ()
    assert share_note(half, QuantizationScheme()) == ()


def test_weights_inside_a_loop_count() -> None:
    outer = graph(constant("c", "float32", 4), ops=(Op("WHILE", "y", ("x", "c"), ("y",)),))
    with pytest.raises(ExportError):
        require_changed(dataclasses.replace(outer, subgraphs=(dense("float32"),)), DYNAMIC, "a.tflite")
    looped = dataclasses.replace(outer, subgraphs=(graph(ops=()), dense("int8")))
    require_changed(looped, DYNAMIC, "a.tflite")
    assert count_stored(looped).integers == 320 and count_stored(looped).floats == 8
