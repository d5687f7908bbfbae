"""The bound of TFLite Micro's arena lies above what TFLM takes, and not far."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetool.embed.bundles.tflm_arena import plan_tflm_arena
from edgetool.ir.graph import Graph, Op
from edgetool.ir.tflite import read_tflite

GOLDEN = Path(__file__).parents[3] / "golden" / "models"

#: Least arena that tflite-micro 0.dev20261023182759 (x86-64, reference kernels) ran the model in, to within 16 bytes.
MEASURED = {
    "tiny_int8": 2_256,
    "tiny_float32": 2_048,
    "autoencoder_toycar_float32": 6_224,
    "autoencoder_toycar_int8": 4_640,
    "dscnn_kws_int8": 24_272,
    "resnet8_cifar10_float32": 203_376,
    "resnet8_cifar10_int8": 55_984,
}

#: Arena with data and bss on a Cortex-M55, TFLM at 90b983c with CMSIS-NN, of which arena is the most.
CMSIS_NN = {"autoencoder_toycar_int8": 9_540, "dscnn_kws_int8": 27_900, "resnet8_cifar10_int8": 55_580}


@pytest.mark.parametrize("name", MEASURED)
def test_the_bound_holds_and_is_near(name: str, request: pytest.FixtureRequest) -> None:
    folder = GOLDEN if name.startswith("tiny") else request.getfixturevalue("shared_models")
    found = plan_tflm_arena(read_tflite(folder / f"{name}.tflite"))
    least = max(MEASURED[name], CMSIS_NN.get(name, 0))
    assert least <= found.num_bytes <= 1.3 * least + 512
    assert found.num_bytes % 16 == 0


def test_a_change_of_shape_takes_memory_of_its_own(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    before = plan_tflm_arena(graph).planned_bytes
    flat = dataclasses.replace(graph.tensors["x"], name="flat", shape=(1, 32))
    op = Op("RESHAPE", "flat", ("x",), ("flat",))
    more = dataclasses.replace(
        graph, tensors={**graph.tensors, "flat": flat}, ops=(op, *graph.ops), outputs=("y", "flat")
    )
    assert plan_tflm_arena(more).planned_bytes == before + 32


def test_states_live_from_run_to_run(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    state = dataclasses.replace(graph.tensors["x"], name="state", shape=(1, 4096))
    op = Op("ADD", "y", ("y", "state"), ("y",))
    more = dataclasses.replace(graph, tensors={**graph.tensors, "state": state}, ops=(*graph.ops, op))
    assert plan_tflm_arena(more).planned_bytes >= plan_tflm_arena(graph).planned_bytes + 4096


def test_tables_of_an_int16_softmax_count(residual_graph: Graph) -> None:
    before = plan_tflm_arena(residual_graph)
    wide = dataclasses.replace(residual_graph.tensors["sum"], dtype="int16")
    after = plan_tflm_arena(dataclasses.replace(residual_graph, tensors={**residual_graph.tensors, "sum": wide}))
    assert abs(after.overhead_bytes - before.overhead_bytes - 2052) < 16
