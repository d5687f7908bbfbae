"""HDF5 files are walked before anything of them is read: nothing lies outside, nothing claims more than is stored."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

from edgetool.bounds.memory import MODEL_BYTES, require_bounded, stored_bytes
from edgetool.bounds.parsing import parsing, printable
from edgetool.errors import FileFormatError

if TYPE_CHECKING:
    import h5py

__all__ = ["require_plain_hdf5"]

EXPECTED = "a sound HDF5 file that holds all of its values itself"
NEXT_STEP = "save the model again with model.save"

#: Filters of the library itself: deflate, shuffle, Fletcher-32, szip, n-bit, scale-offset, LZF. Others are plugins.
FILTERS = {1, 2, 3, 4, 5, 6, 32000}

#: Deflate cannot do better than 1032 to 1.
MAX_DATASET_EXPANSION = 1100

MAX_OBJECTS = 1 << 20


def require_plain_hdf5(source: Path | bytes, subject: str) -> None:
    """Refuse links, values outside of the file, filters of plugins, and values that claim far more than is stored.

    Args:
        source: a file, or its content.
        subject: for messages.

    Raises:
        FileFormatError: one of these, or damaged.
    """
    import h5py

    stored = len(source) if isinstance(source, bytes) else stored_bytes(source)
    with parsing(subject, expected=EXPECTED, next_step=NEXT_STEP):
        with h5py.File(io.BytesIO(source) if isinstance(source, bytes) else source, "r") as store:
            claimed = _Walk(store, subject, stored).claimed()
        require_bounded(subject, claimed, stored, MODEL_BYTES)


class _Walk:
    """A walk over all objects of a file, each of them once: hard links may make circles."""

    def __init__(self, store: h5py.File, subject: str, stored: int) -> None:
        self._store = store
        self._subject = subject
        self._stored = stored

    def claimed(self) -> int:
        """Return the bytes that reading all values would take."""
        import h5py

        total = self._attribute_bytes(self._store)
        waiting, seen = [self._store], {_address(self._store)}
        while waiting:
            group = waiting.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise self._refused(group, name, "a link to another place or file")
                item = group[name]
                address = _address(item)
                if address in seen:
                    continue
                seen.add(address)
                if len(seen) > MAX_OBJECTS:
                    raise self._refused(group, name, "more than a million objects")
                total += self._attribute_bytes(item)
                if isinstance(item, h5py.Group):
                    waiting.append(item)
                elif isinstance(item, h5py.Dataset):
                    total += self._dataset_bytes(group, name, item)
        return total

    def _dataset_bytes(self, group: h5py.Group, name: str, dataset: h5py.Dataset) -> int:
        layout = dataset.id.get_create_plist()
        if layout.get_external_count() or dataset.is_virtual:
            raise self._refused(group, name, "values that lie in other files")
        filters = {layout.get_filter(index)[0] for index in range(layout.get_nfilters())}
        if not filters <= FILTERS:
            raise self._refused(group, name, f"a filter of a plugin ({min(filters - FILTERS)})")
        if dataset.dtype.kind == "O":
            raise self._refused(group, name, "values of variable length")
        claimed = math.prod(dataset.shape or ()) * int(dataset.dtype.itemsize)
        stored = int(dataset.id.get_storage_size())
        if claimed > MAX_DATASET_EXPANSION * stored and dataset.shape is not None:
            raise self._refused(group, name, f"{claimed:,} bytes of values in {stored:,} stored bytes")
        return claimed

    def _attribute_bytes(self, item: h5py.Group | h5py.Dataset) -> int:
        """Return what the attributes may take; each text of variable length may be as long as the file."""
        total = 0
        for name in item.attrs:
            attribute = item.attrs.get_id(name)
            count = math.prod(attribute.shape)
            is_open = attribute.dtype.kind == "O"
            if is_open and count == 1:
                continue  # one text lies in the file as it is
            total += count * (self._stored if is_open else int(attribute.dtype.itemsize))
        return total

    def _refused(self, group: h5py.Group, name: str, found: str) -> FileFormatError:
        where = f"{printable(group.name)}/{printable(name)}".replace("//", "/")
        return FileFormatError(f"{self._subject}: {where}", found=found, expected=EXPECTED, next_step=NEXT_STEP)


def _address(item: h5py.Group | h5py.Dataset) -> tuple[int, int]:
    import h5py

    found = h5py.h5o.get_info(item.id)
    return int(found.fileno), int(found.addr)
