"""URLs and routes as steps: what is made, what is taken over, what goes."""

from __future__ import annotations

from typing import Any

import pytest

from lablambda.model.api_routes import ApiRoute, ApiRoutes
from lablambda.model.errors import InvalidParameterValue
from lablambda.model.source import RouteSource, UrlSource
from lablambda.rules.plan import source_steps
from lablambda.rules.route_steps import route_statement
from lablambda.rules.sources import parse_route
from lablambda.rules.step import CELL, LINE, AnswerOf, Attached, Current, Step, Target

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
TARGET = Target("f", ARN, 3)
ROUTE = RouteSource("GET /a")
PLACE = "arn:aws:execute-api:us-east-1:000000000000:"


def api(
    routes: dict[str, ApiRoute], *, stages: tuple[str, ...] = ("$default",), known: bool = True
) -> ApiRoutes:
    return ApiRoutes("api1", "lablambda", "https://h/api1", stages, routes, {ARN: "i1"} if known else {})


def steps(current: Current, *wanted: Any, label: str = CELL) -> list[Step]:
    return source_steps(current, wanted, Target("f", ARN, 3, label))


def operations(found: list[Step]) -> list[str]:
    return [step.operation for step in found]


def test_the_first_route_makes_the_api() -> None:
    found = steps(Current(), ROUTE, RouteSource("ANY /b"), RouteSource("$default"))
    assert operations(found)[:3] == ["CreateApi", "CreateStage", "CreateIntegration"]
    assert operations(found)[3:] == ["AddPermission", "CreateRoute"] * 3
    arns = [step.parameters["SourceArn"] for step in found if step.operation == "AddPermission"]
    ends = ["/*/GET/a", "/*/*/b", "/*/$default"]
    assert arns == [AnswerOf("CreateApi", "ApiId", PLACE, end) for end in ends]


def test_what_was_cut_off_is_finished() -> None:
    found = steps(Current(api=api({}, stages=(), known=False)), ROUTE)
    assert operations(found) == ["CreateStage", "CreateIntegration", "AddPermission", "CreateRoute"]
    statement = route_statement(CELL, "GET /a")
    arn = f"{PLACE}api1/*/GET/a"
    assert operations(steps(Current(api=api({}), statements={statement: arn}), ROUTE)) == ["CreateRoute"]
    # a permission for an API that is no more
    found = steps(Current(api=api({}), statements={statement: arn.replace("api1", "old")}), ROUTE)
    assert operations(found) == ["RemovePermission", "AddPermission", "CreateRoute"]


def test_a_route_of_a_function_that_is_no_more_is_taken_over() -> None:
    there = api({"GET /a": ApiRoute("r1", ARN.replace(":f", ":old"))})
    assert operations(steps(Current(api=there), ROUTE)) == ["AddPermission", "UpdateRoute"]
    (*_, refused) = steps(Current(api=there, taken={ROUTE: "old"}), ROUTE)
    assert refused.operation == "CreateRoute"
    assert "%lambda off old --route 'GET /a'" in refused.advice


def test_labels_are_kept_apart() -> None:
    there = api({"GET /a": ApiRoute("r1", ARN)})
    mine = Current(api=there, attached={ROUTE: Attached(LINE, "r1"), UrlSource(): Attached(LINE)})
    assert steps(mine) == [], "a cell leaves alone what a line did"
    assert steps(mine, ROUTE, UrlSource()) == [], "and makes nothing twice"
    assert operations(steps(mine, label=LINE)) == [
        "DeleteFunctionUrlConfig",
        "DeleteRoute",
        "RemovePermission",
        "DeleteIntegration",
    ]


def test_the_api_knows_a_function_as_long_as_a_route_leads_to_it() -> None:
    there = api({"GET /a": ApiRoute("r1", ARN), "GET /b": ApiRoute("r2", ARN)})
    current = Current(api=there, attached={ROUTE: Attached(CELL, "r1")})
    assert operations(steps(current)) == ["DeleteRoute", "RemovePermission"]


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("get /a", "GET /a"),
        (" POST  /b ", "POST /b"),
        ("$default", "$default"),
        ("ANY /{proxy+}", "ANY /{proxy+}"),
    ],
)
def test_routes_as_people_write_them(text: str, route: str) -> None:
    assert parse_route(text) == RouteSource(route)


@pytest.mark.parametrize("text", ["", "/a", "GET", "GET a", "MAKE /a", "GET /{a}/{a}", "GET /{}"])
def test_what_is_no_route(text: str) -> None:
    with pytest.raises(InvalidParameterValue, match="is no route"):
        parse_route(text)
