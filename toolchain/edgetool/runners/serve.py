"""The child's side of `edgetool.runners.child`: call functions of edgetool by name, one request a line.

Standard output carries the protocol only; whatever a library prints goes to standard error. A function that wants to
report progress takes a keyword parameter `emit`, called with a JSON-ready dictionary.
"""

from __future__ import annotations

import errno
import importlib
import inspect
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from edgetool.errors import EdgetoolError, InternalError, InterpreterCrashError
from edgetool.runners.agent import Lifeline
from edgetool.runners.lean_imports import import_lean
from edgetool.store.atomic import is_full, no_room

__all__ = ["main", "serve"]


def serve(resolve: Callable[[str], Callable[..., object]]) -> None:
    """Answer requests from standard input until it is closed.

    Args:
        resolve: gives the function for a method name.
    """
    lifeline = Lifeline()
    lifeline.hold()
    protocol = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # anything printed from here on goes to standard error

    def send(message: Mapping[str, object]) -> None:
        protocol.write(json.dumps(message, allow_nan=True) + "\n")
        protocol.flush()

    for line in sys.stdin:
        lifeline.busy = True
        request = json.loads(line)
        ident = request["id"]
        try:
            function = resolve(request["method"])
            params = dict(request["params"])
            if "emit" in inspect.signature(function).parameters:
                params["emit"] = lambda event, ident=ident: send({"id": ident, "event": event})
            send({"id": ident, "result": function(**params)})
        except EdgetoolError as exc:
            send({"id": ident, "error": exc.to_dict()})
        except Exception as exc:  # noqa: BLE001 - the process boundary: any defect must reach the parent as a message
            traceback.print_exc()
            error = _translate(request["method"], exc)
            # What is left of memory that ran out is of no use: the next call gets a fresh process.
            send({"id": ident, "error": error.to_dict(), "ends": isinstance(error, InterpreterCrashError)})
        lifeline.busy = False


def _translate(method: str, exc: Exception) -> EdgetoolError:
    """Return what a library's exception means: no memory, no room, or a defect."""
    text = " ".join(str(exc).split())
    # TensorFlow has one kind of exception for memory and for disks.
    exhausted = type(exc).__name__ == "ResourceExhaustedError"
    if (isinstance(exc, OSError) and is_full(exc)) or (exhausted and os.strerror(errno.ENOSPC) in text):
        return no_room(str(getattr(exc, "filename", None) or tempfile.gettempdir()))
    if isinstance(exc, MemoryError) or exhausted:
        return InterpreterCrashError(
            method,
            found=f"not enough memory ({text[:200] or type(exc).__name__})",
            expected="memory for the model, the data and what is computed from them",
            next_step="free memory, or give --batch-size or fewer samples; then run the same command again",
            transient=True,
        )
    return _internal(method, exc)


def _internal(method: str, exc: Exception) -> InternalError:
    frame = traceback.extract_tb(exc.__traceback__)[-1]
    return InternalError(
        method,
        found=f"{type(exc).__name__}: {exc} ({frame.filename.rpartition('/')[2]}:{frame.lineno})"[:600],
        expected="no unforeseen error",
        next_step="run again with --debug and report this as a defect of edgetool",
    )


def _resolve(name: str) -> Callable[..., Any]:
    module, _, attribute = name.partition(":")
    if module.split(".")[0] != "edgetool":
        raise InternalError(name, found="a module outside edgetool", expected="edgetool.*", next_step="report a defect")
    function: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return function


def main() -> None:
    """Serve calls to any function of edgetool."""
    import_lean()
    serve(_resolve)


if __name__ == "__main__":
    main()
