"""Playbooks in words: every call with where its arguments come from, in several notations, in either language."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date

from samescore.trainers.pretrain.fields import literal
from samescore.trainers.pretrain.phrases import Bank, say
from samescore.trainers.pretrain.playbooks import Binding, Fixed, Known, Playbook, Source, Stage, Step
from samescore.trainers.pretrain.procedure_text import heading, rule_steps
from samescore.trainers.pretrain.structure import Group, Leaf, Node

_ASK = {
    "en": ("Ask for {fields}.", "You need {fields}.", "Collect {fields}."),
    "vi": ("Hỏi {fields}.", "Cần biết {fields}.", "Thu thập {fields}."),
}
_CALL = {
    "en": ("Call {calls}.", "Then call {calls}.", "Use {calls}."),
    "vi": ("Gọi {calls}.", "Rồi gọi {calls}.", "Dùng {calls}."),
}
_TOGETHER = {
    "en": ("In one turn call {calls}.", "Call together {calls}.", "At the same time: {calls}.", "At once: {calls}."),
    "vi": ("Trong một lượt gọi {calls}.", "Gọi cùng lúc {calls}.", "Đồng thời: {calls}.", "Gọi song song: {calls}."),
}
_RETRY = {
    "en": ("{tool}: at most {n} retries.", "Try {tool} again at most {n} times.", "Repeat {tool} up to {n} times."),
    "vi": (
        "{tool}: thử lại tối đa {n} lần.",
        "Gọi lại {tool} không quá {n} lần.",
        "{tool}: nhiều nhất {n} lần thử lại.",
    ),
}
_TELL = {
    "en": ("Tell the customer {fields}.", "Answer with {fields}.", "Then state {fields}."),
    "vi": ("Báo cho khách {fields}.", "Trả lời kèm {fields}.", "Sau đó nêu {fields}."),
}
_WORDING = {
    "en": ('Reply: "{template}"', 'Answer in these words: "{template}"', "Final reply: {template}"),
    "vi": ('Trả lời: "{template}"', 'Trả lời đúng câu này: "{template}"', "Câu trả lời cuối: {template}"),
}
_TERMS = {
    "en": ("Use the words {terms} in the reply.", "The reply names: {terms}."),
    "vi": ("Câu trả lời phải có các từ: {terms}.", "Dùng đúng các từ {terms} khi trả lời."),
}

Notation = Callable[[Source], str]


def _notation(rng: random.Random, lang: str) -> Notation:
    """How this playbook refers to a value of a result."""
    style = rng.choice(("dotted", "dotted", "dollar", "of", "bare"))
    of = "của" if lang == "vi" else "of"

    def name(source: Source) -> str:
        if isinstance(source, Fixed):
            return literal(source.text)
        sign = "$" if style == "dollar" else ""
        if source.origin is None:
            return sign + source.field.name
        if style == "of":
            return f"{source.path} {of} {source.origin.name}"
        return source.path if style == "bare" else f"{sign}{source.origin.name}.{source.path}"

    return name


def _value(binding: Binding, name: Notation) -> str:
    if binding.listed:
        return "[" + ", ".join(name(source) for source in binding.sources) + "]"
    return name(binding.sources[0])


def _braces(nodes: tuple[Node, ...], values: dict[str, str]) -> str:
    parts = []
    for node in nodes:
        if isinstance(node, Leaf):
            parts.append(f"{node.key}: {values[node.field.name]}")
        else:
            parts.append(f"{node.key}: {{{_braces(node.members, values)}}}")
    return ", ".join(parts)


def _dotted(nodes: tuple[Node, ...], values: dict[str, str], prefix: str = "") -> list[str]:
    parts = []
    for node in nodes:
        if isinstance(node, Leaf):
            parts.append(f"{prefix}{node.key} = {values[node.field.name]}")
        elif isinstance(node, Group):
            parts += _dotted(node.members, values, f"{prefix}{node.key}.")
    return parts


def _call_text(step: Step, name: Notation, style: str, lang: str) -> str:
    """The tool with what is passed to it; values told under the parameter's own name are only named."""
    values = {binding.field.name: _value(binding, name) for binding in step.bindings}
    plain = all(isinstance(b.sources[0], Known) and b.sources[0].path == b.field.name for b in step.bindings)
    if plain and not any(isinstance(node, Group) for node in step.tool.takes) and style != "braces":
        return f"{step.tool.name} {'với' if lang == 'vi' else 'with'} {', '.join(values.values())}"
    if style == "braces":
        return f"{step.tool.name} {{{_braces(step.tool.takes, values)}}}"
    if style == "brackets":
        return f"{step.tool.name}({_braces(step.tool.takes, values)})"
    return f"{step.tool.name} {'với' if lang == 'vi' else 'with'} {', '.join(_dotted(step.tool.takes, values))}"


def _stage_text(rng: random.Random, stage: Stage, name: Notation, style: str, lang: str) -> str:
    joint = rng.choice((" và ", "; ") if lang == "vi" else (" and ", "; ")) if style == "dotted" else ", "
    calls = joint.join(_call_text(step, name, style, lang) for step in stage)
    return rng.choice((_TOGETHER if len(stage) > 1 else _CALL)[lang]).replace("{calls}", calls)


def playbook_text(
    rng: random.Random, book: Playbook, limits: dict[str, int], bank: Bank, lang: str, today: date
) -> str:
    """The playbook as the system message shows it; `bank` is of the language `lang`."""
    name, style = _notation(rng, lang), rng.choice(("braces", "braces", "dotted", "brackets"))
    steps = [rng.choice(_ASK[lang]).format(fields=", ".join(item.name for item in book.slots))]
    steps += [_stage_text(rng, stage, name, style, lang) for stage in book.reads]
    steps += rule_steps(rng, book.procedure.rules, lang, today)
    steps += [_stage_text(rng, stage, name, style, lang) for stage in book.acts]
    steps += [rng.choice(_RETRY[lang]).format(tool=tool, n=n) for tool, n in limits.items()]
    if book.reply.quoted:
        steps.append(rng.choice(_WORDING[lang]).replace("{template}", book.reply.template))
    else:
        steps.append(rng.choice(_TELL[lang]).format(fields=", ".join(item.name for item in book.reply.items)))
        if book.reply.terms:
            steps.append(rng.choice(_TERMS[lang]).format(terms=", ".join(book.reply.terms)))
    if book.secrets:
        steps.append(say(rng, bank.secret_rule, fields=", ".join(book.secrets)))
    head = heading(rng, book.procedure.goal, lang)
    shape = rng.choice(("numbered", "numbered", "bullets", "paragraph"))
    if shape == "paragraph":
        return " ".join([head, *steps])
    marks = [f"{i}. " for i in range(1, len(steps) + 1)] if shape == "numbered" else ["- "] * len(steps)
    return "\n".join([head, *(mark + step for mark, step in zip(marks, steps, strict=True))])
