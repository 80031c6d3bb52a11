"""WebSocket APIs: a client connects, its messages find their routes, and it leaves.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-overview.html
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from lablambda.gateway.answers import Refused, message
from lablambda.gateway.channel import Channel, ClientLeft
from lablambda.gateway.connection_calls import respond_to_call
from lablambda.gateway.lambda_calls import LambdaCalls
from lablambda.gateway.websocket_authorizers import ConnectAuthorizers
from lablambda.gateway.websocket_integrations import NoAnswer
from lablambda.gateway.websocket_stages import Event, Served, Stages
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.errors import LimitExceeded
from lablambda.model.http import HttpRequest, HttpResponse
from lablambda.model.invocation import new_trace_id
from lablambda.model.websocket import Connection
from lablambda.rules.addresses import Address
from lablambda.rules.http_event import forwarded, new_request_id
from lablambda.rules.websocket_event import connect_event, disconnect_event, message_event
from lablambda.rules.websocket_limits import TOO_BIG, UNSUPPORTED, is_too_big
from lablambda.rules.websocket_result import SUBPROTOCOL, error_frame, frame_of
from lablambda.rules.websocket_routes import CONNECT, DISCONNECT, route_for, route_of

_MOST_AT_ONCE = 16  # messages of one client that are being answered; the next waits on its way
_LEAVE_WITHIN_S = 2.0


class WebSocketApiDoor:
    """The WebSocket APIs of a house."""

    def __init__(self, house: House) -> None:
        self._house = house
        calls = LambdaCalls(house)
        self._stages = Stages(house, calls)
        self._authorizers = ConnectAuthorizers(house, calls)
        self._serving: set[asyncio.Task[Any]] = set()

    async def respond(self, request: HttpRequest, address: Address) -> HttpResponse:
        """Answer a request that wants no WebSocket: a call on a connection."""
        return await respond_to_call(self._house, request, address)

    async def serve(self, request: HttpRequest, address: Address, channel: Channel) -> None:
        """Serve a client until it leaves. Raises Refused if it isn't let in, ClientLeft if it doesn't wait for that."""
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            connection, subprotocol = await self._admit(request, address)
            await channel.accept(subprotocol)
            code = await self._converse(connection, channel)
            await self._say_goodbye(connection, code)
        finally:
            self._serving.discard(task)

    async def close(self) -> None:
        """Send all clients away; those who wait for a function are cut off after a while."""
        self._house.connections.end_all()
        if self._serving:
            await asyncio.wait(self._serving, timeout=_LEAVE_WITHIN_S)
        for task in self._serving:
            task.cancel()
        await self._stages.close()

    # ----------------------------------------------------------------------------------------- connecting

    async def _admit(self, request: HttpRequest, address: Address) -> tuple[Connection, str | None]:
        """The connection and the protocol to speak on it, if it is let in. Raises Refused."""
        stage = address.path.strip("/")
        served = self._stages.find(address.identity, stage)
        if served is None:
            raise Refused(message(403, "Forbidden"))
        connection = Connection(
            identity=new_request_id(),
            api_id=address.identity,
            stage=stage,
            domain=address.domain,
            source_ip=request.source_ip,
            user_agent=request.header("user-agent"),
            connected=self._house.clock.now(),
        )
        route = route_of(served.routes, CONNECT)
        if route is None:
            return connection, None
        return await self._ask_to_connect(served, connection, route, request)

    async def _ask_to_connect(
        self, served: Served, connection: Connection, route: Members, request: HttpRequest
    ) -> tuple[Connection, str | None]:
        started, request_id = time.monotonic(), new_request_id()
        whole = forwarded(request, new_trace_id())

        def told(connection: Connection) -> Event:
            return served.whole(connect_event(connection, whole, request_id, connection.connected))

        event, status, reason = told(connection), 500, ""
        try:
            self._stages.throttle(served, connection, route)
            connection = await self._authorizers.admit(
                connection, request, event, route, served.authorizer(route)
            )
            event = told(connection)
            response = await self._stages.answer(served, connection, event, route)
            status = response.status
        except NoAnswer as error:
            status, reason = error.status, str(error)
            raise Refused(message(status, error.told)) from None
        except Refused as refused:
            status = refused.response.status
            raise
        finally:
            self._stages.log(served, event, started, status, reason)
        if not 200 <= response.status < 300:
            raise Refused(response)
        return connection, dict(response.headers).get(SUBPROTOCOL)

    # ------------------------------------------------------------------------------------------- messages

    async def _converse(self, connection: Connection, channel: Channel) -> int:
        """Answer the client's messages until it leaves; gives the code with which it does."""
        connections = self._house.connections
        live = connections.add(connection, channel)
        room = asyncio.Semaphore(_MOST_AT_ONCE)
        answering: set[asyncio.Task[None]] = set()
        try:
            while True:
                text = await channel.receive()
                self._house.touch()
                connections.touch(live)
                if isinstance(text, bytes):
                    connections.end(live, UNSUPPORTED)
                    continue
                if is_too_big(text):
                    connections.end(live, TOO_BIG)
                    continue
                await room.acquire()
                task = asyncio.ensure_future(self._take(connection, channel, text))
                answering.add(task)
                task.add_done_callback(answering.discard)
                task.add_done_callback(lambda _: room.release())
        except ClientLeft as left:
            return left.code
        finally:
            connections.remove(connection)
            await channel.end()

    async def _take(self, connection: Connection, channel: Channel, text: str) -> None:
        """Have a message's route answer it. The client hears of it if the route has a response, or if it fails."""
        served = self._stages.find(connection.api_id, connection.stage)
        if served is None:
            return
        started, request_id, now = time.monotonic(), new_request_id(), self._house.clock.now()
        route = route_for(served.routes, served.api.members["RouteSelectionExpression"], text)
        key = "" if route is None else route["RouteKey"]
        event = served.whole(message_event(connection, text, key, request_id, now))
        status, reason, reply = 200, "", b""
        try:
            if route is None:
                raise NoAnswer("No route fits the message", 403, "Forbidden")
            self._stages.throttle(served, connection, route)
            response = await self._stages.answer(served, connection, event, route)
            if served.replies(route):
                reply = response.body
            if is_too_big(reply):
                raise NoAnswer("The answer is longer than a message may be")
            status = response.status
        except NoAnswer as error:
            status, reason = error.status, str(error)
            reply = error_frame(error.told, connection.identity, request_id).encode()
        self._stages.log(served, event, started, status, reason)
        if reply:
            with contextlib.suppress(LimitExceeded):  # who takes too little misses some
                channel.send(frame_of(reply))

    # -------------------------------------------------------------------------------------------- leaving

    async def _say_goodbye(self, connection: Connection, code: int) -> None:
        """Tell the API that the client has left, if it is still there and wants to know."""
        served = self._stages.find(connection.api_id, connection.stage)
        route = None if served is None else route_of(served.routes, DISCONNECT)
        if served is None or route is None:
            return
        started = time.monotonic()
        event = served.whole(disconnect_event(connection, code, new_request_id(), self._house.clock.now()))
        status, reason = 200, ""
        try:
            await self._stages.answer(served, connection, event, route)
        except NoAnswer as error:
            status, reason = error.status, str(error)
        self._stages.log(served, event, started, status, reason)
