"""How the services process hands events to the lab."""

from __future__ import annotations

from typing import Any

from lablambda.services.link import LinkBroken, ServicesEnd
from lablambda.services.moto_request import complain, request


class Pusher:
    """Asks the lab, and says on standard error what couldn't be delivered: nothing is dropped silently."""

    def __init__(self, link: ServicesEnd) -> None:
        self._link = link

    def may_invoke(self, function_arn: str, principal: str, source_arn: str, account: str) -> str | None:
        """None, or why the function doesn't let the source in."""
        return self._ask("may_invoke", function_arn, principal, source_arn, account, None)

    def invoke(
        self, function_arn: str, principal: str, source_arn: str, account: str, event: Any
    ) -> str | None:
        """Hand an event over: None when the lab has it on disk, or why it doesn't."""
        refused = self._ask("invoke", function_arn, principal, source_arn, account, event)
        if refused is not None:
            complain(f"an event from {source_arn} to {function_arn} wasn't delivered: {refused}")
        return refused

    def tell_bus(self, source_arn: str, account: str, entry: Any) -> None:
        """Something for the default event bus."""
        refused = self._ask("tell", "", "", source_arn, account, entry)
        if refused is not None:
            complain(f"an event from {source_arn} didn't reach the event bus: {refused}")

    def _ask(
        self, kind: str, function_arn: str, principal: str, source_arn: str, account: str, event: Any
    ) -> str | None:
        message = {
            "kind": kind,
            "function_arn": function_arn,
            "principal": principal,
            "source_arn": source_arn,
            "source_account": account,
            "event": event,
            "trace": request.trace,
        }
        try:  # an event waits for the next lab; a question is no use without its asker
            answer = self._link.ask(message, patient=kind != "may_invoke")
        except LinkBroken as error:
            return f"the lab doesn't answer ({error})"
        refused: str | None = answer["refused"]
        return refused
