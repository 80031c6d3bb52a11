"""Where events that are polled for come from: one file a source."""
