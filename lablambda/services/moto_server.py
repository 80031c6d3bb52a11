"""The services process: moto behind waitress on a Unix socket.

Not a loopback port: moto checks no signatures, so every user of the machine could use it. waitress,
because it took 2.5 ms for an S3 put where the server that moto ships took 4.2. The process ends with
the lab: when its standard input does, which the lab holds open, and by the kernel's hand should it be
unable to read that.
"""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1
# A connection of the lab's holds a thread while it waits, as SQS's long polls do. `backend` opens no more.
MOST_CONNECTIONS = 256


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", required=True)
    parser.add_argument("--link", type=int, required=True)
    options = parser.parse_args()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    threading.Thread(target=_end_with_the_lab, daemon=True).start()

    # Slow imports, after the thread that ends the process if the lab goes meanwhile.
    import waitress
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from lablambda.services.link import ServicesEnd
    from lablambda.services.moto_hooks import RequestFrame, install

    install(ServicesEnd(options.link))
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


def _end_with_the_lab() -> None:
    while os.read(0, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
