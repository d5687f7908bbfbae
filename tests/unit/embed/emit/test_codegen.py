"""The C that is written."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.embed.emit.codegen import (
    kernel_sources,
    model_header,
    model_source,
    num_constant_bytes,
    values,
    weights_source,
)
from edgetool.embed.memory.arena import plan_arena
from edgetool.ir.graph import Graph


def test_kernels_come_once_and_after_what_they_need() -> None:
    text = "\n".join(kernel_sources(["fully_connected_s8", "pointwise_conv_s8"]))
    for name in ("dot_s8", "clamp_s8", "rescale_once", "rescale_twice", "pointwise_conv_s8", "fully_connected_s8"):
        assert text.count(f" {name}(") >= 1
        assert len([line for line in text.splitlines() if line.startswith("static") and f" {name}(" in line]) == 1
    assert text.index("static int32_t dot_s8") < text.index("static void fully_connected_s8")
    assert "softmax" not in text and "needs:" not in text


def test_header_and_code_agree_on_names_and_sizes(conv_graph: Callable[..., Graph]) -> None:
    program = lower_graph(conv_graph(), Context(digest="0123"))
    arena = plan_arena(program)
    header, code = (write(program, arena, name="net") for write in (model_header, model_source))
    assert f"#define NET_ARENA_BYTES {arena.num_bytes}u" in header and "0123" in header
    assert "net_input0_t *net_input0(void)" in header and "net_input0_t *net_input0(void) {" in code
    assert "void net_run(void);" in header and "NET_INPUT0_ZERO_POINT (-3)" in header
    assert "malloc" not in code and 'include "net.h"' in code


def test_weights_are_written_as_they_are(conv_graph: Callable[..., Graph]) -> None:
    program = lower_graph(conv_graph(), Context(digest="d"))
    text = weights_source(program, name="net")
    weights = program.steps[0].fields["weights"]
    assert isinstance(weights, np.ndarray)
    body = text.split("const int8_t net_0_weights[54] = {")[1].split("}")[0]
    assert [int(value) for value in body.split(",") if value.strip()] == weights.reshape(-1).tolist()
    assert num_constant_bytes(program) == 54 + 3 * 4 + 3 * 4 + 3


def test_values_read_back() -> None:
    assert values(np.array([0.1], np.float32)) == ["  0.100000001f,"]
    assert values(np.array([0.1, 1e-9], np.float64)) == ["  0.1,1e-09,"]
    assert values(np.array([-(2**31)], np.int32)) == ["  (-2147483647 - 1),"]
    assert len(values(np.zeros(50, np.int8))) == 3


def test_parameters_stand_in_the_order_of_their_declaration(conv_graph: Callable[..., Graph]) -> None:
    program = lower_graph(conv_graph(), Context(digest="d"))
    code = model_source(program, plan_arena(program), name="net")
    fields = code.split("step_0 = {")[1].split("};")[0]
    names = [part.split(" */")[0].strip() for part in fields.split("/*")[1:]]
    assert names[:5] == ["weights", "biases", "multipliers", "shifts", "in_h"] and names[-1] == "high"
    assert set(names) == set(program.steps[0].fields)
