"""`%%lambda` and `%lambda`: read the words, ask the client, give back what can be shown."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from lablambda import display
from lablambda.applying import DeploymentError
from lablambda.attachments import sources_in_words
from lablambda.client import Clock, Function, Lab
from lablambda.config import (
    DEFAULT_NAME,
    NAME_VARIABLE,
    ConfigError,
    Descriptor,
    NoLab,
    read_descriptor,
)
from lablambda.connection import ApiError
from lablambda.deployment import Deployed, attach, deploy, detach, lead_alias, versions
from lablambda.doctor import examine
from lablambda.endpoints import Endpoints
from lablambda.jupyter.cell import fingerprint, read_cell, read_sources
from lablambda.jupyter.errors import CellError, FunctionFailed
from lablambda.jupyter.options import (
    COMMANDS,
    COMMANDS_TO_COME,
    Words,
    add_endpoints,
    cell_options,
    help_text,
    invoke_words,
    load_options,
    simulate_parser,
    sources_joined,
    split,
    weight,
)
from lablambda.jupyter.progress import ProgressLine
from lablambda.launch import find_or_start
from lablambda.model.errors import CallerError
from lablambda.model.source import Source
from lablambda.reset import delete_all, find_all
from lablambda.results import Figures, LogEvents, Result
from lablambda.rules.runtimes import nearest, substitution
from lablambda.rules.step import Step
from lablambda.samples import SAMPLES, sample
from lablambda.version_table import version_table

if TYPE_CHECKING:
    from lablambda.simulation.course import Course


class Shown:
    """A value that a notebook shows as prepared."""

    def __init__(self, bundle: display.Bundle) -> None:
        self.bundle = bundle

    def __repr__(self) -> str:
        return str(self.bundle["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> display.Bundle:
        return self.bundle


@magics_class
class LambdaMagics(Magics):
    """The two magics; `lab` is the lab they work with."""

    _lab: Lab | None = None

    def lab(self) -> Lab:
        """The lab in use; started if it has gone."""
        try:
            return self.running_lab()
        except NoLab:
            return self._use(find_or_start())

    def running_lab(self) -> Lab:
        """The lab in use, looked up anew: it may have been restarted. Raises NoLab if it isn't running."""
        return self._use(read_descriptor(os.environ.get(NAME_VARIABLE) or DEFAULT_NAME))

    def _use(self, descriptor: Descriptor) -> Lab:
        if self._lab is None or self._lab.descriptor != descriptor:
            self.close()
            self._lab = Lab(descriptor)
        return self._lab

    def close(self) -> None:
        if self._lab is not None:
            self._lab.close()

    @line_cell_magic("lambda")  # type: ignore[arg-type]  # IPython types the bare decorator only
    @no_var_expand
    def lambda_(self, line: str, cell: str | None = None) -> Any:
        """`%%lambda NAME [options]` deploys the cell; `%lambda help` lists what else there is."""
        with _clear_errors():
            return self._command(line) if cell is None else self._deploy(line, cell)

    # --------------------------------------------------------------------------------- %%lambda

    def _deploy(self, line: str, cell: str) -> Deployed | Shown:
        options = cell_options(" ".join(self._expand(word) for word in _raw_words(line)))
        if options.help:
            return _text(help_text())
        wanted = read_cell(line, cell, options, self.lab)
        deployed = deploy(wanted, self.lab(), dry_run=options.dry_run)
        return replace(deployed, cell=fingerprint(line, cell))

    def _expand(self, word: str) -> str:
        """A word that is `$name` and nothing else stands for the variable of that name."""
        if not re.fullmatch(r"\$[A-Za-z_]\w*", word):
            return word
        return shlex.quote(str(self._variable(word[1:])))

    def _variable(self, name: str) -> Any:
        assert self.shell is not None
        try:
            return self.shell.user_ns[name]
        except KeyError:
            raise CellError(f"There is no variable {name!r} in this notebook.") from None

    # ---------------------------------------------------------------------------------- %lambda

    def _command(self, line: str) -> Any:
        command, _, rest = line.strip().partition(" ")
        if command in ("", "-h", "--help", "help"):
            return _text(help_text())
        if command in COMMANDS_TO_COME:
            raise CellError(f"%lambda {command} is not implemented yet.")
        commands: dict[str, Callable[[str], Any]] = {
            "invoke": self._invoke,
            "list": self._list,
            "show": self._show,
            "logs": self._logs,
            "metrics": self._metrics,
            "load": self._load,
            "simulate": self._simulate,
            "send": self._send,
            "replay": self._replay,
            "on": self._on,
            "off": self._off,
            "url": self._url,
            "routes": self._routes,
            "versions": self._versions,
            "alias": self._alias,
            "delete": self._delete,
            "reset": self._reset,
            "clock": self._clock,
            "status": self._status,
            "doctor": self._doctor,
        }
        if command not in commands:
            raise CellError(f"%lambda has no command {command!r}; it has {', '.join(COMMANDS)}.")
        return commands[command](rest.strip())

    def _invoke(self, rest: str) -> Result | Shown:
        words = invoke_words(rest)
        event = self._event(words.event)
        function = self.lab().function(words.name)
        if words.asynchronous:
            request_id = function.send(event, qualifier=words.qualifier)
            return _text(f"queued for {words.name}, request id {request_id}")
        return _or_failure(function.invoke(event, qualifier=words.qualifier))

    def _send(self, rest: str) -> Result:
        parser = Words(prog="%lambda send", add_help=False)
        parser.add_argument("name")
        parser.add_argument("--sample", required=True, choices=SAMPLES)
        options = parser.parse_args(split(rest))
        lab = self.lab()
        return _or_failure(lab.function(options.name).invoke(sample(options.sample, lab.clock.now)))

    def _replay(self, rest: str) -> Result:
        words = split(rest)
        if not 1 <= len(words) <= 2:
            raise CellError(f"Write %lambda {COMMANDS['replay']}")
        return _or_failure(self.lab().function(words[0]).replay(*words[1:]))

    def _event(self, text: str) -> Any:
        if text.startswith("$"):
            return self._json_variable(text[1:])
        if text.startswith("@"):
            text = _read(Path(text[1:]).expanduser())
        if len(text) > 1 and text[0] == text[-1] == "'":
            text = text[1:-1]
        try:
            return json.loads(text or "{}")
        except ValueError as error:
            raise CellError(
                f"The event isn't JSON: {error}. Write JSON, $variable or @file. Got: {text[:200]}"
            ) from None

    def _json_variable(self, name: str) -> Any:
        value = self._variable(name)
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            raise CellError(f"${name} can't be an event: {error}. Events are JSON.") from None
        return value

    def _list(self, _: str) -> Shown:
        lab = self.lab()
        found = lab.functions()
        return Shown(
            display.functions(
                found, [", ".join(sources_in_words(lab.client, f["FunctionName"])) for f in found]
            )
        )

    def _show(self, rest: str) -> Shown:
        function = self._function(rest, "show")
        configuration = function.configuration()
        shown = display.facts("function", {**configuration, "Note": self._note(configuration["Runtime"])})
        ways = display.ways(self.lab().routes(function.name))
        past = display.records(function.name, function.invocations(limit=10))
        return Shown({key: _joined(shown[key], ways[key], past[key]) for key in shown})

    def _note(self, runtime: str) -> str:
        """What there is to say if another runtime than the function's own runs it."""
        runs = nearest(runtime, self.lab().status()["runtimes"])
        return "" if runs is None else substitution(runtime, runs)

    def _logs(self, rest: str) -> LogEvents:
        parser = Words(prog="%lambda logs", add_help=False)
        parser.add_argument("name")
        parser.add_argument("--request", metavar="ID")
        parser.add_argument("--limit", type=int, default=200, metavar="N")
        options = parser.parse_args(split(rest))
        try:
            return self.lab().function(options.name).logs(options.request, limit=options.limit)
        except LookupError as error:
            raise CellError(str(error)) from None

    def _metrics(self, rest: str) -> Figures:
        parser = Words(prog="%lambda metrics", add_help=False)
        parser.add_argument("name")
        parser.add_argument("--hours", type=float, default=3.0, metavar="H")
        options = parser.parse_args(split(rest))
        return self.lab().function(options.name).metrics(options.hours)

    def _load(self, rest: str) -> Course:
        from lablambda.simulation import told

        options = load_options(rest)
        function = self.lab().function(options.name)
        with _told_wrongly():
            return function.load(
                profile=told.profile(options),
                event=self._event(options.payload),
                qualifier=options.qualifier,
                even=options.even,
                seed=options.seed,
                progress=ProgressLine(),
            )

    def _simulate(self, rest: str) -> Course | Shown:
        from lablambda.load.of_function import workload
        from lablambda.simulation import told

        words = " ".join(self._expand(word) for word in _raw_words(rest))
        options = simulate_parser().parse_args(split(words))
        if options.help:
            return _text(simulate_parser().format_help())
        with _told_wrongly():
            known = None if options.name is None else partial(workload, self.lab().function(options.name))
            return told.simulated(options, known)

    def _on(self, rest: str) -> Shown:
        name, sources = _named_sources(rest, "on")
        if not sources:
            raise CellError(f"Write %lambda {COMMANDS['on']}")
        return _done(name, attach(name, sources, self.lab()))

    def _off(self, rest: str) -> Shown:
        name, sources = _named_sources(rest, "off")
        return _done(name, detach(name, sources, self.lab()))

    def _url(self, rest: str) -> Shown:
        function = self._function(rest, "url")
        function.configuration()  # there is one of that name
        found = self.lab().routes(function.name)
        if not found:
            raise CellError(
                f"{function.name} has no address. Give it one: %lambda on {function.name} --url, or "
                f'%lambda on {function.name} --route "GET /{function.name}"'
            )
        return Shown(display.ways(found))

    def _routes(self, _: str) -> Endpoints:
        return self.lab().routes()

    def _delete(self, rest: str) -> Shown:
        function = self._function(rest, "delete")
        function.delete()
        return _text(f"{function.name} deleted; its logs stay")

    def _versions(self, rest: str) -> Shown:
        name = self._function(rest, "versions").name
        return Shown(version_table(name, versions(name, self.lab())))

    def _alias(self, rest: str) -> Shown:
        parser = Words(prog="%lambda alias", usage=f"%lambda {COMMANDS['alias']}", add_help=False)
        parser.add_argument("name")
        parser.add_argument("alias")
        parser.add_argument("version")
        parser.add_argument("--weight", action="append", default=[])
        options = parser.parse_args(split(rest))
        weights = dict(map(weight, options.weight))
        return _text(lead_alias(options.name, options.alias, options.version, weights, self.lab()).text)

    def _reset(self, rest: str) -> Shown:
        parser = Words(prog="%lambda reset", add_help=False)
        parser.add_argument("--yes", action="store_true")
        options = parser.parse_args(split(rest))
        lab = self.lab()
        found = find_all(lab)
        if not found:
            return _text(f"lab {lab.name} has nothing")
        told = "\n".join(f"  {one}" for one in found)
        if not options.yes:
            return _text(f"lab {lab.name} has\n{told}\nDelete it all: %lambda reset --yes")
        delete_all(found, lab.client)
        return _text(f"deleted from lab {lab.name}:\n{told}")

    def _clock(self, rest: str) -> Clock:
        parser = Words(prog="%lambda clock", add_help=False)
        parser.add_argument("--advance", metavar="SPAN")
        parser.add_argument("--speed", type=float, metavar="N")
        options = parser.parse_args(split(rest))
        clock = self.lab().clock
        if options.speed is not None:
            clock.speed = options.speed
        if options.advance is not None:
            try:
                clock.advance(options.advance)
            except ValueError as error:
                raise CellError(str(error)) from None
        return clock

    def _status(self, _: str) -> Shown:
        return Shown(display.facts("status", self.lab().status()))

    def _doctor(self, _: str) -> Shown:
        try:
            lab = self.running_lab()
        except ConfigError:
            return Shown(display.findings(examine(None)))
        return Shown(display.findings(examine(lab)))

    def _function(self, rest: str, command: str) -> Function:
        names = split(rest)
        if len(names) != 1:
            raise CellError(f"%lambda {command} takes one function's name; %lambda list shows them.")
        return self.lab().function(names[0])


