"""`edgetool inspect`: what is in a model file."""

from __future__ import annotations

from pathlib import Path

from edgetool.artifact import require_format
from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.ir.input_shapes import parse_input_shapes
from edgetool.ir.summary import Summary, reading_seconds
from edgetool.options.commands import InspectOptions
from edgetool.runners.child import call_function
from edgetool.schema import parse, to_builtins

__all__ = ["inspect_file"]


def inspect_file(options: InspectOptions) -> Summary:
    """Read a model file in a child process, since a damaged one may crash a library.

    Raises:
        EdgetoolError: the file is missing, damaged or of an unknown format, or reading it takes too long.
        UnsupportedModelError: a memory plan is asked for, and the format fixes no order of execution.
    """
    path = Path(options.model)
    require_format(path)
    answer = call_function(
        "edgetool.importers.trust:summarize_and_judge",
        {
            "path": options.model,
            "compressed": options.compressed,
            "input_shapes": to_builtins(parse_input_shapes(options.input_shape)),
        },
        subject=options.model,
        timeout_s=reading_seconds(path) if options.timeout is None else options.timeout,
    )
    summary = parse(Summary, answer, source=options.model, error=FileFormatError)
    if options.memory_plan and summary.memory is None:
        raise UnsupportedModelError(
            options.model,
            found=f"a model of format {summary.format!r}, which fixes no order of execution",
            expected="a .tflite or .onnx file for --memory-plan",
            next_step=f"edgetool export {options.model} -o model.tflite, then inspect that",
        )
    return summary
