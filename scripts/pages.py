"""Pages of the kit in headless Chromium: requests, console, accessibility, pictures.

axe-core comes from npm into a temporary folder; the page's own content security policy is set aside
for it, and for nothing else. Ends with status 1 if a page asks for anything but itself, says
something to the console, is wider than a phone, or has a serious finding.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.browser import Browser, Tab

PHONE, DESK = 360, 1280
SERIOUS = {"serious", "critical"}
RUN = (
    "axe.run(document, {resultTypes: ['violations']}).then(found => JSON.stringify("
    "found.violations.map(one => [one.impact, one.id, one.nodes.length, one.nodes[0].html])))"
)


def axe(folder: Path) -> str:
    """The source of axe-core."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("there is no npm to fetch axe-core with")
    command = [npm, "install", "--silent", "--no-fund", "--no-audit", "axe-core"]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def complaints(tab: Tab, page: Path) -> list[str]:
    """What a page does that it should not."""
    found = []
    for width in (DESK, PHONE):
        tab.size(width, 900)
        tab.open(page)
        if (wide := tab.see("document.documentElement.scrollWidth")) > width:
            found.append(f"is {wide} pixels wide in a window of {width}")
    asked = {event["request"]["url"] for event in tab.events("Network.requestWillBeSent")}
    found += [f"asks for {url}" for url in sorted(asked - {page.as_uri()})]
    said = tab.events("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
    return found + [f"says to the console: {json.dumps(event)[:200]}" for event in said]


def findings(tab: Tab, page: Path, source: str) -> list[tuple[str, str]]:
    """Impact and words of what axe-core finds, at both widths."""
    tab.call("Page.setBypassCSP", enabled=True)
    found = {}
    for width in (DESK, PHONE):
        tab.size(width, 900)
        tab.open(page)
        tab.see(f"{source};0")
        for impact, rule, count, html in json.loads(tab.see(RUN)):
            found[rule] = (impact, f"{rule} ({impact}, {count} places): {html[:120]}")
    tab.call("Page.setBypassCSP", enabled=False)
    return list(found.values())


def picture(tab: Tab, page: Path, folder: Path) -> None:
    """The top of the page on a desk and on a phone, light and dark."""
    for name, width, height, scheme in (
        ("desk", DESK, 1000, "light"),
        ("phone-dark", PHONE, 780, "dark"),
    ):
        tab.size(width, height)
        scheme_is = {"name": "prefers-color-scheme", "value": scheme}
        tab.call("Emulation.setEmulatedMedia", features=[scheme_is])
        tab.open(page)
        data = tab.call("Page.captureScreenshot", format="png")["data"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{page.stem}-{name}.png").write_bytes(base64.b64decode(data))


def main() -> int:
    """Check every page named."""
    parser = argparse.ArgumentParser(prog="scripts/pages", description=__doc__.split("\n")[0])
    parser.add_argument("pages", nargs="+", type=Path, metavar="PAGE")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="write PNG files there")
    options = parser.parse_args()
    bad = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = axe(folder)
        browser = Browser(folder / "profile")
        try:
            for number, page in enumerate(path.resolve() for path in options.pages):
                tab = Tab(browser, folder / f"downloads-{number}")
                wrong = complaints(tab, page)
                found = findings(tab, page, source)
                serious = [words for impact, words in found if impact in SERIOUS]
                bad |= bool(wrong or serious)
                print(f"{page.name}: {len(wrong)} complaints, {len(found)} findings of axe-core")
                for words in [*wrong, *(words for _, words in found)]:
                    print(f"  {words}")
                if options.pictures is not None:
                    picture(tab, page, options.pictures)
        finally:
            browser.close()
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
