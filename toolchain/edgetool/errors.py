"""The whole error tree: everything a user can cause, each kind with its own exit code.

Only `edgetool.cli.main` catches `EdgetoolError`; library code raises it. An error crosses a process boundary as a
plain dictionary (`to_dict`, `from_dict`), so a child can report exactly what the parent would have raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

__all__ = [
    "BudgetError",
    "CompilerError",
    "DataError",
    "DeviceUnavailableError",
    "DiskFullError",
    "EdgetoolError",
    "ExportError",
    "FileFormatError",
    "InternalError",
    "InterpreterCrashError",
    "InterpreterTimeoutError",
    "InvariantError",
    "ManifestError",
    "MissingDependencyError",
    "MissingFileError",
    "ModelCardError",
    "NetworkError",
    "OutputFileError",
    "ParityError",
    "PassError",
    "RecipeError",
    "RunExistsError",
    "SourceModelError",
    "TargetError",
    "TrainingError",
    "UnsupportedModelError",
    "UntrustedModelError",
    "UsageError",
    "from_dict",
    "nearest",
]


class EdgetoolError(Exception):
    """An error that a user can cause or mend.

    Args:
        subject: what it is about: a file, a layer, a tensor, an option.
        found: what was found there.
        expected: what was expected instead.
        next_step: what to do or type next.
        transient: the same command may succeed another time: memory, room or a process was missing. None: as is usual
            for the kind.
    """

    exit_code: ClassVar[int] = 1
    usually_transient: ClassVar[bool] = False

    def __init__(
        self, subject: str, *, found: str, expected: str, next_step: str, transient: bool | None = None
    ) -> None:
        self.subject = subject
        self.found = found
        self.expected = expected
        self.next_step = next_step
        self.transient = self.usually_transient if transient is None else transient
        super().__init__(f"{subject}: {found}, expected {expected}; {next_step}")

    def to_dict(self) -> dict[str, Any]:
        """Return the error as a JSON-ready dictionary; `from_dict` is the inverse."""
        return {
            "kind": type(self).__name__,
            "exit_code": self.exit_code,
            "subject": self.subject,
            "found": self.found,
            "expected": self.expected,
            "next_step": self.next_step,
            "transient": self.transient,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return (from_dict, (self.to_dict(),))


class UsageError(EdgetoolError):
    """An option or argument that makes no sense."""

    exit_code = 2


class MissingFileError(EdgetoolError):
    """A file or folder that is not there or cannot be read."""

    exit_code = 10


class FileFormatError(EdgetoolError):
    """A file whose content is damaged, is not what its name says, or claims far more than it stores."""

    exit_code = 11


class UntrustedModelError(EdgetoolError):
    """A model file that carries or names code (Lambda layer, pickle, unknown class) and was not marked as trusted."""

    exit_code = 12


class UnsupportedModelError(EdgetoolError):
    """A sound model with a layer, operator, type or shape that the asked-for step cannot handle."""

    exit_code = 13


class DataError(EdgetoolError):
    """Data that does not fit: shape, dtype, label range, sample count, NaN."""

    exit_code = 20


class RecipeError(EdgetoolError):
    """An unknown recipe, an unknown key in one, or a value out of range."""

    exit_code = 21


class TargetError(EdgetoolError):
    """An unknown target or a bad `target.toml`."""

    exit_code = 22


class ModelCardError(EdgetoolError):
    """An unknown model of the zoo or a bad `model.toml`."""

    exit_code = 23


class NetworkError(EdgetoolError):
    """A public download that could not be made or whose digest is wrong."""

    exit_code = 24


class SourceModelError(EdgetoolError):
    """A source model whose own answers are not believable on the data that were given."""

    exit_code = 25


class RunExistsError(EdgetoolError):
    """The output folder or file is already there and `--overwrite` was not given."""

    exit_code = 30


class ManifestError(EdgetoolError):
    """A run folder whose manifest is damaged, of another version, or from other inputs."""

    exit_code = 31


class DiskFullError(EdgetoolError):
    """No space left; nothing was written under a final name."""

    exit_code = 32
    usually_transient = True


class OutputFileError(EdgetoolError):
    """An output that cannot be written: permissions, a file where a folder must be, a read-only disk."""

    exit_code = 33


class ExportError(EdgetoolError):
    """A converter refused the model."""

    exit_code = 40


class ParityError(EdgetoolError):
    """Two artefacts that must agree do not."""

    exit_code = 41


class InvariantError(EdgetoolError):
    """Something an earlier pass ensured (sparsity, clusters, shapes) no longer holds."""

    exit_code = 42


class BudgetError(EdgetoolError):
    """No artefact fits the target's budgets or the allowed accuracy drop."""

    exit_code = 43


class PassError(EdgetoolError):
    """A pass could not do its work on this model."""

    exit_code = 44


class TrainingError(EdgetoolError):
    """Training failed or diverged, or a checkpoint does not fit."""

    exit_code = 45


class InterpreterCrashError(EdgetoolError):
    """The child process that ran the model died."""

    exit_code = 50


class InterpreterTimeoutError(EdgetoolError):
    """The child process did not answer in time."""

    exit_code = 51
    usually_transient = True


class DeviceUnavailableError(EdgetoolError):
    """The asked-for device (GPU, board, provider) is not there."""

    exit_code = 52


class MissingDependencyError(EdgetoolError):
    """An optional package or a system program is not installed."""

    exit_code = 53


class CompilerError(EdgetoolError):
    """A C compiler refused generated code or is missing."""

    exit_code = 54


class InternalError(EdgetoolError):
    """A defect of edgetool itself, caught at a process boundary; never the user's fault."""

    exit_code = 70


def from_dict(fields: Mapping[str, object]) -> EdgetoolError:
    """Rebuild the error that `EdgetoolError.to_dict` wrote; an unknown kind becomes `InternalError`."""
    kinds = {kind.__name__: kind for kind in EdgetoolError.__subclasses__()}
    kind = kinds.get(str(fields.get("kind")), InternalError)
    transient = fields.get("transient")
    return kind(
        str(fields.get("subject", "edgetool")),
        found=str(fields.get("found", "an error without details")),
        expected=str(fields.get("expected", "none")),
        next_step=str(fields.get("next_step", "run again with --debug")),
        transient=transient if isinstance(transient, bool) else None,
    )


def nearest(name: str, valid: list[str]) -> str:
    """Return the sentence that names the valid spelling nearest to `name`, or lists all of them.

    Args:
        name: what the user wrote.
        valid: the names that exist.
    """
    from difflib import get_close_matches

    close = get_close_matches(name, valid, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"valid: {', '.join(sorted(valid)) or 'none'}"
