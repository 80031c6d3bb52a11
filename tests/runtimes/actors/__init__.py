"""One function in every language, for the conformance suite: it does what the event says."""
