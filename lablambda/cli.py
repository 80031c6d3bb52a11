"""The `lablambda` command."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lablambda import __version__, config, display
from lablambda.config import ConfigError, Descriptor, NoLab
from lablambda.connection import ApiError
from lablambda.rules.addresses import EVERY_ADDRESS, LOOPBACK
from lablambda.rules.runtimes import RESERVE
from lablambda.rules.sandbox import SANDBOXES
from lablambda.rules.scaling import ENVIRONMENTS
from lablambda.services.choice import choice
from lablambda.simulation import words

if TYPE_CHECKING:
    from lablambda.client import Lab
    from lablambda.simulation.course import Course


def main(arguments: list[str] | None = None) -> int:
    """Run a command; gives the exit status: 0 done, 1 the function or notebook failed, 2 it couldn't be done."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (ConfigError, ApiError, ValueError, OSError) as error:
        print(f"lablambda: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return status


# ------------------------------------------------------------------------------------------ the words


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lablambda", description="An interactive serverless lab for Jupyter."
    )
    parser.add_argument("--version", action="version", version=f"lablambda {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="start a lab and stay until it leaves")
    up.set_defaults(run=_up)
    up.add_argument("--name", default=_default_name(), help="the lab's name (default: %(default)s)")
    up.add_argument("--data", type=Path, metavar="DIR", help="where its state is kept")
    up.add_argument(
        "--port", type=_port, default=0, metavar="P", help="the port of its AWS API (default: a free one)"
    )
    up.add_argument(
        "--https-port",
        type=_port,
        default=0,
        metavar="P",
        help="the port of function URLs and APIs (default: the one it had, or a free one)",
    )
    up.add_argument(
        "--https-host",
        choices=(LOOPBACK, EVERY_ADDRESS),
        default=LOOPBACK,
        help="where that port is: for programs of this machine, or for whoever reaches it (default: %(default)s)",
    )
    up.add_argument(
        "--services",
        type=_services,
        default="moto",
        metavar="moto|URL|none[,SERVICE=URL]...",
        help="who answers for S3, SQS, ...: moto, an AWS-compatible endpoint, or one for each service, such as "
        "moto,dynamodb=http://127.0.0.1:8000 (default: %(default)s)",
    )
    up.add_argument(
        "--detach", action="store_true", help="start it in the background and return when it is ready"
    )
    up.add_argument("--idle-exit", type=float, metavar="S", help="leave after S seconds without a request")
    up.add_argument(
        "--concurrency", type=int, metavar="N", help="how many invocations may run at once (default: 1000)"
    )
    up.add_argument(
        "--scaling-rate",
        type=_positive,
        default=ENVIRONMENTS,
        metavar="N",
        help="how many environments a function may gain in 10 seconds of the lab's time (default: %(default)s)",
    )
    up.add_argument(
        "--no-auth",
        action="store_true",
        help="check no signatures: any program of any user of this machine may use the lab",
    )
    up.add_argument(
        "--reserve",
        type=_reserve,
        action="append",
        default=[],
        metavar="FAMILY=N",
        help="how many processes to keep ready for cold starts (default: nodejs=2 java=1 ruby=1); repeatable",
    )
    up.add_argument(
        "--strict-runtimes",
        action="store_true",
        help="refuse a function whose very runtime isn't here, instead of running it on the nearest",
    )
    up.add_argument(
        "--sandbox",
        choices=SANDBOXES,
        default=SANDBOXES[0],
        help="how handlers are kept from your files and processes: as well as this machine can (auto), only "
        "if it can wholly (strict), or not at all (off) (default: %(default)s)",
    )
    up.add_argument("--descriptor", type=Path, help=argparse.SUPPRESS)
    up.add_argument("--lease", type=int, help=argparse.SUPPRESS)

    for name, function, text in (
        ("env", _env, "print the variables that point AWS's tools at the lab, for eval"),
        ("status", _status, "say what the lab is doing"),
        ("down", _down, "end the lab; its state stays on disk"),
        ("doctor", _doctor, "look whether this machine is ready"),
    ):
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=function)
        command.add_argument("--name", default=_default_name(), help="the lab's name (default: %(default)s)")
        if name == "status":
            command.add_argument("--json", action="store_true", help="as JSON")

    trust = commands.add_parser(
        "trust", help="say how browsers and tools get to trust the lab's certificates"
    )
    trust.set_defaults(run=_trust)
    trust.add_argument("--install", action="store_true", help="have your browsers here trust them")

    invoke = commands.add_parser("invoke", help="invoke a function and print its answer")
    invoke.set_defaults(run=_invoke)
    invoke.add_argument("function")
    invoke.add_argument("event", nargs="?", default="{}", help="JSON, or @FILE (default: {})")
    invoke.add_argument("--name", default=_default_name(), help="the lab's name")

    load = commands.add_parser(
        "load", help="invoke a function so many times a second, and say what became of it"
    )
    load.set_defaults(run=_load)
    load.add_argument("function")
    load.add_argument("--payload", default="{}", metavar="EVENT", help="JSON, or @FILE (default: {})")
    load.add_argument("--qualifier", metavar="Q", help="the version or alias to invoke")
    words.add_profile(load)
    load.add_argument("--name", default=_default_name(), help="the lab's name")

    simulate = commands.add_parser("simulate", help="say what Lambda would do with a load")
    simulate.set_defaults(run=_simulate)
    simulate.add_argument(
        "function", nargs="?", help="of the lab: as it is configured, and as long as it took here"
    )
    words.add_profile(simulate)
    words.add_scenario(simulate)
    simulate.add_argument("--name", default=_default_name(), help="the lab's name")
    for command in (load, simulate):
        form = command.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="as JSON")
        form.add_argument("--csv", action="store_true", help="slice by slice, as CSV")

    logs = commands.add_parser("logs", help="print a function's last log events")
    logs.set_defaults(run=_logs)
    logs.add_argument("function")
    logs.add_argument("--limit", type=int, default=200)
    logs.add_argument("--follow", action="store_true", help="go on with new ones until Ctrl-C")
    logs.add_argument("--name", default=_default_name(), help="the lab's name")

    run = commands.add_parser("run", help="run a notebook with papermill in a private lab")
    run.set_defaults(run=_run)
    run.add_argument("notebook", type=Path)
    run.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("K", "V"),
        help="a papermill parameter",
    )
    run.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="where to keep the executed notebook; a page to look at if it ends in .html",
    )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text} is no port: use 1 to 65535, or 0 for a free one")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text}: write a whole number from 1")
    return int(text)


