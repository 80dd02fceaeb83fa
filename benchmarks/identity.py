"""A model that translates nothing: it gives back what it was asked to translate, as each tool expects it.

It serves the dialects of OpenAI and Ollama on loopback. So whatever a tool writes differently from its
source, the tool did itself.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ASKED = (
    re.compile(r'\n(\{"s1":.*\})$', re.DOTALL),  # pipeline, several segments
    re.compile(r"with the translation alone:\n\n(.*)$", re.DOTALL),  # pipeline, one
    re.compile(r"Please help me to translate,`(.*)` to \w+, please return only", re.DOTALL),  # bbook_maker
    re.compile(r"following English text into [\w-]+:\n\n(.*?)\n\n\n?(?:SECTION|Return)", re.DOTALL),  # cl10n
)
"""what stands for translation in a message, tool by tool; for any other message it is the whole of it"""


def answer(body: dict[str, Any]) -> str:
    """The same text as in the last message of a conversation."""
    said = str(body["messages"][-1]["content"])
    form = body.get("response_format", {}).get("json_schema", {}).get("schema")
    if (
        body["messages"][0]["content"].find("<seg id") >= 0
    ):  # readme-rosetta; a retry does not repeat the text
        asked = [one["content"] for one in body["messages"] if one["content"].startswith("<seg id")]
        return str(asked[0].partition("\n\n(A previous translation")[0])
    if "PONG" in said:
        return "PONG"
    found = next((match[1] for pattern in ASKED if (match := pattern.search(said))), said)
    if "cl10n" in body["model"]:
        return json.dumps({"translation": found}, ensure_ascii=False)
    return json.dumps(shaped(form, found), ensure_ascii=False) if form else found


def shaped(form: dict[str, Any], text: str) -> Any:
    """The text as a JSON schema wants it: an object of strings, or a list of numbered ones."""
    properties: dict[str, Any] = form["properties"]
    if "s1" in properties:
        return json.loads(text)
    ((name, wanted),) = properties.items()
    if wanted["type"] != "array":
        return {name: wanted.get("enum", [text])[0]}
    (item,) = form["$defs"].values()
    (key,) = (one for one in item["properties"] if one != "id")
    return {name: [{"id": one["id"], key: one["text"]} for one in json.loads(text)["paragraphs"]]}


@contextmanager
def serve() -> Iterator[str]:
    """The server, while the block runs; gives its origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._reply({"object": "list", "data": [{"id": "identity", "object": "model"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/api/show":  # Ollama
            self._reply({"model_info": {}, "details": {}, "capabilities": ["completion"]})
        elif self.path == "/api/chat":
            message = {"role": "assistant", "content": answer(body)}
            self._reply({"model": body["model"], "message": message, "done": True})
        else:
            message = {"role": "assistant", "content": answer(body)}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            head = {"id": "identity", "object": "chat.completion", "created": 1, "model": body["model"]}
            self._reply({**head, "choices": [choice], "usage": usage})

    def _reply(self, said: dict[str, Any]) -> None:
        content = json.dumps(said, ensure_ascii=False).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is logged."""
