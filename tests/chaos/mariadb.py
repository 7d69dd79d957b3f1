"""A MariaDB of the run's own: on loopback, in a folder of its own, to be killed and started again."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

import pymysql
from servers import folder_of, free_port, program, run_as
from sites import COMMAND

_PATIENCE = 120.0  # seconds for a server to answer
_MIGRATING = 600.0  # seconds for Neutron's migrations, on a busy machine
_PROGRAMS = ("mariadbd", "mariadb-install-db")

# What was committed has to outlive a killed process, as Neutron's own database would see to; not a power cut.
_OPTIONS = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M",
    "--default-time-zone=+00:00",
)


def missing() -> str:
    """The program that is not installed; "" if all are."""
    return next((name for name in _PROGRAMS if not program(name)), "")


def place(name: str) -> Path:
    """Make a folder that the server's user may write."""
    return folder_of("mysql", name)


def install(folder: Path) -> None:
    """Make an empty data directory in a folder of the user `mysql`."""
    root = "--auth-root-authentication-method=normal"  # without a password
    command = [str(program("mariadb-install-db")), "--no-defaults", f"--datadir={folder}/data", root]
    done = subprocess.run(
        [*run_as("mysql", folder), *command, "--skip-test-db"], capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"mariadb-install-db: {done.stderr.decode(errors='replace')[-2000:]}")


def copy(source: Path, target: Path) -> None:
    """Copy the data directory of a server that has ended."""
    subprocess.run(["cp", "-a", f"{source}/data", f"{target}/data"], check=True)


class MariaDb:
    """A server on the data directory of a folder: `with MariaDb(folder) as server:` it runs.

    The thread that starts it must outlive it: it dies with its thread, lest it outlive a killed run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._taken, self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGTERM)
        self._taken.close()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        files = (
            f"--datadir={self.folder}/data",
            f"--socket={self.folder}/s",
            f"--pid-file={self.folder}/pid",
        )
        command = [str(program("mariadbd")), "--no-defaults", *files, f"--port={self.port}", *_OPTIONS]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*run_as("mysql", self.folder), *command], stdout=log, stderr=log
            )
        ends = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"MariaDB does not answer: see {self.folder}/server.log")
            time.sleep(0.1)

    def end(self, how: signal.Signals) -> None:
        """End it: SIGTERM as an operator would, SIGKILL as a crash."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def url(self, user: str, port: int = 0) -> str:
        """The URL of Neutron's database, for a user whose password is its name."""
        return f"mysql+pymysql://{user}:{user}@127.0.0.1:{port or self.port}/neutron"

    @contextmanager
    def admin(self) -> Iterator[Any]:
        """A cursor of root's; each statement is committed at once."""
        connection = pymysql.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True)
        with closing(connection), connection.cursor() as cursor:
            yield cursor

    def populate(self, control: str) -> None:
        """Make Neutron's tables, if they are absent, and a row for each object of a simulator."""
        connection = f"mysql+pymysql://root@127.0.0.1:{self.port}/neutron"
        command = [COMMAND, "populate", "--connection", connection, "--simulator", control]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_MIGRATING, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)

    def _answers(self) -> bool:
        try:
            with self.admin():
                return True
        except pymysql.Error:
            return False


def forget(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
