"""Real work in child processes: a model of one operator in each runtime, and TensorFlow with both Keras.

The models are made here, byte by byte, so that a broken converter does not look like a broken runtime.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from edgetool.doctor.record import Finding
from edgetool.errors import EdgetoolError
from edgetool.runners.child import call_function

__all__ = ["check_runs", "train_one_step", "write_onnx", "write_tflite"]

#: How long a child may take on a busy machine.
TIMEOUT_S = 180.0


def check_runs(progress: Callable[[str, int, int], None]) -> list[Finding]:
    """Run a model in LiteRT and in onnxruntime, and train one step in TensorFlow, side by side.

    Args:
        progress: called with (what, done, total).
    """
    checks: tuple[tuple[str, str, Callable[[], str]], ...] = (
        ("litert", "runs .tflite files", lambda: _infer("tflite")),
        ("onnxruntime", "runs .onnx files", lambda: _infer("onnx")),
        ("tensorflow", "trains, prunes, converts", _train),
    )
    progress("run each runtime", 0, len(checks))
    findings = []
    with ThreadPoolExecutor(len(checks)) as pool:
        for finding in pool.map(lambda check: _check(*check), checks):
            findings.append(finding)
            progress("run each runtime", len(findings), len(checks))
    return findings


def write_tflite(path: str) -> None:
    """Write a TFLite model of one ADD: float32 `[1, 4]`, x + x."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    def tensor(name: str) -> Any:
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, [1, 4], schema.TensorType.FLOAT32, 0
        return made

    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.ADD
    code.version = 1
    add = schema.OperatorT()
    add.opcodeIndex, add.inputs, add.outputs = 0, [0, 0], [1]
    add.builtinOptionsType, add.builtinOptions = schema.BuiltinOptions.AddOptions, schema.AddOptionsT()
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = [tensor("x"), tensor("y")], [0], [1], [add]
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    Path(path).write_bytes(bytes(builder.Output()))


def write_onnx(path: str) -> None:
    """Write an ONNX model of one Add: float32 `[1, 4]`, x + x."""
    from onnx import TensorProto, helper, save

    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "doctor", [x], [y])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def train_one_step() -> str:
    """Import TensorFlow, TF-MOT and Keras 3 in one process and train one step; returns what was found."""
    import keras
    import numpy as np
    import tensorflow as tf
    import tensorflow_model_optimization as tfmot
    import tf_keras

    model = tf_keras.Sequential([tf_keras.layers.Input((4,)), tf_keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    loss = float(model.train_on_batch(np.ones((2, 4), np.float32), np.ones((2, 1), np.float32)))
    if not np.isfinite(loss):
        raise ArithmeticError(f"a training step gave a loss of {loss}")
    gpus = len(tf.config.list_physical_devices("GPU"))
    return (
        f"tensorflow {tf.__version__}, tf_keras {tf_keras.__version__}, keras {keras.__version__}, "
        f"tf-mot {tfmot.__version__}, {gpus} GPU"
    )


def _check(name: str, purpose: str, work: Callable[[], str]) -> Finding:
    start = time.monotonic()
    try:
        answer = work()
    except EdgetoolError as exc:
        return Finding(
            "runs",
            name,
            "broken",
            True,
            f"{exc.subject}: {exc.found}",
            purpose,
            "install edgetool again in a fresh environment (make install in its checkout); --debug shows more",
        )
    return Finding("runs", name, "ok", True, f"{answer} ({time.monotonic() - start:.1f} s)", purpose)


def _infer(suffix: str) -> str:
    """Make a model of one operator, run it as `bench` and `verify` do, and check the answer."""
    import numpy as np

    from edgetool.errors import InternalError
    from edgetool.runners import open_runner
    from edgetool.runners.base import RunPlan

    with tempfile.TemporaryDirectory(prefix="edgetool-doctor-") as folder:
        path = Path(folder) / f"add.{suffix}"
        call_function(
            f"edgetool.doctor.smoke:write_{suffix}", {"path": str(path)}, subject=path.name, timeout_s=TIMEOUT_S
        )
        session = open_runner().open(path, RunPlan(timeout_s=TIMEOUT_S))
        try:
            given = np.arange(4, dtype=np.float32)[None]
            answer = session.outputs((given,))[0]
            runtime = session.runtime
        finally:
            session.close()
    if not np.array_equal(answer, given + given):
        raise InternalError(
            f"add.{suffix}",
            found=f"{answer.tolist()}",
            expected=f"{(given + given).tolist()}",
            next_step="reinstall it",
        )
    return f"{runtime}: one inference, right answer"


def _train() -> str:
    return str(call_function("edgetool.doctor.smoke:train_one_step", {}, subject="tensorflow", timeout_s=TIMEOUT_S))
