"""The one way in which requirements fail."""

from __future__ import annotations


class RequirementsError(Exception):
    """The requirements couldn't be installed; the message holds what the installer said."""
