"""Routes that read their body themselves: FastAPI describes them, and says what is wrong."""

from collections.abc import Callable, Coroutine
from inspect import signature
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from .messages import FINGERPRINT


class DirectRoute(APIRoute):
    """A route whose good requests pass FastAPI's reading by, which takes longer than a short query.

    A body that is no JSON, or not as its model says, is left to FastAPI.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        as_ever, endpoint = super().get_route_handler(), self.endpoint
        parameters = signature(endpoint).parameters
        if "body" not in parameters:
            return as_ever
        model: type[BaseModel] = parameters["body"].annotation
        names = {"fingerprint"} & parameters.keys()

        async def handler(request: Request) -> Response:
            if not request.headers.get("content-type", "").startswith("application/json"):
                return await as_ever(request)
            try:
                body = model.model_validate_json(await request.body())
            except ValidationError:
                return await as_ever(request)
            others = dict.fromkeys(names, request.headers.get(FINGERPRINT))
            reply: Response = await endpoint(body, **others)
            return reply

        return handler
