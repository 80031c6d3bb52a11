"""API Gateway's operations on REST APIs, API keys and usage plans.

Source: https://docs.aws.amazon.com/apigateway/latest/api/API_Operations.html
"""