def _or_failure(result: Result) -> Result:
    """The result; raises FunctionFailed if it is a failure."""
    if result.error is not None:
        raise FunctionFailed(result)
    return result


def _named_sources(rest: str, command: str) -> tuple[str, tuple[Source, ...]]:
    parser = Words(prog=f"%lambda {command}", usage=f"%lambda {COMMANDS[command]}", add_help=False)
    parser.add_argument("name")
    parser.add_argument("sources", nargs="*")
    add_endpoints(parser)
    options = parser.parse_intermixed_args(sources_joined(split(rest)))
    try:
        return options.name, read_sources(options.sources, options)
    except CallerError as error:
        raise CellError(str(error)) from None


def _done(name: str, steps: list[Step]) -> Shown:
    return _text("\n".join(step.text for step in steps) or f"{name}: nothing to do")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CellError(f"The event can't be read from {path}: {error}") from None


def _raw_words(line: str) -> list[str]:
    """Words with their quotes, so that they can be put together again."""
    return re.findall(r"""(?:[^\s"']|"[^"]*"|'[^']*')+|["']""", line)


def _joined(*forms: Any) -> Any:
    if all(isinstance(form, str) for form in forms):
        return "\n".join(filter(None, forms))
    return {"kind": "show", "data": [*forms]}


def _text(text: str) -> Shown:
    from html import escape

    return Shown(display.bundle("text", text, f"<pre>{escape(text)}</pre>", text))


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Whatever the lab or the cell did wrong, one readable error."""
    try:
        yield
    except (ApiError, ConfigError, DeploymentError) as error:
        raise CellError(str(error)) from None


@contextmanager
def _told_wrongly() -> Iterator[None]:
    """Words or files that say nothing, as an error of the cell."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise CellError(str(error)) from None
