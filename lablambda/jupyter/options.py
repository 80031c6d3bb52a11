"""The words of `%%lambda` and `%lambda`."""

from __future__ import annotations

import argparse
import re
import shlex
from dataclasses import dataclass
from typing import NoReturn

from lablambda.jupyter.errors import CellError
from lablambda.rules.destination_names import DESTINATION_FORMS
from lablambda.rules.limits import MEMORY_MB, TIMEOUT_S
from lablambda.rules.retry import MAXIMUM_RETRY_ATTEMPTS
from lablambda.rules.sources import FORMS
from lablambda.samples import SAMPLES
from lablambda.simulation import words

# In the design, and not built yet: named here so that they are answered, not misread.
COMMANDS_TO_COME = (
    "dashboard",
    "deploy",
    "export",
)
COMMANDS = {
    "invoke": "invoke NAME [EVENT-JSON | $variable | @file] [--async] [--qualifier Q]",
    "send": f"send NAME --sample {' | '.join(SAMPLES)}: invoke it with an event as that source makes them",
    "replay": "replay NAME [REQUEST-ID]: invoke it again with an event that it had, the last one or that",
    "list": "list: every function of the lab, and its sources",
    "on": 'on NAME [SOURCE...] [--url] [--route "GET /path"]...: have it run on these sources as well',
    "off": 'off NAME [SOURCE...] [--url] [--route "GET /path"]...: have it run on these no more, or on none',
    "url": "url NAME: its addresses over HTTPS, for the browser and for curl",
    "routes": "routes: every address, and which function is there",
    "show": "show NAME: its configuration and last invocations",
    "logs": "logs NAME [--request ID] [--limit N]",
    "metrics": "metrics NAME [--hours H]: counts, durations and cost",
    "versions": "versions NAME: its versions, and the aliases that lead to them",
    "alias": "alias NAME ALIAS VERSION [--weight VERSION=SHARE]: have an alias lead to a version, and a share of its "
    "traffic (0 to 1) to another",
    "load": "load NAME [--rate R] [--duration SPAN] [--profile P] [--payload EVENT] [--qualifier Q] [--even] "
    "[--seed N] [--arrivals FILE]: invoke it so often, whether or not it answers, and show what became of it",
    "simulate": "simulate [NAME] [--rate R] [--duration SPAN] [--profile P] [--trace FILE] [--account N] ...: what "
    "Lambda would do with a load; --help tells all options",
    "delete": "delete NAME",
    "reset": "reset [--yes]: say what the lab has, and with --yes delete it all",
    "clock": "clock [--advance SPAN] [--speed N]: the lab's time, for retries, ages and idleness",
    "status": "status: what the lab is doing",
    "doctor": "doctor: is this machine ready",
    "help": "help",
}


class Words(argparse.ArgumentParser):
    """argparse that raises instead of ending the kernel."""

    def error(self, message: str) -> NoReturn:
        raise CellError(f"{message}\n{self.format_usage().strip()}")


def cell_parser() -> Words:
    """What may stand after `%%lambda`."""
    parser = Words(prog="%%lambda", add_help=False, allow_abbrev=False)
    parser.add_argument("name", metavar="NAME", help="the function's name")
    parser.add_argument("-h", "--help", action="store_true", help="show this")
    parser.add_argument(
        "--runtime",
        metavar="R",
        help="nodejs22.x, java21, provided.al2023, python3.13, ... (default: this kernel's Python)",
    )
    parser.add_argument(
        "--handler", metavar="F", help="the function that takes events (default: 'handler', or the only one)"
    )
    parser.add_argument("--memory", type=int, default=128, metavar="MB", help="128 to 10240 (default: 128)")
    parser.add_argument("--timeout", type=int, default=3, metavar="S", help="1 to 900 seconds (default: 3)")
    parser.add_argument(
        "--env", action="append", default=[], metavar="K=V", help="an environment variable; repeatable"
    )
    parser.add_argument(
        "--requires",
        action="append",
        nargs="+",
        default=[],
        metavar="PKG",
        help="packages, as pip or npm names them, or group:artifact:version",
    )
    parser.add_argument(
        "--layer", action="append", default=[], metavar="NAME", help="a layer, by name or ARN; repeatable"
    )
    parser.add_argument(
        "--on",
        action="append",
        default=[],
        metavar="SOURCE",
        help=f"{', '.join(FORMS.values())}; repeatable",
    )
    parser.add_argument(
        "--retries",
        type=int,
        metavar="N",
        help="how often an event that fails is tried again: 0, 1 or 2 times",
    )
    parser.add_argument(
        "--on-success",
        metavar="TARGET",
        help="who is told of events that succeeded: as --on-failure, but for s3",
    )
    parser.add_argument(
        "--on-failure",
        metavar="TARGET",
        help=f"who is told of events that are given up: {', '.join(DESTINATION_FORMS.values())}",
    )
    add_endpoints(parser)
    add_release(parser)
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, do nothing")
    return parser


