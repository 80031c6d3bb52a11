"""The words in which a load and its limits are told."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from lablambda.simulation.course import Course
from lablambda.simulation.distributions import Constant, Distribution
from lablambda.simulation.profiles import Profile
from lablambda.simulation.scenario import Workload
from lablambda.simulation.told import simulated
from lablambda.simulation.words import add_profile, add_scenario
from tests.simulation.test_traces import files

SPANS = ["--takes", "100ms", "--init", "300ms"]


def told(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_profile(parser)
    add_scenario(parser)
    return parser.parse_args(words)


def asked(*words: str) -> Course:
    return simulated(told(*words))


def test_a_load_in_words() -> None:
    course = asked(*SPANS, "--rate", "200", "--duration", "5s", "--even", "--account", "10", "--asynchronous")
    assert (course.function, course.arrivals, course.concurrency) == ("a function", 1_000, 10)
    assert course.latency_ms["p50"] == pytest.approx(100)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--profile", "0:100,10s:100"], {"arrivals": 1_000}),
        (["--memory", "1024", "--rate", "1", "--duration", "1s"], {"arrivals": 1}),
        (["--provisioned", "20", "--rate", "10"], {"cold_starts": 0}),
        (["--reserved", "2", "--rate", "40", "--even"], {"concurrency": 2}),
        (["--timeout", "1", "--takes", "3s", "--rate", "1", "--even"], {"errors": 10}),
        (["--scaling-rate", "2", "--takes", "30s", "--even"], {"cold_starts": 3}),
        (["--idle", "10ms", "--rate", "1", "--even"], {"cold_starts": 10}),
        (["--model", "steps"], {"model": "simulated, in steps of 56 ms"}),
    ],
)
def test_each_word(words: list[str], found: dict[str, object]) -> None:
    course = asked(*SPANS, *words)
    assert {name: getattr(course, name) for name in found} == found


def test_memory_is_paid_for() -> None:
    costs = [asked(*SPANS, "--memory", mb).bill.duration for mb in ("128", "1024")]
    assert costs[1] == pytest.approx(8 * costs[0])


def test_seeds() -> None:
    assert asked(*SPANS, "--seed", "1").slices != asked(*SPANS, "--seed", "2").slices


def test_a_file_of_arrivals(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("0\n1\n2\n")
    assert asked(*SPANS, "--arrivals", f"{tmp_path}/a.csv").arrivals == 3


def test_a_trace(tmp_path: Path) -> None:
    invocations, durations = files(tmp_path)
    with pytest.raises(ValueError, match="Write --takes"):
        asked("--trace", str(invocations), "--trace-durations", str(durations), "--init", "1s")
    course = asked(*SPANS, "--trace", str(invocations), "--trace-durations", str(durations))
    assert (course.function, course.arrivals, course.length_s) == ("i.csv", 181, 180)
    assert 60 < course.latency_ms["p50"] < 160  # as the file has it, from 10 to 300 ms
    assert course.latency_ms["p90"] > 200


def known(profile: Profile, takes: Distribution | None, init: Distribution | None) -> Workload:
    return Workload(
        "mine",
        profile,
        takes or Constant(0.02),
        init or Constant(0.1),
        memory_mb=512,
        reserved=7,
        timeout_s=3,
    )


def test_a_function_that_is_known() -> None:
    course = simulated(told("--rate", "1000", "--even", "--asynchronous"), known)
    assert (course.function, course.concurrency) == ("mine", 7)
    assert course.latency_ms["p50"] == pytest.approx(20)
    changed = simulated(told("--rate", "1000", "--even", "--takes", "5ms", "--reserved", "9"), known)
    assert changed.latency_ms["p50"] == pytest.approx(5)
    assert changed.concurrency == 9


def test_the_functions_of_a_trace_as_one_that_is_known(tmp_path: Path) -> None:
    course = simulated(told("--trace", str(files(tmp_path)[0])), known)
    assert course.latency_ms["p50"] == pytest.approx(20)
    assert course.throttles == 0  # its reservation isn't theirs


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Write --takes 50ms"),
        (["--takes", "1s"], "Write --init 50ms"),
        ([*SPANS, "--takes", "soon"], "--takes 'soon' is no span"),
        ([*SPANS, "--rate", "0"], "--rate and a --duration above 0"),
        ([*SPANS, "--duration", "never"], "no span of time"),
        ([*SPANS, "--profile", "wavy"], "write constant, ramp"),
        ([*SPANS, "--memory", "64"], "--memory 64: Lambda takes 128 to 10240 MB"),
        ([*SPANS, "--timeout", "0"], "--timeout 0: write a whole number from 1"),
        ([*SPANS, "--reserved", "-1"], "--reserved -1: write a whole number from 0"),
        ([*SPANS, "--reserved", "901"], "100 have to stay unreserved"),
        ([*SPANS, "--provisioned", "3", "--reserved", "2"], "3 provisioned is more than the 2 reserved"),
        ([*SPANS, "--account", "0"], "--account 0"),
        ([*SPANS, "--scaling-rate", "0"], "--scaling-rate 0"),
        ([*SPANS, "--trace", "x", "--reserved", "3"], "are of one function"),
    ],
)
def test_words_that_say_nothing(words: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        asked(*words)


def test_files_that_are_not_there() -> None:
    for option in ("--arrivals", "--trace"):
        with pytest.raises(OSError, match=r"nowhere\.csv"):
            asked(*SPANS, option, "nowhere.csv")
    assert np.isfinite(asked(*SPANS).cost)
