"""What handlers write down outside their lab, so that it is there whatever becomes of them and of the lab."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# The handler's side. `first` is whether nobody asked so of that word before.
WRITER = """
import os, socket
class Book:
    def __enter__(self):
        self._socket = socket.create_connection(("127.0.0.1", int(os.environ["BOOK"])))
        self._answers = self._socket.makefile()
        return self
    def __exit__(self, *_): self._socket.close()
    def _ask(self, what, word):
        self._socket.sendall(f"{what} {word}\\n".encode())
        return self._answers.readline()
    def write(self, word): assert self._ask("write", word) == "yes\\n"
    def first(self, word): return self._ask("first", word) == "yes\\n"
"""


class Book:
    """`words` in the order in which they were written, and those that were `asked` for."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.asked: set[str] = set()
        self.port = 0
        self._turn = threading.Lock()

    def answer(self, what: str, word: str) -> bool:
        with self._turn:
            if what == "write":
                self.words.append(word)
                return True
            first = word not in self.asked
            self.asked.add(word)
            return first


@contextmanager
def open_book() -> Iterator[Book]:
    """A book, as long as the context lasts; its `port` is what handlers have as BOOK."""
    book = Book()

    class Visit(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                for line in self.rfile:
                    self.wfile.write(b"yes\n" if book.answer(*line.decode().split()) else b"no\n")
            except ConnectionError:
                pass  # it was killed; what it wrote stays

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 1024

    with Server(("127.0.0.1", 0), Visit) as server:
        book.port = server.server_address[1]
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield book
        server.shutdown()
        serving.join()
