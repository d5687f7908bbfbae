"""Backends that are not installed, devices that are not there, and how several share a batch."""

from __future__ import annotations

import importlib.util
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from edgetool.errors import DeviceUnavailableError, MissingDependencyError, UsageError
from edgetool.options.commands import ComputeOptions
from edgetool.training.backends import Devices, child_environment, open_devices, require_backend


def fake_torch(monkeypatch: pytest.MonkeyPatch, num_gpus: int) -> None:
    cuda = SimpleNamespace(
        is_available=lambda: num_gpus > 0,
        device_count=lambda: num_gpus,
        get_device_name=lambda index: f"GPU {index}",
        max_memory_allocated=lambda: 123,
    )
    torch = SimpleNamespace(cuda=cuda, use_deterministic_algorithms=lambda on, warn_only: None)
    tensorflow = SimpleNamespace(config=SimpleNamespace(set_visible_devices=lambda devices, kind: None))
    monkeypatch.setitem(sys.modules, "torch", torch)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)  # type: ignore[arg-type]


class FakeStrategy:
    def __init__(self, names: list[str]) -> None:
        self.names = names

    def scope(self) -> list[str]:
        return self.names


def fake_tensorflow(monkeypatch: pytest.MonkeyPatch, num_gpus: int) -> None:
    config = SimpleNamespace(
        list_physical_devices=lambda kind: [f"{kind}:{i}" for i in range(num_gpus if kind == "GPU" else 1)],
        set_logical_device_configuration=lambda device, parts: None,
        LogicalDeviceConfiguration=lambda: None,
        experimental=SimpleNamespace(
            enable_op_determinism=lambda: None,
            get_device_details=lambda device: {"device_name": f"named {device}"},
            get_memory_info=lambda name: {"peak": 100 if name == "GPU:0" else 200},
        ),
    )
    fake = SimpleNamespace(config=config, distribute=SimpleNamespace(MirroredStrategy=FakeStrategy))
    monkeypatch.setitem(sys.modules, "tensorflow", fake)  # type: ignore[arg-type]


def test_a_backend_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in ("torch", "jax") else real(name))
    with pytest.raises(MissingDependencyError, match=r"--backend torch.*'torch>=2"):
        require_backend("torch")
    with pytest.raises(MissingDependencyError, match=r"pip install 'jax>=0"):
        require_backend("jax")
    require_backend("tensorflow")


def test_the_environment_hides_gpus_that_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_theirs=1")
    assert child_environment(ComputeOptions(backend="torch", device="cpu")) == {
        "KERAS_BACKEND": "torch",
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
    }
    assert child_environment(ComputeOptions()) == {"KERAS_BACKEND": "tensorflow"}
    assert child_environment(ComputeOptions(backend="jax"))["XLA_FLAGS"] == (
        "--xla_theirs=1 --xla_gpu_deterministic_ops=true"
    )


@pytest.mark.parametrize(
    ("backend", "fake", "hint"),
    [("torch", fake_torch, "CUDA build of torch"), ("tensorflow", fake_tensorflow, r"tensorflow\[and-cuda\]")],
)
def test_a_gpu_that_is_not_there_is_an_error_only_if_asked_for(
    monkeypatch: pytest.MonkeyPatch, backend: str, fake: Any, hint: str
) -> None:
    fake(monkeypatch, 0)
    with pytest.raises(DeviceUnavailableError, match=f"no GPU that {backend} can use.*{hint}.*--device cpu"):
        open_devices(ComputeOptions(backend=backend, device="gpu"), 32)
    found = open_devices(ComputeOptions(backend=backend), 32)
    assert (found.kind, found.num_devices, found.describe(), found.peak_memory()) == ("cpu", 1, "cpu", None)


def test_torch_takes_one_gpu_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_torch(monkeypatch, 2)
    found = open_devices(ComputeOptions(backend="torch"), 32)
    assert (found.kind, found.name, found.num_devices, found.peak_memory()) == ("gpu", "GPU 0", 1, 123)
    assert found.notes == ("torch trains on one of 2 GPUs",)
    with pytest.raises(UsageError, match="2 with --backend torch"):
        open_devices(ComputeOptions(backend="torch", num_devices=2), 32)


@pytest.mark.parametrize(
    ("num_gpus", "asked", "batch_size", "count"), [(4, None, 32, 4), (4, None, 6, 3), (4, 2, 32, 2), (1, None, 7, 1)]
)
def test_gpus_share_a_batch_that_they_divide(
    monkeypatch: pytest.MonkeyPatch, num_gpus: int, asked: int | None, batch_size: int, count: int
) -> None:
    fake_tensorflow(monkeypatch, num_gpus)
    found = open_devices(ComputeOptions(num_devices=asked), batch_size)
    assert (found.kind, found.num_devices) == ("gpu", count)
    assert found.describe() == ("named GPU:0" if count == 1 else f"{count} x named GPU:0")
    if count > 1:
        assert found.scope() == [f"GPU:{index}" for index in range(count)]
        assert found.peak_memory() == 200


def test_too_many_or_unfit_devices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tensorflow(monkeypatch, 2)
    with pytest.raises(DeviceUnavailableError, match="2 of kind gpu, expected 3; give --num-devices 2"):
        open_devices(ComputeOptions(num_devices=3), 33)
    with pytest.raises(UsageError, match="2 devices for batches of 33"):
        open_devices(ComputeOptions(num_devices=2), 33)


def test_float16_needs_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tensorflow(monkeypatch, 0)
    with pytest.raises(UsageError, match=r"float16 on a CPU.*bfloat16"):
        open_devices(ComputeOptions(precision="float16"), 32)
    assert open_devices(ComputeOptions(precision="bfloat16"), 32) is not None


def test_a_device_without_more_does_nothing() -> None:
    plain = Devices("cpu")
    with plain.scope():
        plain.seed(3)
        plain.release()
    assert plain.peak_memory() is None