def add_endpoints(parser: argparse.ArgumentParser) -> None:
    """The options that open a function over HTTPS."""
    parser.add_argument(
        "--url", action="store_true", help="give it a URL of its own that is open to everybody"
    )
    parser.add_argument(
        "--route",
        action="append",
        default=[],
        metavar="'METHOD /PATH'",
        help="lead such requests to it, by the HTTP API that all cells share: 'GET /users/{id}', 'ANY /{proxy+}', "
        "'$default'; repeatable",
    )


def add_release(parser: argparse.ArgumentParser) -> None:
    """The options for versions and concurrency."""
    parser.add_argument("--publish", action="store_true", help="publish a version of it")
    parser.add_argument("--alias", metavar="NAME", help="publish it, and have this alias lead to the version")
    parser.add_argument(
        "--snap-start",
        action="store_true",
        help="run init once when it is published, and restore its environments from there (Python)",
    )
    parser.add_argument(
        "--reserved", type=int, metavar="N", help="concurrent executions that it has for itself, and no more"
    )
    parser.add_argument(
        "--provisioned", type=int, metavar="N", help="environments of its --alias that are kept ready"
    )


def cell_options(line: str) -> argparse.Namespace:
    """Read the rest of a `%%lambda` line. Raises CellError with the usage."""
    words = sources_joined(split(line))
    if not {"-h", "--help"}.isdisjoint(words):
        return argparse.Namespace(help=True)
    options = cell_parser().parse_args(words)
    _in_range("--memory", options.memory, MEMORY_MB, "MB")
    _in_range("--timeout", options.timeout, TIMEOUT_S, "seconds")
    if options.retries is not None:
        _in_range("--retries", options.retries, range(MAXIMUM_RETRY_ATTEMPTS + 1), "retries")
    _check_release(options)
    return options


def _check_release(options: argparse.Namespace) -> None:
    """Raises CellError for what AWS would refuse half way through."""
    alias, reserved, provisioned = options.alias, options.reserved, options.provisioned
    if alias is not None and not _ALIAS.fullmatch(alias):
        raise CellError(
            f"--alias {alias}: an alias has letters, digits, '-' and '_', and isn't a number, which names a version."
        )
    if reserved is not None and reserved < 0:
        raise CellError(f"--reserved {reserved}: reserve 0 (it then never runs) or more.")
    if options.snap_start and alias is None and not options.publish:
        raise CellError("--snap-start is for versions, never for $LATEST: add --publish or --alias NAME.")
    if options.snap_start and provisioned is not None:
        raise CellError("--snap-start and --provisioned don't go together on AWS: choose one of them.")
    if provisioned is None:
        return
    if provisioned < 1:
        raise CellError(f"--provisioned {provisioned}: keep 1 or more ready, or leave the option out.")
    if alias is None:
        raise CellError("--provisioned is for an alias, never for $LATEST: add --alias NAME, such as live.")
    if reserved is not None and provisioned > reserved:
        raise CellError(f"--provisioned {provisioned} is taken from --reserved {reserved}: reserve as many.")


def _in_range(option: str, value: int, allowed: range, unit: str) -> None:
    if value not in allowed:
        raise CellError(f"{option} {value}: Lambda takes {allowed[0]} to {allowed[-1]} {unit}.")


