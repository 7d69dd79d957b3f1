"""The edge to SQLAlchemy: engines, transactions, and what their errors mean to us."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy as sa
import tenacity
from oslo_db import exception as oslo_exceptions
from oslo_db.sqlalchemy import enginefacade
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url

from networking_nsx.errors import StoreError
from networking_nsx.ports import Clock

_T = TypeVar("_T")

_ATTEMPTS = 8  # at a transaction that met a deadlock or a lock; some 15 s on MariaDB, 45 s on SQLite
_LOCK_WAIT = 1  # seconds; a batch that waits for a lock holds others, and the API should not wait for us
_NETWORK_TIMEOUT = 60  # seconds without an answer, after which a MariaDB server counts as lost


def engine(connection: str) -> Engine:
    """Make an engine for Neutron's own option `[database] connection`. Connects at the first use.

    Through oslo.db, whose filters turn the drivers' errors into DBDeadlock, DBConnectionError and others.
    Raises StoreError when no engine can be made of the URL.
    """
    try:
        url = make_url(connection)
        if not _torn(url):
            return _engine(url)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
        raise StoreError(f"[database] connection cannot be used: {error}") from error
    except ValueError:
        # What is no number may be a part of the password: it is not repeated, nor is the error that has it.
        raise StoreError("[database] connection cannot be used: is its port a number?") from None
    raise StoreError("[database] connection cannot be used: write an @ in its password as %40")


def transact(engine: Engine, work: Callable[[Connection], _T], clock: Clock) -> _T:
    """Do the work in one transaction; again, after a jittered wait, when another one was in its way.

    Raises StoreError.
    """
    with _translated(engine):
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_contended),
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=tenacity.wait_random_exponential(multiplier=0.05, max=4),
            sleep=clock.sleep,
            reraise=True,
        )
        answer: _T = attempts(_in_transaction, engine, work)
        return answer


def connect_once(engine: Engine, work: Callable[[Connection], _T]) -> _T:
    """Do the work in one transaction, once. Raises StoreError."""
    with _translated(engine):
        return _in_transaction(engine, work)


def name_of(engine: Engine) -> str:
    """Name the database without secrets, which may also stand among the URL's parameters."""
    return engine.url.set(query={}).render_as_string(hide_password=True)


def _torn(url: URL) -> bool:
    """Whether the end of a password with an @ would be taken for the host or the database, and told."""
    return bool(url.host) and "@" in f"{url.host}{url.database}"


def _engine(url: URL) -> Engine:
    context = enginefacade.transaction_context()
    # No retries: oslo.db would wait for an unreachable server, for 100 s, before it makes an engine.
    context.configure(
        connection=_with_timeouts(url).render_as_string(hide_password=False), sqlite_fk=True, max_retries=0
    )
    engine: Engine = context.writer.get_engine()
    if engine.dialect.name == "mysql":
        event.listen(engine, "connect", _limit_lock_waits)
    return engine


def _with_timeouts(url: URL) -> URL:
    if url.get_driver_name() != "pymysql" or "read_timeout" in url.query:
        return url
    return url.update_query_dict(
        {"read_timeout": str(_NETWORK_TIMEOUT), "write_timeout": str(_NETWORK_TIMEOUT)}
    )


def _limit_lock_waits(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {_LOCK_WAIT}")
    cursor.close()


def _in_transaction(engine: Engine, work: Callable[[Connection], _T]) -> _T:
    with _connected(engine) as connection, connection.begin():
        return work(connection)


def _connected(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except TypeError as error:  # an argument in the URL that the driver does not know
        raise StoreError(f"[database] connection cannot be used: {error}") from error


def _contended(error: BaseException) -> bool:
    # oslo.db has no filter for SQLite's locks: OperationalError comes through as it is.
    return isinstance(error, oslo_exceptions.DBDeadlock) or (
        isinstance(error, sa.exc.OperationalError) and "is locked" in str(error.orig)
    )


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    try:
        yield
    except oslo_exceptions.DBConnectionError as error:
        raise StoreError(f"Neutron's database does not answer: {_told(engine, error)}") from error
    except oslo_exceptions.DBDeadlock as error:
        raise StoreError(f"Neutron's database stays locked: {_told(engine, error)}") from error
    except (oslo_exceptions.DBError, sa.exc.SQLAlchemyError) as error:
        raise StoreError(f"Neutron's database could not be used: {_told(engine, error)}") from error


def _told(engine: Engine, error: Exception) -> str:
    """Say which database and what it said: no password, no statement of 500 ids, no link to a manual."""
    reason = getattr(error, "inner_exception", None) or error
    reason = getattr(reason, "orig", None) or reason
    return f"{name_of(engine)}: {str(reason).splitlines()[0]}"
