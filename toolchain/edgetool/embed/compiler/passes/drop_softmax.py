"""Leave out the last softmax of a model: an application that asks for the largest class does not need it."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgetool.embed.oracle.repair import repaired, repairs
from edgetool.errors import FileFormatError, UsageError
from edgetool.ir.tflite import read_tflite

__all__ = ["model_file", "without_softmax"]


@contextmanager
def model_file(path: Path, *, drop_softmax: bool) -> Iterator[Path]:
    """Yield `path`, or a temporary file: the model without its last softmax, or with the changes of `repairs`.

    Raises:
        FileFormatError, UnsupportedModelError, UsageError: see `without_softmax`.
    """
    is_broken = bool(repairs(path))
    if not drop_softmax and not is_broken:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
        made = Path(folder) / path.name
        made.write_bytes(without_softmax(path) if drop_softmax else path.read_bytes())
        if is_broken:
            made.write_bytes(repaired(made))
        yield made


def without_softmax(path: Path) -> bytes:
    """Return a `.tflite` file whose outputs are the inputs of the softmax that makes them.

    Raises:
        FileFormatError, UnsupportedModelError: see `read_tflite`.
        UsageError: an output that no softmax makes, or a softmax of the model's input.
    """
    graph = read_tflite(path)
    makers = graph.producers()
    for name in graph.outputs:
        maker = makers.get(name)
        if maker is None or maker.kind != "SOFTMAX" or maker.inputs[0] not in makers:
            raise UsageError(
                f"--drop-softmax: output {name}",
                found=f"made by {maker.kind if maker is not None else 'no operator'}"
                + (", of the model's input" if maker is not None and maker.kind == "SOFTMAX" else ""),
                expected="a SOFTMAX behind other operators as the last one",
                next_step="leave --drop-softmax out",
            )

    try:
        return _rewritten(path.read_bytes())
    except (struct.error, IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        # What `read_tflite` does not look at is damaged; a sound file raises none of these.
        raise FileFormatError(
            str(path),
            found=f"a structure that cannot be read ({type(exc).__name__}: {exc})",
            expected="a model as a converter wrote it",
            next_step="export the model again",
        ) from None


def _rewritten(content: bytes) -> bytes:
    from ai_edge_litert import schema_py_generated as schema

    from edgetool.exporters.tflite.file import pack, unpack

    model = unpack(content)
    main = model.subgraphs[0]
    codes = [max(int(code.builtinCode), int(code.deprecatedBuiltinCode)) for code in model.operatorCodes]
    sources = {
        int(op.outputs[0]): int(op.inputs[0])
        for op in main.operators
        if codes[op.opcodeIndex] == schema.BuiltinOperator.SOFTMAX
    }
    unread = {int(index) for index in main.outputs} - {int(index) for op in main.operators for index in op.inputs}
    main.operators = [op for op in main.operators if not unread & {int(index) for index in op.outputs}]
    main.outputs = [sources[int(index)] for index in main.outputs]
    model.signatureDefs = None  # it names the tensors that are gone
    return pack(model)
