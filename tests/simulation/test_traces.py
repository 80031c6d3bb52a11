"""Loads in the form of Azure Functions' public trace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lablambda.simulation.profiles import drawn, total
from lablambda.simulation.traces import read

HEAD = "HashOwner,HashApp,HashFunction"
INVOCATIONS = f"{HEAD},Trigger,1,2,3\no,a,f,http,60,0,120\no,a,g,queue,0,0,0\no,b,f,timer,0,1,\n"
DURATIONS = (
    f"{HEAD},Average,Count,Minimum,Maximum,percentile_Average_0,percentile_Average_50,percentile_Average_100\n"
    "o,a,f,100,180,10,300,10,100,300\n"
)


def files(folder: Path, invocations: str = INVOCATIONS, durations: str = DURATIONS) -> tuple[Path, Path]:
    (folder / "i.csv").write_text(invocations)
    (folder / "d.csv").write_text(durations)
    return folder / "i.csv", folder / "d.csv"


def test_functions_with_their_minutes_and_durations(tmp_path: Path) -> None:
    first, second = read(*files(tmp_path))
    assert (first.name, second.name) == ("f", "f")
    assert (total(first.profile), total(second.profile)) == (180, 1)
    at = drawn(first.profile, None)
    assert [int(((at >= 60 * n) & (at < 60 * n + 60)).sum()) for n in range(3)] == [60, 0, 120]
    assert first.takes is not None
    assert first.takes.at(np.array([0.5])).tolist() == [0.1]
    assert second.takes is None
    assert first.profile.length_s == second.profile.length_s == 180


def test_without_durations(tmp_path: Path) -> None:
    assert all(each.takes is None for each in read(files(tmp_path)[0]))


@pytest.mark.parametrize(
    ("invocations", "durations", "message"),
    [
        ("a,b\n1,2\n", DURATIONS, "begin with HashOwner"),
        (f"{HEAD}\no,a,f\n", DURATIONS, "minutes"),
        (f"{HEAD},1,3\no,a,f,1,1\n", DURATIONS, "minutes"),
        (f"{HEAD},1\no,a,f,many\n", DURATIONS, "isn't a number"),
        (f"{HEAD},1\no,a,f,0\n", DURATIONS, "nothing is invoked"),
        (INVOCATIONS, f"{HEAD},Average\no,a,f,1\n", "percentile_Average_0"),
        (INVOCATIONS, f"{HEAD},percentile_Average_0,percentile_Average_1\no,a,f,1,x\n", "isn't a number"),
    ],
)
def test_other_files(tmp_path: Path, invocations: str, durations: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(*files(tmp_path, invocations, durations))
