"""What a data folder keeps between runs: secrets only its owner can read, a lock, a place for sockets."""

import fcntl
import hashlib
import os
import secrets
import stat
import time
from pathlib import Path
from typing import Self

SOCKET_PATH_LIMIT = 107
GLANCE_SECONDS = 0.1  # `holder` takes the lock for an instant to see whether anybody has it
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432")


class FolderInUse(Exception):
    """Another living process holds the folder. `pid` is None when it did not say who it is."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        super().__init__(f"{folder} está em uso" + (f" pelo processo {pid}" if pid else ""))
        self.folder = folder
        self.pid = pid


class FolderLock:
    """One holder at a time; the kernel lets go when the holder dies, however it dies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "lock"
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Takes the lock, or raises FolderInUse at once. Harmless when it is held by this object."""
        if self._descriptor is not None:
            return
        private_folder(self.folder)
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        if not (_try_lock(descriptor) or _try_lock(descriptor, after=GLANCE_SECONDS)):
            os.close(descriptor)
            raise FolderInUse(self.folder, self._written())
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Lets go; harmless when nothing is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> int | None:
        """The process that holds the lock at this moment, None when nobody does."""
        if not self._file.exists():
            return None
        descriptor = os.open(self._file, os.O_RDONLY)
        try:
            return None if _try_lock(descriptor) else self._written()
        finally:
            os.close(descriptor)

    def _written(self) -> int | None:
        try:
            return int(self._file.read_text())
        except (OSError, ValueError):
            return None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _try_lock(descriptor: int, after: float = 0) -> bool:
    time.sleep(after)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def private_folder(path: Path) -> Path:
    """The folder, made if needed, closed to everybody but its owner."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def secret_file(path: Path, fresh: str | None = None) -> str:
    """The secret kept at `path`; where there is none, `fresh` or 256 random bits, stored mode 600."""
    if path.exists():
        return path.read_text().strip()
    value = fresh or secrets.token_urlsafe(32)
    unfinished = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(value + "\n")
    unfinished.replace(path)
    return value


def socket_folder(home: Path, owner: int) -> Path:
    """A private folder of user `owner`, fixed for each `home`, whose socket paths fit the kernel's limit.

    Inside `home` when that is short enough: cleaners of /tmp never come there.
    """
    inside = home / "run"
    if len(os.fsencode(inside)) + LONGEST_SOCKET_NAME <= SOCKET_PATH_LIMIT:
        return _owned(inside, owner)
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    base = Path(runtime) if runtime and os.access(runtime, os.W_OK) else Path("/tmp")  # noqa: S108 -- _owned refuses a folder somebody else made
    return _owned(base / f"cogep-{digest}", owner)


def _owned(path: Path, owner: int) -> Path:
    private_folder(path)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.getuid(), owner}:
        raise PermissionError(f"{path} pertence a outra pessoa: apague-a ou escolha outra COGEP_DATA_DIR")
    path.chmod(0o700)
    os.chown(path, owner, -1)
    return path
