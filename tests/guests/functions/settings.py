"""Parameters, secrets and event classes of Powertools, and every field of a context that its type names."""

from typing import Any

from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.data_classes import S3Event, SQSEvent, event_source
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from aws_lambda_powertools.utilities.typing import LambdaContext


def read(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    try:
        parameters.get_parameter("/guest/none")
    except GetParameterError as error:
        absent = str(error)
    return {
        "plain": parameters.get_parameter("/guest/colour"),
        "secure": parameters.get_parameter("/guest/key", decrypt=True),
        "json": parameters.get_parameter("/guest/json", transform="json"),
        "all": parameters.get_parameters("/guest"),
        "secret": parameters.get_secret("guest/database", transform="json", max_age=0),
        "absent": absent,
    }


@event_source(data_class=SQSEvent)
def messages(event: SQSEvent, context: LambdaContext) -> list[Any]:
    return [[r.message_id, r.json_body, r.attributes.sent_timestamp, r.queue_url] for r in event.records]


@event_source(data_class=S3Event)
def objects(event: S3Event, context: LambdaContext) -> None:
    for record in event.records:
        print(event.bucket_name, event.object_key, record.s3.get_object.size, record.event_name)


def context(event: Any, context: LambdaContext) -> dict[str, Any]:
    return {
        "function_name": context.function_name,
        "function_version": context.function_version,
        "invoked_function_arn": context.invoked_function_arn,
        "memory_limit_in_mb": context.memory_limit_in_mb,
        "aws_request_id": context.aws_request_id,
        "log_group_name": context.log_group_name,
        "log_stream_name": context.log_stream_name,
        "identity": [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],
        "client_context": context.client_context,
        "tenant_id": context.tenant_id,
        "remaining": context.get_remaining_time_in_millis(),
    }