def _services(text: str) -> str:
    """As it was given, for a detached lab is given it again."""
    try:
        choice(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _reserve(text: str) -> tuple[str, int]:
    family, _, number = text.partition("=")
    if family not in RESERVE or not number.isdecimal():
        families = " or ".join(f"{name}=N" for name in RESERVE)
        raise argparse.ArgumentTypeError(f"{text}: write {families}, N from 0")
    return family, int(number)


def _default_name() -> str:
    return os.environ.get(config.NAME_VARIABLE) or config.DEFAULT_NAME


def _lab(options: argparse.Namespace) -> Lab:
    """The running lab of that name; a command never starts one by accident."""
    from lablambda.client import Lab

    return Lab(config.read_descriptor(options.name))


# ----------------------------------------------------------------------------------------- the doings


# How long the services of a lab that is killed wait for the next; those of a private lab go with it.
_SERVICES_LINGER_S = 600.0


_FOR_OTHERS = (
    "The HTTPS port is on every address of this machine: whoever reaches it may call the function URLs and routes that "
    "are open to everybody, and so run your functions. AWS's API stays on loopback. The certificate is good for "
    "loopback names alone, as of a forwarded port; clients that know this machine by another can't verify it."
)


def _up(options: argparse.Namespace) -> int:
    if options.https_host != LOOPBACK:
        print(f"lablambda: {_FOR_OTHERS}", file=sys.stderr)
    if options.detach:
        return _detach(options)
    import uvloop

    from lablambda.lab.assembly import Settings
    from lablambda.rules.limits import ACCOUNT_CONCURRENCY
    from lablambda.server import serve

    note = options.descriptor or config.descriptor_path(options.name)
    _refuse_second(options.name, note)
    access_key, secret_key = config.new_keys()
    settings = Settings(
        name=options.name,
        data=options.data or config.data_dir(options.name),
        access_key=access_key,
        secret_key=secret_key,
        port=options.port,
        https_port=options.https_port,
        https_host=options.https_host,
        services=choice(options.services),
        verify=not options.no_auth,
        concurrency=ACCOUNT_CONCURRENCY if options.concurrency is None else options.concurrency,
        scaling_rate=options.scaling_rate,
        idle_exit_s=options.idle_exit,
        reserve={**RESERVE, **dict(options.reserve)},
        strict_runtimes=options.strict_runtimes,
        sandbox=options.sandbox,
        services_linger_s=0 if options.lease is not None else _SERVICES_LINGER_S,
    )
    uvloop.run(serve(settings, descriptor_path=note, ready=_say_ready, lease=options.lease))
    return 0


def _refuse_second(name: str, note: Path) -> None:
    with contextlib.suppress(NoLab):
        running = config.read_descriptor(str(note) if note.parent != config.runtime_dir() else name)
        raise ConfigError(
            f"The lab {name!r} is running already at {running.endpoint} (pid {running.pid}). "
            "End it with 'lablambda down', or start another with --name."
        )


def _say_ready(descriptor: Descriptor) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(
            f"The lab {descriptor.name!r} is ready at {descriptor.endpoint} (pid {descriptor.pid})",
            flush=True,
        )


def _detach(options: argparse.Namespace) -> int:
    from lablambda.launch import start_detached

    words = ["--name", options.name, "--port", str(options.port), "--https-port", str(options.https_port)]
    words += ["--https-host", options.https_host, "--services", options.services]
    words += ["--data", str(options.data)] if options.data else []
    words += ["--idle-exit", str(options.idle_exit)] if options.idle_exit is not None else []
    words += ["--concurrency", str(options.concurrency)] if options.concurrency is not None else []
    words += ["--scaling-rate", str(options.scaling_rate)]
    words += ["--no-auth"] if options.no_auth else []
    words += [word for family, number in options.reserve for word in ("--reserve", f"{family}={number}")]
    words += ["--strict-runtimes"] if options.strict_runtimes else []
    words += ["--sandbox", options.sandbox]
    _say_ready(start_detached(options.name, words, data=options.data))
    return 0


def _env(options: argparse.Namespace) -> int:
    for name, value in config.read_descriptor(options.name).variables().items():
        print(f"export {name}={value}")
    return 0


def _status(options: argparse.Namespace) -> int:
    status = _lab(options).status()
    if options.json:
        print(json.dumps(status, indent=2))
        return 0
    print(display.facts("status", status)["text/plain"])
    return 0


def _down(options: argparse.Namespace) -> int:
    lab = _lab(options)
    lab.shutdown()
    _wait_for_end(lab.descriptor.pid)
    print(f"The lab {options.name!r} has ended; its state stays in {lab.descriptor.data}")
    return 0


def _wait_for_end(pid: int) -> None:
    """Until the process is gone, so that the next `up` finds the folder free."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            import select

            select.select([descriptor], [], [], 20)
        finally:
            os.close(descriptor)


def _trust(options: argparse.Namespace) -> int:
    from lablambda.trust import authority, explanation, install

    certificate = authority()
    if not options.install:
        print(explanation(certificate))
        return 0
    for line in install(certificate):
        print(line)
    return 0


def _event(text: str) -> Any:
    text = Path(text[1:]).read_text() if text.startswith("@") else text
    try:
        return json.loads(text)
    except ValueError as error:
        raise ConfigError(
            f'The event isn\'t JSON: {error}. Quote it for the shell: \'{{"name": "Ada"}}\''
        ) from None


def _invoke(options: argparse.Namespace) -> int:
    result = _lab(options).function(options.function).invoke(_event(options.event))
    print(json.dumps(result.payload if result.error is None else result.error, indent=2, ensure_ascii=False))
    if result.error is not None:
        print(result.logs, end="", file=sys.stderr)
        return 1
    return 0


def _load(options: argparse.Namespace) -> int:
    from lablambda.simulation import told

    function = _lab(options).function(options.function)
    course = function.load(
        profile=told.profile(options),
        event=_event(options.payload),
        qualifier=options.qualifier,
        even=options.even,
        seed=options.seed,
        progress=_show_progress,
    )
    _show_progress("")
    _print_course(course, options)
    return 0


def _show_progress(progress: object) -> None:
    """One line of a terminal, in the place of the one before; nobody watches anything else."""
    if sys.stderr.isatty():
        print(f"\r{progress}\x1b[K", end="\r", file=sys.stderr, flush=True)


def _simulate(options: argparse.Namespace) -> int:
    from lablambda.load.of_function import workload
    from lablambda.simulation import told

    named = options.function is not None
    known = partial(workload, _lab(options).function(options.function)) if named else None
    _print_course(told.simulated(options, known), options)
    return 0


def _print_course(course: Course, options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(course.json(), indent=2))
    elif options.csv:
        print(course.csv(), end="")
    else:
        print(course._repr_mimebundle_()["text/plain"])


def _logs(options: argparse.Namespace) -> int:
    function = _lab(options).function(options.function)
    if not options.follow:
        print(function.logs(limit=options.limit))
        return 0
    with contextlib.suppress(KeyboardInterrupt):
        for event in function.follow_logs(limit=options.limit):
            print(event.message.rstrip("\n"), flush=True)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from lablambda.doctor import examine

    lab: Lab | None = None
    with contextlib.suppress(NoLab):
        lab = _lab(options)
    findings = examine(lab)
    for finding in findings:
        print(f"{'ok ' if finding.ok else 'BAD'} {finding.name:16} {finding.detail}")
        if finding.advice:
            print(f"    {'':16} {finding.advice}")
    return 0 if all(finding.ok for finding in findings) else 1


def _run(options: argparse.Namespace) -> int:
    from lablambda.notebooks import run_notebook

    return run_notebook(options.notebook, dict(options.parameter), options.output)
