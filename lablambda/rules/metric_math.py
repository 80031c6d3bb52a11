"""Metric math: arithmetic on time series by their ids, such as `100*m2/m1`.

Only + - * / on ids, numbers and parentheses; CloudWatch's functions (SUM, FILL, SEARCH, ...) aren't built.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping

from lablambda.model.errors import ValidationFailed

Series = Mapping[int, float]  # values by the begin of their period, seconds since 1970
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_DEEPEST = 50
_LARGEST = 1e300


def parse(expression: str) -> ast.expr:
    """The expression, known to be nothing but arithmetic. Raises ValidationFailed."""
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _invalid(expression, "it can't be read") from None
    _check(tree, expression, _DEEPEST)
    if not ids(tree):
        raise _invalid(expression, "it names no id, so it isn't a time series")
    return tree


def ids(tree: ast.expr) -> set[str]:
    """The ids that a parsed expression names."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def evaluate(tree: ast.expr, series: Mapping[str, Series]) -> dict[int, float]:
    """The series that a parsed expression makes of others.

    A period has a value where every series named has one; a division by zero gives none, as on AWS.
    """
    named = [series[name] for name in ids(tree)]
    shared = sorted(set.intersection(*map(set, named)))
    found = ((period, _at(tree, series, period)) for period in shared)
    return {period: value for period, value in found if math.isfinite(value)}


def _check(node: ast.expr, expression: str, depth: int) -> None:
    """Whatever isn't arithmetic is refused here, so that `_at` only meets what it knows."""
    if depth == 0:
        raise _invalid(expression, "it is nested too deeply")
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        _check(node.left, expression, depth - 1)
        _check(node.right, expression, depth - 1)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        _check(node.operand, expression, depth - 1)
    elif not (isinstance(node, ast.Name) or _is_number(node)):
        raise _invalid(expression, "only + - * / on ids and numbers are implemented in this lab")


def _is_number(node: ast.expr) -> bool:
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return False
    return isinstance(node.value, int | float) and abs(node.value) < _LARGEST


def _at(node: ast.expr, series: Mapping[str, Series], period: int) -> float:
    if isinstance(node, ast.BinOp):
        left, right = _at(node.left, series, period), _at(node.right, series, period)
        if right == 0 and isinstance(node.op, ast.Div):
            return math.nan
        return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp):
        return -_at(node.operand, series, period)
    if isinstance(node, ast.Name):
        return series[node.id][period]
    assert isinstance(node, ast.Constant)
    assert isinstance(node.value, int | float)
    return float(node.value)


def _invalid(expression: str, why: str) -> ValidationFailed:
    return ValidationFailed(f"Error in expression {expression[:200]!r}: {why}.")
