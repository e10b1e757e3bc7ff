"""The official Python SDK's client logs in, calls a tool, refreshes, and calls it again.

python_login.py URL REDIRECT_URI: prints the authorization URL, reads the answer's URL, and prints what it got.
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
    print(json.dumps({"url": url}), flush=True)


async def from_callback() -> AuthorizationCodeResult:
    line = await asyncio.to_thread(sys.stdin.readline)
    query = {name: values[0] for name, values in parse_qs(urlsplit(line.strip()).query).items()}
    return AuthorizationCodeResult(code=query["code"], state=query.get("state"), iss=query.get("iss"))


async def main(url: str, redirect_uri: str) -> None:
    metadata = OAuthClientMetadata(client_name="Python", redirect_uris=[redirect_uri])
    storage = InMemory()
    oauth = OAuthClientProvider(url, metadata, storage, to_authorization, from_callback)
    async with httpx2.AsyncClient(auth=oauth, timeout=60) as http:
        async with Client(streamable_http_client(url, http_client=http)) as client:
            first = await client.call_tool("whoami", {})
            access_token = storage.tokens.access_token
            # The client now takes its token for expired, and refreshes it.
            oauth.context.token_expiry_time = 1
            second = await client.call_tool("whoami", {})
            texts = [first.content[0].text, second.content[0].text]
            print(json.dumps({"texts": texts, "refreshed": storage.tokens.access_token != access_token}), flush=True)


asyncio.run(main(*sys.argv[1:]))
