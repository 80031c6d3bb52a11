"""The options that tell of a load and its limits, on a command line and in a notebook alike.

What they mean is in `told.py`, which loads more; a command's help and completion do without.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lablambda.rules.limits import ACCOUNT_CONCURRENCY
from lablambda.rules.scaling import ENVIRONMENTS
from lablambda.simulation.forms import PROFILES, SPANS


def add_profile(parser: argparse.ArgumentParser) -> None:
    """The options that say when requests come."""
    parser.add_argument(
        "--rate",
        type=float,
        default=100.0,
        metavar="R",
        help="requests a second at its height (default: 100)",
    )
    parser.add_argument("--duration", default="10s", metavar="SPAN", help="how long they come (default: 10s)")
    parser.add_argument("--profile", default="constant", metavar="P", help=f"{PROFILES} (default: constant)")
    parser.add_argument(
        "--arrivals", type=Path, metavar="FILE", help="a CSV file: when each comes, in seconds or dates"
    )
    parser.add_argument("--even", action="store_true", help="evenly, instead of each by chance")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of that chance (default: 0)")


def add_scenario(parser: argparse.ArgumentParser) -> None:
    """The options that say what is simulated, and within which limits."""
    parser.add_argument(
        "--trace",
        type=Path,
        metavar="FILE",
        help="invocations per minute by function, as Azure Functions' traces are",
    )
    parser.add_argument(
        "--trace-durations", type=Path, metavar="FILE", help="the percentiles of their durations"
    )
    parser.add_argument(
        "--takes",
        metavar="SPAN",
        help=f"how long the handler takes: {SPANS} (default: as it did here)",
    )
    parser.add_argument(
        "--init", metavar="SPAN", help="how long a new environment takes before that, likewise"
    )
    parser.add_argument("--memory", type=int, metavar="MB", help="its memory (default: its own, or 128)")
    parser.add_argument("--timeout", type=int, metavar="S", help="its timeout (default: its own, or 900)")
    parser.add_argument("--reserved", type=int, metavar="N", help="reserved concurrency (default: its own)")
    parser.add_argument(
        "--provisioned", type=int, metavar="N", help="provisioned concurrency (default: its own)"
    )
    parser.add_argument(
        "--account",
        type=int,
        default=ACCOUNT_CONCURRENCY,
        metavar="N",
        help="the account's concurrency (default: %(default)s)",
    )
    parser.add_argument(
        "--scaling-rate",
        type=int,
        default=ENVIRONMENTS,
        metavar="N",
        help="how many environments a function may gain in 10 seconds (default: %(default)s)",
    )
    parser.add_argument(
        "--idle",
        default="5m",
        metavar="SPAN",
        help="how long an environment is kept for the next event (default: 5m)",
    )
    parser.add_argument(
        "--asynchronous",
        action="store_true",
        help="events of queues and sources: no limit of requests a second",
    )
    parser.add_argument(
        "--model",
        choices=("requests", "steps"),
        help="request by request, or in steps of time (default: by the number of requests)",
    )
