"""The pages that describe the doors work where nothing but the deployment can be reached."""

import re
from urllib.parse import urlsplit

import httpx
import pytest

from services.projection.app import create_app
from services.projection.store import MemoryStore
from shared.keys import MemoryKeyStore
from tests.wiring.gateway import running


async def loaded_by(client: httpx.AsyncClient) -> dict[str, int]:
    """What the page asks for -> status; an address of another host gets none of ours."""
    page = (await client.get("/docs")).text
    wanted = set(re.findall(r"""(?:src|href|url)[=:]\s*["']([^"']+)["']""", page))
    assert all(not urlsplit(address).netloc for address in wanted), wanted
    return {address: (await client.get(address)).status_code for address in wanted}


async def test_the_gateways_page_needs_nothing_from_elsewhere() -> None:
    async with running() as gateway:
        loaded = await loaded_by(gateway.client)
    assert "/openapi.json" in loaded
    assert {200} == set(loaded.values())


@pytest.mark.parametrize("path", ["/v1/summary", "/v1/alerts"])
async def test_the_read_apis_page_needs_nothing_from_elsewhere(path: str) -> None:
    app = create_app(MemoryStore(), MemoryKeyStore(), monotonic=lambda: 0.0)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api") as client:
        loaded = await loaded_by(client)
        paths = (await client.get("/openapi.json")).json()["paths"]
    assert {200} == set(loaded.values())
    assert path in paths
