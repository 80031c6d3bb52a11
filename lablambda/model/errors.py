"""Errors of the lab, drawn as a tree.

    LabError
    ├── CallerError                     the request is at fault; nothing ran
    │   ├── InvalidParameterValue       a parameter's value is refused
    │   │   └── UntypedInvalidParameterValue
    │   ├── InvalidParameterCombination parameters that are valid apart and not together
    │   ├── ValidationFailed            a value breaks its shape's constraint
    │   ├── InvalidRequestContent       the event isn't JSON
    │   ├── RequestTooLarge             payload or package over its limit
    │   ├── ResourceNotFound            no such function, layer, policy, log group
    │   │   ├── ProvisionedConcurrencyConfigNotFound
    │   │   └── ObjectNotFound          no such scalable target, scaling policy, scheduled action
    │   ├── Gone                        a connection that has ended
    │   ├── ResourceConflict            exists already, or is busy changing
    │   ├── PreconditionFailed          a stale RevisionId
    │   ├── PolicyLengthExceeded        a resource policy over its limit
    │   ├── LimitExceeded               no more of these may be made
    │   ├── TooManyRequests             throttled: no concurrency left
    │   ├── RecursiveInvocation         an event that has been through the function too often
    │   ├── AccessDenied                the resource policy says no
    │   └── NotImplementedHere          a real AWS operation that this lab doesn't have yet
    └── ServiceFault                    the lab is at fault; trying again may help

A function's own failure (exception, timeout, crash) isn't an exception here: it is an `Outcome` with
an error, because for AWS it is a successful call whose answer says that the function failed.
`api/errors.py` turns each class into AWS's code, status and body.
"""


class LabError(Exception):
    """Anything the lab reports to its caller; `str(error)` is the message they read."""


class CallerError(LabError):
    """The request can't be carried out as it stands; repeating it unchanged won't help."""


class InvalidParameterValue(CallerError):
    """A parameter is well-formed and still refused."""


class UntypedInvalidParameterValue(InvalidParameterValue):
    """One of those few that AWS sends without saying whose fault it is (no Type in the body)."""


class InvalidParameterCombination(CallerError):
    """Parameters are each well-formed, and refused together."""


class ValidationFailed(CallerError):
    """One or more values break the constraints of the API's model."""


class InvalidRequestContent(CallerError):
    """The request's body couldn't be read as JSON."""


class RequestTooLarge(CallerError):
    """A payload or package is over its limit."""


class ResourceNotFound(CallerError):
    """The named resource doesn't exist."""


class ProvisionedConcurrencyConfigNotFound(ResourceNotFound):
    """The version or alias has no provisioned concurrency."""


class ObjectNotFound(ResourceNotFound):
    """Application Auto Scaling has no such target, policy or scheduled action."""


class Gone(CallerError):
    """The connection has ended, or there never was one of that id."""


class ResourceConflict(CallerError):
    """The named resource exists already, or is in a state that forbids this."""


class PreconditionFailed(CallerError):
    """The RevisionId given is not the latest one."""


class PolicyLengthExceeded(CallerError):
    """A resource policy would be over its limit."""


class LimitExceeded(CallerError):
    """There are as many of these as AWS allows."""


class TooManyRequests(CallerError):
    """Throttled: the invocation was refused before the function ran.

    `reason` is one of AWS's ThrottleReason values; `message` is AWS's own unless the lab has more to say.
    """

    def __init__(self, reason: str, message: str = "Rate Exceeded.") -> None:
        super().__init__(message)
        self.reason = reason


class RecursiveInvocation(CallerError):
    """Stopped: the chain of events that leads here has been through the function too often."""


class AccessDenied(CallerError):
    """The caller may not do this to this resource."""


class NotImplementedHere(CallerError):
    """AWS has this operation; this lab doesn't."""


class ServiceFault(LabError):
    """Something on the lab's side broke."""
