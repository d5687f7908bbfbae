"""Keras' backends: whether one is installed, its environment, and the devices that it finds.

Only `open_devices` imports a backend, and only the training process calls it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from edgetool.errors import DeviceUnavailableError, MissingDependencyError, UsageError
from edgetool.extras import install_command
from edgetool.options.commands import ComputeOptions

__all__ = ["Devices", "child_environment", "open_devices", "require_backend"]

#: Backend -> what installs its support for NVIDIA GPUs.
INSTALL_GPU = {
    "tensorflow": "pip install 'tensorflow[and-cuda]'",
    "jax": "pip install 'jax[cuda13]'",
    "torch": "install a CUDA build of torch (pytorch.org/get-started)",
}

FORCED_CPUS = "xla_force_host_platform_device_count"


@dataclass(frozen=True, slots=True)
class Devices:
    """What training runs on.

    Attributes:
        kind: `cpu` or `gpu`.
        name: The GPU's name; empty for a CPU.
        num_devices: The number of devices that share each batch.
        notes: Notes that the record takes.
        scope: The context in which variables are made.
        peak_memory: Returns the most bytes that the fullest GPU has held at once; None on a CPU.
        seed: Seeds the generators of the backend that are not Keras' own.
        release: Lets one device do everything from then on.
    """

    kind: Literal["cpu", "gpu"]
    name: str = ""
    num_devices: int = 1
    notes: tuple[str, ...] = ()
    scope: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext
    peak_memory: Callable[[], int | None] = field(default=lambda: None)
    seed: Callable[[int], None] = field(default=lambda _: None)
    release: Callable[[], None] = field(default=lambda: None)

    def describe(self) -> str:
        """Return `cpu`, or the GPU's name and number."""
        name = self.name or self.kind
        return name if self.num_devices == 1 else f"{self.num_devices} x {name}"


def require_backend(backend: str) -> None:
    """Refuse a backend that is not installed, without importing it.

    Raises:
        MissingDependencyError: names the extra that installs it.
    """
    if importlib.util.find_spec(backend) is None:
        raise MissingDependencyError(
            f"--backend {backend}",
            found=f"no package {backend!r}",
            expected="an installed backend of Keras 3",
            next_step="pip install tensorflow" if backend == "tensorflow" else install_command(backend),
        )


