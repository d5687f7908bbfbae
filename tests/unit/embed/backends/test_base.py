"""What the compiler asks of a backend is all that one must have: a new one is a class."""

from __future__ import annotations

import dataclasses

import pytest

from edgetool.embed.backends import choice
from edgetool.embed.backends.base import Backend, ChannelLimit, LayerLimit
from edgetool.embed.backends.specialise import specialise
from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.ir.graph import Graph


@dataclasses.dataclass(frozen=True)
class Vectors:
    """A family that has one kernel, for softmax."""

    name: str = "vectors"
    isas: tuple[str, ...] = ("rv64gcv",)
    kernels: tuple[str, ...] = ("softmax_s8",)
    layer_limits: tuple[LayerLimit, ...] = ()
    channel_limits: tuple[ChannelLimit, ...] = ()

    def replace(self, step: choice.Step) -> choice.Step:
        return dataclasses.replace(step, kernel="softmax_s8_vectors")


def test_a_backend_is_a_class_and_a_name_in_the_table(residual_graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    backend: Backend = Vectors()
    monkeypatch.setattr(choice, "BACKENDS", (backend, *choice.BACKENDS))
    program = specialise(lower_graph(residual_graph, Context()), Context(isa="rv64gcv"))
    assert [step.backend for step in program.steps] == ["portable", "portable", "vectors"]
    assert program.steps[2].kernel == "softmax_s8_vectors" and program.steps[2].replaces is not None
