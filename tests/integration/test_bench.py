"""The runner and `edgetool bench` with real interpreters on small models."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgetool.errors import (
    DataError,
    DeviceUnavailableError,
    InterpreterCrashError,
    InterpreterTimeoutError,
    UnsupportedModelError,
)
from edgetool.runners.base import RunPlan
from edgetool.runners.process import ProcessRunner

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
IMAGES = np.random.default_rng(1).uniform(-1, 1, (11, 4, 4, 2)).astype(np.float32)
ROWS = np.random.default_rng(2).normal(size=(11, 6)).astype(np.float32)


def outputs(name: str, samples: np.ndarray, batch_size: int = 64, **plan: object) -> np.ndarray:
    with ProcessRunner().open(GOLDEN / name, RunPlan(timeout_s=60.0, **plan)) as session:  # type: ignore[arg-type]
        (found,) = session.outputs((samples,), batch_size=batch_size)
        return found


def litert_one_by_one(name: str, samples: np.ndarray) -> np.ndarray:
    """The interpreter's own answers, quantised as its documentation says, without the agent."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(GOLDEN / name))
    interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    found = []
    for sample in samples:
        values = sample[None]
        if given["dtype"] is np.int8:
            scale, zero_point = given["quantization"]
            values = np.clip(np.rint(values / scale) + zero_point, -128, 127).astype(np.int8)
        interpreter.set_tensor(given["index"], values)
        interpreter.invoke()
        answer = interpreter.get_tensor(made["index"])
        if made["dtype"] is np.int8:
            scale, zero_point = made["quantization"]
            answer = (answer.astype(np.float64) - zero_point) * scale
        found.append(answer[0])
    return np.array(found, np.float32)


@pytest.mark.parametrize("batch_size", [1, 4, 64])
@pytest.mark.parametrize("name", ["tiny_float32.tflite", "tiny_int8.tflite"])
def test_litert_answers_in_any_batch(name: str, batch_size: int) -> None:
    found = outputs(name, IMAGES, batch_size)
    assert found.shape == (11, 3) and found.dtype == np.float32
    np.testing.assert_allclose(found, litert_one_by_one(name, IMAGES), rtol=0, atol=1e-6)


def test_reference_kernels_are_others_but_agree_to_a_step() -> None:
    step = 1 / 256
    default, reference = outputs("tiny_int8.tflite", IMAGES), outputs("tiny_int8.tflite", IMAGES, kernels="reference")
    assert np.abs(default - reference).max() <= step * 1.01


@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_onnx_answers_in_any_batch(batch_size: int) -> None:
    import onnx
    from onnx import numpy_helper

    weights = {t.name: numpy_helper.to_array(t) for t in onnx.load(GOLDEN / "tiny.onnx").graph.initializer}
    expected = np.maximum(ROWS @ weights["w1"] + weights["b1"], 0) @ weights["w2"] + weights["b2"]
    np.testing.assert_allclose(outputs("tiny.onnx", ROWS, batch_size), expected, rtol=1e-5, atol=1e-6)


def test_model_that_mixes_the_samples_of_a_batch_runs_them_one_by_one() -> None:
    assert not outputs("batch_mean.onnx", ROWS).any(), "each sample minus its own mean over a batch of one"


def test_session_reports_load_time_memory_threads_and_nodes() -> None:
    plan = RunPlan(num_threads=1, pin=True, timeout_s=60.0)
    with ProcessRunner().open(GOLDEN / "tiny.onnx", plan) as session:
        assert session.load_ns > 0 and session.peak_rss_bytes() > 10_000_000
        assert session.node_providers.keys() == {"CPUExecutionProvider"} and session.node_providers.popitem()[1] >= 2
        pid = session._child.pid
        assert pid is not None
        assert session.pinned_cpus == () or os.sched_getaffinity(pid) == set(session.pinned_cpus)
        assert len(session.pinned_cpus) <= 1
        samples = session.time(20, num_warmup=2)
        assert len(samples) == 20 and min(samples) > 0


@pytest.mark.parametrize("name", ["tiny_float32.tflite", "tiny.onnx"])
def test_larger_batches_can_be_timed(name: str) -> None:
    with ProcessRunner().open(GOLDEN / name, RunPlan(batch=3, timeout_s=60.0)) as session:
        assert len(session.time(2)) == 2


def test_data_of_the_wrong_shape_is_refused_and_the_session_lives() -> None:
    with ProcessRunner().open(GOLDEN / "tiny_float32.tflite", RunPlan(timeout_s=60.0)) as session:
        with pytest.raises(DataError, match=r"\[11, 6\]"):
            session.outputs((ROWS,))
        with pytest.raises(DataError, match="2 input arrays"):
            session.outputs((IMAGES, IMAGES))
        assert session.outputs((IMAGES,))[0].shape == (11, 3)


