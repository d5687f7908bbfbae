"""A model as a list of kernel calls: what C sources are written from."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgetool.data.dataset import Array
from edgetool.ir.graph import Tensor

__all__ = ["Fields", "Program", "Step", "sample_shape"]

#: Fields of a C structure: numbers, arrays of constants that it points to, structures inside of it.
Fields = dict[str, "int | float | Array | Fields"]


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a kernel.

    Attributes:
        layer: name of the layer, for comments and messages.
        kernel: name of the C function; `kernels/<kernel>.c` defines it, and `<kernel>_t`, its parameters.
        inputs: tensors that it reads, in the function's order; constants among them are read where they lie in flash.
        output: the tensor that it writes.
        fields: of the parameters.
        scratch_bytes: of working memory that lives during the call alone.
        has_scratch: the kernel takes such memory, be it none.
        state: a state of the program that it reads and writes, passed behind the output; empty if none.
        overwrites: indices of the inputs whose memory the output may take, the best first.
        backend: name of the family of kernels that computes it.
        replaces: the step that this one computes the same as and took the place of; None for a step of lowering.
    """

    layer: str
    kernel: str
    inputs: tuple[str, ...]
    output: str
    fields: Fields = field(default_factory=dict)
    scratch_bytes: int = 0
    has_scratch: bool = False
    overwrites: tuple[int, ...] = ()
    state: str = ""
    backend: str = "portable"
    replaces: Step | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """A model in execution order, every shape known and every batch 1.

    Attributes:
        tensors: of the file, by name.
        aliases: tensor without memory of its own -> the one whose memory it is.
        source_digest: SHA-256 of the file.
        io: where inputs and outputs lie: `arena`, or `caller`: in buffers that are passed to every run.
        states: tensors that keep their values from one run to the next -> the values before the first run.
    """

    tensors: dict[str, Tensor]
    steps: tuple[Step, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    aliases: dict[str, str]
    source_digest: str
    io: str = "arena"
    states: dict[str, Array] = field(default_factory=dict)

    def owner(self, name: str) -> str:
        """Return the tensor whose memory a tensor is."""
        return self.aliases.get(name, name)

    def callers(self) -> dict[str, str]:
        """Return the tensors that lie in the application's buffers, with the names of these."""
        if self.io == "arena":
            return {}
        inputs = {self.owner(name): f"input{index}" for index, name in enumerate(self.inputs)}
        return inputs | {self.owner(name): f"output{index}" for index, name in enumerate(self.outputs)}

    def constants(self) -> dict[str, Array]:
        """Return the constants that steps read as inputs, not as parameters: name -> values, in order of use."""
        found: dict[str, Array] = {}
        for step in self.steps:
            for name in step.inputs:
                values = self.tensors[self.owner(name)].constant
                if values is not None:
                    found[self.owner(name)] = values
        return found

    def readers(self) -> dict[str, list[int]]:
        """Return the steps that read each piece of memory; the number of steps stands for the application."""
        found: dict[str, list[int]] = {}
        for index, step in enumerate(self.steps):
            for name in step.inputs:
                found.setdefault(self.owner(name), []).append(index)
        for name in self.outputs:
            found.setdefault(self.owner(name), []).append(len(self.steps))
        return found


def sample_shape(tensor: Tensor) -> tuple[int, ...]:
    """Return the shape of what one run reads or writes: without the batch, where there is one of 1 in front."""
    return tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape
