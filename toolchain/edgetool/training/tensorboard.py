"""TensorBoard event files without TensorBoard or TensorFlow: two runs, `train` and `validation`, one event an epoch.

A file is a sequence of TFRecords (tensorflow/core/lib/io/record_writer.h): length, masked CRC-32C of the length, data,
masked CRC-32C of the data. Each record is an `Event` of tensorflow/core/util/event.proto, which is simple enough to be
written by hand.
"""

from __future__ import annotations

import shutil
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edgetool.store.atomic import disk_error
from edgetool.training.record import EpochRecord

__all__ = ["TrainingLog", "crc32c", "encode_event", "frame_record"]

#: Reversed polynomial of CRC-32C (Castagnoli; RFC 3720, appendix B.4).
POLYNOMIAL = 0x82F63B78

#: Of the rotated checksum (record_writer.h: a CRC over data that holds CRCs would be weak).
MASK_DELTA = 0xA282EAD8


class TrainingLog:
    """The logs of one training run.

    A log that was there is written anew from the history, so that an epoch is neither lost nor told twice when the
    process died between the checkpoint and the log.

    Args:
        folder: RUN/logs.
        history: epochs that a resumed run has finished.
        learning_rate: The learning rate of an epoch's last step.
    """

    def __init__(self, folder: Path, history: Sequence[EpochRecord], learning_rate: Callable[[int], float]) -> None:
        self._learning_rate = learning_rate
        shutil.rmtree(folder, ignore_errors=True)
        now = time.time()
        self._files = {
            run: folder / run / f"events.out.tfevents.{int(now)}.edgetool" for run in ("train", "validation")
        }
        began = now - sum(epoch.seconds for epoch in history)
        for run in self._files:
            self._append(run, frame_record(encode_event(began, version="brain.Event:2")))
        for epoch in history:
            began += epoch.seconds
            self.add(epoch, wall_time=began)

    def add(self, epoch: EpochRecord, *, wall_time: float | None = None) -> None:
        """Append one epoch, under the names that Keras' own callback gives.

        Raises:
            DiskFullError: no space left.
        """
        seen = time.time() if wall_time is None else wall_time
        runs: dict[str, dict[str, float | None]] = {
            "train": {
                "epoch_loss": epoch.loss,
                "epoch_accuracy": epoch.accuracy,
                "epoch_learning_rate": self._learning_rate(epoch.epoch),
            },
            "validation": {"epoch_loss": epoch.val_loss, "epoch_accuracy": epoch.val_accuracy},
        }
        for run, values in runs.items():
            scalars = {tag: value for tag, value in values.items() if value is not None}
            if scalars:
                self._append(run, frame_record(encode_event(seen, step=epoch.epoch, scalars=scalars)))

    def _append(self, run: str, record: bytes) -> None:
        path = self._files[run]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as stream:
                stream.write(record)
        except OSError as exc:
            raise disk_error(exc, path) from None


def encode_event(
    wall_time: float, *, step: int = 0, version: str = "", scalars: Mapping[str, float] | None = None
) -> bytes:
    """Return an `Event` in protobuf's wire format.

    Args:
        wall_time: seconds since 1970.
        step: 0 or more.
        version: The version of the file format, which the first event of a file holds.
        scalars: tag -> value, float32.
    """
    event = b"\x09" + struct.pack("<d", wall_time) + b"\x10" + _varint(step)
    if version:
        event += _field(3, version.encode())
    if scalars:
        values = [
            _field(1, _field(1, tag.encode()) + b"\x15" + struct.pack("<f", value)) for tag, value in scalars.items()
        ]
        event += _field(5, b"".join(values))
    return event


def frame_record(data: bytes) -> bytes:
    """Return `data` as a TFRecord."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", _masked(length)) + data + struct.pack("<I", _masked(data))


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of `data`."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def _masked(data: bytes) -> int:
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + MASK_DELTA) & 0xFFFFFFFF


def _field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field (wire type 2)."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
