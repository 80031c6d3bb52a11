"""REST APIs, made by boto3 in few words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from lablambda.client import Lab
from tests.api_clients import ARN

LONG = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{}/invocations"
EXECUTE = "arn:aws:execute-api:us-east-1:000000000000:"
# Answers with its event.
ECHO = "import json\ndef handler(event, context): return {'statusCode': 200, 'body': json.dumps(event)}"

# An authorizer of either type that does as it is told.
AUTHORIZER = """
calls = []
def handler(event, context):
    calls.append(1)
    token = event.get('authorizationToken') or event['headers']['x-word']
    if token == 'unauthorized': raise Exception('Unauthorized')
    if token == 'raise': raise ValueError('no')
    if token == 'odd': return {'isAuthorized': True}
    if token == 'parts': extra = {'list': [1]}
    else: extra = {'n': 1, 'yes': True, 'calls': str(len(calls)), 'type': event['type'], 'arn': event['methodArn']}
    api = event['methodArn'].split('/')[0]
    statements = [{'Action': 'execute-api:Invoke', 'Effect': 'Deny' if token == 'deny' else 'Allow', 'Resource': api + '/*/GET/*'}]
    return {'principalId': 'ada', 'policyDocument': {'Version': '2012-10-17', 'Statement': statements}, 'context': extra,
            'usageIdentifierKey': event.get('stageVariables', {}).get('key', 'x' * 20) if event['type'] == 'REQUEST' else token}
"""


class Rest:
    """A REST API. `address` is that of its stage `test`, once it is deployed."""

    def __init__(self, lab: Lab, functions: Any, **members: Any) -> None:
        self.lab, self.functions = lab, functions
        self.gateway = lab.client("apigateway")
        made = self.gateway.create_rest_api(name="test", **members)
        self.identity, self.root = made["id"], made["rootResourceId"]
        self._resources: dict[str, str] = {"/": self.root}

    @property
    def address(self) -> str:
        return f"{self.lab.https_endpoint}/execute-api/{self.identity}/test"

    def resource(self, path: str) -> str:
        """The id of the resource with that path, which is made if it isn't there."""
        if path not in self._resources:
            parent, _, part = path.rpartition("/")
            made = self.gateway.create_resource(
                restApiId=self.identity, parentId=self.resource(parent or "/"), pathPart=part
            )
            self._resources[path] = made["id"]
        return self._resources[path]

    def method(self, route: str, **members: Any) -> dict[str, str]:
        """`GET /pets/{id}`; gives what names the method."""
        name, _, path = route.partition(" ")
        place = {"restApiId": self.identity, "resourceId": self.resource(path), "httpMethod": name}
        self.gateway.put_method(**{**place, "authorizationType": "NONE", **members})
        return place

    def proxy(
        self,
        route: str,
        function: str,
        *,
        allowed: bool = True,
        of_method: dict[str, Any] | None = None,
        **members: Any,
    ) -> None:
        """A method that passes its requests on to a function."""
        if allowed:
            self.allow(function)
        place = self.method(route, **(of_method or {}))
        given = {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": LONG.format(ARN + function)}
        self.gateway.put_integration(**place, **{**given, **members})

    def mapped(
        self,
        route: str,
        answers: dict[str, dict[str, Any]],
        of_method: dict[str, Any] | None = None,
        **members: Any,
    ) -> None:
        """A method whose integration is no proxy; `answers` are integration responses by status."""
        place = self.method(route, **(of_method or {}))
        self.gateway.put_integration(**place, **members)
        for status, answer in answers.items():
            named = dict.fromkeys(answer.get("responseParameters", {}), True)
            self.gateway.put_method_response(**place, statusCode=status, responseParameters=named)
            self.gateway.put_integration_response(**place, statusCode=status, **answer)

    def mock(self, route: str, told: Any = "ok", *, status: int = 200, **more: Any) -> None:
        """A method that says this."""
        self.mapped(
            route,
            {str(status): {"responseTemplates": {"application/json": json.dumps(told)}}},
            type="MOCK",
            requestTemplates={"application/json": json.dumps({"statusCode": status})},
            **more,
        )

    def allow(self, function: str, path: str = "*") -> None:
        self.functions.add_permission(
            FunctionName=function,
            StatementId=f"rest-{self.identity}-{len(path)}",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"{EXECUTE}{self.identity}/{path}",
        )

    def deploy(self, **more: Any) -> str:
        """Have the stage `test` serve what the API is now; gives its address."""
        self.gateway.create_deployment(restApiId=self.identity, stageName="test", **more)
        return self.address

    def patch_stage(self, *operations: tuple[str, str, str]) -> None:
        self.gateway.update_stage(
            restApiId=self.identity,
            stageName="test",
            patchOperations=[{"op": op, "path": path, "value": value} for op, path, value in operations],
        )

    def authorizer(self, function: str, **members: Any) -> str:
        self.allow(function, "authorizers/*")
        given = {
            "name": "own",
            "type": "TOKEN",
            "authorizerUri": LONG.format(ARN + function),
            "identitySource": "method.request.header.Authorization",
        }
        return str(self.gateway.create_authorizer(restApiId=self.identity, **{**given, **members})["id"])


Made = Callable[..., Rest]
