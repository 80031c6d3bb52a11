"""What people see of results: each as plain text, static HTML and JSON, never a live widget.

Pure functions over values. The HTML takes its colours from JupyterLab's theme, so it reads in light and
dark, and stands on its own elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from lablambda.rules import cost

if TYPE_CHECKING:
    from lablambda.deployment import Deployed
    from lablambda.doctor import Finding
    from lablambda.endpoints import Endpoint
    from lablambda.model.invocation import Report
    from lablambda.results import LogEvent, Record, Result

Bundle = dict[str, Any]
MIME = "application/vnd.lablambda.v1+json"
_STYLE = """<style>
.lablambda{font-family:var(--jp-code-font-family,monospace);font-size:var(--jp-code-font-size,13px);
color:var(--jp-content-font-color1,inherit);line-height:1.5}
.lablambda table{border-collapse:collapse;margin:4px 0}
.lablambda th,.lablambda td{text-align:left!important;padding:2px 10px;vertical-align:top;
border-bottom:1px solid var(--jp-border-color2,#8884)}
.lablambda th{color:var(--jp-content-font-color2,inherit);font-weight:600}
.lablambda td.n{text-align:right!important;font-variant-numeric:tabular-nums}
.lablambda td.one{white-space:nowrap}
.lablambda pre{margin:4px 0;white-space:pre-wrap;font:inherit}
.lablambda .bad{color:var(--jp-error-color1,#c62828)}
.lablambda .good{color:var(--jp-success-color1,#2e7d32)}
.lablambda .dim{color:var(--jp-content-font-color2,#777)}
.lablambda summary{cursor:pointer}
</style>"""


def bundle(kind: str, plain: str, html: str, data: Any) -> Bundle:
    """The three forms of one result."""
    return {
        "text/plain": plain,
        # Dollars and $LATEST are no mathematics: without the class JupyterLab typesets what is between two.
        "text/html": f'{_STYLE}<div class="lablambda mathjax_ignore tex2jax_ignore">{html}</div>',
        MIME: {"kind": kind, "data": data},
    }


# --------------------------------------------------------------------------------------------- results


def result(r: Result) -> Bundle:
    """One invocation's answer, its figures, and its log folded away."""
    answer = json.dumps(r.payload if r.error is None else r.error, indent=2, ensure_ascii=False)
    figures = _figures(r.report)
    shown = error_text(r.error) if r.error is not None else answer
    data = {
        "function": r.function,
        "payload": r.payload,
        "error": r.error,
        "report": asdict(r.report) if r.report else None,
        "cost": r.cost,
    }
    html = (
        f'<pre class="{"bad" if r.error is not None else ""}">{escape(shown)}</pre>'
        f'<div class="dim">{escape(figures)}</div>'
        f"<details><summary>log</summary><pre>{escape(r.logs)}</pre></details>"
    )
    return bundle("result", f"{shown}\n{figures}\n\n{r.logs}", html, data)


def _figures(report: Report | None) -> str:
    if report is None:
        return ""
    start = "warm"
    if report.init_ms is not None:
        start = f"cold start, init {report.init_ms:.0f} ms"
    elif report.restore_ms is not None:
        start = f"restored in {report.restore_ms:.0f} ms"
    return (
        f"{report.duration_ms:.2f} ms, billed {report.billed_ms} ms, "
        f"{report.max_memory_mb} of {report.memory_mb} MB, {start}, {cost.in_words(cost.of_report(report))}"
    )


TRACEBACK = "Traceback (most recent call last):"


def error_text(error: Mapping[str, Any]) -> str:
    """A function's error as a person reads it in the function's own language."""
    head = f"{error.get('errorType') or 'Error'}: {error.get('errorMessage', '')}"
    if error.get("trace"):  # Node.js: it begins with the message
        return "\n".join(error["trace"])
    frames = [str(frame).rstrip() for frame in error.get("stackTrace") or []]
    if not frames:
        return head
    if frames[0].lstrip().startswith("File "):
        return "\n".join([head, TRACEBACK, *frames])
    return "\n".join([head, *(f"    at {frame}" for frame in frames)])


# ----------------------------------------------------------------------------------------- invocations

# Cells up to this length, figures with their units and identifiers, stay on one line; sentences may wrap.
_ONE_LINE = 40
_RECORD_COLUMNS = ("time", "duration", "billed", "cost", "memory", "start", "status", "source", "request id")
_RECORD_NUMBERS = {1, 2, 3, 4}


def records(function: str, rows: Iterable[Record]) -> Bundle:
    """Past invocations as a table, newest first."""
    rows = list(rows)
    cells = [_record_cells(row) for row in rows]
    html = html_table(
        _RECORD_COLUMNS, cells, numbers=_RECORD_NUMBERS, bad=[row.error is not None for row in rows]
    )
    title = f"{len(rows)} invocation{'s' if len(rows) != 1 else ''} of {function}"
    plain = f"{title}\n{plain_table(_RECORD_COLUMNS, cells)}"
    if rows:
        total = _total_cost([row.report for row in rows])
        plain += f"\n{total}"
        html += f'<div class="dim">{escape(total)}</div>'
    data = [
        {"started": row.started, "source": row.source, "report": asdict(row.report), "cost": row.cost}
        for row in rows
    ]
    return bundle("invocations", plain, f"<b>{escape(title)}</b>{html}", data)


def _total_cost(reports: Sequence[Report]) -> str:
    total = sum(map(cost.of_report, reports))
    million = cost.in_words(total / len(reports) * 1e6)
    return (
        f"total {cost.in_words(total)}; a million such invocations would cost {million} on AWS "
        f"({' and '.join(sorted({report.architecture for report in reports}))}, before free tier)"
    )


def _record_cells(row: Record) -> tuple[str, ...]:
    report = row.report
    error = (
        "" if row.error is None else f"{row.error.get('errorType', '')}: {row.error.get('errorMessage', '')}"
    )
    return (
        datetime.fromtimestamp(row.started, UTC).strftime("%H:%M:%S.%f")[:-3],
        f"{report.duration_ms:.2f} ms",
        f"{report.billed_ms} ms",
        cost.in_words(cost.of_report(report)),
        f"{report.max_memory_mb} / {report.memory_mb} MB",
        _start(report),
        "ok" if report.status == "success" else _shorten(error or report.status, 90),
        row.source.removeprefix("arn:aws:").replace(":::", ":"),
        report.request_id,
    )


def _start(report: Report) -> str:
    if report.restore_ms is not None:
        return f"restored, {report.restore_ms:.0f} ms"
    return "warm" if report.init_ms is None else f"cold, {report.init_ms:.0f} ms"


def record(row: Record) -> Bundle:
    """One past invocation, with its error in full."""
    cells = _record_cells(row)
    shown = error_text(row.error) if row.error is not None else "ok"
    html = html_table(_RECORD_COLUMNS, [cells], numbers=_RECORD_NUMBERS, bad=[row.error is not None])
    if row.error is not None:
        html += f'<pre class="bad">{escape(shown)}</pre>'
    plain = f"{plain_table(_RECORD_COLUMNS, [cells])}\n{shown}"
    return bundle("invocation", plain, html, {"report": asdict(row.report), "error": row.error})


def log_events(events: Sequence[LogEvent]) -> Bundle:
    """Log events, a line each (or more, if an event has more)."""
    messages = [event.message.rstrip("\n") for event in events]
    html = "".join(f'<pre class="{_log_class(text)}">{escape(text)}</pre>' for text in messages)
    return bundle("log", "\n".join(messages) or "no log events", html or "no log events", messages)


def _log_class(message: str) -> str:
    if message.startswith(("START ", "END ", "REPORT ", "INIT_")):
        return "dim"
    return "bad" if message.startswith("[ERROR]") else ""


# ------------------------------------------------------------------------------------------- functions


def deployed(d: Deployed) -> Bundle:
    """What a deployment did."""
    head = f"{d.name} {d.verdict}{_published(d)}"
    facts = f"{d.runtime}, handler {d.handler}, {d.code_size} bytes, {d.seconds * 1000:.0f} ms"
    lines = [*filter(None, [d.note]), *(step.text for step in d.steps)]
    plain = "\n".join([f"{head} ({facts})", *(f"  {line}" for line in lines), *map(_way_plain, d.endpoints)])
    items = "".join(f"<div>&nbsp;&nbsp;{escape(line)}</div>" for line in lines)
    items += "".join(map(_way_html, d.endpoints))
    html = f'<b class="good">{escape(head)}</b> <span class="dim">{escape(facts)}</span>{items}'
    data = {
        "name": d.name,
        "verdict": d.verdict,
        "steps": [step.text for step in d.steps],
        "note": d.note,
        "seconds": d.seconds,
        "sources": list(d.sources),
        "endpoints": [asdict(endpoint) for endpoint in d.endpoints],
        "version": d.version,
        "alias": d.alias,
        "code_sha256": d.code_sha256,
        "cell": d.cell,
    }
    return bundle("deployed", plain, html, data)


def _published(d: Deployed) -> str:
    alias = f" ({d.alias})" if d.alias else ""
    return f", version {d.version}{alias}" if d.version else ""


def functions(found: Sequence[Mapping[str, Any]], sources: Sequence[str]) -> Bundle:
    """Every function of the lab, and its sources in words."""
    columns = ("function", "runtime", "handler", "memory", "timeout", "code", "last changed", "sources")
    cells = [
        (
            f["FunctionName"],
            f["Runtime"],
            f["Handler"],
            f"{f['MemorySize']} MB",
            f"{f['Timeout']} s",
            f"{f['CodeSize']} bytes",
            f["LastModified"][:19].replace("T", " "),
            of_function,
        )
        for f, of_function in zip(found, sources, strict=True)
    ]
    if not cells:
        text = "no functions yet: write a %%lambda cell"
        return bundle("functions", text, text, [])
    return bundle(
        "functions", plain_table(columns, cells), html_table(columns, cells, numbers={3, 4, 5}), list(found)
    )


def routes(found: Sequence[Endpoint]) -> Bundle:
    """Every way to a function over HTTPS, with its address for a browser."""
    columns = ("route", "function", "open to", "address")
    cells = [(e.route, e.function or "nothing", _open_to(e), e.in_browser) for e in found]
    if not cells:
        text = 'no routes yet: write %%lambda NAME --url, or --route "GET /path"'
        return bundle("routes", text, escape(text), [])
    html = html_table(columns, cells, links=[e.link for e in found])
    return bundle("routes", plain_table(columns, cells), html, [asdict(e) for e in found])


def ways(found: Sequence[Endpoint]) -> Bundle:
    """Endpoints one by one: the address for a browser, and a line for a shell."""
    data = [asdict(endpoint) for endpoint in found]
    return bundle("ways", "\n".join(map(_way_plain, found)), "".join(map(_way_html, found)), data)


def _way_plain(endpoint: Endpoint) -> str:
    open_to = "" if endpoint.auth == "NONE" else f" (open to {_open_to(endpoint)})"
    lines = [f"{endpoint.route} of {endpoint.function}{open_to}: {endpoint.in_browser}", f"  {endpoint.curl}"]
    return "\n".join(f"  {line}" for line in lines if line.strip())


def _way_html(endpoint: Endpoint) -> str:
    open_to = "" if endpoint.auth == "NONE" else f' <span class="dim">open to {_open_to(endpoint)}</span>'
    address = _linked(endpoint.in_browser, endpoint.link)
    shell = f"<pre>{escape(endpoint.curl)}</pre>" if endpoint.curl else ""
    return f"<div><b>{escape(endpoint.route)}</b>{open_to} {address}{shell}</div>"


_OPEN_TO = {
    "NONE": "everybody",
    "AWS_IAM": "signed requests",
    "JWT": "bearers of a token",
    "CUSTOM": "whom its authorizer admits",
    "COGNITO_USER_POOLS": "bearers of a token",
    "API_KEY": "holders of a key",
}


def _open_to(endpoint: Endpoint) -> str:
    return _OPEN_TO.get(endpoint.auth, endpoint.auth)


def _linked(text: str, href: str) -> str:
    if not href:
        return escape(text)
    return f'<a href="{escape(href)}" target="_blank" rel="noopener">{escape(text)}</a>'


def facts(kind: str, values: Mapping[str, Any]) -> Bundle:
    """Names and values, one a line: a function's configuration, the lab's status."""
    cells = [(name, _in_words(value)) for name, value in values.items() if value not in (None, "", {}, [])]
    return bundle(kind, plain_table(("", ""), cells), html_table((), cells), dict(values))


def findings(found: Sequence[Finding]) -> Bundle:
    """What the doctor found."""
    columns = ("", "looked at", "found", "what to do")
    cells = [("ok" if f.ok else "BAD", f.name, f.detail, f.advice) for f in found]
    html = html_table(columns, cells, bad=[not f.ok for f in found])
    return bundle("findings", plain_table(columns, cells), html, [asdict(f) for f in found])


# --------------------------------------------------------------------------------------------- tables


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest cell."""
    lines = [list(columns), *map(list, rows)] if any(columns) else [list(row) for row in rows]
    if not lines:
        return ""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def html_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: set[int] | None = None,
    bad: Sequence[bool] = (),
    links: Sequence[str] = (),
) -> str:
    """A table; `numbers` are the columns to align right, `bad` says of each row if it is bad news, `links` where the
    row's last cell leads (empty: nowhere)."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = ""
    for index, row in enumerate(rows):
        hrefs = [""] * (len(row) - 1) + ([links[index]] if links else [""])
        cells = "".join(
            f'<td class="{"n" * (i in (numbers or ()))} {"one" * (len(cell) <= _ONE_LINE)}">'
            f"{_linked(cell, hrefs[i])}</td>"
            for i, cell in enumerate(row)
        )
        body += f'<tr class="{"bad" if bad and bad[index] else ""}">{cells}</tr>'
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(
            f"{name}={item}" if _plain(item) else _titled(name, item) for name, item in value.items()
        )
    if isinstance(value, list):
        return ", ".join(map(_in_words, value))
    return str(value)


def _plain(value: Any) -> bool:
    return not isinstance(value, Mapping | list)


def _titled(name: str, item: Any) -> str:
    """A runtime is known by its version; of anything else, all that is told."""
    if isinstance(item, Mapping) and "version" in item:
        return f"{name} {item['version']}"
    return f"{name} ({_in_words(item)})"


def _shorten(text: str, most: int) -> str:
    first = text.splitlines()[0] if text else ""
    return first if len(first) <= most else first[: most - 1] + "…"
