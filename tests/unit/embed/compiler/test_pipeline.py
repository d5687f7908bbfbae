"""The one ordered list of passes: what it holds of a program, and how damage is reported."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetool.embed.compiler import pipeline
from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import for_target, lower_file, lower_graph
from edgetool.errors import FileFormatError, UsageError
from edgetool.ir.graph import Graph

GOLDEN = Path(__file__).parents[3] / "golden" / "models"


def test_passes_run_in_the_order_of_the_lists(
    conv_graph: Callable[..., Graph], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def noted(name: str) -> Callable[..., object]:
        def run(model: object, _: Context) -> object:
            ran.append(name)
            return model

        return run

    monkeypatch.setattr(pipeline, "GRAPH_PASSES", (*pipeline.GRAPH_PASSES, noted("graph")))
    monkeypatch.setattr(pipeline, "PROGRAM_PASSES", (noted("first"), noted("second")))
    monkeypatch.setattr(pipeline, "TARGET_PASSES", (noted("target"),))
    for_target(lower_graph(conv_graph(), Context()), Context())
    assert ran == ["graph", "first", "second", "target"]


def test_every_pass_has_one_place() -> None:
    for passes in (pipeline.GRAPH_PASSES, pipeline.PROGRAM_PASSES, pipeline.TARGET_PASSES):
        assert len(passes) == len(set(passes))


def test_a_graph_is_left_as_it_is(residual_graph: Graph) -> None:
    before = dataclasses.replace(residual_graph)
    first = lower_graph(residual_graph, Context(digest="d"))
    assert residual_graph == before
    second = lower_graph(residual_graph, Context(digest="d"))
    assert [step.kernel for step in first.steps] == [step.kernel for step in second.steps]


def test_a_program_for_a_target_knows_what_its_kernels_took_the_place_of(residual_graph: Graph) -> None:
    program = lower_graph(residual_graph, Context(digest="d"))
    fast = for_target(program, Context(isa="armv8.1-m.main"))
    replaced = [step.replaces.kernel if step.replaces else "" for step in fast.steps]
    assert replaced == ["pointwise_conv_s8", "pointwise_add_s8", ""]
    assert all(step.replaces is None for step in program.steps)


def test_options_that_contradict_the_tensors_are_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Graph:
        raise ZeroDivisionError("a stride of 0")

    monkeypatch.setattr(pipeline, "GRAPH_PASSES", (fail,))
    with pytest.raises(FileFormatError, match="do not fit its tensors"):
        lower_file(GOLDEN / "tiny_int8.tflite")


def test_words_of_the_command_line_are_checked(residual_graph: Graph) -> None:
    with pytest.raises(UsageError, match="io nowhere"):
        lower_graph(residual_graph, Context(io="nowhere"))
    with pytest.raises(UsageError, match="pack sometimes"):
        for_target(lower_graph(residual_graph, Context()), Context(pack="sometimes"))


def test_a_graph_in_memory_keeps_its_tables_empty(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    tanh = dataclasses.replace(graph.ops[0], kind="TANH", name="z", inputs=("y",), outputs=("z",))
    tensors = {**graph.tensors, "z": dataclasses.replace(graph.tensors["y"], name="z")}
    graph = dataclasses.replace(graph, tensors=tensors, ops=(*graph.ops, tanh), outputs=("z",))
    table = lower_graph(graph, Context()).steps[1]
    assert table.kernel == "table_s8" and np.size(table.fields["table"]) == 0
