from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from lablambda.model.errors import ServiceFault
from lablambda.storage.journal import Journal

pytestmark = pytest.mark.anyio
SCHEMA = "CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY);"
INSERT = "INSERT INTO t (n) VALUES (?)"


async def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.db", SCHEMA, durable=True)
    await asyncio.gather(*(journal.write(INSERT, [(n,)]) for n in range(200)))
    assert await journal.read("SELECT COUNT(*), SUM(n) FROM t") == [(200, sum(range(200)))]
    await journal.close()


async def test_flush_waits_for_what_was_written_soon(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.db", SCHEMA, durable=False)
    journal.write_soon(INSERT, [(n,) for n in range(50)])
    await journal.flush()
    assert journal.read_now("SELECT COUNT(*) FROM t") == [(50,)]
    await journal.close()


async def test_a_write_that_fails_says_so_and_the_next_goes_through(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.db", SCHEMA, durable=True)
    await journal.write(INSERT, [(1,)])
    with pytest.raises(ServiceFault, match="can't be written"):
        await journal.write(INSERT, [(1,)])
    await journal.write(INSERT, [(2,)])
    await journal.close()
    connection = sqlite3.connect(tmp_path / "j.db")
    assert connection.execute("SELECT COUNT(*) FROM t").fetchone() == (2,)
    connection.close()


KILLED = """
import asyncio, os, sys
from pathlib import Path
from lablambda.storage.journal import Journal

async def main():
    journal = Journal(Path(sys.argv[1]), "CREATE TABLE t (n INTEGER PRIMARY KEY);", durable=True)
    for n in range(20):
        await journal.write("INSERT INTO t (n) VALUES (?)", [(n,)])
        print(n, flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "j.db")], capture_output=True, text=True, check=False
    )
    assert run.returncode == -9
    acknowledged = [int(line) for line in run.stdout.split()]
    connection = sqlite3.connect(tmp_path / "j.db")
    assert [n for (n,) in connection.execute("SELECT n FROM t ORDER BY n")] == acknowledged
    connection.close()
