"""The agent's own logic, with models made of plain functions; real interpreters are in tests/integration."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.runners import agent
from edgetool.runners.agent import Agent, RefusalError, Tensor

EMPTY = np.empty(0)


def tensor(
    shape: tuple[int, ...], dtype: str = "float32", scale: Any = (), zero_point: Any = (), axis: int = 0
) -> Tensor:
    return Tensor("t", shape, np.dtype(dtype), np.array(scale, np.float64), np.array(zero_point, np.float64), axis)


class FakeModel:
    """Applies a function to each batch and notes the sizes of the batches."""

    def __init__(
        self,
        function: Callable[[np.ndarray], np.ndarray],
        *,
        batch: int | None = None,
        given: Tensor | None = None,
        made: Tensor | None = None,
    ) -> None:
        self.inputs = [given or tensor((-1, 2))]
        self.outputs = [made or tensor((-1, 2))]
        self.batch = batch
        self.sizes: list[int] = []
        self._function = function

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        self.sizes.append(arrays[0].shape[0])
        return [self._function(arrays[0])]

    def bind(self, batch: int) -> Callable[[], object]:
        return lambda: self.sizes.append(batch)

    def nodes(self) -> dict[str, int]:
        return {}


def run(model: FakeModel, samples: np.ndarray, tmp_path: Path, batch_size: int = 4) -> np.ndarray:
    worker = Agent()
    worker._model = model
    np.save(tmp_path / "x.npy", samples)
    (written,) = worker.outputs([str(tmp_path / "x.npy")], str(tmp_path / "y"), batch_size)
    return np.load(written)


SAMPLES = np.arange(22, dtype=np.float32).reshape(11, 2)


def test_samples_run_in_batches_where_the_answers_are_the_same(tmp_path: Path) -> None:
    model = FakeModel(lambda x: x * 2)
    assert np.array_equal(run(model, SAMPLES, tmp_path), SAMPLES * 2)
    assert model.sizes == [4, 1, 1, 1, 4, 3]


def test_model_that_mixes_its_batch_runs_one_by_one(tmp_path: Path) -> None:
    model = FakeModel(lambda x: x - x.mean(axis=0))
    assert np.array_equal(run(model, SAMPLES, tmp_path), np.zeros_like(SAMPLES))
    assert model.sizes[4:] == [1] * 11


def test_model_that_cannot_be_resized_runs_one_by_one(tmp_path: Path) -> None:
    def one_only(x: np.ndarray) -> np.ndarray:
        if x.shape[0] != 1:
            raise RuntimeError("fixed")
        return x + 1

    assert np.array_equal(run(FakeModel(one_only), SAMPLES, tmp_path), SAMPLES + 1)


def test_model_that_flattens_its_batch_runs_one_by_one(tmp_path: Path) -> None:
    model = FakeModel(lambda x: x.reshape(1, -1)[:, :2])
    assert np.array_equal(run(model, SAMPLES, tmp_path), SAMPLES)


def test_last_batch_of_a_fixed_model_is_filled_up_and_cut(tmp_path: Path) -> None:
    model = FakeModel(lambda x: x * 3, batch=4)
    assert np.array_equal(run(model, SAMPLES, tmp_path), SAMPLES * 3)
    assert model.sizes == [4, 4, 4]


def test_real_values_are_quantised_and_outputs_dequantised(tmp_path: Path) -> None:
    given = tensor((-1, 2), "int8", [0.5], [-3])
    made = tensor((-1, 2), "int8", [0.25], [10])
    model = FakeModel(lambda q: q, given=given, made=made)
    values = np.array([[0.0, 1.0], [-1.0, 100.0]], np.float32)
    found = run(model, values, tmp_path)
    quantized = np.array([[-3, -1], [-5, 127]])  # 100 saturates
    assert found.dtype == np.float32
    assert np.array_equal(found, (quantized - 10) * 0.25)


def test_integers_of_the_models_own_type_are_taken_as_they_are(tmp_path: Path) -> None:
    model = FakeModel(lambda q: q, given=tensor((-1, 2), "int8", [0.5], [-3]), made=tensor((-1, 2), "int8"))
    values = np.array([[1, -128]], np.int8)
    assert np.array_equal(run(model, values, tmp_path), values)


def test_pixels_of_another_integer_type_are_real_values() -> None:
    given = tensor((-1, 2), "int8", [1.0], [-128])
    assert agent._quantize(np.array([[0, 255]], np.uint8), given).tolist() == [[-128, 127]]


def test_per_channel_scales_follow_their_axis() -> None:
    made = tensor((-1, 2), "int8", [0.5, 2.0], [0, 1], axis=1)
    assert agent._dequantize(np.array([[4, 4]], np.int8), made).tolist() == [[2.0, 6.0]]


def test_whole_numbers_fit_an_index_input_and_fractions_do_not() -> None:
    index = tensor((-1, 2), "int64")
    assert agent._quantize(np.array([[1.0, 2.0]], np.float32), index).dtype == np.int64
    with pytest.raises(RefusalError) as caught:
        agent._quantize(np.array([[1.5, 2.0]], np.float32), index)
    assert caught.value.fields["kind"] == "DataError"


@pytest.mark.parametrize(
    ("samples", "found"),
    [
        (np.zeros((3, 5), np.float32), "[3, 5]"),
        (np.zeros((3, 2, 1), np.float32), "[3, 2, 1]"),
        (np.zeros((0, 2), np.float32), "0 samples"),
        (np.array([["a", "b"]]), "dtype <U1"),
    ],
)
def test_data_that_does_not_fit_is_named(samples: np.ndarray, found: str, tmp_path: Path) -> None:
    with pytest.raises(RefusalError) as caught:
        run(FakeModel(lambda x: x), samples, tmp_path)
    assert caught.value.fields["kind"] == "DataError"
    assert found in caught.value.fields["found"]


def test_wrong_number_of_inputs_is_named() -> None:
    worker = Agent()
    worker._model = FakeModel(lambda x: x)
    with pytest.raises(RefusalError, match="0 input arrays"):
        worker._check([])


def test_the_state_of_one_sample_does_not_reach_the_next() -> None:
    class Counter:
        """An interpreter whose output is the sum of all inputs since its variables were reset."""

        def __init__(self) -> None:
            self.state, self.given = 0.0, 0.0

        def reset_all_variables(self) -> None:
            self.state = 0.0

        def get_input_details(self) -> list[dict[str, int]]:
            return [{"index": 0}]

        def get_output_details(self) -> list[dict[str, int]]:
            return [{"index": 1}]

        def set_tensor(self, index: int, value: np.ndarray) -> None:
            assert index == 0
            self.given = float(value[0])

        def invoke(self) -> None:
            self.state += self.given

        def get_tensor(self, index: int) -> np.ndarray:
            assert index == 1
            return np.array([self.state])

    counter = Counter()
    found = [agent._litert_run(counter, [np.array([value])])[0][0] for value in (1.0, 2.0, 3.0)]
    assert found == [1.0, 2.0, 3.0]
    steps = [agent._litert_run(counter, [np.array([value])], keep_state=True)[0][0] for value in (1.0, 2.0)]
    assert steps == [4.0, 6.0]


def test_timing_counts_only_the_asked_runs() -> None:
    worker = Agent()
    model = FakeModel(lambda x: x)
    worker._model, worker._batch = model, 7
    samples = worker.time(5, num_warmup=3)
    assert len(samples) == 5 and all(isinstance(value, int) and value >= 0 for value in samples)
    assert model.sizes == [7] * 8


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (RuntimeError("Encountered unresolved custom op: X"), "UnsupportedModelError"),
        (ValueError("Model provided has model identifier 'abcd'"), "FileFormatError"),
        (MemoryError(), "UnsupportedModelError"),
        (RuntimeError("std::bad_alloc"), "UnsupportedModelError"),
    ],
)
def test_what_an_interpreter_raises_becomes_an_error_about_the_file(raised: Exception, kind: str) -> None:
    with pytest.raises(RefusalError) as caught, agent._refusals("m.onnx", "could not be loaded"):
        raise raised
    assert caught.value.fields["kind"] == kind and caught.value.fields["subject"] == "m.onnx"


def test_memory_is_that_of_this_process() -> None:
    assert Agent().memory() > 10_000_000


def test_sample_data_suits_the_type() -> None:
    assert agent._sample([2, 3], np.float32).dtype == np.float32
    assert np.abs(agent._sample([50], np.float32)).max() <= 1
    assert agent._sample([50], np.int8).min() < 0 and agent._sample([50], np.uint8).max() <= 127
    assert not agent._sample([5], np.int64).any()
    assert agent._sample([2], np.bool_).dtype == np.bool_


def test_agent_is_one_file_that_imports_nothing_of_edgetool() -> None:
    tree = ast.parse(Path(agent.__file__).read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - set(sys.stdlib_module_names) == {"numpy", "onnxruntime", "ai_edge_litert"}


def test_agent_speaks_the_protocol_alone_in_an_empty_folder(tmp_path: Path) -> None:
    copy = tmp_path / "agent.py"
    copy.write_bytes(Path(agent.__file__).read_bytes())
    requests = [
        {"id": 1, "method": "probe", "params": {}},
        {"id": 2, "method": "time", "params": {"num_runs": 1}},
        {"id": 3, "method": "no_such", "params": {}},
    ]
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    found = subprocess.run([sys.executable, str(copy)], input=lines, capture_output=True, text=True, check=True)
    probe, time, unknown = [json.loads(line) for line in found.stdout.splitlines()]
    assert probe["id"] == 1 and probe["result"]["cpus"]
    assert time["id"] == 2 and time["error"]["kind"] == "InterpreterCrashError"
    assert unknown["error"]["kind"] == "InternalError"


def test_samples_are_placed_behind_the_layers_of_a_state() -> None:
    assert agent.sample_axes([["N", 7], [2, "N", 8], []]) == [0, 1, None]
    assert agent.sample_axes([[-1, 7], [2, -1, 8]]) == [0, 1]
    assert agent.sample_axes([["T", "batch", 5], [1, "batch", 8]]) == [1, 1]
    assert agent.sample_axes([["T", "N", 5]]) == [0]
    assert agent.sample_axes([["?", 7], [2, "?", 8]]) == [0, 1]
    assert agent.sample_axes([[7, "N", 5], [1, "N", 6]]) == [1, 1]
    assert agent.sample_axes([[1, 1, 64, "width"]]) == [0]
    assert agent.sample_axes([["batch_size", "N"], ["batch_size"]]) == [0, 0]
    assert agent.by_sample((2, -1, 8), 1) == (-1, 2, 8)
    state = np.arange(48.0).reshape(3, 2, 8)
    placed = agent.place_samples(state, 1)
    assert placed.shape == (2, 3, 8) and np.array_equal(placed[:, 1], state[1])
    assert agent.place_samples(np.array([5, 5]), None).tolist() == 5
    with pytest.raises(ValueError, match="differ"):
        agent.place_samples(np.array([5, 6]), None)
    assert agent.place_samples(np.array([np.nan]), None).shape == ()