_ALIAS = re.compile(r"(?!^[0-9]+$)[a-zA-Z0-9-_]{1,128}")
_OPTION = r"(--async|--qualifier[ =][\w$-]+)"
_FIRST = re.compile(rf"^\s*{_OPTION}(?=\s|$)")
_LAST = re.compile(rf"(?:^|\s){_OPTION}\s*$")


@dataclass(frozen=True, slots=True)
class InvokeWords:
    """What `%lambda invoke` was told; `event` is the text as written."""

    name: str
    event: str
    asynchronous: bool = False
    qualifier: str | None = None


def invoke_words(line: str) -> InvokeWords:
    """Read what stands after `%lambda invoke`.

    Options are looked for around the name and the event, never inside: an event may hold any text, and
    its quotes and braces must stay as they are.
    """
    line, before = _take_options(line)
    name, _, event = line.strip().partition(" ")
    if not name or name.startswith("-"):
        raise CellError(f"Write %lambda {COMMANDS['invoke']}")
    event, after = _take_options(event)
    options = before + after
    qualifiers = [option[len("--qualifier ") :] for option in options if option != "--async"]
    return InvokeWords(
        name,
        event.strip(),
        asynchronous="--async" in options,
        qualifier=qualifiers[-1] if qualifiers else None,
    )


# An event may hold spaces and quotes, so it isn't read as a shell would; it ends at the next option.
_PAYLOAD = re.compile(r"\s--payload[ =](.*?)(?=\s--[a-z]|$)")


def load_parser() -> Words:
    """What may stand after `%lambda load`."""
    parser = Words(prog="%lambda load", usage=f"%lambda {COMMANDS['load']}", add_help=False)
    parser.add_argument("name")
    parser.add_argument("--payload", default="", metavar="EVENT")
    parser.add_argument("--qualifier", metavar="Q")
    words.add_profile(parser)
    return parser


def load_options(line: str) -> argparse.Namespace:
    """Read what stands after `%lambda load`; the payload stays as it is written."""
    quoted = _PAYLOAD.sub(lambda found: f" --payload={shlex.quote(found[1].strip())}", line)
    return load_parser().parse_args(split(quoted))


def simulate_parser() -> Words:
    """What may stand after `%lambda simulate`."""
    parser = Words(prog="%lambda simulate", add_help=False, allow_abbrev=False)
    parser.add_argument(
        "name", nargs="?", help="a function of the lab: as it is configured, and as long as it took"
    )
    parser.add_argument("-h", "--help", action="store_true", help="show this")
    words.add_profile(parser)
    words.add_scenario(parser)
    return parser


def _take_options(text: str) -> tuple[str, list[str]]:
    found = []
    while match := _FIRST.search(text) or _LAST.search(text):
        found.append(match[1])
        text = text[: match.start()] + text[match.end() :]
    return text, found


def weight(text: str) -> tuple[str, float]:
    """A version, and its share of an alias's traffic. Raises CellError."""
    version, _, share = text.partition("=")
    try:
        return version, float(share)
    except ValueError:
        raise CellError(
            f"--weight {text}: write VERSION=SHARE, such as 2=0.1 for a tenth to version 2."
        ) from None


def split(line: str) -> list[str]:
    """The words of a line, as a shell reads them."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise CellError(f"{error} in: {line}") from None


def sources_joined(words: list[str]) -> list[str]:
    """The words, with a schedule's and a route's put together again: rate(5 minutes) is one, and GET /users, without
    quotes too."""
    joined: list[str] = []
    for word in words:
        schedule = (
            joined and joined[-1].startswith("schedule:") and "(" in joined[-1] and ")" not in joined[-1]
        )
        route = len(joined) > 1 and joined[-2] == "--route" and word.startswith("/") and " " not in joined[-1]
        if schedule or route:
            joined[-1] += f" {word}"
        else:
            joined.append(word)
    return joined


def help_text() -> str:
    """What `%lambda help` shows."""
    commands = "\n".join(f"  %lambda {text}" for text in COMMANDS.values())
    return f"{commands}\n\n{cell_parser().format_help()}"
