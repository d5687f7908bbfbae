"""Operators that move elements: where from and where to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.embed.ops.copies import lower_copies
from edgetool.embed.program import Step
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor


def _steps(
    kind: str, source: Array, *shapes: tuple[int, ...], constants: tuple[Array, ...] = (), **attributes: Any
) -> list[Step]:
    tensors = {"x": Tensor("x", source.shape, "float32")}
    tensors |= {f"c{i}": Tensor(f"c{i}", c.shape, str(c.dtype), None, c) for i, c in enumerate(constants)}
    tensors |= {f"y{i}": Tensor(f"y{i}", shape, "float32") for i, shape in enumerate(shapes)}
    inputs = ("x", *(f"c{i}" for i in range(len(constants))))
    op = Op(kind, "y0", inputs, tuple(f"y{i}" for i in range(len(shapes))), attributes)
    return lower_copies(op, Graph("tflite", tensors, (op,), ("x",), ("y0",)))


def _run(steps: list[Step], source: Array, *shapes: tuple[int, ...]) -> list[Array]:
    """Do what the kernels do, element by element."""
    results = {f"y{i}": np.full(shape, np.nan) for i, shape in enumerate(shapes)}
    for step in steps:
        out = results[step.output].reshape(-1)
        if step.kernel.startswith("fill_"):
            out[:] = step.fields["value"]
            continue
        for index in np.ndindex(*(int(str(step.fields[f"n{axis}"])) for axis in range(5))):
            at = {
                end: int(str(step.fields[end]))
                + sum(i * int(str(step.fields[f"{end}{a}"])) for a, i in enumerate(index))
                for end in ("from", "to")
            }
            out[at["to"]] = source.reshape(-1)[at["from"]]
    return list(results.values())


SOURCE = np.arange(2 * 5 * 6, dtype=np.float32).reshape(2, 5, 6)


def test_transposing() -> None:
    order = np.array([2, 0, 1], np.int32)
    (found,) = _run(_steps("TRANSPOSE", SOURCE, (6, 2, 5), constants=(order,)), SOURCE, (6, 2, 5))
    np.testing.assert_array_equal(found, SOURCE.transpose(2, 0, 1))


def test_slices_with_steps_masks_and_negative_ends() -> None:
    places = tuple(np.array(values, np.int32) for values in ([1, 4, -1], [9, 0, 9], [1, -2, 1]))
    steps = _steps("STRIDED_SLICE", SOURCE, (2, 2), constants=places, begin_mask=1, shrink_axis_mask=4)
    np.testing.assert_array_equal(_run(steps, SOURCE, (2, 2))[0], SOURCE[:9, 4:0:-2, -1])


def test_padding_is_filled_first() -> None:
    steps = _steps("PAD", SOURCE, (2, 7, 9), constants=(np.array([[0, 0], [1, 1], [2, 1]], np.int32),))
    assert [step.kernel for step in steps] == ["fill_f32", "copy_f32"]
    np.testing.assert_array_equal(_run(steps, SOURCE, (2, 7, 9))[0], np.pad(SOURCE, ((0, 0), (1, 1), (2, 1))))


def test_splitting_and_unpacking() -> None:
    sizes, axis = np.array([1, 4], np.int32), np.array(1, np.int32)
    shapes = ((2, 1, 6), (2, 4, 6))
    first, second = _run(_steps("SPLIT_V", SOURCE, *shapes, constants=(sizes, axis)), SOURCE, *shapes)
    np.testing.assert_array_equal(np.concatenate([first, second], 1), SOURCE)
    rows = _run(_steps("UNPACK", SOURCE, (5, 6), (5, 6), axis=0), SOURCE, (5, 6), (5, 6))
    np.testing.assert_array_equal(np.stack(rows), SOURCE)


def test_parts_that_do_not_fill_the_axis_are_refused() -> None:
    sizes, axis = np.array([1, 3], np.int32), np.array(1, np.int32)
    with pytest.raises(UnsupportedModelError, match="4 along axis 1"):
        _steps("SPLIT_V", SOURCE, (2, 1, 6), (2, 3, 6), constants=(sizes, axis))


def test_joining_of_several_scales_is_refused() -> None:
    from edgetool.ir.graph import Quantization

    tensors = {
        "x": Tensor("x", (1, 2), "int8", Quantization((0.5,), (0,))),
        "y": Tensor("y", (1, 4), "int8", Quantization((0.25,), (0,))),
    }
    op = Op("CONCATENATION", "y", ("x", "x"), ("y",), {"axis": 1})
    with pytest.raises(UnsupportedModelError, match="another scale"):
        lower_copies(op, Graph("tflite", tensors, (op,), ("x",), ("y",)))


def test_blocks_of_pixels_become_channels_and_come_back() -> None:
    image = np.arange(4 * 6 * 3, dtype=np.float32).reshape(1, 4, 6, 3)
    deep = image.reshape(1, 2, 2, 3, 2, 3).transpose(0, 1, 3, 2, 4, 5).reshape(1, 2, 3, 12)
    steps = _steps("SPACE_TO_DEPTH", image, deep.shape, block_size=2)
    np.testing.assert_array_equal(_run(steps, image, deep.shape)[0], deep)
    steps = _steps("DEPTH_TO_SPACE", deep, image.shape, block_size=2)
    np.testing.assert_array_equal(_run(steps, deep, image.shape)[0], image)


@pytest.mark.parametrize(("mode", "name"), [(0, "reflect"), (1, "symmetric")])
def test_mirrored_padding(mode: int, name: Any) -> None:
    pads = np.array([[0, 0], [2, 1], [0, 3]], np.int32)
    expected = np.pad(SOURCE, pads.tolist(), name)
    steps = _steps("MIRROR_PAD", SOURCE, expected.shape, constants=(pads,), mode=mode)
    assert len(steps) == 6
    np.testing.assert_array_equal(_run(steps, SOURCE, expected.shape)[0], expected)


def test_repeating_whole_axes() -> None:
    expected = np.tile(SOURCE, (1, 2, 3))
    steps = _steps("TILE", SOURCE, expected.shape, constants=(np.array([1, 2, 3], np.int32),))
    np.testing.assert_array_equal(_run(steps, SOURCE, expected.shape)[0], expected)
