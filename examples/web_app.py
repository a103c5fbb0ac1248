"""A web back end that streams answers as server-sent events, under any ASGI server on asyncio or trio.

    uvicorn examples.web_app:app
    hypercorn -k trio examples.web_app:app

    curl -N "http://127.0.0.1:8000/answer?question=Why+is+the+sky+blue"

A client that hangs up cancels the task that serves it; cancelling it closes the stream, and with it the connection to
the provider. The key is in OPENAI_API_KEY, the address of another provider in OPENAI_BASE_URL.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import anyio
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chatcore import ChatCoreError, ChatOpenAI

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

# One model object for the whole process: it holds no connection, those belong to the server's event loop.
model = ChatOpenAI(model=os.environ.get("MODEL", "gpt-5-mini"))


class StreamedAnswer(Response):
    """The answer to a question, one server-sent event a chunk; a last event says how it ended."""

    media_type = "text/event-stream"

    def __init__(self, question: str) -> None:
        super().__init__(headers={"cache-control": "no-store"})
        # The length is not known yet.
        del self.headers["content-length"]
        self._question = question

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve until the answer or the client is gone."""

        async def until_gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            serving.cancel_scope.cancel()

        async with anyio.create_task_group() as serving:
            serving.start_soon(until_gone)
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            try:
                async with model.astream(self._question) as chunks:
                    async for chunk in chunks:
                        if chunk.text:
                            await self._event(send, "chunk", {"text": chunk.text})
                    message = await chunks.result()
            except ChatCoreError as error:
                await self._event(send, "error", {"type": type(error).__name__, "message": str(error)})
            else:
                await self._event(send, "done", {"usage": message.usage_metadata})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            serving.cancel_scope.cancel()

    @staticmethod
    async def _event(send: Send, name: str, data: object) -> None:
        body = f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def answer(request: Request) -> Response:
    """Answer the question in the query string."""
    question = request.query_params.get("question", "").strip()
    if not question:
        return JSONResponse({"error": "Ask something: /answer?question=..."}, status_code=400)
    return StreamedAnswer(question)


app = Starlette(routes=[Route("/answer", answer)])
