"""Bodies that come in chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lablambda.services.aws_chunks import NotChunks, plain

SIGNATURE = ";chunk-signature=" + "0" * 64
CHUNKS = st.lists(st.binary(min_size=1))


def chunked(parts: list[bytes], extension: str, trailer: str = "") -> bytes:
    chunks = [f"{len(part):x}{extension}\r\n".encode() + part + b"\r\n" for part in parts]
    return b"".join([*chunks, f"0{extension}\r\n{trailer}\r\n".encode()])


@given(CHUNKS, st.sampled_from(["", SIGNATURE]))
def test_the_content(parts: list[bytes], extension: str) -> None:
    assert plain(chunked(parts, extension)) == (b"".join(parts), {})


def test_the_trailers_checksum() -> None:
    body = chunked([b"content"], "", "x-amz-checksum-crc32:AAAA==\r\nx-amz-trailer-signature:0\r\n")
    assert plain(body) == (b"content", {"x-amz-checksum-crc32": "AAAA=="})


@given(CHUNKS, st.data())
def test_a_body_that_was_cut_short(parts: list[bytes], data: st.DataObject) -> None:
    whole = chunked(parts, SIGNATURE)
    last = len(f"0{SIGNATURE}\r\n\r\n")
    with pytest.raises(NotChunks):
        plain(whole[: data.draw(st.integers(0, len(whole) - last))])


@pytest.mark.parametrize(
    "body", [b"x\r\n", b"-1\r\nab\r\n0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"\r\n", b"\xff\r\n"]
)
def test_what_isnt_in_that_form(body: bytes) -> None:
    with pytest.raises(NotChunks):
        plain(body)
