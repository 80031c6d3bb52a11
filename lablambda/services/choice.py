"""Who answers for which service, as `--services` says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

NAMED = ("moto", "none")


@dataclass(frozen=True, slots=True)
class Choice:
    """`default` is `moto`, `none` or a URL; `others` are URLs, by the service's name in signatures (`dynamodb`
    also stands for its streams)."""

    default: str = "moto"
    others: dict[str, str] = field(default_factory=dict)


def choice(text: str) -> Choice:
    """Read `moto`, `none` or a URL, and with commas `SERVICE=URL` besides. Raises ValueError."""
    default: list[str] = []
    others: dict[str, str] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        service, equals, url = word.partition("=")
        if word in NAMED:
            default.append(word)
        elif equals and "/" not in service:
            others[service] = _origin(url)
        else:
            default.append(_origin(word))
    if len(default) > 1:
        raise ValueError(
            f"{' and '.join(default)} can't both answer for everything: name services for one of them, "
            "such as moto,dynamodb=http://127.0.0.1:8000"
        )
    return Choice(default[0] if default else "moto", others)


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that isn't one
        whole = False
    if not whole or parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise ValueError(
            f"{url!r} is neither moto nor none nor the URL of a backend, such as http://127.0.0.1:8000"
        )
    return f"{parts.scheme}://{parts.netloc}"
