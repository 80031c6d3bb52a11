"""The context as AWS's documentation shows it."""

import time


def lambda_handler(event, context):
    print("Lambda function ARN:", context.invoked_function_arn)
    print("CloudWatch log stream name:", context.log_stream_name)
    print("CloudWatch log group name:", context.log_group_name)
    print("Lambda Request ID:", context.aws_request_id)
    print("Lambda function memory limits in MB:", context.memory_limit_in_mb)
    before = context.get_remaining_time_in_millis()
    time.sleep(0.01)
    client = context.client_context
    return {
        "less": before - context.get_remaining_time_in_millis() >= 10,
        "title": client.client.app_title if client else None,
        "version": client.client.app_version_name if client else None,
        "custom": client.custom if client else None,
        "env": client.env if client else None,
        "identity": context.identity.cognito_identity_id,
    }
