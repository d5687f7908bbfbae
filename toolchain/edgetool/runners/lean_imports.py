"""Import TensorFlow and Keras in half of the time: without what only other users of theirs need, and without garbage.

TensorFlow 2.21 imports JAX for one method of its converter, where JAX is installed, and Keras 3.15 imports
scikit-learn for its wrappers. edgetool uses neither; both take two of eight seconds. Another two go into garbage
collections, of which none finds anything: what a package makes when it is imported stays.
"""

from __future__ import annotations

import functools
import gc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["LeanImports", "import_lean"]

#: Module that imports a package if it is there -> the package, which it does without if it is not.
LEFT_OUT = {
    "keras.src.callbacks.orbax_checkpoint": "jax",
    "keras.src.wrappers.fixes": "sklearn",
    "keras.src.wrappers.sklearn_wrapper": "sklearn",
    "keras.src.wrappers.utils": "sklearn",
    "tensorflow.lite.python.util": "jax",
}

#: Packages of some hundred thousand objects.
LARGE = frozenset({"jax", "keras", "tensorflow", "tf_keras", "torch"})


#: What modules of Python's own import system are called, whose frames lie between the statement and a finder.
MACHINERY = ("_frozen_importlib", "importlib.")


class LeanImports:
    """A finder for `sys.meta_path` that hides packages from the modules of `LEFT_OUT` alone."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to import one of the large packages; None leaves a module to the finders behind this one.

        Raises:
            ModuleNotFoundError: the module that imports it does without it.
        """
        package = name.partition(".")[0]
        if package in LEFT_OUT.values() and LEFT_OUT.get(_importing_module()) == package:
            raise ModuleNotFoundError(f"{package} is left out", name=name)
        if name not in LARGE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            loader = spec.loader
            loader.exec_module = functools.partial(_without_garbage, loader.exec_module)  # type: ignore[method-assign]
        return spec


def import_lean() -> None:
    """Import lean in this process from now on."""
    if not any(isinstance(finder, LeanImports) for finder in sys.meta_path):
        sys.meta_path.insert(0, LeanImports())


def _importing_module() -> str:
    """Return the name of the module whose import statement is being executed."""
    frame = sys._getframe(2)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(MACHINERY):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__"))


def _without_garbage(exec_module: Callable[[ModuleType], None], module: ModuleType) -> None:
    """Execute a module's code without collections, and keep later ones from looking at what it made."""
    if not gc.isenabled():  # it is imported by another large package
        exec_module(module)
        return
    gc.disable()
    try:
        exec_module(module)
    finally:
        gc.enable()
        gc.freeze()
