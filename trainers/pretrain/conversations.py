"""Whole conversations: a random toolset, a system message and a few episodes, from one seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from samescore.trainers.pretrain.dialogue import Dialogue, Habits, Message, Skill
from samescore.trainers.pretrain.episodes import governed_request, no_tool, request, several_requests, small_talk
from samescore.trainers.pretrain.fields import person
from samescore.trainers.pretrain.phrases import Bank, say, typing_style
from samescore.trainers.pretrain.phrases_en import ENGLISH
from samescore.trainers.pretrain.phrases_vi import VIETNAMESE
from samescore.trainers.pretrain.playbook_text import playbook_text
from samescore.trainers.pretrain.playbooks import random_playbook
from samescore.trainers.pretrain.playing import play
from samescore.trainers.pretrain.procedure_text import procedure_text
from samescore.trainers.pretrain.procedures import Procedure, random_procedure
from samescore.trainers.pretrain.toolsets import Tool, Toolset, random_toolset

BANKS: dict[str, Bank] = {"en": ENGLISH, "vi": VIETNAMESE}


@dataclass(frozen=True, slots=True)
class Conversation:
    """A generated conversation; `skills` has one entry for each assistant message."""

    lang: str
    toolset: Toolset
    messages: tuple[Message, ...]
    skills: tuple[Skill, ...]

    @property
    def tools(self) -> list[dict[str, object]]:
        """The function dicts, as the chat template takes them."""
        return [tool.schema for tool in self.toolset.tools]


def _readers(toolset: Toolset, goal: Tool) -> tuple[Tool, ...]:
    """The tools that a procedure for `goal` reads: the one about its thing, sometimes the linked next."""
    for reader in toolset.tools:
        if reader is goal or not reader.verb.reads or reader.required[0] not in goal.required:
            continue
        for second in toolset.tools:
            if (
                second is not goal
                and second is not reader
                and second.verb.reads
                and all(key in reader.returns for key in second.required)
            ):
                return reader, second
        return (reader,)
    return ()


def _procedures(rng: random.Random, toolset: Toolset) -> list[Procedure]:
    """Procedures for some of the toolset's writing tools."""
    goals = [tool for tool in toolset.servants if not tool.verb.reads]
    rng.shuffle(goals)
    found = []
    for goal in goals[: rng.choice((1, 1, 2, 3))]:
        readers = _readers(toolset, goal)
        if readers and (procedure := random_procedure(rng, toolset, goal, readers[: rng.choice((1, 2))])):
            found.append(procedure)
    return found


def _secrets(rng: random.Random, toolset: Toolset) -> frozenset[str]:
    """Fields of results, not needed for any call, that are not for the customer."""
    taken = {item.name for tool in toolset.tools for item in tool.params}
    kinds = ("id", "email", "phone", "name", "text")
    items = [item for tool in toolset.servants for item in tool.returns if item.kind in kinds]
    names = list(dict.fromkeys(item.name for item in items if item.name not in taken))
    return frozenset(rng.sample(names, min(len(names), rng.choice((1, 1, 2)))))


def _habits(rng: random.Random, toolset: Toolset, secret: float) -> Habits:
    """The agent's manners; with chance `secret` it keeps something to itself."""
    handoff = toolset.handoff
    reason = rng.choice(handoff.required[0].choices).constant if handoff and rng.random() < 0.6 else None
    error_rate = rng.choice((0.4, 0.6) if toolset.pause else (0.0, 0.0, 0.0, 0.15, 0.5))
    retries = rng.choice((1, 2, 2, 3)) if reason or rng.random() < 0.5 else 2
    secrets = _secrets(rng, toolset) if rng.random() < secret else frozenset()
    return Habits(rng.random() < 0.1, retries, reason, error_rate, toolset.pause, secrets)


@dataclass(frozen=True, slots=True)
class _Setting:
    """What a system message is written from. With `dated`, it says what day it is."""

    toolset: Toolset
    habits: Habits
    lang: str
    dated: bool


def _system(rng: random.Random, setting: _Setting, procedures: list[str]) -> str:
    toolset, habits = setting.toolset, setting.habits
    bank = BANKS[setting.lang]
    domain = toolset.domain.vi if setting.lang == "vi" else toolset.domain.en
    a_domain = f"{'an' if domain[0] in 'aeio' else 'a'} {domain}"
    lines = [say(rng, bank.personas, company=toolset.company, domain=domain, a_domain=a_domain)]
    if setting.dated:
        lines.append(say(rng, bank.today, today=toolset.today.isoformat()))
    rules = rng.sample(bank.habits, rng.randint(0, 5))
    if habits.speaks:
        rules.append(rng.choice(bank.preamble_habit))
    if pause := habits.pause:
        parameter = pause.parameter.name
        wording = {"hint": pause.hint, "tool": pause.tool.name, "parameter": parameter, "n": habits.retries}
        rules.append(say(rng, bank.wait_rule, **wording))
    elif habits.retries != 2 or habits.last_resort is not None or rng.random() < 0.3:
        rules.append(say(rng, bank.retry_rule, n=habits.retries))
    if habits.last_resort and toolset.handoff:
        rules.append(say(rng, bank.handoff_rule, tool=toolset.handoff.name, reason=habits.last_resort))
    if habits.secrets:
        rules.append(say(rng, bank.secret_rule, fields=", ".join(sorted(habits.secrets))))
    glue = rng.choice((" ", "\n", "\n- "))
    text = glue.join(lines + rules) if glue != "\n- " else "\n- ".join([" ".join(lines), *rules])
    return "\n\n".join([text, *procedures])


