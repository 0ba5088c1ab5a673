"""A page in a browser follows the alerts with the browser's own EventSource, which sends no key and comes back."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.servers import free_ports
from deploy.local.stack import LocalStack
from shared.contracts.analytics import ALERT_TYPES, AttritionAlertCleared, AttritionAlertRaised
from shared.topics import ALERTS
from tests.system.chain import until
from tests.unit.delivery import message

pytestmark = [pytest.mark.system, pytest.mark.long]

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-dev-shm-usage",
)
WITHIN_S = 120
PAGE = """<!doctype html><title>alerts</title><script>
const tell = (what, text) => fetch("/" + what, {method: "POST", body: text});
(async () => {
  const asked = {method: "POST", headers: {"X-API-Key": KEY}, credentials: "include"};
  const session = await fetch(STREAM + "/session", asked);
  await tell("session", String(session.status) + document.cookie);
  follow("");
})();
function follow(last) {
  const source = new EventSource(STREAM + "?last_event_id=" + last, {withCredentials: true});
  source.onopen = () => tell("open", "");
  source.onerror = () => {  // it comes back by itself, but not after an answer such as 503
    if (source.readyState === EventSource.CLOSED) setTimeout(() => follow(last), 1000);
  };
  for (const type of TYPES) source.addEventListener(type, event => {
    last = event.lastEventId;
    tell("event", JSON.stringify([type, event.data]));
  });
}
</script>"""


class Page:
    """Serves the page, and hears what it tells."""

    def __init__(self, stream: str, key: str) -> None:
        known = {"STREAM": stream, "KEY": key, "TYPES": list(ALERT_TYPES)}
        self.html = PAGE.replace(
            "<script>", "<script>" + "".join(f"const {name} = {json.dumps(value)};" for name, value in known.items())
        )
        self.told: dict[str, list[str]] = {"session": [], "open": [], "event": []}

    @contextmanager
    def served(self, port: int) -> Iterator[str]:
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(200 if self.path == "/" else 404, page.html.encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                page.told[self.path[1:]].append(body)
                self._answer(200, b"")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Not on the test's output."""

        with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{port}/"
            finally:
                server.shutdown()
                thread.join()


@contextmanager
def browsing(url: str, profile: Path) -> Iterator[None]:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"there is no browser: none of {', '.join(BROWSERS)}")
    with (profile / "browser.log").open("wb") as log:
        command = [browser, *FLAGS, f"--user-data-dir={profile / 'data'}", url]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait()


@pytest.fixture
def origin() -> int:
    (port,) = free_ports(1)
    return port


@pytest.fixture
def stack(tmp_path: Path, origin: int) -> Iterator[LocalStack]:
    env = {"DELIVERY_ALLOWED_ORIGINS": json.dumps([f"http://127.0.0.1:{origin}"])}
    with LocalStack(tmp_path / "state", free_ports=True, partitions=2, services=("delivery",), env=env) as stack:
        yield stack


async def publish(stack: LocalStack, *values: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka) as producer:
        for number, value in enumerate(values):
            await producer.send_and_wait(ALERTS, value, partition=number % 2)


async def test_an_event_source_follows_the_alerts_over_the_death_of_the_process(
    stack: LocalStack, origin: int, tmp_path: Path
) -> None:
    page = Page(f"{stack.delivery_url}/v1/alerts/stream", stack.key)
    first = [message(subject=f"customer-ä-{n}") for n in range(5)]
    missed = [message(subject=f"customer-ä-{n}", sequence=2, kind=AttritionAlertCleared, signs=()) for n in range(5)]
    with page.served(origin) as url, browsing(url, tmp_path):
        until(lambda: page.told["open"], WITHIN_S, "the stream is open")
        assert ["204"] == page.told["session"]  # and no script of the page sees the cookie
        await publish(stack, *first)
        until(lambda: len(page.told["event"]) >= 5, WITHIN_S, "the first alerts have arrived")
        stack.kill("delivery")
        await publish(stack, *missed)
        stack.start("delivery")
        until(lambda: len(page.told["event"]) >= 10, WITHIN_S, "what was missed has arrived")
    got = sorted(map(tuple, map(json.loads, page.told["event"])))
    assert sorted([(AttritionAlertRaised.TYPE, value.decode()) for value in first]
                  + [(AttritionAlertCleared.TYPE, value.decode()) for value in missed]) == got  # fmt: skip
