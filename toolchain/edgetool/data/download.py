"""Files that data sets are read from: in `$EDGETOOL_DATA`, in the cache, or from their public download."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path

from edgetool.artifact import digest_path
from edgetool.errors import NetworkError
from edgetool.store.atomic import atomic_path

__all__ = ["cache_folder", "download", "shared_file"]


def shared_file(name: str) -> Path | None:
    """Return the file of that name in `$EDGETOOL_DATA`, or None."""
    folder = os.environ.get("EDGETOOL_DATA")
    path = Path(folder) / name if folder else None
    return path if path is not None and path.is_file() else None


def cache_folder() -> Path:
    """Return where downloads are kept: `$XDG_CACHE_HOME/edgetool`, by default `~/.cache/edgetool`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "edgetool"


def download(url: str, *, sha256: str | None = None, name: str | None = None) -> Path:
    """Return the file at `url`, from the cache if it is there.

    Args:
        url: a constant https address.
        sha256: what the file must have; None: its publisher states none.
        name: The file's name in the cache; the last part of `url` by default.

    Raises:
        NetworkError: it cannot be downloaded, or its digest is wrong.
    """
    path = cache_folder() / (name or url.rpartition("/")[2])
    if not path.is_file():
        _fetch(url, path, sha256)
    elif sha256 is not None:
        _check_digest(path, sha256, next_step="delete the file and run again")
    return path


def _fetch(url: str, path: Path, sha256: str | None) -> None:
    try:
        with (
            urllib.request.urlopen(url, timeout=60) as answer,  # noqa: S310 - a constant https address
            atomic_path(path) as temporary,
            temporary.open("wb") as stream,
        ):
            while chunk := _receive(answer):
                stream.write(chunk)
            stream.flush()
            if sha256 is not None:
                _check_digest(temporary, sha256, next_step="run again; the download was cut short or changed")
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as exc:
        raise NetworkError(
            url,
            found=f"no download ({getattr(exc, 'reason', exc)})",
            expected="the public file",
            next_step=f"put it at {path} by hand, set EDGETOOL_DATA, or use --data digits, which is bundled",
        ) from None


def _check_digest(path: Path, sha256: str, *, next_step: str) -> None:
    digest = digest_path(path)
    if digest != sha256:
        raise NetworkError(
            str(path), found=f"SHA-256 {digest}", expected=f"{sha256}, as published", next_step=next_step
        )


def _receive(answer: http.client.HTTPResponse) -> bytes:
    """Read a part of a download; a broken connection is none of the disk's errors."""
    try:
        return answer.read(1 << 20)
    except OSError as exc:
        raise http.client.HTTPException(str(exc)) from exc