def save(path: Path, nodes: list[object], inputs: list[object], result: object, *initializers: object) -> Path:
    from onnx import helper

    graph = helper.make_graph(nodes, "g", inputs, [result], initializer=list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def test_fixed_batch_is_kept_filled_up_and_named(tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 6])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 6])
    path = save(tmp_path / "four.onnx", [helper.make_node("Relu", ["x"], ["y"])], [x], y)
    with ProcessRunner().open(path, RunPlan(batch=4, timeout_s=60.0)) as session:
        np.testing.assert_array_equal(session.outputs((ROWS,))[0], np.maximum(ROWS, 0))
        assert len(session.time(1)) == 1
    with (
        ProcessRunner().open(path, RunPlan(timeout_s=60.0)) as session,
        pytest.raises(UnsupportedModelError, match="use --batch 4"),
    ):
        session.time(1)


def test_model_that_asks_for_all_memory_is_refused(tmp_path: Path) -> None:
    from onnx import TensorProto, helper, numpy_helper

    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
        helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    shape = numpy_helper.from_array(np.array([1 << 20, 1 << 20], np.int64), "shape")
    path = save(tmp_path / "huge.onnx", nodes, [x], y, shape)
    with (
        ProcessRunner().open(path, RunPlan(timeout_s=60.0)) as session,
        pytest.raises(UnsupportedModelError, match="allocate"),
    ):
        session.outputs((np.zeros((1, 1), np.float32),))


@pytest.mark.slow
def test_model_that_never_ends_is_given_up(tmp_path: Path) -> None:
    from onnx import TensorProto, helper, numpy_helper

    scalar = [helper.make_tensor_value_info(name, kind, []) for name, kind in (("i", 7), ("go", 9))]
    carried = helper.make_tensor_value_info("v", TensorProto.FLOAT, [1])
    ends = [helper.make_tensor_value_info("on", 9, []), helper.make_tensor_value_info("w", TensorProto.FLOAT, [1])]
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Sin", ["v"], ["w"])],
        "body",
        [*scalar, carried],
        ends,
    )
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    trips = numpy_helper.from_array(np.array(1 << 60, np.int64), "trips")
    yes = numpy_helper.from_array(np.array(True), "yes")
    path = save(
        tmp_path / "loop.onnx", [helper.make_node("Loop", ["trips", "yes", "x"], ["y"], body=body)], [x], y, trips, yes
    )
    with ProcessRunner().open(path, RunPlan(timeout_s=3.0)) as session, pytest.raises(InterpreterTimeoutError):
        session.time(1)


def test_child_that_dies_between_calls_is_a_crash() -> None:
    with ProcessRunner().open(GOLDEN / "tiny.onnx", RunPlan(timeout_s=60.0)) as session:
        pid = session._child.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(InterpreterCrashError):
            session.time(1)


def test_gpu_that_is_not_there_says_what_to_install() -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has the CUDA provider; tests/device/test_gpu_bench.py covers it")
    with pytest.raises(DeviceUnavailableError, match="onnxruntime-gpu"):
        ProcessRunner().open(GOLDEN / "tiny.onnx", RunPlan(device="gpu", timeout_s=60.0))


def test_litert_files_do_not_run_on_the_gpu() -> None:
    with pytest.raises(DeviceUnavailableError, match="LiteRT"):
        ProcessRunner().open(GOLDEN / "tiny_float32.tflite", RunPlan(device="gpu", timeout_s=60.0))


def edgetool(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgetool.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_bench_command_measures_both_formats(tmp_path: Path) -> None:
    files = [str(GOLDEN / name) for name in ("tiny_float32.tflite", "tiny_int8.tflite", "tiny.onnx")]
    found = edgetool("bench", *files, "--threads", "1,all", "--runs", "50", "--mlperf", "-o", str(tmp_path / "r.json"))
    assert found.returncode == 0, found.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    for file in report["artifacts"]:
        assert [record["num_samples"] for record in file["latency"]] == [50] * len(file["latency"])
        for record in file["latency"]:
            order = [record[name] for name in ("min_ns", "p50_ns", "p90_ns", "p95_ns", "p99_ns", "max_ns")]
            assert order == sorted(order) and order[0] > 0
            assert record["mlperf_p90_ns"] > 0
    ratio = report["artifacts"][1]["latency"][0]["ratio"]
    assert ratio["reference"] == "tiny_float32.tflite" and ratio["low"] <= ratio["value"] <= ratio["high"]
    assert report["artifacts"][2]["latency"][0]["runtime"] == "onnxruntime"
    assert "tiny.onnx" in found.stdout


def test_compare_command_gives_one_line() -> None:
    found = edgetool("compare", str(GOLDEN / "tiny.onnx"), str(GOLDEN / "tiny_float32.tflite"), "--runs", "50")
    assert found.returncode == 0, found.stderr
    (line,) = found.stdout.splitlines()
    assert line.startswith("tiny.onnx is ") and "x of tiny_float32.tflite [" in line


@pytest.mark.slow
@pytest.mark.parametrize(("name", "accuracy"), [("float32", 0.8727), ("int8", 0.8715)])
def test_published_model_has_its_published_accuracy(
    name: str, accuracy: float, shared_models: Path, shared_data: Path
) -> None:
    data = np.load(shared_data / "cifar10.npz", allow_pickle=False)
    with ProcessRunner().open(shared_models / f"resnet8_cifar10_{name}.tflite", RunPlan(timeout_s=120.0)) as session:
        (found,) = session.outputs((data["x_test"],))
    assert np.mean(found.argmax(axis=1) == data["y_test"]) == pytest.approx(accuracy, abs=2e-3)
