"""A headless Chromium for tests: a page's DOM after its scripts would have run, or a page that is clicked through; and
what its console said.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
needs_driver = pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="no chromium with a driver here")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--enable-logging=stderr",
    "--v=0",
    "--virtual-time-budget=2000",
)
_CONSOLE = re.compile(r":CONSOLE[:(]")


def opened(path: Path, profile: Path) -> tuple[str, list[str]]:
    """The DOM of a file as text, and the lines that its console printed."""
    assert CHROMIUM is not None
    command = [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if _CONSOLE.search(line)]


@contextmanager
def driven(width: int = 1400, height: int = 1000) -> Iterator[Any]:
    """A browser to click with, by Selenium."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.add_argument(f"--window-size={width},{height}")
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield chrome
    finally:
        chrome.quit()
