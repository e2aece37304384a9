"""How soon the graph page is there: a headless browser says when it painted first and when the graph was drawn."""

import os
import shutil
from collections.abc import Iterator

from bench import inside, rows
from bench.rows import Better, Row, Target
from bench.scene import BenchError, Service

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPENED = 7
LIMIT_MS = 1000
HAS_PAINTED = "performance.getEntriesByName('first-contentful-paint').length > 0"
NOTED_WITHIN_MS, ASKED_EVERY_MS = 10_000, 20
MOMENTS = {
    "first paint": "performance.getEntriesByName('first-contentful-paint')[0].startTime",
    "the graph drawn": "performance.getEntriesByName('graph-drawn')[0].startTime",
}


def run(service: Service, asset: str, assets: int) -> Iterator[Row]:
    """The page of one asset, opened again and again: what it needs beside the answer comes from the browser's cache."""
    metrics = {what: f"graph page at a hub among {assets:,} assets, {what}" for what in MOMENTS}
    try:
        taken = _opened(service, asset)
    except BenchError as error:
        for metric in metrics.values():
            yield rows.not_measured(
                "search", metric, "ms", str(error), better=Better.LESS, target=Target(value=LIMIT_MS)
            )
        return
    for what, metric in metrics.items():
        yield rows.measured(
            "search",
            metric,
            taken[what],
            "ms",
            better=Better.LESS,
            target=Target(value=LIMIT_MS),
            note="after the address was entered, in a headless browser on the same machine",
        )


def _opened(service: Service, asset: str) -> dict[str, list[float]]:
    """Milliseconds of each opening but the first, which fills the browser's cache."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise BenchError(f"there is none of {', '.join(BROWSERS)} on the PATH")
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - benches run without it too
    except ImportError as error:
        raise BenchError("playwright is not installed") from error
    cookie, key = inside.run(service, "bench.session").split()
    base = f"http://{service.address.host}:{service.address.port}"
    taken: dict[str, list[float]] = {what: [] for what in MOMENTS}
    with sync_playwright() as playwright:
        # Chromium has no sandbox for root.
        started = playwright.chromium.launch(
            executable_path=program, args=["--disable-gpu", "--no-first-run"] + ["--no-sandbox"] * (os.geteuid() == 0)
        )
        context = started.new_context(base_url=base, viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": cookie, "value": key, "url": base}])
        page = context.new_page()
        for number in range(OPENED + 1):
            page.goto(f"/graph?asset={asset}")
            page.locator("#graph-canvas[data-drawn]").wait_for()
            # The graph can be drawn before the browser notes that it has painted anything. Asked from here: a page
            # whose policy forbids eval cannot wait for a condition by itself.
            for _ in range(NOTED_WITHIN_MS // ASKED_EVERY_MS):
                if page.evaluate(HAS_PAINTED):
                    break
                page.wait_for_timeout(ASKED_EVERY_MS)
            else:
                raise BenchError("the browser noted no first paint")
            for what, expression in MOMENTS.items():
                if number:
                    taken[what].append(page.evaluate(expression))
        started.close()
    return taken
