"""C from every model of the zoo beside LiteRT's reference kernels: which samples differ, and by how much.

    python benchmarks/zoo_c.py RUNS... [--samples 50] [--recipes float32,w8a8_static] [--out RESULT.md]

RUNS are folders that `benchmarks/zoo.py` wrote. Of each run the recipes' `.tflite` files become C for the host
(`edgetool embed --runtime c --target host`), which is compiled and compared on random inputs and on the validation
split of the model's data. Integers must be equal; of floats the largest difference is given, as part of the largest
absolute output over all samples (sums in another order round differently).
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.bundles.check_bundle import BundleCheck, check_bundle
from edgetool.errors import EdgetoolError
from edgetool.runners.machine import describe_machine
from edgetool.targets import find_target
from edgetool.verify.inputs import VerifyInputs, data_inputs
from edgetool.zoo import find_model

HEADER = """\
| model | recipe | bytes | arena | random samples that differ | by at most | real samples that differ | by at most |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"""


def main() -> int:
    """Check every file and print the table; 1 where a sample differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--samples", type=int, default=50)
    parser.add_argument("--recipes", default="float32,w8a8_static")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    machine = describe_machine()
    lines = [
        "# C from every model of the zoo",
        "",
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}; {machine.cpu}; {options.samples} samples each. Written by "
        "`benchmarks/zoo_c.py`, which says what is compared.",
        "",
        HEADER,
    ]
    is_different = False
    for folder in sorted(path for runs in options.runs for path in runs.glob("*-run")):
        for recipe in options.recipes.split(","):
            model = folder / "artifacts" / f"{recipe}.tflite"
            if model.is_file():
                cells, differs = check(model, folder.name.removesuffix("-run"), options.samples)
                is_different |= differs
                lines.append(f"| {folder.name.removesuffix('-run')} | {recipe} | {model.stat().st_size:,} | {cells} |")
                print(lines[-1], file=sys.stderr, flush=True)
    text = "\n".join([*lines, ""])
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return int(is_different)


def check(model: Path, slug: str, num_samples: int) -> tuple[str, bool]:
    """Return the cells of one file, and whether a sample differs; a refusal is told in place of figures."""
    name, _, data = slug.partition("@")
    card = find_model(name)

    def real() -> VerifyInputs:
        return data_inputs(data or card.data, num_samples, card.preprocessing, seed=0)

    inputs: tuple[Callable[[], VerifyInputs] | None, ...] = (None, real)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "bundle"
        try:
            bundle = write_bundle(model, name="net", out=out, target=find_target("host"), overwrite=False)
            found = [check_bundle(model, out, num_samples=num_samples, data=given) for given in inputs]
        except EdgetoolError as exc:
            return f"{exc.subject}: {exc.found} | - | - | - | -", False
    cells = " | ".join(figures(one) for one in found)
    return f"{bundle.arena_bytes:,} | {cells}", any(one.num_different for one in found)


def figures(found: BundleCheck) -> str:
    """Return the cells of one comparison."""
    return f"{found.num_different} of {found.num_samples} | {found.max_difference:.1e}"


if __name__ == "__main__":
    sys.exit(main())
