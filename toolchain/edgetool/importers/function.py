"""`package.module:build`: a function of the user's gives the model, in whatever framework."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetool.errors import EdgetoolError, UnsupportedModelError
from edgetool.importers.base import ImportedModel, ImportOptions

if TYPE_CHECKING:
    import keras
    import tf_keras

__all__ = ["load_built"]

EXPECTED = (
    "a torch.nn.Module, (module, example), an ExportedProgram, (JAX function, parameters, example), or a Keras model"
)


def load_built(path: Path, options: ImportOptions) -> ImportedModel:
    """Call the function and take what it returns; see `Importer`. Naming it is to trust it: its code runs.

    Args:
        path: `package.module:function`; the current folder is searched first.
        options: input shapes for a module that comes without an example.

    Raises:
        MissingFileError: no such module or function.
        UnsupportedModelError: the function failed, or returned something else.
        MissingDependencyError: its framework is not installed.
    """
    spec = str(path)
    built = _call(spec)
    name = spec.partition(":")[2]
    first = built[0] if isinstance(built, tuple) and built else built
    modules = {base.__module__.partition(".")[0] for base in type(first).__mro__}
    if "torch" in modules:
        from edgetool.importers.torch_module import adopt_torch

        return adopt_torch(built, spec, name, options)
    if modules & {"keras", "tf_keras"}:
        return _adopt_keras(first, spec)
    if isinstance(built, tuple) and len(built) == 3 and callable(first):
        from edgetool.importers.jax import adopt_jax

        return adopt_jax(first, built[1], built[2], spec, name)
    raise UnsupportedModelError(
        spec,
        found=f"a function that returned {_in_words(built)}",
        expected=EXPECTED,
        next_step="return one of these from the function",
    )


def _call(spec: str) -> Any:
    from edgetool.data.function import find_function

    function = find_function(spec, error=UnsupportedModelError)
    try:
        return function()
    except EdgetoolError:
        raise
    except Exception as exc:
        raise UnsupportedModelError(
            spec,
            found=f"a function that failed ({type(exc).__name__}: {' '.join(str(exc).split())[:300]})",
            expected=f"a function without arguments that returns {EXPECTED}",
            next_step="call it by itself and mend it",
        ) from exc


def _adopt_keras(model: keras.Model | tf_keras.Model, spec: str) -> ImportedModel:
    import hashlib

    from edgetool.importers.keras import adopt, carry_checked, flat_checked

    digest = hashlib.sha256(model.to_json().encode())
    for weights in model.get_weights():
        digest.update(weights.tobytes())
    facts = {}
    if type(model).__module__.partition(".")[0] == "keras":
        model, facts["carried over"] = carry_checked(model, spec)
    else:
        model, facts["layers"] = flat_checked(model, spec)
    facts = {key: fact for key, fact in facts.items() if fact}
    return adopt(model, spec, "function", digest=digest.hexdigest(), facts=facts)


def _in_words(built: object) -> str:
    if isinstance(built, tuple):
        return f"a tuple of {', '.join(type(item).__name__ for item in built)}" if built else "an empty tuple"
    return f"a {type(built).__name__}"
