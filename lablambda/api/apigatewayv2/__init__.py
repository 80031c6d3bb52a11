"""API Gateway's operations on HTTP and WebSocket APIs.

Source: https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/api-reference.html
"""
