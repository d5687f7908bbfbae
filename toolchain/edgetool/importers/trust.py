"""Find code inside a model file before anything of it is executed: names are judged by a list of harmless ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgetool.artifact import Format, require_format
from edgetool.bounds.archive import open_archive
from edgetool.bounds.hdf5 import require_plain_hdf5
from edgetool.bounds.memory import MODEL_BYTES, limit_memory
from edgetool.bounds.parsing import parse_json, parsing, printable
from edgetool.errors import FileFormatError, UntrustedModelError
from edgetool.importers.names import find_code
from edgetool.importers.saved_model import find_saved_code
from edgetool.importers.torch_archive import read_program
from edgetool.ir.summary import summarize_guarded

__all__ = ["probe", "read_config", "require_bounded_weights", "require_trusted", "summarize_and_judge"]

#: Members of a `.keras` archive. Others are files that layers read by themselves, or weights in other forms.
_MEMBERS = re.compile(r"config\.json|metadata\.json|model\.weights\.h5|assets/")

_EXPECTED = "a sound Keras model file"
_NEXT_STEP = "save the model again with model.save"


def require_trusted(path: Path, kind: Format) -> None:
    """Refuse a model that names anything but what is on the list of harmless layers, functions and operators.

    Args:
        path: the model.
        kind: its sniffed format: `keras`, `h5` or `saved_model`.

    Raises:
        UntrustedModelError: names the layer, and what is not on the list.
        FileFormatError: the configuration cannot be read.
    """
    if kind == "saved_model":
        _refuse(path, next(find_saved_code(path), None), separator="/")
        return
    if kind == "keras":
        _require_plain_members(path)
    # Without `compile`, Keras takes the outermost `compile_config` out of an archive's configuration unread.
    _refuse(path, next(find_code(read_config(path, kind), outermost_compiles=kind != "keras"), None))


def require_bounded_weights(path: Path, kind: Format) -> None:
    """Refuse weights that lie outside of a file, or claim far more than it stores; also where its code is trusted.

    Raises:
        FileFormatError: says where.
    """
    if kind == "h5":
        require_plain_hdf5(path, str(path))
    elif kind == "keras":
        with open_archive(path, free=MODEL_BYTES, expected=_EXPECTED) as archive:
            if "model.weights.h5" in archive:
                require_plain_hdf5(archive.read("model.weights.h5"), f"{path}: model.weights.h5")


def probe(path: str, trust: bool) -> None:
    """Read what a model file says of itself, and refuse code; for child processes, without any framework.

    Raises:
        UntrustedModelError: it carries code and `trust` is not set.
        FileFormatError: damaged, or it claims far more than it stores.
    """
    file = Path(path)
    kind = require_format(file)
    if kind not in ("keras", "h5", "saved_model", "pt2"):
        return
    limit_memory(file)
    if kind == "pt2":
        if not trust:
            read_program(file)
        return
    with parsing(path, expected="a model of a size like its file's", next_step="export the model again"):
        if kind != "saved_model":
            read_config(file, kind)
            require_bounded_weights(file, kind)
        if not trust:
            require_trusted(file, kind)


def summarize_and_judge(
    path: str, compressed: bool = False, input_shapes: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """Do what `summarize_guarded` does, and note of a Keras file what it would need `--trust` for.

    Raises:
        EdgetoolError: as `summarize_guarded`.
    """
    summary = summarize_guarded(path, compressed, input_shapes)
    kind = require_format(Path(path))
    if kind in ("keras", "h5"):
        try:
            require_trusted(Path(path), kind)
        except UntrustedModelError as exc:
            summary["notes"] = [
                *summary["notes"],
                f"other commands load it with --trust alone: {exc.subject}: {exc.found}",
            ]
    return summary


def read_config(path: Path, kind: Format) -> dict[str, Any]:
    """Return the architecture of a `.keras` or `.h5` file as the plain dictionary that it stores.

    Raises:
        FileFormatError: damaged, or a file of weights only.
    """
    with parsing(str(path), expected=f"a sound {kind} model", next_step=_NEXT_STEP):
        text = _config_text(path, kind)
        config = parse_json(text, str(path), expected=f"a sound {kind} model", next_step=_NEXT_STEP)
    if not isinstance(config, dict) or "class_name" not in config:
        raise FileFormatError(
            str(path),
            found="no model configuration",
            expected="a Keras model",
            next_step="save it with model.save(...)",
        )
    return config


def _config_text(path: Path, kind: Format) -> str | bytes:
    if kind == "keras":
        with open_archive(path, free=MODEL_BYTES, expected=_EXPECTED) as archive:
            return archive.read("config.json")
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
    text: str | bytes = raw if isinstance(raw, str) else raw.decode("utf-8")
    return text


def _require_plain_members(path: Path) -> None:
    """Refuse members that Keras would read beside configuration and weights: pickles, vocabularies, other weights."""
    with open_archive(path, free=MODEL_BYTES, expected=_EXPECTED) as archive:
        odd = next((name for name in archive.names if not _MEMBERS.fullmatch(name)), None)
    if odd is not None:
        _refuse(path, (printable(odd), "a file inside the archive that is neither configuration nor weights"))


def _refuse(path: Path, finding: tuple[str, str] | None, separator: str = ": ") -> None:
    if finding is None:
        return
    where, what = finding
    raise UntrustedModelError(
        f"{path}{separator}{where}",
        found=what,
        expected="layers and operators on edgetool's list of harmless ones",
        next_step="give --trust if you know who made the file, or rebuild the layer from standard ones",
    )
