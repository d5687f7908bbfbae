"""Find code inside a model file before anything of it is executed."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgetool.artifact import Format, require_format
from edgetool.errors import FileFormatError, UntrustedModelError

__all__ = ["probe", "read_config", "require_trusted"]

#: Graph operators of a SavedModel that call back into Python or load libraries.
CODE_OPERATORS = (b"PyFunc", b"EagerPyFunc", b"PyFuncStateless", b"_ReadFile", b"ReadFile", b"WriteFile")

#: Classes of layers that hold code of their own, and what it is.
CODE_LAYERS = {
    "Lambda": "a Lambda layer, which holds Python code",
    "TorchModuleWrapper": "a TorchModuleWrapper, which holds a pickled module",
    "JaxLayer": "a JaxLayer, which holds Python functions",
    "FlaxLayer": "a FlaxLayer, which holds Python code",
    "TFSMLayer": "a TFSMLayer, which loads another model from a path of its own",
}


def require_trusted(path: Path, kind: Format) -> None:
    """Refuse a model that carries code.

    Args:
        path: the model.
        kind: its sniffed format: `keras`, `h5` or `saved_model`.

    Raises:
        UntrustedModelError: a Lambda layer, marshalled or pickled code, or Python operators.
        FileFormatError: the configuration cannot be read.
    """
    if kind == "saved_model":
        _require_trusted_saved_model(path)
        return
    for where, what in _code(read_config(path, kind)):
        raise UntrustedModelError(
            f"{path}: {where}",
            found=what,
            expected="layers without code of their own",
            next_step="give --trust if you know who made the file, or rebuild the layer from standard ones",
        )


def probe(path: str, trust: bool) -> None:
    """Read what a model file says of itself, and refuse code; for child processes, without any framework.

    Raises:
        UntrustedModelError: it carries code and `trust` is not set.
        FileFormatError: damaged.
    """
    kind = require_format(Path(path))
    if kind not in ("keras", "h5", "saved_model"):
        return
    if not trust:
        require_trusted(Path(path), kind)
    elif kind != "saved_model":
        read_config(Path(path), kind)


def read_config(path: Path, kind: Format) -> dict[str, Any]:
    """Return the architecture of a `.keras` or `.h5` file as the plain dictionary that it stores.

    Raises:
        FileFormatError: damaged, or a file of weights only.
    """
    try:
        if kind == "keras":
            with zipfile.ZipFile(path) as archive:
                config = json.loads(archive.read("config.json"))
        else:
            import h5py

            with h5py.File(path, "r") as store:
                raw = store.attrs.get("model_config")
            if raw is None:
                raise FileFormatError(
                    str(path),
                    found="weights without an architecture",
                    expected="a whole model",
                    next_step="save it with model.save(...), not save_weights",
                )
            config = json.loads(raw if isinstance(raw, str) else raw.decode("utf-8"))
    except (zipfile.BadZipFile, OSError, KeyError, ValueError, RuntimeError, EOFError, NotImplementedError) as exc:
        raise FileFormatError(
            str(path),
            found=f"a damaged file ({type(exc).__name__}: {' '.join(str(exc).split())[:200]})",
            expected=f"a sound {kind} model",
            next_step="save the model again",
        ) from None
    if not isinstance(config, dict) or "class_name" not in config:
        raise FileFormatError(
            str(path),
            found="no model configuration",
            expected="a Keras model",
            next_step="save it with model.save(...)",
        )
    return config


def _code(config: Any, where: str = "model", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield (layer, what) for every piece of code in a configuration."""
    if depth > 60:
        return
    if isinstance(config, dict):
        kind = config.get("class_name")
        inner = config.get("config")
        name = str(inner.get("name", where)) if isinstance(inner, dict) else where
        if isinstance(kind, str) and kind in CODE_LAYERS:
            yield name, CODE_LAYERS[kind]
        elif kind == "__lambda__" or config.get("function_type") == "lambda":
            yield name, "marshalled Python code"
        for value in config.values():
            yield from _code(value, name, depth + 1)
    elif isinstance(config, list | tuple):
        for value in config:
            yield from _code(value, where, depth + 1)


def _require_trusted_saved_model(path: Path) -> None:
    for name in ("saved_model.pb", "keras_metadata.pb"):
        file = path / name
        content = file.read_bytes() if file.is_file() else b""
        found = next((operator for operator in CODE_OPERATORS if operator in content), None)
        if found is None and name == "keras_metadata.pb" and b'"Lambda"' in _without_escapes(content):
            found = b"Lambda layer"
        if found is not None:
            raise UntrustedModelError(
                f"{path}/{name}",
                found=f"{found.decode()}: it runs code or touches files when it is loaded",
                expected="operators that only compute",
                next_step="give --trust if you know who made the model",
            )


def _without_escapes(content: bytes) -> bytes:
    r"""Return JSON text in bytes with `\u00XX` written out, so that no name hides behind an escape."""
    return re.sub(rb"\\u00([0-9a-fA-F]{2})", lambda match: bytes([int(match[1], 16)]), content)
