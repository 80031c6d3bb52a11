from __future__ import annotations

import uuid

from lablambda.model.invocation import Outcome, Report, new_request_id


def test_request_ids_are_random_uuids() -> None:
    made = [new_request_id() for _ in range(200)]
    assert len(set(made)) == 200
    for text in made:
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)


def test_the_tail_of_a_log() -> None:
    outcome = Outcome(b"", Report("r", 1, 1, 128, 30), "$LATEST", log=("first", "é", "last\n"))
    assert outcome.log_tail(4096) == "first\né\nlast\n".encode()
    assert outcome.log_tail(7) == b"\xa9\nlast\n"
