"""Errors as AWS writes them: which code and status an error has, and how each protocol carries it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

from lablambda.api.authentication import NotAuthenticated
from lablambda.httpserver import Response
from lablambda.model import errors


@dataclass(frozen=True, slots=True)
class AwsError:
    """One error on the wire. `key` is the name of the message member, whose case AWS varies;
    `kind` is the body's `Type` (None where AWS sends none)."""

    status: int
    code: str
    message: str
    key: str = "message"
    kind: str | None = "User"
    reason: str | None = None


# class: status, code, key of the message, Type
_TABLE: dict[type[errors.LabError], tuple[int, str, str, str | None]] = {
    errors.ValidationFailed: (400, "ValidationException", "message", None),
    errors.UntypedInvalidParameterValue: (400, "InvalidParameterValueException", "message", None),
    errors.InvalidParameterValue: (400, "InvalidParameterValueException", "message", "User"),
    errors.InvalidParameterCombination: (400, "InvalidParameterCombinationException", "message", "User"),
    errors.InvalidRequestContent: (400, "InvalidRequestContentException", "message", "User"),
    errors.RequestTooLarge: (413, "RequestEntityTooLargeException", "message", "User"),
    errors.ProvisionedConcurrencyConfigNotFound: (
        404,
        "ProvisionedConcurrencyConfigNotFoundException",
        "message",
        "User",
    ),
    errors.ObjectNotFound: (400, "ObjectNotFoundException", "message", None),
    errors.PolicyLengthExceeded: (400, "PolicyLengthExceededException", "message", "User"),
    errors.ResourceNotFound: (404, "ResourceNotFoundException", "Message", "User"),
    errors.Gone: (410, "GoneException", "message", None),
    errors.ResourceConflict: (409, "ResourceConflictException", "message", "User"),
    errors.PreconditionFailed: (412, "PreconditionFailedException", "message", "User"),
    errors.TooManyRequests: (429, "TooManyRequestsException", "message", "User"),
    errors.LimitExceeded: (400, "LimitExceededException", "message", "User"),
    errors.RecursiveInvocation: (400, "RecursiveInvocationException", "Message", "User"),
    errors.AccessDenied: (403, "AccessDeniedException", "Message", None),
    errors.NotImplementedHere: (501, "NotImplementedException", "message", "User"),
    errors.ServiceFault: (500, "ServiceException", "Message", "Service"),
}
# What S3 and the Query services call the same faults.
_S3_CODES = {
    "MissingAuthenticationTokenException": "AccessDenied",
    "UnrecognizedClientException": "InvalidAccessKeyId",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "IncompleteSignatureException": "AuthorizationHeaderMalformed",
    "ExpiredTokenException": "ExpiredToken",
}
_QUERY_CODES = {
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "IncompleteSignatureException": "IncompleteSignature",
    "ExpiredTokenException": "ExpiredToken",
}
_GATEWAY_CODES = {
    "ValidationException": "BadRequestException",
    "InvalidRequestContentException": "BadRequestException",
    "InvalidParameterValueException": "BadRequestException",
    "ResourceNotFoundException": "NotFoundException",
    "ResourceConflictException": "ConflictException",
}
# Of API Gateway's calls on connections, which have statuses of their own, too.
_CONNECTION_ERRORS = {
    "LimitExceededException": (429, "LimitExceededException"),
    "RequestEntityTooLargeException": (413, "PayloadTooLargeException"),
    "ResourceNotFoundException": (404, "NotFoundException"),
}
# What a service called by X-Amz-Target calls the same faults.
_TARGET_CODES = {
    "logs": {
        "ValidationException": "InvalidParameterException",
        "InvalidParameterValueException": "InvalidParameterException",
        "InvalidRequestContentException": "SerializationException",
        "ResourceConflictException": "ResourceAlreadyExistsException",
        "ServiceException": "ServiceUnavailableException",
    },
    "events": {
        "InvalidParameterValueException": "InvalidEventPatternException",
        "ResourceConflictException": "ResourceAlreadyExistsException",
        "ServiceException": "InternalException",
    },
    "application-autoscaling": {
        "InvalidRequestContentException": "ValidationException",
        "InvalidParameterValueException": "ValidationException",
        "ServiceException": "InternalServiceException",
    },
}
# CloudWatch's clients go on knowing errors by the codes of the Query protocol, which come in a header.
_MONITORING_CODES = _QUERY_CODES | {
    "ValidationException": "ValidationError",
    "InvalidParameterValueException": "InvalidParameterValue",
    "InvalidParameterCombinationException": "InvalidParameterCombination",
}


