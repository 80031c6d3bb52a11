"""The language of CloudWatch Logs' filter patterns: a pattern becomes a test of messages.

Three kinds: terms (`ERROR -timeout`, `?a ?b`, `"a phrase"`, `%a regex%`), conditions on a JSON message
(`{ $.level = "E*" && $.n > 3 }`), and columns of a line (`[ip, ..., status = 4*, bytes]`).
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
import regex

from lablambda.model.errors import InvalidParameterValue

Predicate = Callable[[str], bool]
# A test of what a condition looks at: a JSON document, or the text of one column.
_Test = Callable[[Any], bool]

_MOST_REGEXES = 2
_MOST_NESTED = 50
_REGEX_S = 2.0


def compile_pattern(pattern: str) -> Predicate:
    """A test that says whether a message matches; an empty pattern matches all.

    Raises InvalidParameterValue for a malformed pattern. The test itself raises it for a regular
    expression that takes more than two seconds on one message.
    """
    text = pattern.strip()
    if not text:
        return _anything
    if text.startswith("{"):
        if not text.endswith("}"):
            raise _invalid("If a filter pattern starts with '{' it must end with '}'")
        return _json(text[1:-1])
    if text.startswith("["):
        if not text.endswith("]"):
            raise _invalid("If a filter pattern starts with '[' it must end with ']'")
        return _columns(text[1:-1])
    return _terms(text)


def _invalid(detail: str = "") -> InvalidParameterValue:
    return InvalidParameterValue("Invalid filter pattern" + (f": {detail}" if detail else ""))


def _anything(_: object) -> bool:
    return True


# ----------------------------------------------------------------------------------------------- terms

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_REGEX = r"%(?:[^%\\]|\\.)*%"
# Other characters than these must be quoted.
_TERM = re.compile(rf"\s*(?P<sign>[?-]?)\s*(?P<term>{_QUOTED}|{_REGEX}|[A-Za-z0-9_]+)(?=\s|$)", re.DOTALL)


def _terms(text: str) -> Predicate:
    """AWS ignores `?term`s beside others."""
    found: dict[str, list[Predicate]] = {"": [], "-": [], "?": []}
    position = regexes = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise _invalid(f"Invalid character(s) in term '{text[position:].split(maxsplit=1)[0]}'")
        position = match.end()
        regexes += match["term"].startswith("%")
        found[match["sign"]].append(_term(match["term"]))
    _limit(regexes)
    wanted, without, either = found[""], found["-"], found["?"]
    if either and not wanted and not without:
        return lambda message: any(test(message) for test in either)
    return lambda message: (
        all(test(message) for test in wanted) and not any(test(message) for test in without)
    )


def _term(written: str) -> Predicate:
    if written.startswith("%"):
        return _regex(written)
    if not written.startswith('"'):
        return lambda message: written in message
    phrase = _unquoted(written)
    if not phrase:
        raise _invalid(f"Invalid character(s) in term '{written}'")
    if not phrase.strip():  # `" "` is AWS's way to say everything
        return _anything
    return lambda message: phrase in message


def _unquoted(written: str) -> str:
    return re.sub(r"\\(.)", r"\1", written[1:-1], flags=re.DOTALL)


def _limit(regexes: int) -> None:
    if regexes > _MOST_REGEXES:
        raise _invalid(f"at most {_MOST_REGEXES} regular expressions are allowed")


_IN_REGEX = re.compile(r"[A-Za-z0-9_:#=@/;,\-^$?\[\]{}|\\*+. ]+")


def _regex(written: str) -> Predicate:
    """`%...%`: no parentheses, no other symbols; found anywhere in the text."""
    inner = written[1:-1]
    if not _IN_REGEX.fullmatch(inner):
        raise _invalid(f"Invalid character(s) in term '{written}'")
    try:
        # Not the standard library's: this one lets go of the interpreter's lock and can be stopped.
        compiled = regex.compile(inner, regex.ASCII)
    except regex.error:
        raise _invalid(f"Invalid character(s) in term '{written}'") from None

    def test(text: str) -> bool:
        try:
            return compiled.search(text, timeout=_REGEX_S) is not None
        except TimeoutError:
            raise _invalid(f"the regular expression {written} takes too long") from None

    return test


# -------------------------------------------------------------------------------------------- tokens

_TOKEN = re.compile(
    rf"""\s*(?:
    (?P<quoted>{_QUOTED})
    |(?P<regex>{_REGEX})
    |(?P<selector>\$(?:\.[A-Za-z0-9_-]+|\.?\[(?:\d+|\*|'[^']*'|"[^"]*")\])+)
    |(?P<sign>&&|\|\||!=|=!|<=|>=|[=<>(),])
    |(?P<bare>[A-Za-z0-9_.*+\-/:\#]+)
    |(?P<end>$)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EQUALITIES = {"=": True, "!=": False, "=!": False}  # AWS's own examples write the last one too


class _Token(NamedTuple):
    kind: str
    text: str


def _tokens(text: str) -> list[_Token]:
    """The tokens of `text`, the last of kind `end`."""
    found: list[_Token] = []
    position = 0
    while not found or found[-1].kind != "end":
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise _invalid()
        position = match.end()
        found.append(_Token(match.lastgroup, match[match.lastgroup]))
    _limit(sum(token.kind == "regex" for token in found))
    return found


class _Tokens:
    """The tokens of a text, taken one after the other."""

    def __init__(self, text: str) -> None:
        self._left = _tokens(text)[::-1]

    @property
    def kind(self) -> str:
        """The next token's kind."""
        return self._left[-1].kind

    @property
    def text(self) -> str:
        """The next token's text; empty at the end."""
        return self._left[-1].text

    def take(self, sign: str) -> bool:
        """Take the next token if it is `sign`."""
        if self.kind == "sign" and self.text == sign:
            self._left.pop()
            return True
        return False

    def expect(self, *kinds: str) -> _Token:
        """Take the next token, which must be of one of these kinds."""
        if self.kind not in kinds:
            raise _invalid()
        return self._left.pop()


# ------------------------------------------------------------------------------------------ conditions


class _Conditions:
    """A recursive descent: any -> all ('||' all)*, all -> one ('&&' one)*, one -> '(' any ')' or a
    comparison, which is another for JSON than for columns."""

    def __init__(self, tokens: _Tokens) -> None:
        self._tokens = tokens
        self._depth = 0

    def any(self) -> _Test:
        tests = [self._all()]
        while self._tokens.take("||"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda value: any(test(value) for test in tests)

    def _all(self) -> _Test:
        tests = [self._one()]
        while self._tokens.take("&&"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda value: all(test(value) for test in tests)

    def _one(self) -> _Test:
        if not self._tokens.take("("):
            return self.comparison()
        self._depth += 1
        if self._depth > _MOST_NESTED:
            raise _invalid()
        inner = self.any()
        if not self._tokens.take(")"):
            raise _invalid()
        self._depth -= 1
        return inner

    def comparison(self) -> _Test:
        raise NotImplementedError

    def test_of_value(self) -> _Test:
        """Read an operator and what it compares with; the test is for one string, number or boolean."""
        sign = self._tokens.expect("sign").text
        written = self._tokens.expect("bare", "quoted", "regex")
        if sign in _ORDERS and written.kind == "bare":
            return _ordered(_ORDERS[sign], written.text)
        if sign not in _EQUALITIES:
            raise _invalid()
        equal = _equal(written)
        return equal if _EQUALITIES[sign] else lambda value: not equal(value)


_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def _number(value: Any) -> int | float | None:
    """The number that a value is or tells in text; integers stay exact."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if not _NUMBER.fullmatch(value):
        return None
    return int(value) if value.isdecimal() and len(value) < 30 else float(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _ordered(compare: Callable[[Any, Any], bool], written: str) -> _Test:
    limit = _number(written)
    if limit is None:
        raise _invalid()

    def test(value: Any) -> bool:
        number = _number(value)
        return number is not None and compare(number, limit)

    return test


def _equal(written: _Token) -> _Test:
    """Equality with a regular expression, a number, or a text that may begin or end with `*`; a `*`
    inside stands for itself, as on AWS."""
    if written.kind == "regex":
        found = _regex(written.text)
        return lambda value: found(_text(value))
    if written.kind == "bare" and (number := _number(written.text)) is not None:
        return lambda value: _number(value) == number
    wanted = _unquoted(written.text) if written.kind == "quoted" else written.text
    core = wanted.removeprefix("*").removesuffix("*")
    if wanted.startswith("*"):
        if wanted.endswith("*"):
            return lambda value: core in _text(value)
        return lambda value: _text(value).endswith(core)
    if wanted.endswith("*"):
        return lambda value: _text(value).startswith(core)
    return lambda value: _text(value) == wanted


# ------------------------------------------------------------------------------------------------ JSON

_Path = list[str | int]
_EACH = -1  # `[*]` in a path
_STEP = re.compile(r"""\.([A-Za-z0-9_-]+)|\[(\d+)\]|(\[\*\])|\.?\['([^']*)'\]|\.?\["([^"]*)"\]""")
_IS = {"NULL": None, "TRUE": True, "FALSE": False}


def _json(text: str) -> Predicate:
    """A message that isn't a JSON object or array matches nothing, not even NOT EXISTS."""
    tokens = _Tokens(text)
    test = _JsonConditions(tokens).any()
    tokens.expect("end")

    def matches(message: str) -> bool:
        if message.lstrip()[:1] not in ("{", "["):
            return False
        try:
            document = msgspec.json.decode(message)
        except (msgspec.DecodeError, RecursionError):
            return False
        return test(document)

    return matches


class _JsonConditions(_Conditions):
    def comparison(self) -> _Test:
        path = _path(self._tokens.expect("selector").text)
        if self._tokens.kind == "bare":
            return self._state(path)
        test = self.test_of_value()
        return lambda document: any(_is_plain(value) and test(value) for value in _values(document, path))

    def _state(self, path: _Path) -> _Test:
        words = (self._tokens.expect("bare").text, self._tokens.expect("bare").text)
        if words == ("NOT", "EXISTS"):
            return lambda document: not _values(document, path)
        if words[0] != "IS" or words[1] not in _IS:
            raise _invalid()
        wanted = _IS[words[1]]
        return lambda document: any(value is wanted for value in _values(document, path))


def _is_plain(value: Any) -> bool:
    """Objects, arrays and null compare with nothing: neither `=` nor `!=` holds."""
    return isinstance(value, str | int | float)


def _path(selector: str) -> _Path:
    steps: _Path = []
    for name, index, each, single, double in _STEP.findall(selector):
        steps.append(_EACH if each else int(index) if index else name or single or double)
    return steps


def _values(document: Any, path: _Path) -> list[Any]:
    """What the path leads to: nothing, one value, or several through `[*]`."""
    found = [document]
    for step in path:
        if isinstance(step, str):
            found = [value[step] for value in found if isinstance(value, dict) and step in value]
        elif step == _EACH:
            found = [item for value in found if isinstance(value, list) for item in value]
        else:
            found = [value[step] for value in found if isinstance(value, list) and step < len(value)]
    return found


# --------------------------------------------------------------------------------------------- columns

_ELLIPSIS = "..."
_FIELD = re.compile(r'\[([^\]]*)\]|"((?:[^"\\]|\\.)*)"|(\S+)', re.DOTALL)


def _columns(text: str) -> Predicate:
    """Without `...` a line must have as many fields as the pattern has columns."""
    tokens = _Tokens(text)
    columns = [_column(tokens)]
    while tokens.take(","):
        columns.append(_column(tokens))
    tokens.expect("end")
    if columns.count(None) > 1:
        raise _invalid()
    if None not in columns:
        return lambda message: _fit(fields := _fields(message), columns) and len(fields) == len(columns)
    gap = columns.index(None)
    head, tail = columns[:gap], columns[gap + 1 :]

    def matches(message: str) -> bool:
        fields = _fields(message)
        return (
            len(fields) >= len(head) + len(tail)
            and _fit(fields, head)
            and _fit(fields[len(fields) - len(tail) :], tail)
        )

    return matches


def _column(tokens: _Tokens) -> _Test | None:
    """The test of one field; None for the ellipsis."""
    if tokens.text in (",", ""):
        return _anything
    if tokens.kind == "bare" and tokens.text == _ELLIPSIS:
        tokens.expect("bare")
        return None
    return _ColumnConditions(tokens).any()


class _ColumnConditions(_Conditions):
    """The conditions of one column; each names the column, and no other."""

    def __init__(self, tokens: _Tokens) -> None:
        super().__init__(tokens)
        self._name = ""

    def comparison(self) -> _Test:
        name = self._tokens.expect("bare").text
        if self._name not in ("", name):
            raise _invalid()
        self._name = name
        if self._tokens.text in (",", ""):
            return _anything
        return self.test_of_value()


def _fields(line: str) -> list[str]:
    """What stands between brackets or quotes is one field."""
    return [bracketed or quoted or word for bracketed, quoted, word in _FIELD.findall(line)]


def _fit(fields: Sequence[str], columns: Sequence[_Test | None]) -> bool:
    return len(fields) >= len(columns) and all(
        test is None or test(field) for test, field in zip(columns, fields, strict=False)
    )
