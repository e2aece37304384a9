"""Photograph the demo's model in the portal, as the README shows it."""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import packages  # beside this file
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 1440
# Down to the end of this section: the rest of the page tells of single runs.
LAST_SECTION = "#versions"
MARGIN = 24


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/picture", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=ROOT / "docs" / "pictures" / "asset.png")
    options = parser.parse_args()
    data_dir = Path(os.environ.get("ASSAY_DATA") or ROOT / "var")
    try:
        url = json.loads((data_dir / "run" / "server.json").read_text(encoding="utf-8"))["url"]
        passwords = json.loads((data_dir / "secrets" / "demo_users.json").read_text(encoding="utf-8"))
    except OSError as error:
        sys.exit(f"No demo runs on {data_dir}: start script/demo first ({error}).")
    take(url, "demo-owner", passwords["demo-owner"], options.file)
    print(f"{options.file}: {options.file.stat().st_size // 1000} kB")


def take(url: str, name: str, password: str, file: Path) -> None:
    program = next(filter(None, map(shutil.which, packages.CHROMIUM)), None)
    if program is None:
        sys.exit(f"There is no browser: none of {', '.join(packages.CHROMIUM)} is on the PATH.")
    # Where this runs as root the sandbox cannot start.
    arguments = ["--disable-gpu"] + ["--no-sandbox"] * (os.geteuid() == 0)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=arguments)
        page = started.new_page(
            base_url=url, viewport={"width": WIDTH, "height": 900}, color_scheme="light", locale="en-GB"
        )
        page.goto("/sign-in?next=/assets%3Fkind%3Dmodel")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.locator(".asset-row__name").first.click()
        page.locator("[data-drawn]").wait_for()
        end = page.locator(LAST_SECTION).bounding_box()
        assert end is not None, "The section is not shown."
        height = round(end["y"] + end["height"]) + MARGIN
        page.set_viewport_size({"width": WIDTH, "height": height})
        file.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=file, animations="disabled")
        started.close()


if __name__ == "__main__":
    main()
