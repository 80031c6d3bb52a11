"""From a cell's text to the deployment it wants."""

from __future__ import annotations

import sys

import pytest

from lablambda.client import Lab
from lablambda.jupyter.cell import fingerprint, read_cell
from lablambda.jupyter.errors import CellError
from lablambda.jupyter.languages.python import OWN_RUNTIME
from lablambda.jupyter.options import InvokeWords, cell_options, invoke_words
from lablambda.model.deployment import Deployment
from lablambda.model.destination import Destination, Ends
from lablambda.model.source import S3Source

HANDLER = "def handler(event, context):\n    return event\n"


def read(line: str, body: str = HANDLER) -> Deployment:
    return read_cell(line, body, cell_options(line), no_lab)


def no_lab() -> Lab:
    pytest.fail("reading this cell needs no lab")


def test_a_cells_fingerprint_is_the_one_that_jupyterlab_makes() -> None:
    assert fingerprint(" grüße ", '\nreturn "€"\n') == "7ece07bc"  # as in extension/tests/cell.test.ts


def test_defaults() -> None:
    assert read("hello") == Deployment(
        name="hello",
        runtime=f"python3.{sys.version_info.minor}",
        handler="lambda_function.handler",
        files={"lambda_function.py": b"# %%lambda hello\n" + HANDLER.encode()},
    )


def test_every_option() -> None:
    line = (
        "hello --runtime python3.13 --handler mine --memory 512 --timeout 20 --env A1='a b' --env B1=c=d"
        " --requires pillow 'numpy>=2' --requires rich --layer fonts --on s3:photos/in/*.jpg --on s3:other"
    )
    wanted = read(line, "def mine(event, context): ...\ndef helper(): ...\n")
    assert (wanted.runtime, wanted.handler) == ("python3.13", "lambda_function.mine")
    assert (wanted.memory_mb, wanted.timeout_s) == (512, 20)
    assert wanted.variables == {"A1": "a b", "B1": "c=d"}
    assert wanted.requires == ("pillow", "numpy>=2", "rich")
    assert wanted.layers == ("fonts",)
    assert wanted.sources == (S3Source("photos", "in/", ".jpg"), S3Source("other"))


def test_lines_have_the_same_numbers_in_cell_and_package() -> None:
    [source] = read("hello --memory 256").files.values()
    cell = f"%%lambda hello --memory 256\n{HANDLER}"
    assert source.decode().split("\n")[1:] == cell.split("\n")[1:]


def test_the_magic_line_never_declares_an_encoding() -> None:
    [source] = read("hello --env coding=rot13").files.values()
    assert source.startswith(b"# %%lambda hello\n")
    compile(source, "package", "exec")


# -------------------------------------------------------------------------------------- the handler


@pytest.mark.parametrize(
    ("body", "handler"),
    [
        ("def handler(e, c): ...\ndef other(): ...", "handler"),
        ("def only(e, c): ...\nclass Helper: ...", "only"),
        ("from app import main as handler\ndef other(): ...", "handler"),
        ("def a(): ...\ndef b(): ...\nhandler = a", "handler"),
        ("try:\n    import x\nexcept ImportError:\n    def handler(e, c): ...", "handler"),
        ("def outer(e, c):\n    def handler(): ...", "outer"),
        ("async def fetch(): ...\ndef run(e, c): ...", "run"),
        ("import mangum\n@mangum.plain\nasync def handler(e, c): ...", "handler"),
        ("async def handler(e, c): ...\nhandler = run(handler)", "handler"),
    ],
)
def test_default_handler(body: str, handler: str) -> None:
    assert read("hello", body).handler == f"lambda_function.{handler}"


@pytest.mark.parametrize(
    ("body", "named", "handler"),
    [
        ("def a(): ...\ndef b(): ...", "b", "lambda_function.b"),
        ("from app import *", "main", "lambda_function.main"),
        ("x = 1", "awslambda.handler", "awslambda.handler"),
    ],
)
def test_named_handler(body: str, named: str, handler: str) -> None:
    assert read(f"hello --handler {named}", body).handler == handler


@pytest.mark.parametrize(
    ("options", "body", "told"),
    [
        ("", "x = 1", "defines no function. Add: def handler(event, context)"),
        ("", "\n", "defines no function"),
        ("", "def a(): ...\ndef b(): ...", "The cell has a, b: name one 'handler', or say --handler a"),
        ("", "async def handler(e, c): ...\ndef other(): ...", "handler is async"),
        ("", "async def only(e, c): ...", "only is async"),
        ("--handler b", "async def b(): ...\ndef a(): ...", "b is async"),
        ("--handler c", "def a(): ...\ndef b(): ...", "no function of that name. Its functions: a, b."),
        ("--handler c", "x = 1", "Its functions: none."),
    ],
)
def test_no_handler(options: str, body: str, told: str) -> None:
    with pytest.raises(CellError, match=None) as caught:
        read(f"hello {options}", body)
    assert told in str(caught.value)


def test_the_code_is_read_and_not_run() -> None:
    read("hello", f"raise SystemExit\n{HANDLER}")


def test_the_kernels_own_future_imports_stay_out() -> None:
    """`from __future__ import annotations` of this package would forbid what Python allows here."""
    assert (
        read("hello", "def handler(event: (kind := dict), context): ...").handler == "lambda_function.handler"
    )


