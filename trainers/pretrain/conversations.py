"""Whole conversations: a random toolset, a system message and a few episodes, from one seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

from samescore.trainers.pretrain.dialogue import Dialogue, Habits, Message, Skill
from samescore.trainers.pretrain.episodes import governed_request, no_tool, request, small_talk, two_requests
from samescore.trainers.pretrain.fields import person
from samescore.trainers.pretrain.phrases import Bank, say, typing_style
from samescore.trainers.pretrain.phrases_en import ENGLISH
from samescore.trainers.pretrain.phrases_vi import VIETNAMESE
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
    goals = [tool for tool in toolset.tools if not tool.verb.reads and tool is not toolset.handoff]
    rng.shuffle(goals)
    found = []
    for goal in goals[: rng.choice((1, 1, 2, 3))]:
        readers = _readers(toolset, goal)
        if readers and (procedure := random_procedure(rng, toolset, goal, readers[: rng.choice((1, 2))])):
            found.append(procedure)
    return found


def _habits(rng: random.Random, toolset: Toolset) -> Habits:
    handoff = toolset.handoff
    reason = rng.choice(handoff.required[0].choices).constant if handoff and rng.random() < 0.6 else None
    error_rate = rng.choice((0.0, 0.0, 0.0, 0.15, 0.5))
    retries = rng.choice((1, 2, 2, 3)) if reason or rng.random() < 0.5 else 2
    return Habits(rng.random() < 0.1, retries, reason, error_rate)


def _system(
    rng: random.Random, toolset: Toolset, habits: Habits, procedures: list[Procedure], lang: str, states_retries: bool
) -> str:
    bank = BANKS[lang]
    domain = toolset.domain.vi if lang == "vi" else toolset.domain.en
    a_domain = f"{'an' if domain[0] in 'aeio' else 'a'} {domain}"
    lines = [say(rng, bank.personas, company=toolset.company, domain=domain, a_domain=a_domain)]
    lines.append(say(rng, bank.today, today=toolset.today.isoformat()))
    rules = rng.sample(bank.habits, rng.randint(0, 5))
    if habits.speaks:
        rules.append(rng.choice(bank.preamble_habit))
    if states_retries:
        rules.append(say(rng, bank.retry_rule, n=habits.retries))
    if habits.last_resort and toolset.handoff:
        rules.append(say(rng, bank.handoff_rule, tool=toolset.handoff.name, reason=habits.last_resort))
    glue = rng.choice((" ", "\n", "\n- "))
    text = glue.join(lines + rules) if glue != "\n- " else "\n- ".join([" ".join(lines), *rules])
    parts = [text, *(procedure_text(rng, procedure, lang, toolset.today) for procedure in procedures)]
    return "\n\n".join(parts)


_SIZES = (2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12)


def generate(seed: int) -> Conversation:
    """The conversation of this seed."""
    rng = random.Random(seed)
    lang = "vi" if rng.random() < 0.5 else "en"
    toolset = random_toolset(rng, rng.choice(_SIZES))
    procedures = _procedures(rng, toolset) if rng.random() < 0.6 else []
    habits = _habits(rng, toolset)
    system_lang = lang if rng.random() < 0.8 else ("en" if lang == "vi" else "vi")
    states_retries = habits.retries != 2 or habits.last_resort is not None or rng.random() < 0.3
    system = _system(rng, toolset, habits, procedures, system_lang, states_retries)
    d = Dialogue(rng, toolset, lang, BANKS[lang], typing_style(rng, lang), habits, spoken_name=person(rng))
    if rng.random() < 0.12:
        small_talk(d)
    _play(d, procedures, rng.choice((1, 2, 3)) if len(toolset.tools) < 7 else 2)
    if rng.random() < 0.12:
        small_talk(d)
    return Conversation(lang, toolset, ({"role": "system", "content": system}, *d.messages), tuple(d.skills))


def _play(d: Dialogue, procedures: list[Procedure], most: int) -> None:
    """Run one to `most` episodes."""
    rng = d.rng
    governed = {procedure.goal.name for procedure in procedures}
    free = [tool for tool in d.toolset.tools if tool.name not in governed and tool is not d.toolset.handoff]
    for index in range(rng.randint(1, most)):
        first = index == 0 and not d.messages
        if procedures and rng.random() < 0.75:
            governed_request(d, first, rng.choice(procedures))
        elif rng.random() < 0.08 or not free:
            no_tool(d, first)
        elif rng.random() < 0.12 and len(free) > 1:
            one, two = rng.sample(free, 2)
            two_requests(d, first, (one, two))
        else:
            request(d, first, rng.choice(free))
