"""How soon a customer can read the first page on a slow telephone network, and how much the whole form weighs.

Chromium, 360 x 640, 400 kbit/s and 400 ms to the server and back, nothing in its cache.  The network is slowed down by
the browser itself, so the seconds depend little on the machine.
"""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

BITS, TRIP = 400_000, 400
VISITS = 5


def main() -> None:
    """Measure and print."""
    import uvicorn
    from playwright.sync_api import sync_playwright

    from app.demo import build_demo
    from app.main import create_app
    from app.settings import Settings
    from surveys.store.database import open_database
    from surveys.store.migrate import upgrade

    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{folder}/demo.sqlite3")
        upgrade(engine)
        settings = Settings("sqlite://", demo=True)
        build_demo(engine, settings, 50)
        server = uvicorn.Server(uvicorn.Config(create_app(settings, engine), port=0, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.05)
        address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        path = shutil.which("chromium") or shutil.which("google-chrome")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--disable-gpu", "--disable-quic"])
            seen = {
                locale: [first_text(browser, address, locale) for _ in range(VISITS)] for locale in ("en-US", "zh-CN")
            }
            parts = weigh(browser, address)
            browser.close()
        server.should_exit = True
        thread.join(timeout=10)
    for locale, times in seen.items():
        middle = sorted(times)[VISITS // 2]
        print(f"first text, {locale}: {min(times):.2f} s at best, {middle:.2f} s in the middle (goal: 1 s)")
    for name, size in parts.items():
        print(f"{name:<40} {size / 1000:6.1f} kB")
    print(f"{'together':<40} {sum(parts.values()) / 1000:6.1f} kB (goal: 30 kB)")


def first_text(browser, address: str, locale: str) -> float:
    """Seconds until the welcome page shows its text."""
    context = browser.new_context(viewport={"width": 360, "height": 640}, locale=locale)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": TRIP, "downloadThroughput": BITS / 8, "uploadThroughput": BITS / 8},
    )
    page.goto(f"{address}/s/demo")
    seconds = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
    context.close()
    return float(seconds)


def weigh(browser, address: str) -> dict[str, int]:
    """Compressed bytes of everything that the first visit fetches, by name."""
    context = browser.new_context(viewport={"width": 360, "height": 640}, locale="zh-CN")
    page = context.new_page()
    asked: dict[str, None] = {}
    context.on("request", lambda request: asked.setdefault(request.url))
    page.goto(f"{address}/s/demo")
    page.locator(".go").first.click()
    page.wait_for_url("**/form#1")
    page.wait_for_timeout(1000)
    asked |= dict.fromkeys(f"{address}/s/demo/{name}" for name in ("worker.js", "form.webmanifest"))
    found = {}
    for url in asked:
        request = urllib.request.Request(url, headers={"accept-encoding": "gzip", "accept-language": "zh-CN"})
        with urllib.request.urlopen(request) as answer:
            data = answer.read()
        packed = data if answer.headers.get("content-encoding") == "gzip" else gzip.compress(data, 9)
        found[url.removeprefix(address).partition("?")[0]] = min(len(packed), len(data))
    context.close()
    return found


if __name__ == "__main__":
    main()
