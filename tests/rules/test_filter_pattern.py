"""The language of filter patterns, by tables."""

from __future__ import annotations

import pytest

from lablambda.model.errors import InvalidParameterValue
from lablambda.rules import filter_pattern
from lablambda.rules.filter_pattern import compile_pattern

TWO = "[ERROR 400] BAD REQUEST"
DOCUMENT = '{"a": {"b": "xyz", "n": 3}, "l": [1, {"id": 2}, [7, 8]], "s": "404", "t": true, "f": false, "z": null, "e": "", "d": 1.5, "k-k": 1, "x.y": "dot", "ip": "10.1.2.3", "big": 123456789012345678}'
LINE = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        ("", "anything", True),
        ("   ", "anything", True),
        ('" "', "without-blank", True),
        ("ERROR", TWO, True),
        ("ERROR", "Exiting with ERRORCODE: -1", True),
        ("error", TWO, False),
        ("ERROR BAD", TWO, True),
        ("ERROR GOOD", TWO, False),
        ("?GOOD ?BAD", TWO, True),
        ("?GOOD ?BETTER", TWO, False),
        ("ERROR -BAD", TWO, False),
        ("ERROR -GOOD", TWO, True),
        ('"ERROR" - "Exiting"', "ERROR: Exiting", False),
        ('"ERROR" - "Exiting"', "ERROR: Staying", True),
        ("-GOOD", TWO, True),
        ('-"BAD REQUEST"', TWO, False),
        ('?"no such" ?"BAD REQ"', TWO, True),
        ('"BAD REQUEST"', TWO, True),
        ('"BAD  REQUEST"', TWO, False),
        (r'"say \"hi\""', 'they say "hi"', True),
        (r'"back\\slash"', r"back\slash", True),
        ('"é"', "caf\u00e9", True),
        ("ERROR ?GOOD", TWO, True),  # `?` beside other terms is ignored
        ('"two\nlines"', "two\nlines", True),
    ],
)
def test_terms(pattern: str, message: str, expected: bool) -> None:
    assert compile_pattern(pattern)(message) is expected


@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        ("%AUTHORIZED%", "[ERROR 401] UNAUTHORIZED REQUEST", True),
        ("%^ERROR%", TWO, False),
        ("%REQUEST$%", TWO, True),
        (r"%\d{3}%", TWO, True),
        ("%[Ee]rror|[Ff]ail%", "did fail", True),
        (r"%10\.10\.0\.1%", "10x10x0x1", False),
        ("%colou?r%", "color", True),
        (r"%\x28b\x29%", "a (b) c", True),
        ("%A.*B% -C", "A to B", True),
        ("%A.*B% -C", "A to B to C", False),
    ],
)
def test_regexes(pattern: str, message: str, expected: bool) -> None:
    assert compile_pattern(pattern)(message) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.a.b = "xyz" }', True),
        ("{$.a.b=xyz}", True),
        ('{ $.a.b = "x*" }', True),
        ("{ $.a.b = *z }", True),
        ("{ $.a.b = *y* }", True),
        ("{ $.a.b = x*z }", False),  # a star inside stands for itself
        ("{ $.a.b = * }", True),
        ('{ $.a.b != "x*" }', False),
        ('{ $.a.b != "y*" }', True),
        ("{ $.a.b = %^x.z$% }", True),
        ("{ $.a.b != %^x% }", False),
        ("{ $.a.n = 3 }", True),
        ("{ $.a.n = 3.0 }", True),
        ('{ $.a.n = "3" }', True),
        ("{ $.a.n != 4 }", True),
        ("{ $.a.n > 2.5 }", True),
        ("{ $.a.n >= +3 }", True),
        ("{ $.a.n < 3 }", False),
        ("{ $.a.n <= 0.3e1 }", True),
        ("{ $.a.n < 10e-3 }", False),
        ("{ $.a.n > -1 }", True),
        ("{ $.d = 1.5 }", True),
        ("{ $.big = 123456789012345678 }", True),
        ("{ $.big = 123456789012345679 }", False),
        ("{ $.s = 404 }", True),
        ("{ $.s = 4* }", True),
        ("{ $.a.b > 1 }", False),
        ("{ $.ip != 10.* }", False),
        ("{ $.ip != 11.* }", True),
        ("{ $.k-k = 1 }", True),
        ("{ $.['x.y'] = dot }", True),
        ('{ $["x.y"] = dot }', True),
        ("{ $.l[0] = 1 }", True),
        ("{ $.l[1].id = 2 }", True),
        ("{ $.l[2][1] = 8 }", True),
        ("{ $.l[9] = 1 }", False),
        ("{ $.l[*] = 1 }", True),
        ("{ $.l[*].id = 2 }", True),
        ("{ $.l[*].id = 3 }", False),
        ("{ $.l = 1 }", False),  # an array or object compares with nothing
        ("{ $.l != 1 }", False),
        ("{ $.a[0] = 1 }", False),
        ("{ $.missing = 1 }", False),
        ("{ $.missing != 1 }", False),
        ("{ $.missing NOT EXISTS }", True),
        ("{ $.a.b NOT EXISTS }", False),
        ("{ $.z NOT EXISTS }", False),
        ("{ $.z IS NULL }", True),
        ("{ $.a IS NULL }", False),
        ("{ $.missing IS NULL }", False),
        ("{ $.t IS TRUE }", True),
        ("{ $.f IS TRUE }", False),
        ("{ $.f IS FALSE }", True),
        ("{ $.a.n IS TRUE }", False),
        ("{ $.t = true }", True),
        ('{ $.e = "" }', True),
        ("{ $.a.n = 3 && $.t IS TRUE }", True),
        ("{ $.a.n = 4 && $.t IS TRUE }", False),
        ("{ $.a.n = 4 || $.t IS TRUE }", True),
        ("{ $.t IS TRUE || $.a.n = 4 && $.a.n = 5 }", True),
        ("{ ($.t IS TRUE || $.a.n = 4) && $.a.n = 5 }", False),
        ("{ (($.a.n = 3)) }", True),
        ('{ $.a.b = "x*" && ($.a.n >= 4 || $.l[0] IS NULL) && $.ip != 10.* }', False),
        ('{ $.a.b = "x*" && ($.a.n >= 3 || $.l[0] IS NULL) && $.ip != 11.* }', True),
    ],
)
def test_json(pattern: str, expected: bool) -> None:
    assert compile_pattern(pattern)(DOCUMENT) is expected


