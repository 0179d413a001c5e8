"""Small files that are there as a whole or not at all, whatever happens to the power."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ._errors import StateError

__all__ = ["make_directory", "read", "remove", "write"]

_MAXIMUM_BYTES = 16 << 20


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replaces a file: a temporary file beside it, fsync, rename, fsync of the directory.

    :raises StateError: It cannot be written; the old file is then as it was.
    """
    # O_EXCL and a random name: nobody else's file or link is ever written through.
    temporary = path.with_name(f"{path.name}.tmp-{secrets.token_hex(8)}")
    try:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            with open(os.open(temporary, flags, mode), "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.rename(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync(path.parent)
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}.") from error


def read(path: Path) -> bytes | None:
    """Reads a file; None where there is none. An unreadable file is not an absent one.

    :raises StateError: It cannot be read, or has more than 16 MiB.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(_MAXIMUM_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > _MAXIMUM_BYTES:
        raise StateError(f"{path} has more than {_MAXIMUM_BYTES} bytes; it is not what it should be.")
    return data


def remove(path: Path) -> None:
    """Deletes a file, durably; does nothing where there is none.

    :raises StateError: It cannot be deleted.
    """
    try:
        path.unlink()
        _sync(path.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StateError(f"{path} cannot be deleted: {error.strerror}.") from error


def make_directory(path: Path) -> None:
    """Makes a directory and those above it, mode 0700; does nothing where it exists.

    :raises StateError: It cannot be made.
    """
    try:
        if not path.is_dir():
            for parent in reversed(path.parents):
                parent.mkdir(mode=0o700, exist_ok=True)
            path.mkdir(mode=0o700, exist_ok=True)
            _sync(path.parent)
    except OSError as error:
        raise StateError(f"The directory {path} cannot be made: {error.strerror}.") from error


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