def aws_error(error: errors.LabError | NotAuthenticated) -> AwsError:
    """The AWS error that stands for `error`."""
    if isinstance(error, NotAuthenticated):
        return AwsError(403, error.code, str(error), kind=None)
    for known in type(error).__mro__:
        if known in _TABLE:
            status, code, key, kind = _TABLE[known]
            reason = error.reason if isinstance(error, errors.TooManyRequests) else None
            return AwsError(status, code, str(error), key, kind, reason)
    return AwsError(500, "ServiceException", str(error), "Message", "Service")


def rest_json(error: AwsError) -> Response:
    """Lambda's form: the code in a header, Type and message in the body."""
    body = {"Reason": error.reason, "Type": error.kind, error.key: error.message}
    kept = {key: value for key, value in body.items() if value is not None}
    headers = [("content-type", "application/json"), ("x-amzn-ErrorType", error.code)]
    return Response(error.status, json.dumps(kept).encode(), headers)


def aws_json(error: AwsError, service: str | None) -> Response:
    """The form of services called by X-Amz-Target; all their errors but faults have status 400."""
    code = _TARGET_CODES.get(service or "", {}).get(error.code, error.code)
    body = json.dumps({"__type": code, "message": error.message}).encode()
    status = error.status if error.status in (403, 500, 501) else 400
    return Response(status, body, [("content-type", "application/x-amz-json-1.1")])


def monitoring_json(error: AwsError) -> Response:
    """CloudWatch's form: `aws_json`, with the error's old code in a header.

    Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait
    """
    response = aws_json(error, "monitoring")
    code = _MONITORING_CODES.get(error.code, error.code)
    response.headers.append(
        ("x-amzn-query-error", f"{code};{'Receiver' if error.status >= 500 else 'Sender'}")
    )
    return response


def s3_xml(error: AwsError) -> Response:
    code = _S3_CODES.get(error.code, error.code)
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{escape(code)}</Code>'
        f"<Message>{escape(error.message)}</Message><RequestId>{uuid.uuid4().hex[:16].upper()}</RequestId></Error>"
    )
    return Response(error.status, body.encode(), [("content-type", "application/xml")])


def query_xml(error: AwsError) -> Response:
    code = _QUERY_CODES.get(error.code, error.code)
    body = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )
    return Response(error.status, body.encode(), [("content-type", "text/xml")])


def render(error: AwsError, service: str | None, *, has_target: bool) -> Response:
    """The error in the protocol of the service that was asked."""
    if has_target:
        return monitoring_json(error) if service == "monitoring" else aws_json(error, service)
    if service == "s3":
        return s3_xml(error)
    if service == "scheduler" and error.code == "ResourceConflictException":
        return rest_json(replace(error, code="ConflictException"))
    if service in ("apigateway", "apigatewayv2"):
        return rest_json(
            replace(error, code=_GATEWAY_CODES.get(error.code, error.code), key="message", kind=None)
        )
    if service == "execute-api":
        status, code = _CONNECTION_ERRORS.get(error.code, (error.status, error.code))
        return rest_json(replace(error, status=status, code=code, key="message", kind=None))
    if service in (None, "lambda", "lablambda", "scheduler"):
        return rest_json(error)
    return query_xml(error)
