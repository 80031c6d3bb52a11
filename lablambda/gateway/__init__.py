"""The HTTPS door: requests from anybody to function URLs and to API Gateway's APIs."""
