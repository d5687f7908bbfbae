"""Walk a Keras configuration for every name that a framework would resolve, and judge it by the list of harmless ones.

Keras turns names into objects in these ways (keras/src/saving/serialization_lib.py, tf_keras/src/saving, of 3.15 and
2.21): an object's `class_name`, `module` and `registered_name`; `function` objects; marshalled lambdas; type
specifications; functions that TFOpLambda names; and plain text where an activation, initializer, regularizer or
constraint belongs. A vocabulary given as text is a path that is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from edgetool.bounds.parsing import printable
from edgetool.importers.allowed import (
    allowed_activations,
    allowed_classes,
    allowed_functions,
    allowed_of_kind,
    is_tensorflow_function,
)

__all__ = ["CODE_LAYERS", "find_code"]

#: Classes of layers that hold code of their own, and what it is: for messages, as they are on no list.
CODE_LAYERS = {
    "Lambda": "a Lambda layer, which holds Python code",
    "TorchModuleWrapper": "a TorchModuleWrapper, which holds a pickled module",
    "JaxLayer": "a JaxLayer, which holds Python functions",
    "FlaxLayer": "a FlaxLayer, which holds Python code",
    "TFSMLayer": "a TFSMLayer, which loads another model from a path of its own",
    "TensorFlowOpLayer": "a TensorFlowOpLayer, which holds any operator of TensorFlow",
    "ClassMethod": "a ClassMethod layer, which calls a method by its name",
    "InstanceMethod": "an InstanceMethod layer, which calls a method by its name",
    "InstanceProperty": "an InstanceProperty layer, which reads an attribute by its name",
    "__lambda__": "marshalled Python code",
}

#: Layers that call a function of TensorFlow by its name.
OPERATOR_LAYERS = frozenset({"TFOpLambda", "SlicingOpLambda"})

#: Modules of Keras that hold layers and what belongs to them; none of them is looked for in the current folder.
_MODULE = re.compile(
    r"(tf_)?keras(\.src)?(\.(activations|applications|constraints|dtype_policies|engine|initializers|layers|legacy"
    r"|losses|metrics|mixed_precision|models|ops|optimizers|quantizers|random|regularizers|trainers)(\.\w+)*)?"
)
#: Where `__typespec__` and `TypeSpec` of plain tensors come from.
_SPEC_MODULE = re.compile(r"tensorflow\.python\.framework\.tensor(_spec)?")
_SPECS = frozenset({"TensorSpec", "tf.TensorSpec"})

#: Packages that register harmless classes under `package>name`.
_PACKAGES = frozenset({"Keras", "edgetool"})

_FUNCTION_TYPES = ("function_type", "output_shape_type", "mask_type", "standardize_type", "split_type")
_VOCABULARIES = ("vocabulary", "input_vocabulary", "vocabulary_file")

#: How the key of an argument ends -> the kind of thing that text in it names.
_SLOTS = {"initializer": "initializers", "regularizer": "regularizers", "constraint": "constraints"}

Finding = tuple[str, str]


def find_code(config: object, *, outermost_compiles: bool = True) -> Iterator[Finding]:
    """Yield (path of the layer, what was found) for every name that is not on the list.

    Args:
        config: what a file stores, parsed; nested however deep.
        outermost_compiles: the loader reads the outermost `compile_config` too.
    """
    waiting: list[tuple[Any, str]] = []
    if isinstance(config, dict):
        yield from _judge(config, "model")
        skipped = () if outermost_compiles else ("compile_config",)
        waiting += [(value, "model") for key, value in config.items() if key not in skipped]
    else:
        waiting.append((config, "model"))
    while waiting:
        value, where = waiting.pop()
        if isinstance(value, dict):
            where = _inside(value, where)
            yield from _judge(value, where)
            waiting.extend((item, where) for item in value.values())
        elif isinstance(value, list):
            waiting.extend((item, where) for item in value if isinstance(item, dict | list))


def _inside(value: Mapping[str, object], where: str) -> str:
    """Return the path of the layer that a dictionary describes; that of the layer around it where it is none."""
    inner = value.get("config")
    name = inner.get("name") if isinstance(inner, dict) else None
    if "class_name" not in value or not isinstance(name, str):
        return where
    path = printable(name) if where == "model" else f"{where}/{printable(name)}"
    return path if len(path) <= 200 else f"...{path[-197:]}"


def _judge(value: Mapping[str, object], where: str) -> Iterator[Finding]:
    """Yield what one dictionary names that is not on the list; what is inside of it is judged by itself."""
    if "class_name" in value:
        fault = _judge_object(value)
        if fault:
            yield where, fault
    if any(value.get(key) in ("lambda", "raw_code") for key in _FUNCTION_TYPES):
        yield where, "marshalled Python code"
    for key, item in value.items():
        if isinstance(item, str) and item:
            fault = _judge_text(key, item)
            if fault:
                yield where, fault


def _judge_object(value: Mapping[str, object]) -> str:
    """Return what is wrong with an object that is to be built; empty: nothing."""
    kind, config = value["class_name"], value.get("config")
    if not isinstance(kind, str):
        return f"a class name that is no text ({printable(kind)})"
    if kind == "function":
        return _judge_function(value)
    if kind in ("__typespec__", "TypeSpec"):
        return _judge_spec(value)
    if kind in OPERATOR_LAYERS:
        symbol = config.get("function") if isinstance(config, dict) else None
        if not isinstance(symbol, str) or not is_tensorflow_function(symbol):
            return f"a {kind} that calls tf.{printable(symbol)}, which is on no list of harmless operators"
    elif kind not in allowed_classes():
        unknown = f"the class {printable(kind)}, which is on no list of harmless layers and operators"
        return CODE_LAYERS.get(kind, unknown)
    return _judge_origin(value, kind)


def _judge_function(value: Mapping[str, object]) -> str:
    name = value.get("config")
    if not isinstance(name, str) or name not in allowed_functions():
        return f"the function {printable(name)}, which is on no list of harmless functions"
    return _judge_origin(value, name)


def _judge_spec(value: Mapping[str, object]) -> str:
    name = value.get("spec_name", value.get("type_spec"))
    module = value.get("module")
    is_plain = isinstance(name, str) and name in _SPECS and value.get("registered_name") is None
    if is_plain and (module is None or (isinstance(module, str) and _SPEC_MODULE.fullmatch(module))):
        return ""
    return f"the type {printable(module)}.{printable(name)}"


def _judge_origin(value: Mapping[str, object], name: str) -> str:
    """Return what is wrong with where an object comes from: its module, and the name that it is registered under."""
    module, registered = value.get("module"), value.get("registered_name")
    is_builtin = module == "builtins" and value["class_name"] == "function"
    if module is not None and not is_builtin and (not isinstance(module, str) or not _MODULE.fullmatch(module)):
        return f"{printable(name)} of the module {printable(module)}"
    if registered in (None, name, value["class_name"]):
        return ""
    package, _, tail = str(registered).rpartition(">")
    if package in _PACKAGES and tail == name:
        return ""
    return f"{printable(name)} registered as {printable(registered)}"


def _judge_text(key: str, text: str) -> str:
    """Return what is wrong with text in an argument that names a function or a file; empty: nothing."""
    if key in _VOCABULARIES:
        return f"a vocabulary that is read from the file {printable(text)}"
    if key == "activation" or key.endswith("_activation"):
        is_known = text in allowed_activations() or text in allowed_of_kind("layers")
        return "" if is_known else f"the activation {printable(text)}, which is on no list of harmless ones"
    kind = _SLOTS.get(key.rpartition("_")[2])
    if kind is None or text in allowed_of_kind(kind):
        return ""
    return f"the {kind[:-1]} {printable(text)}, which is on no list of harmless ones"