_SIZES = (2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12)
_STRUCTURED_SIZES = (2, 2, 2, 3, 3, 4)
_PLAYBOOKS = 0.17
"""Share of conversations under a playbook."""
_STRUCTURED = 0.12
"""Share of other conversations whose tools take and give objects and lists."""
_BRIEF = 0.12
"""Share of the rest that are one request over two tools; they also fill what longer ones leave of a window."""


def generate(seed: int) -> Conversation:
    """The conversation of this seed."""
    rng = random.Random(seed)
    lang = "vi" if rng.random() < 0.5 else "en"
    system_lang = lang if rng.random() < 0.8 else ("en" if lang == "vi" else "vi")
    roll = rng.random()
    if roll < _PLAYBOOKS:
        return _by_playbook(rng, lang, system_lang)
    structured = roll < _PLAYBOOKS + _STRUCTURED
    brief = not structured and rng.random() < _BRIEF
    size = 2 if brief else rng.choice(_STRUCTURED_SIZES if structured else _SIZES)
    toolset = random_toolset(rng, size, structured)
    procedures = _procedures(rng, toolset) if not brief and rng.random() < 0.6 else []
    habits = _habits(rng, toolset, 0.4 if structured else 0.1)
    setting = _Setting(toolset, habits, system_lang, rng.random() < 0.9)
    texts = [procedure_text(rng, procedure, system_lang, toolset.today) for procedure in procedures]
    system = _system(rng, setting, texts)
    d = Dialogue(rng, toolset, lang, BANKS[lang], typing_style(rng, lang), habits, spoken_name=person(rng))
    if not brief and rng.random() < 0.12:
        small_talk(d)
    most = rng.choice((1, 2) if structured else (1, 2, 3)) if len(toolset.tools) < 7 else 2
    _play(d, procedures, 1 if brief else most)
    if not brief and rng.random() < 0.12:
        small_talk(d)
    return _conversation(d, setting, system)


def _by_playbook(rng: random.Random, lang: str, system_lang: str) -> Conversation:
    """A conversation, seldom two in one, that a playbook governs."""
    toolset, book = random_playbook(rng, BANKS[lang])
    limits = {step.tool.name: rng.choice((1, 1, 2, 3)) for stage in book.stages for step in stage if len(stage) == 1}
    limits = {name: n for name, n in limits.items() if rng.random() < 0.4}
    habits = replace(_habits(rng, toolset, 0.0), limits=limits, secrets=frozenset(book.secrets))
    setting = _Setting(toolset, replace(habits, secrets=frozenset()), system_lang, rng.random() < 0.7)
    text = playbook_text(rng, book, limits, BANKS[system_lang], system_lang, toolset.today)
    system = _system(rng, setting, [text])
    d = Dialogue(rng, toolset, lang, BANKS[lang], typing_style(rng, lang), habits, spoken_name=person(rng))
    play(d, True, book)
    if rng.random() < 0.1:
        play(d, False, book)
    return _conversation(d, setting, system)


def _conversation(d: Dialogue, setting: _Setting, system: str) -> Conversation:
    """The finished conversation; a day that the system message does not say stands before the first message."""
    if not setting.dated:
        d.messages[0] = d.messages[0] | {"content": f"[{d.toolset.today.isoformat()}] {d.messages[0]['content']}"}
    return Conversation(d.lang, d.toolset, ({"role": "system", "content": system}, *d.messages), tuple(d.skills))


def _play(d: Dialogue, procedures: list[Procedure], most: int) -> None:
    """Run one to `most` episodes."""
    rng = d.rng
    governed = {procedure.goal.name for procedure in procedures}
    free = [tool for tool in d.toolset.servants if tool.name not in governed]
    for index in range(rng.randint(1, most)):
        first = index == 0 and not d.messages
        if procedures and rng.random() < 0.75:
            governed_request(d, first, rng.choice(procedures))
        elif rng.random() < 0.08 or not free:
            no_tool(d, first)
        elif rng.random() < 0.12 and len(free) > 1:
            several_requests(d, first, rng.sample(free, 3 if len(free) > 2 and rng.random() < 0.12 else 2))
        else:
            request(d, first, rng.choice(free))
