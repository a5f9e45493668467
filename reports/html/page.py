"""The page: one HTML file with all in it. Nothing is loaded, nothing that a model wrote is ever markup.

A Content-Security-Policy allows the one style and the one script, by their hashes, and forbids everything else: other
scripts, event handlers, images, connections, forms. Scripts may not write markup either (`require-trusted-types-for`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources

from samescore.reports.contents import Contents, LineKind, ReportedRun
from samescore.reports.html import calls, cases, operators, origin, procedures, scores, verdict
from samescore.reports.html.packed import Packed, packed
from samescore.reports.html.texts import TEXTS as PAGE_TEXTS
from samescore.reports.markup import Child, Markup, joined, tag, visible
from samescore.reports.replaceable import GENERATOR
from samescore.reports.words import TEXTS, Words

_STYLE = re.compile(r"<style>(.*?)</style>\n?", re.DOTALL)
_INLINE = ' style="max-width: 100%; height: auto"'
_DARK = """color-scheme: dark;
  --paper: #0f131a; --raised: #171d27; --text: #e8ecf2; --quiet: #9ba6b7; --rule: #262e3b; --line: #3c4657;
  --accent: #8fabff; --good: #5fcfb6; --good-fill: #12332d; --bad: #ff9aa0; --bad-fill: #401d22;
  --unsure: #eebc63; --unsure-fill: #3a2b0d; --broken: #c9a8f5; --broken-fill: #2f2145; --none: #9ba6b7;
  --none-fill: #212936; --shade: #232b38; --beyond: #33191d;
  --cast: rgb(232 236 242 / 30%);"""
_TOLD = ("cases.", "talk.", "stop.")
"""The texts that the script needs, by how their keys begin."""


def html_of(contents: Contents) -> str:
    """The report as one HTML file, the same for the same contents."""
    words = Words(contents.language, {**TEXTS, **PAGE_TEXTS})
    held = packed(contents)
    body = _body(contents, held, words).text
    style, body = _hoisted(_resource("style.css").replace("DARK", _DARK), body)
    script = _resource("report.js")
    head = joined(
        Markup('<meta charset="utf-8">'),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"{GENERATOR} {contents.version}"),
        tag("title", contents.title),
        tag("style", Markup(style)),
    )
    rest = joined(
        _inert("packed", "application/octet-stream", held.text),
        _inert("words", "application/json", _told(contents, words)),
        tag("script", Markup(script)),
    )
    page = tag("html", tag("head", head), tag("body", Markup(body), rest, class_="report"), lang=contents.language)
    return f"<!doctype html>\n{page}\n"


def _body(contents: Contents, held: Packed, words: Words) -> Markup:
    """Everything that is seen."""
    several = verdict.runs(contents, words)
    articles = [_article(contents, number, run, words) for number, run in enumerate(contents.runs)]
    names = dict.fromkeys(name for article in articles for name, _ in article)
    return joined(
        tag("a", words("page.skip"), class_="skip", href="#decision"),
        tag(
            "div",
            tag("span", "samescore", class_="mark"),
            tag("button", words("page.theme"), type="button", id="theme"),
            tag("button", words("page.print"), type="button", id="print"),
            class_="bar",
        ),
        tag(
            "div",
            _navigation(contents, list(names), words),
            tag(
                "main",
                verdict.decision(contents, words),
                several,
                _switch(contents, words),
                (_whole(contents, number, article) for number, article in enumerate(articles)),
                _cut(held, words),
                tag("footer", words("page.foot", version=contents.version)),
            ),
            class_="frame",
        ),
        _dialog(words),
    )


def _article(contents: Contents, number: int, run: ReportedRun, words: Words) -> list[tuple[str, Markup]]:
    """The sections of one run that have something to say, with their names."""
    place = f"-{number}" if number else ""
    baseline = contents.baseline
    found = {
        "errors": scores.errors(run, words, place),
        "targets": scores.targets(run, words, place),
        "rules": scores.rules(run, words, number, place),
        "metrics": scores.metrics(run, words, place),
        "procedures": procedures.procedures(run, words, place),
        "operators": operators.operators(run, words, place),
        "changes": cases.changes(run, words, number, place),
        "cases": cases.cases(run, words, number, place, baseline is not None),
        "tools": calls.tools(run, words, place),
        "parser": calls.parser(run, words, number, place),
        "effort": origin.effort(run, baseline, words, place),
        "provenance": origin.provenance(run, baseline, words, place),
    }
    return [(name, part) for name, part in found.items() if part is not None]


def _whole(contents: Contents, number: int, parts: Sequence[tuple[str, Markup]]) -> Markup:
    name = contents.runs[number].name
    head = tag("h2", name) if len(contents.runs) > 1 else None
    return tag("article", head, *(part for _, part in parts), data_run=number, aria_label=name)


def _switch(contents: Contents, words: Words) -> Markup | None:
    """Which of several runs is shown in detail; without a script all are."""
    if len(contents.runs) < 2:
        return None
    choices = [
        tag("label", tag("input", type="radio", name="run", value=number, checked=number == 0), " ", run.name)
        for number, run in enumerate(contents.runs)
    ]
    return tag("fieldset", tag("legend", words("column.run")), *choices, class_="switch", hidden=True)


def _navigation(contents: Contents, names: Sequence[str], words: Words) -> Markup:
    """Links to the sections; the script turns those of a run to the run that is shown."""
    links = [tag("a", words(f"outcome.{contents.decision.outcome}"), href="#decision")]
    if len(contents.runs) > 1:
        links.append(tag("a", words("head.runs"), href="#runs"))
    links += [tag("a", words(f"head.{name}"), href=f"#{name}", data_name=name) for name in names]
    return tag("nav", tag("ol", *(tag("li", link) for link in links)), class_="toc", aria_label=words("page.contents"))


def _cut(held: Packed, words: Words) -> Markup | None:
    if held.kept == held.rollouts:
        return None
    counts = {"kept": words.number(held.kept), "all": words.number(held.rollouts)}
    return tag("p", words("cases.cut", **counts), class_="aside warn")


def _dialog(words: Words) -> Markup:
    def button(name: str, sign: str) -> Markup:
        shown: Child = sign or words(f"talk.{name}")
        label = words(f"talk.{name}") if sign else None
        return tag("button", shown, type="button", class_=name, aria_label=label, title=label)

    return tag(
        "dialog",
        tag(
            "header",
            tag("div", tag("h2", id="talk-title"), tag("p", class_="note"), class_="about"),
            tag("select", aria_label=words("talk.epoch"), hidden=True),
            button("previous", "←"),
            button("next", "→"),
            button("close", ""),
        ),
        tag("div", class_="sides", tabindex=0),
        id="talk",
        aria_labelledby="talk-title",
    )


def _told(contents: Contents, words: Words) -> str:
    """What the script knows, as JSON in which nothing can end the element that holds it."""
    runs = [visible(run.name) for run in contents.runs]
    told = {
        "language": contents.language,
        "kinds": [kind.value for kind in LineKind],
        "runs": [*runs, *([visible(contents.baseline.name)] if contents.baseline else [])],
        "baseline": len(runs) if contents.baseline else -1,
        **{key: words.texts[key][0 if contents.language == "en" else 1] for key in _script_texts(words)},
    }
    return json.dumps(told, ensure_ascii=True).replace("<", "\\u003c")


def _script_texts(words: Words) -> Iterator[str]:
    yield from (key for key in words.texts if key.startswith(_TOLD))


def _hoisted(style: str, body: str) -> tuple[str, str]:
    """The styles of pictures of ours moved into the page's own, each once: the policy allows no other."""
    styles = dict.fromkeys(_STYLE.findall(body))
    return "\n".join([*styles, style]), _STYLE.sub("", body).replace(_INLINE, "")


def _policy(style: str, script: str) -> str:
    rules = {
        "default-src": "'none'",
        "style-src": f"'sha256-{_digest(style)}'",
        "script-src": f"'sha256-{_digest(script)}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _inert(name: str, kind: str, text: str) -> Markup:
    """Data that no browser runs. It holds no `<`."""
    assert "<" not in text, "data that could end its element"
    return tag("script", Markup(text), type=kind, id=name)


@cache
def _resource(name: str) -> str:
    return resources.files("samescore.reports.html").joinpath(name).read_text(encoding="utf-8")
