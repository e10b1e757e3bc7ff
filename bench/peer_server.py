"""The ancestor, mcp-authkit, as a measured server: the same tools as mcp-server.ts, its file store, uvloop and httptools."""

import asyncio
import json
import os
import sys
import tempfile
from contextvars import ContextVar

from cryptography.fernet import Fernet

PORT, ISSUER, USERS = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
BASE = f"http://localhost:{PORT}"
FOLDER = tempfile.TemporaryDirectory(prefix="bench-peer-")
os.environ["TOKEN_STORAGE_MODE"] = "file"
os.environ["STORAGE_ENCRYPTION_KEY"] = Fernet.generate_key().decode()

import uvicorn  # noqa: E402
from fastapi import FastAPI  # noqa: E402
from mcp.server.fastmcp import Context, FastMCP  # noqa: E402
from mcpauthkit.auth_middleware import JwtAuthMiddleware  # noqa: E402
from mcpauthkit.providers.credentials_provider import CredentialsProvider  # noqa: E402
from mcpauthkit.store.factory import create_stores  # noqa: E402

current_user: ContextVar[dict | None] = ContextVar("current_user", default=None)


def provider(name: str) -> CredentialsProvider:
    tokens, pending = create_stores(mode="file", file_path=f"{FOLDER.name}/{name}", namespace=name)
    variables = {"pat": {"label": "Token", "type": "password"}}
    return CredentialsProvider(name, variables, current_user, BASE, tokens, pending)


held, asked = provider("held"), provider("asked")
mcp = FastMCP("peer", streamable_http_path="/mcp")


@mcp.tool()
async def ungated(ctx: Context) -> str:
    return "20"


@mcp.tool()
@held.require_credentials()
async def gated(ctx: Context) -> str:
    return str(len(held.get_credentials()["pat"]))


@mcp.tool()
@asked.require_credentials()
async def waiting(ctx: Context) -> str:
    return str(len(asked.get_credentials()["pat"]))


application = mcp.streamable_http_app()
app = FastAPI(lifespan=lambda _: mcp.session_manager.run())
held.register(app)
asked.register(app)


@app.get("/bench/forget")
async def forget(sub: str) -> dict:
    await asked.invalidate_credentials(sub)
    return {}


@app.get("/bench/ask")
async def ask(sub: str) -> dict:
    handle = os.urandom(32).hex()
    await asked._pending_store.create(handle, {"sub": sub, "username": sub}, 300)
    return {"url": f"{BASE}/credentials/asked/entry?t={handle}"}


app.mount("/", application)
app.add_middleware(
    JwtAuthMiddleware,
    issuer_url=ISSUER,
    current_user=current_user,
    server_base_url=BASE,
    open_paths=("/bench", *held.open_paths, *asked.open_paths),
)


async def main() -> None:
    for index in range(USERS):
        await held._creds_store.set(f"user-{index}", {"pat": f"tok-user-{index}-0123456789abcdef"})
    config = uvicorn.Config(app, host="127.0.0.1", port=PORT, loop="uvloop", http="httptools", log_level="warning")
    print(json.dumps({"baseUrl": BASE}), flush=True)
    await uvicorn.Server(config).serve()


asyncio.run(main())
