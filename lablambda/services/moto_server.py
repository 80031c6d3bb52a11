"""The services process: moto behind waitress on a Unix socket.

Not a loopback port: moto checks no signatures, so every user of the machine could use it. waitress,
because it took 2.5 ms for an S3 put where the server that moto ships took 4.2. The process ends when
its standard input does, which the lab holds open.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", required=True)
    parser.add_argument("--link", type=int, required=True)
    options = parser.parse_args()
    threading.Thread(target=_end_with_the_lab, daemon=True).start()

    # Slow imports, after the thread that ends the process if the lab goes meanwhile.
    import waitress
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from lablambda.services.link import ServicesEnd
    from lablambda.services.moto_hooks import RequestFrame, install

    install(ServicesEnd(options.link))
    application = RequestFrame(DomainDispatcherApplication(create_backend_app))
    # SQS long polls hold a thread each while they wait.
    server = waitress.create_server(
        application,
        unix_socket=options.socket,
        unix_socket_perms="600",
        threads=64,
        clear_untrusted_proxy_headers=True,
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.run()


def _end_with_the_lab() -> None:
    while os.read(0, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
