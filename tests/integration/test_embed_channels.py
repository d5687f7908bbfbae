"""Channels that never vary, and those that fast kernels cannot compute: bit for bit, and what they cost."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.embed.boards.firmware import missing_packages, run_firmware
from edgetool.embed.bundles.c_bundle import Bundle, write_bundle
from edgetool.embed.bundles.check_bundle import check_bundle
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.targets import find_target

pytestmark = pytest.mark.slow

CORES = ("cortex-m4-qemu", "cortex-m55-qemu")

#: Channel of a layer -> what it is given, see `_spoil`.
Kinds = dict[int, str]


def _spoil(network: Any, kinds: Kinds, weights: Any, biases: Any, scales: Any) -> None:
    """Give channels what converters and quantisers write, and what no converter does."""
    channels = weights if len(biases) == weights.shape[0] else np.moveaxis(weights, -1, 0)
    far = 1 << 30
    changes: dict[str, tuple[int | None, float | None]] = {
        "always most": (far, None),
        "always least": (-far, None),
        "tiny": (-far, 1e-13),
        "nothing": (0, 1e-30),
        "no shift": (None, 0.7),
        "left": (None, 1.7),
        "far left": (None, 11.0),
        "half a step": (far, 32.5 / far),
        "beyond": (far + (far >> 1), 0.9 / (2 * far)),
        "lowest": (None, None),
    }
    for channel, kind in kinds.items():
        bias, steps = changes[kind]
        biases[channel] = biases[channel] if bias is None else bias
        scales[channel] = scales[channel] if steps is None else steps * network.one_step
        if kind == "lowest":
            channels[channel].reshape(-1)[::2] = -128
            channels[channel][..., :2, :] = -128


def _add_layer(network: Any, random: Any, shape: tuple[int, ...], kinds: Kinds, **options: Any) -> None:
    """Add a convolution, or a depthwise one where the shape begins with 0, or a fully connected layer."""
    is_depthwise = shape[0] == 0
    size = shape[-1] if is_depthwise else shape[0]
    weights = random.integers(-127, 128, (1, *shape[1:]) if is_depthwise else shape)
    biases = random.integers(-2000, 4000, size)
    fan_in = weights.size / size
    scales = random.uniform(0.7, 1.3, size) / (17 * np.sqrt(fan_in)) * network.one_step
    _spoil(network, kinds, weights, biases, scales)
    if len(shape) == 2:
        network.dense(weights, biases, scales)
    else:
        network.conv(weights, biases, scales, **options)


def _mobile_net(network: Any, dead: Kinds) -> Any:
    """What a MobileNet is made of: in every layer the same channels are spoilt."""
    random = np.random.default_rng(0)
    _add_layer(network, random, (16, 3, 3, 3), dead, stride=2)
    for size, stride in ((16, 1), (32, 2), (32, 1)):
        channels = network.shape[3]
        _add_layer(network, random, (0, 3, 3, channels), dead, stride=stride)
        _add_layer(network, random, (size, 1, 1, channels), dead)
    last = network.shape
    _add_layer(network, random, (4, *last[1:]), {}, same=False)
    return network


DEAD: Kinds = {1: "always most", 2: "always least", 5: "tiny", 8: "nothing", 11: "always least"}


def _odd_network(network: Any) -> Any:
    """Channels that no fast kernel can compute in every kind of layer."""
    random = np.random.default_rng(1)
    _add_layer(network, random, (12, 3, 3, 5), {1: "left", 4: "lowest", 5: "lowest", 7: "beyond", 8: "half a step"})
    _add_layer(network, random, (0, 3, 3, 12), {0: "far left", 2: "lowest", 3: "half a step", 9: "no shift"})
    _add_layer(network, random, (12, 1, 1, 12), {0: "left", 3: "lowest", 6: "always most", 11: "beyond"})
    first = network.last
    _add_layer(network, random, (12, 3, 3, 12), {2: "left", 5: "lowest"})
    network.add(first, network.last)
    _add_layer(network, random, (0, 3, 3, 12), {11: "left", 1: "lowest"}, stride=2)
    _add_layer(network, random, (7, 3, 3, 12), {6: "left", 5: "lowest"}, same=False)
    return network


def _spread_network(network: Any) -> Any:
    """Depthwise convolutions of several outputs a channel, dilated, of channels that are no multiple of four."""
    random = np.random.default_rng(2)
    _add_layer(network, random, (0, 3, 3, 6), {1: "left"})
    _add_layer(network, random, (0, 3, 3, 18), {2: "always most"}, stride=2)
    _add_layer(network, random, (0, 3, 3, 18), {}, dilation=2)
    _add_layer(network, random, (22, 1, 1, 18), {})
    _add_layer(network, random, (0, 5, 3, 22), {})
    _add_layer(network, random, (0, 3, 2, 44), {}, same=False)
    _add_layer(network, random, (1, 1, 1, 44), {})
    _add_layer(network, random, (0, 2, 3, 8), {}, dilation=2)  # of one channel
    return network


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, int8_network: Callable[..., Any]) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("channels")
    networks = {
        "sound": _mobile_net(int8_network(16, 16, 3), {}),
        "dead": _mobile_net(int8_network(16, 16, 3), DEAD),
        "odd": _odd_network(int8_network(9, 9, 5)),
        "spread": _spread_network(int8_network(13, 11, 3)),
    }
    return {name: network.write(folder / f"{name}.tflite") for name, network in networks.items()}


def _bundle(model: Path, target: str, out: Path, pack: str = "never") -> Bundle:
    return write_bundle(
        model, name="net", out=out, target=find_target(target), overwrite=False, num_vectors=10, pack=pack
    )


@pytest.mark.parametrize(
    ("name", "target", "pack"),
    [
        ("dead", "host", "never"),
        ("odd", "host", "never"),
        ("odd", "cortex-m3-qemu", "never"),
        ("odd", "cortex-m4-qemu", "always"),
        ("odd", "cortex-m55-qemu", "always"),
        ("spread", "host", "never"),
        ("spread", "cortex-m3-qemu", "never"),
        ("spread", "cortex-m4-qemu", "never"),
        ("spread", "cortex-m55-qemu", "never"),
    ],
)
def test_every_byte_is_that_of_the_reference_kernels(
    name: str, target: str, pack: str, models: dict[str, Path], tmp_path: Path
) -> None:
    made = _bundle(models[name], target, tmp_path / "b", pack)
    found = check_bundle(models[name], made.out, num_samples=200)
    assert found.num_different == 0
    portable = {"conv_s8", "pointwise_conv_s8", "conv_add_s8", "pointwise_add_s8", "depthwise_conv_s8"}
    assert target == "cortex-m3-qemu" or not portable & {*made.operators}


def test_the_networks_say_something(models: dict[str, Path], tmp_path: Path) -> None:
    """Outputs vary, or equal bytes would prove nothing."""
    for name, model in models.items():
        _bundle(model, "host", tmp_path / name)
        text = (tmp_path / name / "test_vectors.h").read_text()
        values = text[text.index("test_output0") :].split("{", 2)[2]
        assert len(set(values.replace("}", ",").replace("{", ",").replace(";", ",").split(","))) > 8, name


@pytest.mark.parametrize("core", CORES)
def test_dead_channels_cost_nothing(core: str, models: dict[str, Path], tmp_path: Path) -> None:
    missing = missing_packages(find_target("cortex-m4-qemu"))
    if missing:
        pytest.skip(f"no Arm compiler or emulator: apt install {' '.join(missing.values())}")
    target = find_target(core)
    sizes = {}
    for name in ("sound", "dead", "odd", "spread"):
        made = _bundle(models[name], core, tmp_path / name)
        run = run_firmware(made.out, "net", lower_file(models[name]), target)
        assert run.num_failed == 0 and run.arena_is_whole, name
        sizes[name] = run.num_instructions, made.constant_bytes
    assert sizes["dead"][0] <= 1.05 * sizes["sound"][0] and sizes["dead"][1] < sizes["sound"][1]


#: One run, whose instructions are counted.
MAIN = """#include <string.h>
#include "net.h"
int main(void) {
  memset(net_input0(), 1, NET_INPUT0_NUM_ELEMENTS);
  net_run();
  return 0;
}
"""


def _instructions(bundle: Path, folder: Path) -> int:
    """Return the instructions of a run on a processor with AVX2, as callgrind counts them."""
    main, program = folder / "one_run.c", folder / "one_run"
    main.write_text(MAIN)
    sources = [str(path) for path in (main, bundle / "net.c", bundle / "weights.c")]
    subprocess.run(
        ["gcc", "-std=c99", "-O3", "-march=x86-64-v3", f"-I{bundle}", *sources, "-o", str(program), "-lm"], check=True
    )
    counting = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=net_run"]
    done = subprocess.run([*counting, str(program)], check=True, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found is not None, done.stderr
    return int(found[1])


def test_dead_channels_cost_nothing_on_processors_with_vectors(models: dict[str, Path], tmp_path: Path) -> None:
    """Channels that are left fill no vector: their ends must not cost more than whole vectors did."""
    if os.uname().machine != "x86_64" or any(shutil.which(tool) is None for tool in ("gcc", "valgrind")):
        pytest.skip("needs an x86-64 processor and: apt install gcc valgrind")
    counts = [_instructions(_bundle(models[name], "host", tmp_path / name).out, tmp_path) for name in ("sound", "dead")]
    assert counts[1] <= 1.05 * counts[0], counts
