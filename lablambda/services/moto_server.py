"""The services process: moto behind waitress on a Unix socket.

Not a loopback port: moto checks no signatures, so every user of the machine could use it. waitress,
because it took 2.5 ms for an S3 put where the server that moto ships took 4.2. The lab ends the process;
when the lab is killed, it waits for the next one as long as it is told to, or goes too, by the kernel's
hand should it be unable to see that.
"""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import signal
import socket
import sys

from lablambda import __version__
from lablambda.services.adoption import Waiting
from lablambda.services.link import ServicesEnd
from lablambda.services.moto_request import RequestFrame, lab_time

_PR_SET_PDEATHSIG = 1
# A connection of the lab's holds a thread while it waits, as SQS's long polls do. `backend` opens no more.
MOST_CONNECTIONS = 256


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", required=True)
    parser.add_argument("--link", type=int, required=True)
    parser.add_argument("--linger", type=float, required=True, help="seconds to wait for the next lab")
    options = parser.parse_args()
    if options.linger == 0:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    link = _link(options.link, options.linger)

    # Slow imports, after the thread that ends the process if the lab goes meanwhile.
    import waitress
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from lablambda.services.moto_hooks import install

    install(link)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a line for each request that waits
    application = RequestFrame(DomainDispatcherApplication(create_backend_app))
    server = waitress.create_server(
        application,
        unix_socket=options.socket,
        unix_socket_perms="600",
        threads=MOST_CONNECTIONS,
        connection_limit=2 * MOST_CONNECTIONS,
        asyncore_use_poll=True,  # select() can't see more than 1024 descriptors
        clear_untrusted_proxy_headers=True,
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    os.dup2(2, 1)  # nobody reads on: what moto prints goes to the log
    server.run()


def _link(descriptor: int, linger_s: float) -> ServicesEnd:
    if linger_s == 0:
        return ServicesEnd(descriptor, left=lambda: os._exit(0))
    waiting = Waiting(linger_s)

    def next_lab() -> socket.socket | None:
        return waiting.next_lab({"version": __version__, "clock": lab_time.now()})

    return ServicesEnd(descriptor, next_lab=next_lab, left=lambda: os._exit(0))


if __name__ == "__main__":
    main()
