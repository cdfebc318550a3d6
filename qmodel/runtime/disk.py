"""The file that a run reads and writes: made once, marked as ours, filled with blocks that say who wrote them."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

from ..spec.errors import UsageError

MAGIC = b"qmodel run image\n"
HEADER = 4096
"""Bytes before the first block."""
_STAMP = struct.Struct("<8sQQQ")
_TAG = b"qmodel\r\n"
ZEROS = 0
"""Serial number of the content that a new file has."""


@dataclass(frozen=True)
class Image:
    """An open file of `blocks` blocks of `size` bytes, behind a header of its own."""

    fd: int
    path: Path
    size: int
    blocks: int
    seed: int

    def offset(self, block: int) -> int:
        return HEADER + block * self.size

    def content(self, block: int, serial: int) -> bytes:
        """What request number `serial` writes to `block`: seed, serial and offset, every 32 bytes."""
        if serial == ZEROS:
            return bytes(self.size)
        return _STAMP.pack(_TAG, self.seed, serial, self.offset(block)) * (self.size // _STAMP.size)

    def read(self, block: int) -> bytes:
        """All of `block`; shorter if the file was cut."""
        return os.pread(self.fd, self.size, self.offset(block))

    def mark(self, state: str) -> None:
        """Write the header: "in use" while a run changes the blocks, "complete" after."""
        about = {"state": state, "size": self.size, "blocks": self.blocks, "seed": self.seed}
        os.pwrite(self.fd, (MAGIC + json.dumps(about).encode()).ljust(HEADER, b"\0"), 0)

    def close(self) -> None:
        os.close(self.fd)


def identify(content: bytes) -> str:
    """In words, whose content this is."""
    if not content.strip(b"\0"):
        return "zeros"
    if len(content) >= _STAMP.size:
        tag, seed, serial, offset = _STAMP.unpack_from(content)
        if tag == _TAG:
            whole = content == content[: _STAMP.size] * (len(content) // _STAMP.size)
            return f"request {serial} (seed {seed}, offset {offset})" + ("" if whole else ", and not only that")
    return f"foreign bytes ({content[:8].hex(' ')} ...)"


def open_image(path: Path, size: int, blocks: int, seed: int, force: bool = False) -> Image:
    """Make `path` an image of zeros with room for all blocks, reserved on the disk.

    Raises:
        UsageError: `size` is no multiple of 512; the file is somebody else's; it cannot be made or does not fit.
    """
    if size < 512 or size % 512:
        raise UsageError(f"--size {size} is not a positive multiple of 512")
    existed = _check_target(path, force)
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UsageError(f"cannot open {path}: {error.strerror}") from None
    image = Image(fd, path, size, blocks, seed)
    try:
        os.ftruncate(fd, 0)
        os.posix_fallocate(fd, 0, image.offset(blocks))
        image.mark("in use")
    except OSError as error:
        os.close(fd)
        raise UsageError(_no_room(path, image.offset(blocks), error, existed)) from None
    return image


def _check_target(path: Path, force: bool) -> bool:
    """Whether `path` is there already; refuses what must not be overwritten."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UsageError(f"cannot look at {path}: {error.strerror}") from None
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{path} is not a regular file")
    if found.st_size and not force and not _is_ours(path):
        raise UsageError(f"{path} exists and was not made by `qmodel run`; choose another, or add --force")
    return True


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None


def _no_room(path: Path, length: int, error: OSError, existed: bool) -> str:
    """Undo what is there of the file, and say so."""
    with contextlib.suppress(OSError):
        if existed:
            os.truncate(path, 0)
        else:
            path.unlink()
    left = f"{path} is empty now" if existed else "nothing was left behind"
    return f"cannot make {path} of {length} bytes: {error.strerror}; {left}"
