"""What a machine tells of its memory."""

from __future__ import annotations

from pathlib import Path

from lablambda.hosts.machine import Memory, memory

MB = 2**20


def machine(root: Path) -> Path:
    """A machine of 4,000 MB with 3,000 available."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text("MemTotal: 4096000 kB\nMemAvailable: 3072000 kB\n")
    return root


def cgroup(root: Path, line: str, folder: str, files: dict[str, str]) -> None:
    (root / "proc/self/cgroup").write_text(f"{line}\n")
    (root / "sys/fs/cgroup" / folder).mkdir(parents=True)
    for name, text in files.items():
        (root / "sys/fs/cgroup" / folder / name).write_text(text)


def test_without_a_limit_it_is_the_kernels_word(tmp_path: Path) -> None:
    assert memory(machine(tmp_path)) == Memory(4_000, 3_000)
    cgroup(tmp_path, "0::/a", "a", {"memory.max": "max", "memory.current": "5"})
    assert memory(tmp_path) == Memory(4_000, 3_000)


def test_a_cgroups_limit_holds_and_its_cache_does_not_count(tmp_path: Path) -> None:
    files = {
        "memory.max": f"{1_000 * MB}\n",
        "memory.current": f"{700 * MB}\n",
        "memory.stat": f"anon 5\ninactive_file {200 * MB}\n",
    }
    cgroup(machine(tmp_path), "0::/a/b", "a", files)  # a limit of the group above
    assert memory(tmp_path) == Memory(1_000, 500)


def test_the_older_interface(tmp_path: Path) -> None:
    files = {
        "memory.limit_in_bytes": f"{1_000 * MB}",
        "memory.usage_in_bytes": f"{700 * MB}",
        "memory.stat": f"total_inactive_file {100 * MB}",
    }
    cgroup(machine(tmp_path), "4:memory:/x", "memory/x", files)
    assert memory(tmp_path) == Memory(1_000, 400)


def test_this_machine() -> None:
    total, available = memory()
    assert 0 < available <= total
