"""Mapping templates: values in their places, and nothing else."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lablambda.rules.json_path import InvalidPath, parse_path, value_at
from lablambda.rules.rest_templates import InvalidTemplate, Values, check_template, rendered

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b c", "ü"]), inner, max_size=3)
    ),
    max_leaves=8,
)
VALUES = Values(
    body='{"a": {"b": [1, "x", true, null]}, "o": {"k": "v"}}',
    parameters={"id": "7", "x-header": "h"},
    context={"stage": "dev", "authorizer": {"principalId": "ada", "n": 1}},
    stage_variables={"who": "bob"},
)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain $5.00 ${no} $other", "plain $5.00 ${no} $other"),
        ("$input.body", VALUES.body),
        ("$input.json('$.a.b')", '[1,"x",true,null]'),
        ('$input.json("$.a.b[1]")', '"x"'),
        ("$input.json('$.nothing')", '""'),
        ("$input.path('$.a.b[1]') $input.path('$.a.b[2]') $input.path('$.a.b[0]')", "x true 1"),
        ("$input.path('$.o') $input.path('$.nothing')", "{k=v} "),
        ("$input.path(\"$['a']['b'][-1]\")", ""),
        ("<$input.params('id')> ${input.params('X-Header')} $!input.params('no')", "<7> h "),
        ("$context.stage ${context.stage}x $context.authorizer.principalId $context.no.no", "dev devx ada "),
        ("$stageVariables.who ${stageVariables.who}ham $stageVariables.no", "bob bobham "),
        ("$util.base64Encode($input.params('id')) $util.base64Decode('Nw==')", "Nw== 7"),
        ("$util.urlEncode('a b&c') $util.urlDecode('a%20b')", "a+b%26c a b"),
        ("$util.escapeJavaScript($util.base64Decode('J2Eivw=='))", "\\'a\\\"\\ufffd"),
        ("a ## comment\nb #* all\nof it *#c", "a b c"),
        ('{"color": "#fff", "n": #1}', '{"color": "#fff", "n": #1}'),
    ],
)
def test_references(template: str, text: str) -> None:
    check_template(template)
    assert rendered(template, VALUES) == text


@pytest.mark.parametrize(
    "template",
    [
        "#set($x = 1)",
        "#if($context.stage)a#end",
        "#foreach($a in $input.path('$'))$a#end",
        "#{set}($a = 1)",
        "$input.size()",
        "$input.json()",
        "$input.json($.a)",
        "$input.json('a')",
        "$input.path('$..a')",
        "$input.path('$.a[*]')",
        "$input.path('$.a[?(@.b)]')",
        "$input.path('$.a').b",
        "$input.path('$.a')[0]",
        "$util.parseJson('{}')",
        "$util.base64Encode()",
        "$util.urlEncode($other)",
        "${context.stage",
        "$context",
        "$input",
    ],
)
def test_what_is_refused(template: str) -> None:
    with pytest.raises(InvalidTemplate):
        check_template(template)


def test_bodies_that_arent_json() -> None:
    for template in ("$input.json('$')", "$input.path('$.a')", "$util.base64Decode($input.body)"):
        with pytest.raises(InvalidTemplate):
            rendered(template, Values(body="{"))
    with pytest.raises(InvalidTemplate):
        rendered("$input.json('$')", Values(body="[" * 100_000))


@given(text=st.text())
def test_any_text_is_a_template_or_refused(text: str) -> None:
    try:
        check_template(text)
    except InvalidTemplate:
        return
    rendered(text, Values(body="{}"))


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_values_are_never_templates(text: str) -> None:
    """What a client sends stands where it is put, whatever it looks like."""
    values = Values(
        body=json.dumps({"a": text}), parameters={"a": text}, context={"a": text}, stage_variables={"a": text}
    )
    assert rendered("$input.path('$.a')|$input.params('a')|$context.a|$stageVariables.a", values) == "|".join(
        [text] * 4
    )
    assert json.loads(rendered("$input.json('$')", values)) == {"a": text}
    assert rendered("$util.base64Decode($util.base64Encode($context.a))", values) == text
    assert rendered("$util.urlDecode($util.urlEncode($context.a))", values) == text
    escaped = rendered("$util.escapeJavaScript($context.a)", values)
    assert json.loads(f'"{escaped}"'.replace("\\'", "'")) == text
    assert base64.b64decode(rendered("$util.base64Encode($context.a)", values)).decode() == text


@given(value=JSON)
def test_paths_lead_everywhere(value: Any) -> None:
    def check(place: str, here: Any) -> None:
        assert value_at(parse_path(place), value) == here
        if isinstance(here, dict):
            for name, inner in here.items():
                check(f"{place}['{name}']", inner)
        elif isinstance(here, list):
            for number, inner in enumerate(here):
                check(f"{place}[{number}]", inner)

    check("$", value)


@pytest.mark.parametrize(
    "path", ["", "a", "$a", "$.", "$..a", "$[", "$['a", "$.a b", "$[a]", "$[1.5]", "$.*"]
)
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(InvalidPath):
        parse_path(path)
