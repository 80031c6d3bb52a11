"""Many more requests than this machine has processors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from lablambda.client import Lab
from lablambda.deployment import deploy
from lablambda.model.deployment import Deployment
from lablambda.runtimes.python.runtime import OWN

MANY = 1_000
SOURCE = b"import time\ndef handler(event, context):\n    time.sleep(0.1)\n    return event\n"


def test_a_thousand_requests_at_once_are_all_answered() -> None:
    with Lab.private(options=["--services", "none"]) as lab:
        deploy(Deployment("f", OWN, "f.handler", {"f.py": SOURCE}, timeout_s=60), lab)
        function, together = lab.function("f"), Barrier(MANY)

        def ask(number: int) -> object:
            together.wait()
            return function.invoke(number).payload

        with ThreadPoolExecutor(MANY) as threads:
            assert list(threads.map(ask, range(MANY))) == list(range(MANY))
        # and the lab is as well as before
        assert lab.status()["running"] == 0
        assert function.invoke("still here").payload == "still here"
