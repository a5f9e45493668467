"""Procedures in words: as a numbered list, bullets, a paragraph or pseudo-code, in English or Vietnamese."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date

from samescore.trainers.pretrain.fields import literal
from samescore.trainers.pretrain.procedures import Action, Condition, Procedure
from samescore.trainers.pretrain.toolsets import Tool

_HEADS = {
    "en": (
        "Procedure to {do} a {thing}:", "How to {do} a {thing}:", "Requests to {do} a {thing}:", "{tool}:",
        "When a customer wants to {do} a {thing}:", "Rules for {tool}:",
    ),
    "vi": (
        "Quy trình {do} {thing}:", "Cách {do} {thing}:", "Yêu cầu {do} {thing}:", "{tool}:",
        "Khi khách muốn {do} {thing}:", "Quy định cho {tool}:",
    ),
}  # fmt: skip
_ASK = {
    "en": ("Ask for {fields}.", "Find out {fields} from the customer.", "You need {fields}."),
    "vi": ("Hỏi {fields}.", "Hỏi khách {fields}.", "Cần biết {fields}."),
}
_READ = {
    "en": ("First call {tool}.", "Call {tool}.", "Look at {tool} first.", "Start with {tool}."),
    "vi": ("Trước hết gọi {tool}.", "Gọi {tool}.", "Xem {tool} trước.", "Bắt đầu bằng {tool}."),
}
_REFUSE = {"en": ("refuse", "decline", "say no"), "vi": ("từ chối", "không chấp nhận", "từ chối yêu cầu")}
_ANSWER = {"en": ("just answer", "only inform the customer"), "vi": ("chỉ trả lời", "chỉ báo cho khách")}
_CALL = {
    "en": ("call {tool}", "use {tool}", "go on with {tool}"),
    "vi": ("gọi {tool}", "dùng {tool}", "thực hiện {tool}"),
}
_IF = {
    "en": ("If {cond}, {then}.", "When {cond}: {then}.", "{then} if {cond}."),
    "vi": ("Nếu {cond} thì {then}.", "Khi {cond}: {then}.", "{then} nếu {cond}."),
}
_ELSE_IF = {
    "en": ("Otherwise, if {cond}, {then}.", "Else if {cond}: {then}.", "If not, and {cond}, {then}."),
    "vi": ("Ngược lại, nếu {cond} thì {then}.", "Nếu không, khi {cond}: {then}.", "Còn nếu {cond} thì {then}."),
}
_ELSE = {
    "en": ("Otherwise {then}.", "Else {then}.", "In all other cases {then}."),
    "vi": ("Còn lại thì {then}.", "Nếu không thì {then}.", "Các trường hợp khác: {then}."),
}


def action_text(rng: random.Random, action: Action, lang: str) -> str:
    """What to do, in words, with the arguments that the procedure fixes."""
    if action.tool is None:
        return rng.choice((_REFUSE if action.kind == "refuse" else _ANSWER)[lang])
    text = rng.choice(_CALL[lang]).format(tool=action.tool.name)
    fixed = ", ".join(f"{field.name} {literal(value)}" for field, value in action.constants)
    return f"{text} {'với' if lang == 'vi' else 'with'} {fixed}" if fixed else text


def _named(rng: random.Random, condition: Condition, lang: str, today: date) -> str:
    text = condition.text(rng, lang, today)
    if condition.formula == "{a}" and rng.random() < 0.7:
        return text
    word = "quy tắc" if lang == "vi" else "rule"
    return rng.choice((f"{text} ({word} {condition.name})", f"({word} {condition.name}) {text}"))


def rule_steps(rng: random.Random, rules: Sequence[tuple[Condition, Action]], lang: str, today: date) -> list[str]:
    """The rules in order, a sentence each."""
    steps = []
    for index, (condition, action) in enumerate(rules):
        frame = rng.choice((_ELSE_IF if index else _IF)[lang])
        then = action_text(rng, action, lang)
        step = frame.format(cond=_named(rng, condition, lang, today), then=then)
        steps.append(step[0].upper() + step[1:])
    return steps


def heading(rng: random.Random, goal: Tool, lang: str) -> str:
    """The procedure's title."""
    do = rng.choice(goal.verb.vi if lang == "vi" else goal.verb.en)
    return rng.choice(_HEADS[lang]).format(do=do, thing=goal.noun.vi if lang == "vi" else goal.noun.en, tool=goal.name)


def _steps(rng: random.Random, procedure: Procedure, lang: str, today: date) -> list[str]:
    steps = [rng.choice(_ASK[lang]).format(fields=item.name) for item in procedure.asks]
    steps += [rng.choice(_READ[lang]).format(tool=tool.name) for tool in procedure.readers]
    steps += rule_steps(rng, procedure.rules, lang, today)
    steps.append(rng.choice(_ELSE[lang]).format(then=action_text(rng, procedure.otherwise, lang)))
    return [step[0].upper() + step[1:] for step in steps]


def _code(rng: random.Random, procedure: Procedure, lang: str, today: date) -> list[str]:
    lines = [f"ask {item.name}" for item in procedure.asks] + [f"call {tool.name}" for tool in procedure.readers]
    for index, (condition, action) in enumerate(procedure.rules):
        label = "" if condition.formula == "{a}" else f"{condition.name}: "
        keyword = "elif" if index else "if"
        lines.append(f"{label}{keyword} {condition.text(rng, lang, today)} then {action_text(rng, action, lang)}")
    lines.append(f"else {action_text(rng, procedure.otherwise, lang)}")
    return lines


def procedure_text(rng: random.Random, procedure: Procedure, lang: str, today: date) -> str:
    """The procedure as the system message shows it."""
    head = heading(rng, procedure.goal, lang)
    style = rng.choice(("numbered", "numbered", "bullets", "paragraph", "code"))
    if style == "code":
        return "\n".join([head, *_code(rng, procedure, lang, today)])
    steps = _steps(rng, procedure, lang, today)
    if style == "paragraph":
        return " ".join([head, *steps])
    marks = [f"{i}. " for i in range(1, len(steps) + 1)] if style == "numbered" else ["- "] * len(steps)
    return "\n".join([head, *(mark + step for mark, step in zip(marks, steps, strict=True))])
