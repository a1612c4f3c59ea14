# SPDX-License-Identifier: Apache-2.0
"""Where mlflow writes, unless MLFLOW_TRACKING_URI says so: a database of the run in its outputs, made once under a lock
before many processes use it; a file store where mlflow has no databases (mlflow-skinny)."""
import os
import sys

DATABASE, FILES, ARTIFACTS = "mlflow.db", "mlruns", "mlartifacts"
URI = "MLFLOW_TRACKING_URI"
_WAIT_S = 60  # for the lock of the database; that of sqlite3 is 5


def _has_databases():
    try:
        import alembic  # noqa: F401
        import sqlalchemy  # noqa: F401
    except ImportError:
        return False
    return True


def choose(outputs):
    """Before mlflow is imported. The path of the database that is to be made; None: there is none of ours."""
    if os.environ.get(URI) or not outputs:
        return None
    if not _has_databases():
        os.environ[URI] = "file://" + os.path.join(outputs, FILES)
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        return None
    database = os.path.join(outputs, DATABASE)
    os.environ[URI] = "sqlite:///%s?timeout=%d" % (database, _WAIT_S)
    # experiments that the script creates have their artifacts below it
    os.environ.setdefault("_MLFLOW_SERVER_ARTIFACT_ROOT", os.path.join(outputs, ARTIFACTS))
    return database


def make(database):
    """After mlflow was imported: a reader never sees a database that is half made."""
    from prs_loader import copying

    if os.path.exists(database):
        return
    outputs = os.path.dirname(database)
    try:
        with copying.Lock(outputs) as lock:
            if lock.held:
                _remove_half_made(outputs)
            if not os.path.exists(database):
                _make(database, outputs)
    except Exception as e:  # noqa: BLE001 - of another mlflow: it makes its own
        print("prs: %s cannot be made beforehand (%s: %s)" % (database, type(e).__name__, e), file=sys.stderr)


def _remove_half_made(outputs):
    """Of a process that was killed; under the lock nobody makes one."""
    for name in os.listdir(outputs):
        if name.startswith(".%s." % DATABASE):
            os.unlink(os.path.join(outputs, name))


def _make(database, outputs):
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    new = os.path.join(outputs, ".%s.%d" % (DATABASE, os.getpid()))
    try:
        store = SqlAlchemyStore("sqlite:///" + new, os.path.join(outputs, ARTIFACTS))
        store.engine.dispose()
        os.rename(new, database)
    finally:
        if os.path.exists(new):
            os.unlink(new)