def child_environment(compute: ComputeOptions) -> dict[str, str]:
    """Return the variables that a training process must find when it starts.

    A GPU that is not asked for is hidden; XLA and cuBLAS are told to compute the same sums in the same order.
    """
    environment: dict[str, str] = {"KERAS_BACKEND": compute.backend}
    if compute.device == "cpu":
        environment |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    elif compute.backend == "jax":
        environment["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true".strip()
    elif compute.backend == "torch":
        environment["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    return environment


def open_devices(compute: ComputeOptions, batch_size: int) -> Devices:
    """Import the backend, choose its devices and make it deterministic. Call it before any Keras model is made.

    Args:
        compute: what was asked for.
        batch_size: must be a multiple of the number of devices.

    Raises:
        DeviceUnavailableError: a GPU, or a number of devices, that is not there.
        UsageError: devices and batch size, or device and precision, do not go together.
    """
    opened = {"tensorflow": _open_tensorflow, "jax": _open_jax, "torch": _open_torch}[compute.backend]
    devices = opened(compute, batch_size)
    if devices.kind == "cpu" and compute.precision == "float16":
        raise UsageError(
            "--mixed-precision",
            found="float16 on a CPU",
            expected="float16 on a GPU",
            next_step="give bfloat16, which has the range of float32, or leave it out",
        )
    return devices


def _choose(compute: ComputeOptions, num_gpus: int) -> Literal["cpu", "gpu"]:
    if compute.device == "cpu" or (compute.device == "auto" and num_gpus == 0):
        return "cpu"
    if num_gpus == 0:
        raise DeviceUnavailableError(
            "--device gpu",
            found=f"no GPU that {compute.backend} can use",
            expected="a GPU, its driver, and a build of the backend for it",
            next_step=f"{INSTALL_GPU[compute.backend]}; edgetool doctor shows the GPU; or give --device cpu",
        )
    return "gpu"


def _count(compute: ComputeOptions, kind: str, available: int, batch_size: int) -> int:
    """Return how many devices share a batch.

    Args:
        compute: the number that was asked for.
        kind: `cpu` or `gpu`.
        available: devices that are there.
        batch_size: The number of samples to share.
    """
    if compute.num_devices is None:
        most = available if kind == "gpu" else 1
        return next(count for count in range(most, 0, -1) if batch_size % count == 0)
    if compute.num_devices > available:
        raise DeviceUnavailableError(
            "--num-devices",
            found=f"{available} of kind {kind}",
            expected=str(compute.num_devices),
            next_step=f"give --num-devices {available} or fewer",
        )
    if batch_size % compute.num_devices:
        raise UsageError(
            "--num-devices",
            found=f"{compute.num_devices} devices for batches of {batch_size}",
            expected="a number that divides the batch size",
            next_step="give another --num-devices or --batch-size",
        )
    return compute.num_devices


def _open_tensorflow(compute: ComputeOptions, batch_size: int) -> Devices:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    kind = _choose(compute, len(gpus))
    available = len(gpus) if kind == "gpu" else compute.num_devices or 1
    count = _count(compute, kind, available, batch_size)
    if kind == "cpu" and count > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    if kind == "gpu":
        tf.config.experimental.enable_op_determinism()
    names = [f"{kind.upper()}:{index}" for index in range(count)]
    strategy = tf.distribute.MirroredStrategy(names) if count > 1 else None

    def peak_memory() -> int | None:
        return max(int(tf.config.experimental.get_memory_info(name)["peak"]) for name in names)

    return Devices(
        kind=kind,
        name=str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu")) if kind == "gpu" else "",
        num_devices=count,
        scope=contextlib.nullcontext if strategy is None else strategy.scope,
        peak_memory=peak_memory if kind == "gpu" else lambda: None,
    )


def _open_jax(compute: ComputeOptions, batch_size: int) -> Devices:
    import jax

    if compute.num_devices is not None and FORCED_CPUS not in os.environ.get("XLA_FLAGS", ""):
        jax.config.update("jax_num_cpu_devices", compute.num_devices)
    gpus = []
    with contextlib.suppress(RuntimeError):  # how jax says that it has no such platform
        gpus = jax.devices("gpu")
    kind = _choose(compute, len(gpus))
    found = gpus if kind == "gpu" else jax.devices("cpu")
    count = _count(compute, kind, len(found), batch_size)
    import keras

    if count > 1:
        names = [f"{kind}:{device.id}" for device in found[:count]]
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=names))

    if kind == "gpu":
        _hide_gpus_from_tensorflow()

    def peak_memory() -> int | None:
        stats = [device.memory_stats() or {} for device in found[:count]]
        return max(int(stat.get("peak_bytes_in_use", 0)) for stat in stats)

    return Devices(
        kind=kind,
        name=str(found[0].device_kind) if kind == "gpu" else "",
        num_devices=count,
        peak_memory=peak_memory if kind == "gpu" else lambda: None,
        release=lambda: keras.distribution.set_distribution(None),
    )


def _open_torch(compute: ComputeOptions, batch_size: int) -> Devices:
    import torch

    num_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    kind = _choose(compute, num_gpus)
    if (compute.num_devices or 1) > 1:
        raise UsageError(
            "--num-devices",
            found=f"{compute.num_devices} with --backend torch",
            expected="1: Keras 3 trains on one device with torch",
            next_step="give --backend jax or tensorflow for several",
        )
    count = _count(compute, kind, 1, batch_size)
    if kind == "gpu":
        _hide_gpus_from_tensorflow()
    torch.use_deterministic_algorithms(True, warn_only=True)
    notes = (f"torch trains on one of {num_gpus} GPUs",) if kind == "gpu" and num_gpus > 1 else ()
    return Devices(
        kind=kind,
        name=str(torch.cuda.get_device_name(0)) if kind == "gpu" else "",
        num_devices=count,
        notes=notes,
        peak_memory=(lambda: int(torch.cuda.max_memory_allocated())) if kind == "gpu" else lambda: None,
        seed=lambda seed: _seed_torch(seed),
    )


def _hide_gpus_from_tensorflow() -> None:
    """Keep TensorFlow, which Keras imports with any backend to write files, from taking the GPU's memory."""
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")


def _seed_torch(seed: int) -> None:
    """Seed torch itself: its dropout draws from the global generator, not from Keras' (keras 3.15)."""
    import torch

    torch.manual_seed(int(np.uint32(seed)))
