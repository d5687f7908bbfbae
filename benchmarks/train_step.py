"""Steps of training of a zoo model on random data: samples per second, peak memory, energy, as one JSON object.

    python benchmarks/train_step.py document-cnn --backend jax --device gpu --batch-size 64 --steps 50

It takes the way of `edgetool train` (the card's optimizer, loss and augmentation; batches preprocessed as they are
needed) without a data set, so that configurations without data, `bert-base` and `gpt2-small`, can be stepped too. A
first epoch of the same length warms up and compiles; the second one is measured.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgetool.data.dataset import Dataset, Split
from edgetool.errors import EdgetoolError
from edgetool.runners.machine import describe_machine
from edgetool.tasks import Task, infer_task
from edgetool.training.backends import child_environment, open_devices, require_backend
from edgetool.training.cost import CostMeter, count_macs, flops_per_step
from edgetool.training.procedure import Workload, load_procedure
from edgetool.training.request import BACKENDS, DEVICES, PRECISIONS, ComputeOptions
from edgetool.zoo import find_model, load_builder


def main() -> int:
    """Measure as asked and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a model of the zoo")
    parser.add_argument("--backend", choices=BACKENDS, default="tensorflow")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--num-devices", type=int)
    parser.add_argument("--mixed-precision", choices=PRECISIONS, default="float32")
    parser.add_argument("--batch-size", type=int, help="default: the model's card")
    parser.add_argument("--steps", type=int, default=20)
    asked = parser.parse_args()
    compute = ComputeOptions(asked.backend, asked.device, asked.num_devices, asked.mixed_precision)
    try:
        print(json.dumps(measure(asked.model, compute, asked.batch_size, asked.steps), indent=2))
    except EdgetoolError as exc:
        print(f"{exc}", file=sys.stderr)
        return exc.exit_code
    return 0


def measure(name: str, compute: ComputeOptions, batch_size: int | None, num_steps: int) -> dict[str, Any]:
    """Run two epochs of `num_steps` and return what the second one took."""
    card = find_model(name)
    require_backend(compute.backend)
    os.environ.update({"TF_CPP_MIN_LOG_LEVEL": "3", **child_environment(compute)})
    recipe = dataclasses.replace(
        card.training,
        batch_size=batch_size or card.training.batch_size,
        epochs=2,
        warmup_epochs=0.0,
        patience=0,
        balanced=False,
    )
    devices = open_devices(compute, recipe.batch_size)
    import keras

    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(compute.precision if compute.precision == "float32" else f"mixed_{compute.precision}")
    with devices.scope():
        model = load_builder(card)(keras)
    split, task = synthetic(model, card.task, card.metric, recipe.batch_size * num_steps)
    work = Workload(card, task, recipe, split, None, devices, seed=0)
    procedure = load_procedure(recipe.procedure)(model, work)
    meter = CostMeter(devices)
    procedure.run_epoch(1, lambda _: None)
    meter.begin_epoch()
    figures = procedure.run_epoch(2, lambda _: None)
    cost = meter.end_epoch(figures.train_seconds)
    macs = macs_of(model)
    operations = None if macs is None else flops_per_step(macs, recipe.batch_size)
    machine = describe_machine()
    return {
        "model": name,
        "num_params": int(model.count_params()),
        "backend": compute.backend,
        "device": devices.name or machine.cpu,
        "num_devices": devices.num_devices,
        "precision": compute.precision,
        "batch_size": recipe.batch_size,
        "steps": num_steps,
        "seconds": cost.train_seconds,
        "samples_per_second": recipe.batch_size * num_steps / cost.train_seconds,
        "peak_memory_bytes": cost.peak_memory_bytes,
        "peak_memory_method": meter.memory_method,
        "energy_joules": cost.energy_joules,
        "energy_method": meter.energy_method,
        "flops_per_step": operations,
        "flops_per_second": None if operations is None else operations * num_steps / cost.train_seconds,
        "loss": figures.loss,
        "gpu": machine.gpu,
        "versions": {key: machine.versions[key] for key in ("keras", compute.backend)},
        "date": time.strftime("%Y-%m-%d"),
    }


def synthetic(model: Any, task_name: str, metric: str, num_samples: int) -> tuple[Split, Task]:
    """Return random samples that fit the model's inputs and outputs, and the task."""
    random = np.random.default_rng(0)
    inputs = []
    for tensor in model.inputs:
        shape = (num_samples, *(int(size) for size in tensor.shape[1:]))
        if str(tensor.dtype).startswith("int"):
            inputs.append(random.integers(0, _num_tokens(model), shape, dtype=np.int32))
        else:
            inputs.append(random.random(shape, dtype=np.float32))
    output = tuple(int(size) for size in model.outputs[0].shape[1:])
    split = Split("train", tuple(inputs))
    task = infer_task(model, Dataset("random", split, None, None), task=task_name, metric=metric)
    labels: Any = random.normal(size=(num_samples, *output)).astype(np.float32)
    if task.has_classes:
        labels = random.integers(0, max(2, output[-1]), (num_samples, *output[:-1]))
    return dataclasses.replace(split, labels=labels if task.needs_labels else None), task


def _num_tokens(model: Any) -> int:
    """Return a number of tokens that every embedding knows; 2 where there is none (masks)."""
    sizes = [layer.input_dim for layer in model._flatten_layers() if hasattr(layer, "input_dim")]
    return min([size for size in sizes if isinstance(size, int)], default=2)


def macs_of(model: Any) -> int | None:
    """Return the multiply-accumulates of a forward pass of one sample; None where a layer's are not known."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return count_macs(path)[0]


if __name__ == "__main__":
    sys.exit(main())
