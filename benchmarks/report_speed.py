"""How long a report of many cases takes to make, what it weighs, and how long a browser takes to open it.

    python benchmarks/report_speed.py                     # 2,000 cases against a baseline

Two runs are made first: the SOP suite, the adversarial one, and a case file with as many further cases as are wanted.
An agent plays gold, and in a share of the cases something else: nothing, a malformed turn, a tool that does not exist.
Then `samescore report --html` is run in a new process, whose processor time is printed as well: a busy machine
stretches it less than the time on the clock. A headless Chromium opens the page, scrolls to the list of cases, which
unpacks the conversations, and opens one.
"""

from __future__ import annotations

import argparse
import platform
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from samescore.harness.case import Case
from samescore.harness.cli.loading import cases_of, load_suites, worlds_of
from samescore.harness.environment import World
from samescore.harness.evaluate import evaluate_sync
from samescore.harness.plan import CaseSuite, Plan
from samescore.harness.policies.script import ScriptPolicy
from samescore.harness.policy import Sampling
from samescore.harness.run import Run
from samescore.harness.types import Call, Message
from samescore.suites.case_file import add_cases

FAILING = {"baseline": 0.15, "candidate": 0.2}
SETTLED = """
const [entry] = performance.getEntriesByType("navigation");
const paint = performance.getEntriesByName("first-contentful-paint")[0];
return [entry.loadEventEnd, paint ? paint.startTime : 0];
"""


def idle(case: Case) -> Iterator[Message | str]:
    """Nothing is done."""
    yield Message("assistant", "One moment, please.")


def malformed(case: Case) -> Iterator[Message | str]:
    """A call that is not closed."""
    yield f'<tool_call>\n{{"name": "{case.toolset.tools[0].name}", "arguments": {{'


def unknown(case: Case) -> Iterator[Message | str]:
    """A tool that is not there, then gold."""
    yield Message("assistant", "", calls=(Call("look_up", {"case": case.id}),))
    yield from case.gold


WRONG: Sequence[Callable[[Case], Iterator[Message | str]]] = (idle, malformed, unknown)


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent that fails in a share of the cases, drawn by its name."""

    name: str
    share: float

    def policy(self) -> ScriptPolicy:
        """It, as a policy."""

        def script(case: Case, sampling: Sampling) -> Iterator[Message | str]:
            draw = random.Random(f"{self.name} {case.id}")
            return draw.choice(WRONG)(case) if draw.random() < self.share else iter(case.gold)

        return ScriptPolicy(self.name, script)


def suites_with(folder: Path, cases: int) -> list[CaseSuite]:
    """Suites that have so many cases together, the last of them a case file with what the others lack."""
    suites = load_suites(["sop", "adversarial"], "eval", None)
    missing = cases - len(cases_of(suites))
    if missing > 0:
        more = load_suites(["sop"], "train", None)
        path = folder / "more.jsonl"
        chosen = [replace(case, id=f"more/{case.id}") for case in cases_of(more)[:missing]]
        add_cases(path, chosen, worlds_of(more), {})
        suites += load_suites([str(path)], "eval", None)
    return suites


def made(folder: Path, suites: Sequence[CaseSuite], worlds: dict[str, World], agent: Agent, limit: int) -> Run:
    """A run of that agent."""
    policy, plan = agent.policy(), Plan.make(suites, limit=limit)
    run = Run.create(folder, plan, policy, worlds, suites=suites)
    evaluate_sync(suites, policy, worlds, plan, run)
    return run


def timed(what: str, function: Callable[[], Any]) -> Any:
    """Print how long a function takes, and give what it gives."""
    began, worked = time.perf_counter(), _processor()
    result = function()
    print(f"{what:<44} {time.perf_counter() - began:6.2f} s {_processor() - worked:6.2f} s of a processor", flush=True)
    return result


def opened(page: Path) -> None:
    """Print how long a browser takes to open the page, to list its cases, and to open one."""
    driver = shutil.which("chromedriver")
    if driver is None:
        print("no chromedriver here: how long a browser takes is not measured")
        return
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1440,900",
    ):
        options.add_argument(flag)
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as browser:
        browser.get("about:blank")
        for turn in ("first", "second"):
            browser.get(page.as_uri())
            while not all(browser.execute_script(SETTLED)):
                time.sleep(0.01)
            loaded, painted = browser.execute_script(SETTLED)
            print(f"opened, the {turn} time: loaded after {loaded:.0f} ms, the decision painted after {painted:.0f} ms")
        began = time.perf_counter()
        browser.execute_script("document.querySelector('#cases').scrollIntoView()")
        while not browser.find_elements("css selector", ".list li"):
            time.sleep(0.01)
        print(f"conversations unpacked and cases listed after {time.perf_counter() - began:.2f} s")
        began = time.perf_counter()
        browser.find_element("css selector", ".list button").click()
        while not browser.find_elements("css selector", ".side"):
            time.sleep(0.005)
        print(f"a case opened after {time.perf_counter() - began:.2f} s")


def _processor() -> float:
    """Of this process and its children, in seconds."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    """Make the runs, then print a line for each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2_000)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="Keep the page here.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        suites = suites_with(folder, options.cases)
        worlds = worlds_of(suites)
        runs = [
            made(folder / name, suites, worlds, Agent(name, share), options.cases) for name, share in FAILING.items()
        ]
        print(f"{len(runs[0].plan.cases):,} cases, a run and its baseline", end="")
        print(f" ({platform.machine()}, Python {platform.python_version()})")
        page = folder / "report.html"
        command = [sys.executable, "-m", "samescore.harness.cli.app", "report", str(folder / "candidate")]
        command += ["--baseline", str(folder / "baseline"), "--html", str(page)]
        timed("samescore report --html, a new process", lambda: subprocess.run(command, check=True))
        print(f"{page.stat().st_size:,} bytes")
        if options.keep is not None:
            shutil.copyfile(page, options.keep)
        opened(page)


if __name__ == "__main__":
    main()
