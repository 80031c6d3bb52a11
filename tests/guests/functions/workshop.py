"""Handlers that use the machine: threads, an event loop, child processes, a server, temporary files."""

import asyncio
import locale
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.request import urlopen

import boto3


def threads(event, context):
    sts = boto3.client("sts")
    with ThreadPoolExecutor(max_workers=8) as pool:
        futures = [pool.submit(sts.get_caller_identity) for _ in range(8)]
        accounts = {future.result()["Account"] for future in as_completed(futures)}
    printed = threading.Thread(target=print, args=("from a thread",))
    printed.start()
    printed.join()
    return sorted(accounts)


async def gather(numbers):
    async def double(number):
        await asyncio.sleep(0)
        return 2 * number

    return await asyncio.gather(*map(double, numbers), asyncio.to_thread(os.getpid))


def loop(event, context):
    *doubled, pid = asyncio.run(gather(event))
    return doubled if pid == os.getpid() else "another process"


def old_loop(event, context):
    made = asyncio.new_event_loop()
    try:
        return made.run_until_complete(gather(event))[:-1]
    finally:
        made.close()


def children(event, context):
    subprocess.run(["sh", "-c", "echo from a child; echo its error >&2"], check=True)
    done = subprocess.run(
        [sys.executable, "-c", "import json; print(json.dumps([1]))"], capture_output=True, text=True
    )
    failed = subprocess.run(["false"])
    return [
        done.stdout.strip(),
        failed.returncode,
        subprocess.check_output("echo $GREETING", shell=True, text=True),
    ]


def square(connection, number):
    connection.send(number * number)
    connection.close()


def processes(event, context):
    """As AWS's example of parallel processing does it, with pipes: there is no /dev/shm for queues."""
    made = []
    for number in event:
        here, there = multiprocessing.get_context("fork").Pipe()
        process = multiprocessing.get_context("fork").Process(target=square, args=(there, number))
        process.start()
        made.append((process, here))
    results = [here.recv() for _, here in made]
    for process, _ in made:
        process.join()
    return results


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"hello from {self.path}".encode())

    def log_message(self, *args):
        pass


def server(event, context):
    with HTTPServer(("127.0.0.1", 0), Hello) as made:
        serving = threading.Thread(target=made.serve_forever, args=(0.01,))
        serving.start()
        with urlopen(f"http://127.0.0.1:{made.server_port}/here", timeout=5) as answer:
            text = answer.read().decode()
        made.shutdown()
        serving.join()
    return text


def files(event, context):
    folder = tempfile.gettempdir()
    kept = os.path.join(folder, "count")
    count = int(open(kept).read()) + 1 if os.path.exists(kept) else 1
    with open(kept, "w") as file:
        file.write(str(count))
    with tempfile.NamedTemporaryFile("w+", suffix=".txt") as file:
        file.write("tëxt")
        file.seek(0)
        same = file.read() == "tëxt"
    return [count, same, os.path.expanduser("~").startswith(folder)]


def surroundings(event, context):
    return {
        "utc": datetime.now().astimezone().utcoffset() == timezone.utc.utcoffset(None),
        "zone": time.tzname[0],
        "encodings": [sys.stdout.encoding, locale.getpreferredencoding(False), sys.getfilesystemencoding()],
        "package": os.path.dirname(os.path.abspath(__file__))
        == os.environ["LAMBDA_TASK_ROOT"]
        == os.getcwd(),
        "greeting": os.environ["GREETING"],
        "region": boto3.session.Session().region_name,
        "runtime": os.environ["AWS_EXECUTION_ENV"],
        "secrets": sorted(name for name in os.environ if name.startswith("LABLAMBDA")),
        "stdin": sys.stdin.read(),
        "main": __name__,
    }


def versions(event, context):
    from importlib.metadata import version

    import botocore

    return version("boto3"), version("botocore") == botocore.__version__


def warned(event, context):
    warnings.warn("old", DeprecationWarning, stacklevel=2)
    warnings.warn("careful", stacklevel=1)
    sys.stderr.write("half ")
    sys.stderr.write("a line\n")
    print("two", "words", sep="-", end="!")
    print("a\nb")
