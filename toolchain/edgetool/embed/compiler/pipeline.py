"""The compiler's passes, in their order: from a TFLite file to the program that C is written from.

A pass gives a new model and leaves the old one as it is. Read the three lists from top to bottom: they are all that
happens, and each row's comment says why it stands where it does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edgetool.artifact import digest_path
from edgetool.embed.arithmetic.tables import fill_tables
from edgetool.embed.backends.packing.pack import pack_weights
from edgetool.embed.backends.specialise import specialise
from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.detections import with_detections
from edgetool.embed.compiler.lower import lower_operators
from edgetool.embed.compiler.passes.branches import inline_branches
from edgetool.embed.compiler.passes.cancel import cancel_pairs
from edgetool.embed.compiler.passes.constant_channels import fold_constant_channels
from edgetool.embed.compiler.passes.dead_channels import drop_dead_channels
from edgetool.embed.compiler.passes.depthwise_as_conv import depthwise_as_convolutions
from edgetool.embed.compiler.passes.dilations import fuse_dilations
from edgetool.embed.compiler.passes.fixed_shapes import with_fixed_shapes
from edgetool.embed.compiler.passes.fold import fold_constants
from edgetool.embed.compiler.passes.fuse import fuse_additions
from edgetool.embed.compiler.passes.fuse_activations import fuse_activations
from edgetool.embed.compiler.passes.fuse_pads import fuse_pads
from edgetool.embed.compiler.passes.joined_scales import rescale_joined
from edgetool.embed.compiler.passes.place_io import place_io
from edgetool.embed.compiler.passes.states import share_states
from edgetool.embed.compiler.passes.unfit_channels import split_unfit_channels
from edgetool.embed.compiler.passes.unneeded import drop_unneeded
from edgetool.embed.compiler.spectra import join_spectra
from edgetool.embed.compiler.unsigned import as_signed
from edgetool.embed.compiler.variables import resolve_variables
from edgetool.embed.program import Program
from edgetool.errors import FileFormatError
from edgetool.ir.graph import Graph
from edgetool.ir.tflite import read_tflite

__all__ = ["GRAPH_PASSES", "PROGRAM_PASSES", "TARGET_PASSES", "for_target", "lower_file", "lower_graph"]

GraphPass = Callable[[Graph, Context], Graph]
ProgramPass = Callable[[Program, Context], Program]


def _graph(run: Callable[[Graph], Graph]) -> GraphPass:
    """Return a pass that asks for the graph alone under the signature of all."""
    return lambda graph, _: run(graph)


def _program(run: Callable[[Program], Program]) -> ProgramPass:
    """Return a pass that asks for the program alone under the signature of all."""
    return lambda program, _: run(program)


#: The file's operators become those that `edgetool.embed.ops` lowers.
GRAPH_PASSES: tuple[GraphPass, ...] = (
    # A custom operator has no shapes that the next passes could ask for.
    _graph(with_detections),
    # Every other pass asks for sizes.
    _graph(with_fixed_shapes),
    # Variables and constants lie inside of branches too.
    _graph(inline_branches),
    # A variable that is never assigned again is a constant, which can be folded.
    _graph(resolve_variables),
    # From here on there is one type of bytes.
    _graph(as_signed),
    # `as_signed` marked the operators of which unsigned bytes are joined in another way.
    _graph(rescale_joined),
    # Patterns behind are recognised by their constants: paddings, blocks, windows of a spectrum.
    _graph(fold_constants),
    # These three recognise operators in a row; padding comes last, because dilated convolutions have some of their own.
    _graph(fuse_dilations),
    _graph(join_spectra),
    _graph(cancel_pairs),
    _graph(fuse_pads),
    # What those passes left unread need not be lowered, nor known.
    _graph(drop_unneeded),
)

#: Kernel calls that hold for every target.
PROGRAM_PASSES: tuple[ProgramPass, ...] = (
    # An activation is judged by its table.
    fill_tables,
    # An addition takes its activation along into the convolution.
    _program(fuse_activations),
    _program(fuse_additions),
    # Channels are looked at as the kernel has them that is called in the end.
    _program(depthwise_as_convolutions),
    # A constant channel leaves weights of zero in the layer behind, which may make the channel dead.
    _program(fold_constant_channels),
    _program(drop_dead_channels),
    # No pass behind moves a step across another one.
    _program(share_states),
    # Outputs get their copies when nothing else changes.
    place_io,
)

#: Kernels of the target's backend in place of portable ones.
TARGET_PASSES: tuple[ProgramPass, ...] = (
    # A layer is fit for its backend's kernel once the channels that are not stand apart.
    split_unfit_channels,
    specialise,
    # Codes are made of weights as the backend lays them out.
    pack_weights,
)


def lower_file(path: Path, *, io: str = "arena") -> Program:
    """Read a `.tflite` file and return its program of portable kernels.

    Args:
        path: the file.
        io: where inputs and outputs lie, one of `IO`.

    Raises:
        FileFormatError: damaged.
        UnsupportedModelError: an operator, type or shape that no kernel is for.
        UsageError: another word for `io`.
    """
    try:
        return lower_graph(read_tflite(path), Context(path=path, digest=digest_path(path), io=io))
    except (IndexError, KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError) as exc:
        # Options and shapes of a damaged file that contradict each other; a sound file has none.
        raise FileFormatError(
            str(path),
            found=f"an operator whose options do not fit its tensors ({type(exc).__name__}: {exc})",
            expected="a model as a converter wrote it",
            next_step="export the model again",
        ) from None


def lower_graph(graph: Graph, context: Context) -> Program:
    """Return the program of portable kernels that computes a graph.

    Args:
        graph: as it was read.
        context: without a path, tables stay empty.

    Raises:
        FileFormatError, UnsupportedModelError, UsageError: see `lower_file`.
    """
    for graph_pass in GRAPH_PASSES:
        graph = graph_pass(graph, context)
    program = lower_operators(graph, context)
    for program_pass in PROGRAM_PASSES:
        program = program_pass(program, context)
    return program


def for_target(program: Program, context: Context) -> Program:
    """Return a program of portable kernels with those of a target.

    Args:
        program: of `lower_file`.
        context: the target's instruction set and flash, and whether weights are packed.

    Raises:
        UsageError: another word for `pack`.
    """
    for target_pass in TARGET_PASSES:
        program = target_pass(program, context)
    return program
