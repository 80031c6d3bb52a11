"""The AWS CLI, imported once and forked for each command: its imports are most of what a command takes.

Each line of standard input is a list of words; the answer is a line with status, output and errors.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import NoReturn

from awscli import clidriver


def run(words: list[str]) -> tuple[int, str, str]:
    """`aws WORDS...` in a process of its own."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        pid = os.fork()
        if pid == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            become_aws(words)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        out.seek(0)
        errors.seek(0)
        return status, out.read().decode(), errors.read().decode()


def become_aws(words: list[str]) -> NoReturn:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["aws", *words]
    status = 255
    try:
        status = clidriver.main()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
