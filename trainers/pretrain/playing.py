"""A conversation under a playbook, carried out step by step."""

from __future__ import annotations

from collections.abc import Sequence

from samescore.trainers.pretrain.agent import ask, observe_result, perform, report
from samescore.trainers.pretrain.dialogue import Dialogue, Skill, argument_lines
from samescore.trainers.pretrain.episodes import act, left_open, utterance
from samescore.trainers.pretrain.fields import literal
from samescore.trainers.pretrain.playbooks import Playbook, Stage


def play(d: Dialogue, first: bool, book: Playbook) -> None:
    """A request that the playbook governs, to its reply."""
    d.start_episode()
    d.forced.update(book.procedure.draw_facts(d.rng, d.toolset.today))
    given = [item for item in book.slots if d.rng.random() < 0.6]
    clauses = d.tell(given) + left_open(d, book.slots)
    d.user(utterance(d, first, d.rough(d.bank.requests, **d.wording(book.procedure.goal)), clauses))
    lines = _collect(d, book)
    if lines is None:
        return
    for stage in book.reads:
        if not _carry_out(d, stage, lines):
            return
        lines = []
    if book.procedure.rules:
        facts = {name: d.known[name] for name in d.forced}
        lines, fired, action = book.procedure.decide(facts)
        if fired is not None:
            act(d, book.procedure, action, lines, fired, facts)
            return
    for stage in book.acts:
        if not _carry_out(d, stage, lines):
            return
        lines = []
    _reply(d, book)


def _collect(d: Dialogue, book: Playbook) -> list[str] | None:
    """Ask until every slot is known; what was told since the last question, as thinking. None if the user cannot."""
    written: set[str] = set()
    while any(item.name not in d.known for item in book.slots):
        written |= d.known.keys()
        if not ask(d, book.procedure.goal, book.slots, ()):
            return None
    fresh = [item for item in book.slots if item.name not in written]
    return argument_lines({item.name: d.known[item.name] for item in fresh})


def _carry_out(d: Dialogue, stage: Stage, lines: Sequence[str]) -> bool:
    """Make the calls of a stage in one turn; False when a single call failed for good."""
    taken = [source for step in stage for source in step.taken()]
    copied = dict.fromkeys(f"{source.name}: {literal(source.value(d.known))}" for source in taken)
    lines = [*lines, *(line for line in copied if line not in lines)]
    if len(stage) == 1:
        step = stage[0]
        return perform(d, step.tool, step.arguments(d.known), Skill.RULE, lines) is not None
    calls = [(step.tool, step.arguments(d.known)) for step in stage]
    lines.append("next: call " + ", ".join(tool.name for tool, _ in calls))
    d.assistant(Skill.PARALLEL, lines, d.preamble(), calls)
    for tool, arguments in calls:
        observe_result(d, tool, arguments)
    return True


def _reply(d: Dialogue, book: Playbook) -> None:
    """The last turn in the playbook's wording, or the agent's own."""
    reply = book.reply
    result = {item.name: d.known[item.name] for item in reply.items}
    if not reply.template:
        report(d, book.procedure.goal, result, reply.items)
        return
    content = reply.template
    for item in reply.items:
        content = content.replace(f"{{{item.name}}}", d.stated(item, result[item.name]))
    d.assistant(Skill.REPLY, [*argument_lines(result), "next: answer"], content)
