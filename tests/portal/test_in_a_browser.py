"""The main way through the portal in a real browser, on a real server, under the real content security policy."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import psutil
import pytest
import requests
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from django.db import connections
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from governance.models import User
from lineage import identity
from policies import incidents, publishing
from policies.incidentmodels import Incident
from policies.incidents import Found, Kind
from policies.models import Promotion
from tests import service
from tests.conftest import CommittedDatabase
from tests.portal.conftest import POLICY
from tests.portal.scenes import HOSTILE, RUN, WAREHOUSE

Result = TypeVar("Result")
ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PASSWORD = "correct horse battery"
READY_S = 180
AXE_OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# Machines under load draw late.
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium, chromium-browser or google-chrome on the PATH"),
]


def found_by_axe(page: Page) -> list[Any]:
    """What axe-core finds on a page at rest: a button that is changing its colours has neither contrast."""
    page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")
    violations: list[Any] = Axe().run(page, options=AXE_OPTIONS).response["violations"]
    return violations


def apart(work: Callable[[], Result]) -> Result:
    """Do this in a thread of its own: Playwright runs an event loop in this one, beside which Django does no query."""

    def done() -> Result:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(done).result()


def let_in(user: User) -> None:
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])


class Server:
    """The web server as it runs in production, with the static files collected. Begins when it is first needed."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.process: subprocess.Popen[bytes] | None = None
        self.address = ""

    def begin(self, environment: Mapping[str, str]) -> None:
        given = {**environment, "ASSAY_DATA": str(self.data_dir), "DJANGO_SETTINGS_MODULE": "governance.settings"}
        collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
        subprocess.run(collect, cwd=ROOT, env=given, check=True)
        port = str(service.free_port())
        serve = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", port, "governance.wsgi:application"]
        with (self.data_dir / "server.log").open("w") as log:
            # A session of its own, so that all of its processes can be ended.
            self.process = subprocess.Popen(serve, cwd=ROOT, env=given, stdout=log, stderr=log, start_new_session=True)
        self.address = f"http://127.0.0.1:{port}"
        until = time.monotonic() + READY_S
        while time.monotonic() < until and self.process.poll() is None:
            with suppress(requests.ConnectionError):
                if requests.get(f"{self.address}/sign-in", timeout=5).ok:
                    return
            time.sleep(0.1)
        pytest.fail(f"The web server did not answer: {(self.data_dir / 'server.log').read_text()}")

    def end(self) -> None:
        if self.process is None:
            return
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.terminate()
        self.process.wait(timeout=90)
        # Its workers hold connections, and the test database cannot be dropped before they are gone.
        _, alive = psutil.wait_procs(family, timeout=30)
        for survivor in alive:
            survivor.kill()
        psutil.wait_procs(alive, timeout=10)


@pytest.fixture(scope="module")
def shared_server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    shared = Server(tmp_path_factory.mktemp("server"))
    yield shared
    shared.end()


@pytest.fixture
def server(committed_db: CommittedDatabase, shared_server: Server) -> str:
    """The server's address. It reads what the test has committed."""
    if shared_server.process is None:
        shared_server.begin(committed_db.environment)
    return shared_server.address


@pytest.fixture
def browser() -> Iterator[Browser]:
    # Where tests run as root the sandbox cannot start.
    arguments = ["--disable-gpu", "--no-first-run"] + ["--no-sandbox"] * (os.geteuid() == 0)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments, timeout=PATIENCE_MS)
        yield started
        started.close()


