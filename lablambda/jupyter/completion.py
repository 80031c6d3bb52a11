"""Completion of options, subcommands, function and runtime names, in every front end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher

from lablambda.client import Lab
from lablambda.jupyter.options import COMMANDS, Words, cell_parser, load_parser, simulate_parser
from lablambda.rules.destination_names import DESTINATION_FORMS
from lablambda.rules.sources import FORMS
from lablambda.samples import SAMPLES
from lablambda.simulation.forms import SHAPES

_CELL, _LINE = "%%lambda", "%lambda"
_TAKE_NAMES = (
    "invoke",
    "send",
    "replay",
    "show",
    "logs",
    "metrics",
    "load",
    "simulate",
    "on",
    "off",
    "url",
    "versions",
    "alias",
    "delete",
)
_OPTIONS = {
    "invoke": ("--async", "--qualifier"),
    "logs": ("--request", "--limit"),
    "metrics": ("--hours",),
    "send": ("--sample",),
    "alias": ("--weight",),
    "reset": ("--yes",),
}


class Completion:
    """A matcher for IPython; it stays silent whenever the lab that `lab` finds can't be asked."""

    def __init__(self, lab: Callable[[], Lab]) -> None:
        self._lab = lab

        @context_matcher()  # type: ignore[untyped-decorator]  # IPython ships it untyped
        def lambda_matcher(context: CompletionContext) -> dict[str, Any]:
            found = self.candidates(context.text_until_cursor, context.token)
            return {
                "completions": [SimpleCompletion(text=text, type="magic") for text in found],
                "suppress": bool(found),
            }

        self._matcher = lambda_matcher

    def install(self, shell: Any) -> None:
        shell.Completer.custom_matchers.append(self._matcher)

    def remove(self, shell: Any) -> None:
        if self._matcher in shell.Completer.custom_matchers:
            shell.Completer.custom_matchers.remove(self._matcher)

    def candidates(self, line: str, token: str) -> list[str]:
        """What may stand where `token` is being typed, at the end of `line`."""
        words = line.split()
        if not words:
            return []
        before = words if line.endswith(" ") else words[:-1]
        if words[0] == _CELL and before:
            options = self._cell_words(before)
        elif words[0] == _LINE and before:
            options = self._line_words(before)
        else:
            return []
        return sorted(option for option in options if option.startswith(token))

    def _cell_words(self, before: list[str]) -> Iterable[str]:
        if len(before) == 1:
            return self._names()
        if before[-1] == "--runtime":
            return self._ask(lambda lab: lab.status()["runtimes"])
        if before[-1] == "--on":
            return [f"{kind}:" for kind in FORMS]
        if before[-1] in ("--on-success", "--on-failure"):
            return [f"{kind}:" for kind in DESTINATION_FORMS]
        return _options_of(cell_parser(), before[-1])

    def _line_words(self, before: list[str]) -> Iterable[str]:
        if len(before) == 1:
            return COMMANDS
        if len(before) == 2 and before[1] in _TAKE_NAMES:
            return self._names()
        if before[-1] == "--sample":
            return SAMPLES
        if before[1] in ("on", "off"):
            return [] if before[-1] == "--route" else [*(f"{kind}:" for kind in FORMS), "--url", "--route"]
        if before[-1] == "--profile":
            return SHAPES
        if before[1] == "load":
            return _options_of(load_parser(), before[-1])
        if before[1] == "simulate":
            return _options_of(simulate_parser(), before[-1])
        return _OPTIONS.get(before[1], ())

    def _names(self) -> Iterable[str]:
        return self._ask(lambda lab: [function["FunctionName"] for function in lab.functions()])

    def _ask(self, question: Callable[[Lab], Iterable[str]]) -> Iterable[str]:
        try:
            return question(self._lab())
        except Exception:  # completion must never disturb typing
            return []


def _options_of(parser: Words, last: str) -> list[str]:
    """The options of a parser; none where the last word is one that awaits a value."""
    awaits_value = {name for a in parser._actions if a.nargs is None for name in a.option_strings}
    if last in awaits_value:
        return []
    return [name for action in parser._actions for name in action.option_strings]
