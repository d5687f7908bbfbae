"""The pass that exchanges kernels: by instruction set, and with what they took the place of."""

from __future__ import annotations

import pytest

from edgetool.embed.backends.specialise import specialise
from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.ir.graph import Graph


@pytest.mark.parametrize(
    ("isa", "backends"),
    [
        ("", ["portable"] * 3),
        ("armv7-m", ["portable"] * 3),
        ("armv8.1-m.main", ["mve", "mve", "portable"]),
        ("native", ["simd", "simd", "portable"]),
    ],
)
def test_steps_know_whose_kernel_they_call(residual_graph: Graph, isa: str, backends: list[str]) -> None:
    program = specialise(lower_graph(residual_graph, Context()), Context(isa=isa))
    assert [step.backend for step in program.steps] == backends
    assert all((step.replaces is None) == (step.backend == "portable") for step in program.steps)
