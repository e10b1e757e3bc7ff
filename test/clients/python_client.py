"""The official Python SDK's client, driven line by line: an event on standard output, an answer on standard input.

python_client.py URL url|none MODE: signs in, and calls create_ticket whenever it reads "call". MODE is the client's own: auto, legacy, or a
revision of MCP.
"""

import asyncio
import json
import sys
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata
from mcp.shared.exceptions import MCPError, UrlElicitationRequiredError
from mcp.types import ElicitResult

CALLBACK = "http://localhost:8098/callback"


def tell(event: str, **details: object) -> None:
    print(json.dumps({"event": event, **details}), flush=True)


async def read() -> str:
    return (await asyncio.to_thread(sys.stdin.readline)).strip()


class InMemory(TokenStorage):
    tokens = None
    client_info = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client_info

    async def set_client_info(self, client_info):
        self.client_info = client_info


async def to_authorization(url: str) -> None:
    tell("sign-in", url=url)


async def from_callback() -> AuthorizationCodeResult:
    query = {name: values[0] for name, values in parse_qs(urlsplit(await read()).query).items()}
    return AuthorizationCodeResult(code=query["code"], state=query.get("state"), iss=query.get("iss"))


async def elicit(context, params) -> ElicitResult:
    tell("link", mode=params.mode, message=params.message, url=params.url)
    return ElicitResult(action="accept")


async def call(client: Client) -> None:
    try:
        result = await client.call_tool("create_ticket", {"title": "Printer is on fire"})
        tell("result", text=result.content[0].text, isError=bool(result.is_error))
    except MCPError as error:
        links = UrlElicitationRequiredError.from_error(error.error).elicitations if error.code == -32042 else []
        tell("error", code=error.code, message=error.message, links=[link.url for link in links])


async def main(url: str, elicitation: str, mode: str) -> None:
    metadata = OAuthClientMetadata(client_name="python", redirect_uris=[CALLBACK], token_endpoint_auth_method="none")
    oauth = OAuthClientProvider(url, metadata, InMemory(), to_authorization, from_callback)
    async with httpx2.AsyncClient(auth=oauth, timeout=60) as http:
        transport = streamable_http_client(url, http_client=http)
        callback = elicit if elicitation == "url" else None
        async with Client(transport, mode=mode, elicitation_callback=callback) as client:
            tell("connected", protocolVersion=client.session.protocol_version)
            while await read() == "call":
                await call(client)


asyncio.run(main(*sys.argv[1:]))
