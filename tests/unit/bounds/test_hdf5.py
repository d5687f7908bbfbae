"""HDF5 files that reach out of themselves, or claim far more than they store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgetool.bounds import hdf5
from edgetool.bounds.hdf5 import require_plain_hdf5
from edgetool.errors import FileFormatError

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


def external(store: Any) -> None:
    store.create_dataset("g/bad", (4,), "u1", external=[("/etc/passwd", 0, 4)])


def virtual(store: Any) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", (4,))
    store.create_virtual_dataset("bad", layout)


def soft_link(store: Any) -> None:
    store["bad"] = h5py.SoftLink("/g/elsewhere")


def external_link(store: Any) -> None:
    store.create_group("g")["bad"] = h5py.ExternalLink("/tmp/other.h5", "/x")


def unwritten(store: Any) -> None:
    store.create_dataset("bad", (1 << 20, 5000), "f4", chunks=(1024, 5000))


def repeated(store: Any) -> None:
    store.create_dataset("bad", (8,), h5py.vlen_dtype(np.float32))


def plugin(store: Any) -> None:
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((4,))
    properties.set_filter(40000, h5py.h5z.FLAG_OPTIONAL)
    space = h5py.h5s.create_simple((4,))
    h5py.h5d.create(store.id, b"bad", h5py.h5t.NATIVE_FLOAT, space, properties)


def compressed(store: Any) -> None:
    for index in range(3):
        store.create_dataset(f"bad{index}", data=np.zeros(1 << 20, np.uint8), chunks=(1 << 20,), compression=9)


@pytest.mark.parametrize("make", [external, virtual, soft_link, external_link, unwritten, repeated, plugin, compressed])
def test_hostile_files(make: Callable[[Any], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "MODEL_BYTES", 1 << 20)
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as store:
        store.create_dataset("fine", data=np.ones(8))
        make(store)
    with pytest.raises(FileFormatError) as caught:
        require_plain_hdf5(path, "m.h5")
    assert "m.h5" in caught.value.subject
    assert make is compressed or "bad" in caught.value.subject


@pytest.mark.parametrize("source", [GOLDEN / "tiny.h5", (GOLDEN / "tiny.h5").read_bytes()], ids=["path", "bytes"])
def test_models_pass(source: Path | bytes) -> None:
    require_plain_hdf5(source, "m.h5")


def test_circles_of_hard_links_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as store:
        group = store.create_group("a/b")
        group["again"] = store["a"]
        store.attrs["model_config"] = "x" * 100
        store.attrs["names"] = ["a", "b"]
        store.create_dataset("empty", data=h5py.Empty("f4"))
        store.create_dataset("zero", (0, 4), "f4")
    require_plain_hdf5(tmp_path / "m.h5", "m.h5")


def test_damage(tmp_path: Path) -> None:
    (tmp_path / "m.h5").write_bytes((GOLDEN / "tiny.h5").read_bytes()[:700])
    with pytest.raises(FileFormatError, match="damaged"):
        require_plain_hdf5(tmp_path / "m.h5", "m.h5")
