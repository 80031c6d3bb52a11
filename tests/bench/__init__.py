"""Speed and memory, as ratios against a control measured in the same run: `python -m tests.bench`.

Never part of the tests: these figures need a quiet machine, and say nothing on a busy one but by their
ratio to the control.
"""