# ------------------------------------------------------------------------------------- syntax errors


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (
            "import json\ndef handler(event, context)\n    return 1",
            "  line 3 of the cell\n    def handler(event, context)\n" + " " * 31 + "^\n"
            "SyntaxError: expected ':' (line 3 of the cell)",
        ),
        (
            "\nreturn 1",
            "  line 3 of the cell\n    return 1\n    ^\nSyntaxError: 'return' outside function (line 3 of the cell)",
        ),
        (
            "if 1:\n\tx = = 1",
            "  line 3 of the cell\n    \tx = = 1\n    \t    ^\nSyntaxError: invalid syntax (line 3 of the cell)",
        ),
    ],
)
@pytest.mark.parametrize("options", ["", "--handler handler"])
def test_syntax_error(body: str, shown: str, options: str) -> None:
    with pytest.raises(CellError) as caught:
        read(f"hello {options}", body)
    assert "\n".join(caught.value._render_traceback_()) == shown


@pytest.mark.parametrize("body", ["x = '\0'", "x = '\ud800'"])
def test_code_that_cant_be_read(body: str) -> None:
    with pytest.raises(CellError):
        read("hello", body)


def test_another_python_may_read_what_this_one_cant() -> None:
    # given code that this kernel can't compile, for another runtime
    body = "def handler(event, context):\n    syntax of tomorrow\n"
    # when nothing says which function it is, then the way out is told
    with pytest.raises(CellError) as caught:
        read("hello --runtime python3.99", body)
    assert caught.value._render_traceback_()[-1] == (
        f"This kernel reads cells as {OWN_RUNTIME}. To leave that to python3.99, add --handler NAME."
    )
    # and with the name it is left to that runtime
    assert read("hello --runtime python3.99 --handler handler", body).handler == "lambda_function.handler"


# ----------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "required: NAME"),
        ("he.llo", "'he.llo' can't name a function: use 1 to 64 letters"),
        ("h" * 65, "can't name a function"),
        ("hello --env A", "write NAME=VALUE"),
        ("hello --env 1A=2", "write NAME=VALUE"),
        ("hello --memory 127", "--memory 127: Lambda takes 128 to 10240 MB"),
        ("hello --memory 10241", "Lambda takes 128 to 10240 MB"),
        ("hello --memory lots", "invalid int value: 'lots'"),
        ("hello --timeout 0", "--timeout 0: Lambda takes 1 to 900 seconds"),
        ("hello --timeout 901", "Lambda takes 1 to 900 seconds"),
        ("hello --bogus", "unrecognized arguments: --bogus"),
        ("hello --mem 512", "unrecognized arguments: --mem 512"),
        ("hello 'unclosed", "No closing quotation"),
        ("hello --on ftp:x", "names no event source"),
    ],
)
def test_bad_options(line: str, told: str) -> None:
    with pytest.raises(CellError) as caught:
        read(line)
    assert told in str(caught.value)


def test_how_events_end() -> None:
    ends = read("hello --retries 0 --on-failure sqs:dead --on-success events:default").ends
    assert ends == Ends(0, Destination("events", "default"), Destination("sqs", "dead"))
    assert not read("hello").ends.said


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--retries 3", "--retries 3: Lambda takes 0 to 2 retries."),
        ("--on-failure nowhere", "Write sqs:QUEUE, sns:TOPIC, s3:BUCKET, lambda:FUNCTION, events:BUS"),
        ("--on-failure kinesis:s", "'kinesis:s' names no destination"),
        ("--on-success s3:bucket", "Write sqs:QUEUE, sns:TOPIC, lambda:FUNCTION, events:BUS"),
        ("--on-failure s3:bucket/in/*", "a destination is a whole bucket"),
        ("--on-failure sqs:q.fifo", "Lambda tells no FIFO queues"),
        ("--on-failure 'lambda:a b'", "can't be the name in lambda:FUNCTION"),
        ("--on-failure sqs:a/b", "can't name a queue"),
    ],
)
def test_ends_that_cannot_be(options: str, told: str) -> None:
    with pytest.raises(CellError) as caught:
        read(f"hello {options}")
    assert told in str(caught.value)


@pytest.mark.parametrize("line", ["-h", "--help", "hello -h", "hello --memory 512 --help", "--bogus -h"])
def test_help_is_given_wherever_it_is_asked(line: str) -> None:
    assert cell_options(line).help


def test_a_runtime_that_no_cell_is_written_for() -> None:
    with pytest.raises(CellError, match="cobol: cells are written for python, nodejs"):
        read("f --runtime cobol")


# ---------------------------------------------------------------------------------- %lambda invoke


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("f", InvokeWords("f", "")),
        ('f {"a": "b  c"}', InvokeWords("f", '{"a": "b  c"}')),
        ("f $event --async", InvokeWords("f", "$event", asynchronous=True)),
        ("--async f {}", InvokeWords("f", "{}", asynchronous=True)),
        ("f --qualifier prod {}", InvokeWords("f", "{}", qualifier="prod")),
        ("f --async {} --qualifier=$LATEST", InvokeWords("f", "{}", asynchronous=True, qualifier="$LATEST")),
        ('f {"say": "x --async y"}', InvokeWords("f", '{"say": "x --async y"}')),
        ('f {"say": "x --qualifier y"}', InvokeWords("f", '{"say": "x --qualifier y"}')),
        ("f --asink", InvokeWords("f", "--asink")),
    ],
)
def test_invoke_words(line: str, expected: InvokeWords) -> None:
    assert invoke_words(line) == expected


@pytest.mark.parametrize("line", ["", "--async", "--bogus f"])
def test_invoke_needs_a_name(line: str) -> None:
    with pytest.raises(CellError, match="%lambda invoke NAME"):
        invoke_words(line)