@pytest.mark.parametrize("message", ["", "text", "5", '"{"', "{", '{"a": NaN}', "[" * 100_000])
def test_what_is_no_json_matches_no_condition(message: str) -> None:
    assert not compile_pattern("{ $.x NOT EXISTS }")(message)


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        ("[ip, user, username, timestamp, request, status_code, bytes]", LINE, True),
        ("[ip, user, username, timestamp, request, status_code]", LINE, False),
        ("[ip, user, username, timestamp, request =*.html*, status_code = 4*, bytes]", LINE, True),
        ("[ip, user, username, timestamp, request =*.php*, status_code = 4*, bytes]", LINE, False),
        ("[..., status_code = 404, bytes]", LINE, True),
        ("[..., status_code = 404 || status_code = 410, bytes]", LINE, True),
        ("[..., status_code = 4* && status_code != 404, bytes]", LINE, False),
        ("[..., bytes > 1000]", LINE, True),
        ("[..., bytes > 2000]", LINE, False),
        ("[ip = 127.*, ...]", LINE, True),
        (r"[ip = %127\.0\.0\.[1-9]%, ...]", LINE, True),
        ("[ip, user, ..., bytes]", LINE, True),
        ("[..., request=*.html*, status_code=4*,]", LINE, True),
        ("[,,,,,,]", LINE, True),
        ("[...]", LINE, True),
        ("[a,b,c,d,e,f,...,g]", LINE, True),
        ("[a,b,c,d,e,f,...,g,h]", LINE, False),
        ("[timestamp=10/Oct*, ...]", "[10/Oct/2000 -0700] x", True),
        ('[request="GET /index.html HTTP/1.0", ...]', '"GET /index.html HTTP/1.0" 1', True),
        ("[w1=ERROR, w2]", "ERROR message", True),
        ("[w1=ERROR, w2]", "ERROR WARN message", False),
        ("[w1=ERROR || w1=WARN, w2]", "WARN message", True),
        ("[w1=!ERROR&&w1=!WARN, w2]", "INFO message", True),
        ("[w1=!ERROR&&w1=!WARN, w2]", "WARN message", False),
        ("[(w1=A || w1=B) && w1!=B, w2]", "B c", False),
        ("[t, id, level=ERROR, ...]", "2026-01-01\tr-1\tERROR\tboom happened", True),
        ("[n >= 99999999999999999999]", "9" * 5000, True),
        ("[a]", "", False),
    ],
)
def test_columns(pattern: str, line: str, expected: bool) -> None:
    assert compile_pattern(pattern)(line) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "a.b",
        "a:b",
        '"unclosed',
        '""',
        "%unclosed",
        "%no(group)%",
        "%no!%",
        "%[%",
        "%*%",
        "%a% %b% %c%",
        "?",
        "- -",
        "a)",
        "{",
        "{}",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a = 1",
        "{ a = 1 }",
        "{ $ = 1 }",
        "{ $. = 1 }",
        "{ $.a == 1 }",
        "{ $.a > x }",
        '{ $.a > "1" }',
        "{ $.a > %1% }",
        "{ $.a IS }",
        "{ $.a IS MAYBE }",
        "{ $.a EXISTS }",
        "{ $.a NOT NULL }",
        "{ $.a = 1 && }",
        "{ $.a = 1 & $.b = 2 }",
        "{ ($.a = 1 }",
        "{ $.a = 1) }",
        "{ $.a = 1 $.b = 2 }",
        "{ $.a[x] = 1 }",
        "{ $.a = user@host }",
        "{ " + "(" * 500 + "$.a = 1" + ")" * 500 + " }",
        "[",
        "[a",
        "[a, b = ]",
        "[a b]",
        "[..., a, ...]",
        "[a, b = 4* && c > 1]",
        "[$.a = 1]",
    ],
)
def test_malformed_patterns(pattern: str) -> None:
    with pytest.raises(InvalidParameterValue, match=r"^Invalid filter pattern"):
        compile_pattern(pattern)


def test_a_regex_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_pattern, "_REGEX_S", 0.05)
    slow = compile_pattern("%" + "[ab]*[ac]*" * 8 + "[xy]$%")
    with pytest.raises(InvalidParameterValue, match="takes too long"):
        slow("a" * 3_000 + "xz")