@pytest.fixture
def open_page(server: str, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page with this person signed in. Whatever the browser complains of fails the test."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def opened(user: User, *, width: int = 1440, dark: bool = False) -> Page:
        apart(lambda: let_in(user))
        context = browser.new_context(
            base_url=server,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            timezone_id="Asia/Tokyo",
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/sign-in")
        page.get_by_label("User name").fill(user.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/assets")
        return page

    yield opened
    assert complaints == []


def test_from_sign_in_to_an_approved_promotion(
    ask: Callable[..., Promotion],
    judge: Callable[[Promotion], Promotion],
    approver: User,
    open_page: Callable[..., Page],
) -> None:
    promotion = apart(ask)
    page = open_page(approver)

    # Search as one types.
    page.get_by_label("Search by name or namespace").press_sequentially("credit-r", delay=20)
    expect(page.locator("#asset-list tbody tr")).to_have_count(1)
    expect(page).to_have_url(f"{page.url.split('/assets')[0]}/assets?q=credit-r")

    # The asset and its drawing.
    page.get_by_role("link", name="credit-risk").click()
    expect(page.locator("#lineage-canvas")).to_have_attribute("data-drawn", "6")
    assert page.evaluate(
        "[...document.querySelectorAll('#lineage-canvas canvas')].some((canvas) => canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte > 0))"
    ), "Nothing is drawn."
    page.get_by_text("The same as a list").click()
    expect(page.locator(".lineage__list tbody tr")).to_have_count(5)
    page.get_by_label("Upstream").check()
    expect(page.locator("#lineage-canvas")).to_have_attribute("data-drawn", "4")

    # The promotion fills in while the page is open.
    page.get_by_role("link", name="Promotions").click()
    page.get_by_role("link", name="credit-risk 7").click()
    expect(page.get_by_role("heading", name="Checking")).to_be_visible()
    apart(lambda: judge(promotion))
    expect(page.get_by_role("heading", name="Waiting for 1 approval")).to_be_visible()
    expect(page.locator("#announcements")).to_contain_text("Waiting for 1 approval")

    page.get_by_label("Reason").fill("Looked at the holdout.")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Passed")).to_be_visible()
    expect(page.get_by_text("Looked at the holdout.")).to_be_visible()


def test_what_one_writes_is_not_lost_to_a_refresh(
    ask: Callable[..., Promotion],
    judge: Callable[[Promotion], Promotion],
    approver: User,
    open_page: Callable[..., Page],
) -> None:
    promotion = apart(ask)
    page = open_page(approver)
    page.goto(f"/promotions/{promotion.uuid}")
    reason = page.get_by_label("Reason")
    reason.fill("Half a sentence")
    apart(lambda: judge(promotion))

    page.wait_for_timeout(2_500)

    expect(reason).to_have_value("Half a sentence")


def test_times_are_those_of_the_reader(graph: UUID, member: User, open_page: Callable[..., Page]) -> None:
    page = open_page(member)
    page.goto(f"/runs/{RUN}")

    # 09:58 in UTC.
    time = page.locator("time").first
    expect(time).to_contain_text("6:58")
    expect(time).to_have_attribute("title", "2026-01-02 09:58:00 UTC")

    # A day is one in UTC, for all alike, and goes along.
    page.get_by_label("As of").fill("2026-01-02")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("note")).to_contain_text("As of 2 Jan 2026.")
    page.get_by_role("link", name="credit-risk").click()
    expect(page.get_by_role("note")).to_contain_text("As of 2 Jan 2026.")
    page.get_by_role("link", name="Back to now").click()
    expect(page.get_by_role("note")).to_have_count(0)


def test_the_chosen_colours_are_there_at_once_on_the_next_page(member: User, open_page: Callable[..., Page]) -> None:
    page = open_page(member)
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.goto("/teams")

    assert dark != light
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")


def test_a_refused_part_says_why(graph: UUID, member: User, browser: Browser, server: str) -> None:
    apart(lambda: let_in(member))
    page = browser.new_page(base_url=server)
    page.set_default_timeout(PATIENCE_MS)
    page.goto("/sign-in?next=/assets")
    page.get_by_label("User name").fill("member")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/assets")

    page.get_by_label("Search by name or namespace").fill("x" * 501)

    expect(page.get_by_role("alert")).to_contain_text("longer than 500 characters")


def addresses(model: UUID, promotion: Promotion) -> list[str]:
    """Every page that is open to all who are signed in, the lists with rows in them."""
    return [
        "/assets",
        "/assets?q=nothing-like-this",
        f"/assets/{model}",
        "/assets?as_of=2026-01-02&known_at=2036-01-02",
        f"/assets/{model}?as_of=2026-01-02&known_at=2036-01-02",
        f"/assets/{identity.asset('dataset', WAREHOUSE, HOSTILE)}",
        f"/assets/{identity.asset('job', 'demo', HOSTILE)}/lineage",
        f"/versions/{identity.version(model, '7')}",
        f"/runs/{RUN}",
        "/promotions",
        "/promotions?state=withdrawn",
        f"/promotions/{promotion.uuid}",
        "/policies",
        "/policies/production-credit",
        "/teams",
        "/teams/credit",
        "/tokens",
    ]


def unbroken(model: UUID) -> Incident:
    """An incident and a note that are one long word each, as senders and people may write them."""
    word = "x" * 300
    publishing.publish(actor=None, text=POLICY % 0.9, note=word)
    return incidents.open_one(
        Found(
            kind=Kind.ALERT,
            key="of one long word",
            model=model,
            model_version=identity.version(model, "7"),
            namespace=word,
            model_name=word,
            version=word,
            stage=word[:100],
            severity="critical",
            headline=word,
        )
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_page_scrolls_sideways_on_a_phone(
    ask: Callable[..., Promotion], owner: User, open_page: Callable[..., Page], graph: UUID, dark: bool
) -> None:
    promotion = apart(ask)
    incident = apart(lambda: unbroken(graph))
    page = open_page(owner, width=390, dark=dark)
    wide = []
    for address in [*addresses(graph, promotion), f"/incidents/{incident.uuid}"]:
        page.goto(address)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(address)

    assert wide == []


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)], ids=["wide-light", "phone-dark"])
def test_no_page_shuts_a_reader_out(
    ask: Callable[..., Promotion],
    judge: Callable[[Promotion], Promotion],
    graph: UUID,
    approver: User,
    auditor: User,
    open_page: Callable[..., Page],
    width: int,
    dark: bool,
) -> None:
    """What axe-core can tell: contrast, names of controls, headings, landmarks, tables, what a keyboard reaches."""
    promotion = apart(ask)
    apart(lambda: judge(promotion))

    found = []
    for person, opened in ((approver, addresses(graph, promotion)), (auditor, ["/audit"])):
        page = open_page(person, width=width, dark=dark)
        for address in opened:
            page.goto(address)
            # Folded parts are looked at as well.
            page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
            for violation in found_by_axe(page):
                found.append((address, violation["id"], [node["html"][:120] for node in violation["nodes"]]))

    assert found == []


def test_the_menu_of_a_phone_opens_without_scripts(member: User, open_page: Callable[..., Page]) -> None:
    page = open_page(member, width=390)
    expect(page.get_by_role("link", name="Promotions")).to_be_hidden()

    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Promotions").click()

    page.wait_for_url("**/promotions")
