"""Compiling Java cells, by every compiler there may be. Real processes throughout."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from lablambda.model.compilation import Compiled
from lablambda.model.errors import InvalidParameterValue, ServiceFault
from lablambda.packaging.failure import RequirementsError
from lablambda.runtimes.java import guest, jdks
from lablambda.runtimes.java.compiler import JavaCompiler
from lablambda.runtimes.java.jdks import Jdk

pytestmark = pytest.mark.anyio
HERE = jdks.find()
HELLO = """\
import com.amazonaws.services.lambda.runtime.*;
public class Hello implements RequestHandler<String, String> {
    public String handleRequest(String name, Context context) { return "Hello " + name; }
}
"""

BASED = """\
import com.amazonaws.services.lambda.runtime.*;
abstract class Base implements RequestStreamHandler { public void handler() {} }
public class A extends Base {
    public void handleRequest(java.io.InputStream i, java.io.OutputStream o, Context c) {}
}
"""


def without_compiler(found: Sequence[Jdk]) -> list[Jdk]:
    return [Jdk(jdk.major, jdk.version, jdk.home, compiles=False) for jdk in found]


@pytest.fixture(scope="module", params=["javac", "eclipse"])
async def compiler(request: pytest.FixtureRequest) -> AsyncIterator[JavaCompiler]:
    if not HERE:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("this machine has no Java")
    if request.param == "javac" and not any(jdk.compiles for jdk in HERE):
        pytest.skip("this machine has no JDK")
    made = JavaCompiler()
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "eclipse":
            patch.setattr(jdks, "find", lambda: without_compiler(HERE))
            command = guest.compiler_command
            patch.setattr(guest, "compiler_command", lambda found: _only_eclipse(command(found)))
        await made.compile(HELLO, 17)
    yield made
    await made.close()


def _only_eclipse(command: list[str]) -> list[str]:
    """The same command on a Java that has no compiler of its own."""
    return [command[0], "--limit-modules", "java.base,java.compiler,java.desktop,java.sql", *command[1:]]


def errors(compiled: Compiled) -> list[tuple[int, str]]:
    return [(problem.line, problem.message) for problem in compiled.problems if problem.kind == "error"]


async def test_a_class(compiler: JavaCompiler) -> None:
    compiled = await compiler.compile(HELLO, 17)
    assert list(compiled.classes) == ["Hello.class"]
    assert compiled.classes["Hello.class"][:8] == b"\xca\xfe\xba\xbe\0\0\0\x3d"  # Java 17
    assert errors(compiled) == []
    assert compiled.handlers == ("Hello",)


async def test_errors_have_their_lines(compiler: JavaCompiler) -> None:
    source = "public class A {\n    int first() { return nowhere; }\n\n    String second() { return 1; }\n}\n"
    compiled = await compiler.compile(source, 17)
    assert [line for line, _ in errors(compiled)] == [2, 4]
    assert "nowhere" in errors(compiled)[0][1]
    assert (dict(compiled.classes), compiled.handlers) == ({}, ())


async def test_text_that_is_no_java(compiler: JavaCompiler) -> None:
    for source in (
        "",
        "def handler(event, context): pass",
        "class",
        "}" * 5000,
        "\0",
        "\ud800",
        "class A { /* ",
    ):
        compiled = await compiler.compile(source, 17)
        assert not source or errors(compiled), source[:20]
        assert not compiled.classes


async def test_several_classes_of_a_package(compiler: JavaCompiler) -> None:
    source = (
        "package shop.orders;\npublic class A {}\ninterface B {}\nrecord C(int n) {}\nenum D { X }\n"
        "class E { class Inner {} Runnable r = new Runnable() { public void run() {} }; }\n"
    )
    compiled = await compiler.compile(source, 17)
    assert errors(compiled) == []
    names = {"A", "B", "C", "D", "E", "E$Inner", "E$1"}
    assert set(compiled.classes) == {f"shop/orders/{name}.class" for name in names}


async def test_several_public_classes(compiler: JavaCompiler, request: pytest.FixtureRequest) -> None:
    compiled = await compiler.compile("public class A {}\npublic class B {}\n", 17)
    if request.node.callspec.params["compiler"] == "eclipse":
        assert errors(compiled) == [(2, "The public type B must be defined in its own file")]
    else:
        assert set(compiled.classes) == {"A.class", "B.class"}


@pytest.mark.parametrize(
    ("source", "handlers"),
    [
        ("public class A { public String handleRequest(String s) { return s; } }", ("A::handleRequest",)),
        ("package p; public class A { public String handler(String s) { return s; } public void b() {} }", ("p.A::handler",)),
        ("public class A { public String only(String s) { return s; } private void b() {} }", ("A::only",)),
        ("public class A { public void a() {} public void b() {} }", ()),
        ("public abstract class A { public void handler() {} }", ()),
        ("public interface A { void handler(); }", ()),
        ("public class A { public static class B { public void handler() {} } }", ("A$B::handler",)),
        (
            BASED,
            ("A",),
        ),
    ],
)  # fmt: skip
async def test_what_could_take_events(compiler: JavaCompiler, source: str, handlers: tuple[str, ...]) -> None:
    compiled = await compiler.compile(source, 17)
    assert errors(compiled) == []
    assert compiled.handlers == handlers


async def test_no_code_of_the_cell_runs(compiler: JavaCompiler, tmp_path: Path) -> None:
    source = HELLO.replace(
        "{\n", '{\n static { try { java.nio.file.Files.createFile(java.nio.file.Path.of("%s")); }'
        " catch (java.io.IOException e) {} }\n" % (tmp_path / "ran"), 1,
    )  # fmt: skip
    assert (await compiler.compile(source, 17)).handlers == ("Hello",)
    assert not list(tmp_path.iterdir())


async def test_a_release_that_is_newer_than_the_compiler_is_its_newest(compiler: JavaCompiler) -> None:
    compiled = await compiler.compile(HELLO, 999)
    assert errors(compiled) == []
    assert compiled.classes["Hello.class"][7] >= 44 + HERE[0].major


async def test_a_release_that_no_compiler_knows_is_a_problem_and_no_end(compiler: JavaCompiler) -> None:
    assert errors(await compiler.compile(HELLO, 2))
    assert (await compiler.compile(HELLO, 17)).classes


async def test_traces_show_the_cells_own_lines_and_names(compiler: JavaCompiler) -> None:
    compiled = await compiler.compile("// a comment about public class Other\n" + HELLO, 17)
    data = compiled.classes["Hello.class"]
    assert b"Hello.java" in data
    assert b"LineNumberTable" in data
    assert b"MethodParameters" in data


async def test_any_letters(compiler: JavaCompiler) -> None:
    compiled = await compiler.compile(HELLO.replace('"Hello "', '"größe 世界 "'), 17)
    assert "größe 世界 ".encode() in compiled.classes["Hello.class"]


async def test_what_is_too_much_for_a_compiler_does_not_end_it(compiler: JavaCompiler) -> None:
    nested = "public class A { int a = " + "(" * 20_000 + "1" + ")" * 20_000 + "; }"
    long = "public class A { void a() { int i = 0; " + "i += 12345678; " * 20_000 + "} }"
    for source in (nested, long):
        compiled = await compiler.compile(source, 17)
        assert bool(errors(compiled)) != bool(compiled.classes)
    assert (await compiler.compile(HELLO, 17)).classes


async def test_libraries(compiler: JavaCompiler) -> None:
    source = "public class A { public String only(S s) { return org.json.JSONObject.quote(s.t); } } class S { String t; }"
    assert errors(await compiler.compile(source, 17))
    assert not errors(await compiler.compile(source, 17, ["org.json:json:20240303"]))
    with pytest.raises(RequirementsError):
        await compiler.compile(source, 17, ["org.json:json:0.0.1"])


async def test_several_at_once_take_turns(compiler: JavaCompiler) -> None:
    sources = [HELLO.replace("Hello", f"Hello{number}") for number in range(5)]
    compiled = await asyncio.gather(*(compiler.compile(source, 17) for source in sources))
    assert [each.handlers for each in compiled] == [(f"Hello{number}",) for number in range(5)]


# ------------------------------------------------------------------------------------------- its life


@pytest.fixture
async def own() -> AsyncIterator[JavaCompiler]:
    if not HERE:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("this machine has no Java")
    made = JavaCompiler(idle_s=0.05)
    yield made
    await made.close()


async def ended(compiler: JavaCompiler) -> None:
    if (process := compiler._process) is not None:
        await asyncio.wait_for(process.wait(), 10)


async def test_it_ends_when_nobody_needs_it_and_starts_again(own: JavaCompiler) -> None:
    await own.compile(HELLO, 17)
    await ended(own)
    assert (await own.compile(HELLO, 17)).classes


async def test_one_that_was_killed_is_started_again(own: JavaCompiler) -> None:
    own._idle_s = 60
    await own.compile(HELLO, 17)
    assert own._process is not None
    own._process.kill()
    await ended(own)
    assert (await own.compile(HELLO, 17)).classes


async def test_a_request_that_is_given_up_disturbs_no_other(own: JavaCompiler) -> None:
    task = asyncio.ensure_future(own.compile(HELLO, 17))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await own.compile(HELLO, 17)).handlers == ("Hello",)


async def test_closing_gives_up_what_is_being_compiled(own: JavaCompiler) -> None:
    own._idle_s = 60
    await own.compile(HELLO, 17)  # so that the next one's process runs already
    compiling = asyncio.ensure_future(own.compile(HELLO, 17))
    while not own._turn.locked():
        await asyncio.sleep(0)
    await own.close()
    with pytest.raises(ServiceFault, match="ended unexpectedly"):
        await compiling
    assert own._process is None


async def test_too_much_text_is_refused(own: JavaCompiler) -> None:
    with pytest.raises(InvalidParameterValue, match="characters"):
        await own.compile("x" * 5_000_000, 17)


async def test_no_java_says_what_to_do(own: JavaCompiler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jdks, "find", list)
    with pytest.raises(InvalidParameterValue, match=re.escape("lablambda[java]")):
        await own.compile(HELLO, 17)
