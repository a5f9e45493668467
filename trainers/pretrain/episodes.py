"""What can happen in a conversation: a request, a request under a procedure, two at once, small talk, a dead end."""

from __future__ import annotations

from collections.abc import Sequence

from samescore.trainers.pretrain import words
from samescore.trainers.pretrain.agent import ask, call, call_together, pursue, report
from samescore.trainers.pretrain.dialogue import Arguments, Dialogue, Skill, argument_lines
from samescore.trainers.pretrain.fields import Field, Value
from samescore.trainers.pretrain.procedures import Action, Condition, Procedure
from samescore.trainers.pretrain.toolsets import Tool


def utterance(d: Dialogue, first: bool, request: str, clauses: Sequence[str], question: str = "") -> str:
    """A user turn around a request: opener, chatter, the values given, a closer, in varying order."""
    rng = d.rng
    opener = d.rough(d.bank.openers if first else d.bank.follow_ups, person=d.spoken_name)
    chatter = d.rough(d.bank.chatter) + " " if rng.random() < 0.25 else ""
    extra = d.rough(d.bank.chatter) if rng.random() < 0.1 else ""
    told = ", ".join(clauses)
    end = "?" if request.lower().startswith(("can", "could", "would", "is it", "how", "will")) else "."
    if told and rng.random() < 0.25:
        body = f"{told}. {chatter}{request}{end}"
    elif told and rng.random() < 0.5:
        body = f"{chatter}{request}, {told}."
    else:
        body = f"{chatter}{request}{end} {told}{'.' if told else ''}"
    if question:
        body += f" {question}{rng.choice(('.', '?', '.'))}"
    return opener + body + " " + extra + d.rough(d.bank.closers)


def _source(d: Dialogue, item: Field, goal: Tool) -> Tool | None:
    """A reading tool other than the goal that returns the field."""
    for tool in d.toolset.tools:
        if tool is not goal and tool.verb.reads and item in tool.returns and item not in tool.required:
            return tool
    return None


def _given(d: Dialogue, goal: Tool) -> list[Field]:
    """Which fields the user states at once: parameters, or the key of a tool that leads to them."""
    given: dict[str, Field] = {}
    careful = d.rng.random() < 0.45
    for item in goal.required:
        if item.name in d.known and d.rng.random() < 0.5:
            continue
        source = _source(d, item, goal)
        hops = 0
        while source and hops < 3 and d.rng.random() < 0.6:
            further = [key for key in source.required if (up := _source(d, key, source)) and up is not goal]
            given.update({key.name: key for key in source.required if key not in further[:1]})
            if not further or d.rng.random() < 0.5:
                given.update({key.name: key for key in source.required})
                break
            source, hops = _source(d, further[0], source), hops + 1
            if source:
                given.pop(further[0].name, None)
                given.update({key.name: key for key in source.required})
        reachable = source is not None and any(key.name in given for key in source.required)
        if not reachable and (careful or d.rng.random() < 0.5):
            given[item.name] = item
    for item in goal.optional:
        if d.rng.random() < 0.35:
            given[item.name] = item
    fields = list(given.values())
    d.rng.shuffle(fields)
    return fields


_NEVER_OPEN = ("id", "email", "phone", "bool")


def left_open(d: Dialogue, items: Sequence[Field]) -> list[str]:
    """Now and then, talk about something that is needed without saying what it is to be."""
    unsaid = [item for item in items if item.name not in d.known and item.kind not in _NEVER_OPEN]
    if not unsaid or d.rng.random() < 0.6:
        return []
    return [d.rough(d.bank.left_open, label=d.label(d.rng.choice(unsaid)))]


def _wanted(d: Dialogue, goal: Tool) -> list[Field]:
    """The result fields that the user asks about, if any."""
    if not goal.verb.reads or d.rng.random() < 0.35:
        return []
    secret = [item for item in goal.returns if item.name in d.habits.secrets]
    if secret and d.rng.random() < 0.5:
        return secret[:1]
    return d.rng.sample(goal.returns, min(len(goal.returns), d.rng.choice((1, 1, 2))))


def request(d: Dialogue, first: bool, goal: Tool) -> None:
    """A plain request for one tool, to the reply."""
    d.start_episode()
    clauses = d.tell(_given(d, goal))
    clauses += left_open(d, goal.required)
    wanted = _wanted(d, goal)
    question = d.bank.both.join(d.rough(d.bank.asking_for, label=d.label(item)) for item in wanted)
    d.user(utterance(d, first, d.rough(d.bank.requests, **d.wording(goal)), clauses, question))
    result = pursue(d, goal, Skill.CALL)
    if result is not None:
        report(d, goal, result, wanted)


def several_requests(d: Dialogue, first: bool, goals: Sequence[Tool]) -> None:
    """Requests in one turn, each with all it needs, answered by as many calls at once."""
    d.start_episode()
    parts: list[tuple[Tool, Arguments]] = []
    texts = []
    for goal in goals:
        clauses = d.tell(goal.required)
        parts.append((goal, {item.name: d.known[item.name] for item in goal.params if item in goal.required}))
        texts.append(d.rough(d.bank.requests, **d.wording(goal)) + (", " if clauses else "") + ", ".join(clauses))
    d.user(utterance(d, first, d.bank.both.join(texts), ()))
    call_together(d, parts)


def governed_request(d: Dialogue, first: bool, procedure: Procedure) -> None:
    """A request that a procedure of the system message governs."""
    d.start_episode()
    goal, rng = procedure.goal, d.rng
    d.forced.update(procedure.draw_facts(rng, d.toolset.today))
    slots = [*procedure.readers[0].required, *procedure.asks]
    given = [item for item in slots if rng.random() < (0.5 if item.name in d.known else 0.65)]
    clauses = d.tell(given) + left_open(d, slots)
    d.user(utterance(d, first, d.rough(d.bank.requests, **d.wording(goal)), clauses))
    while any(item.name not in d.known for item in slots):
        if not ask(d, goal, slots, ()):
            return
    lines = argument_lines({item.name: d.known[item.name] for item in procedure.asks})
    for reader in procedure.readers:
        if call(d, reader, Skill.RULE, lines) is None:
            return
        lines = []
    facts = {name: d.known[name] for name in d.forced}
    lines, fired, action = procedure.decide(facts)
    act(d, procedure, action, lines, fired, facts)


def act(
    d: Dialogue, procedure: Procedure, action: Action, lines: Sequence[str], fired: Condition | None, facts: Arguments
) -> None:
    """Do what the rule demands."""
    atoms = fired.atoms if fired else procedure.rules[0][0].atoms
    looked_at = {item.name: item for atom in atoms for item in atom.fields}
    reasons = [(item, facts[item.name]) for item in looked_at.values()]
    if action.kind == "refuse":
        content = d.say(d.bank.refusals, facts=d.facts(reasons), **d.wording(procedure.goal))
        d.assistant(Skill.RULE, [*lines, "next: refuse"], content)
    elif action.tool is None:
        content = d.say(d.bank.results, facts=d.facts(reasons), **d.wording(procedure.goal))
        d.assistant(Skill.RULE, [*lines, "next: answer"], content)
    else:
        constants: dict[str, Value] = {item.name: value for item, value in action.constants}
        d.called.discard(action.tool.name)
        result = pursue(d, action.tool, Skill.RULE, lines, constants)
        if result is not None:
            report(d, action.tool, result, ())


def small_talk(d: Dialogue) -> None:
    """A greeting, thanks or a remark, answered without a tool."""
    said, reply = d.rng.choice(d.bank.small_talk)
    nouns = {tool.noun.name: tool.noun for tool in d.toolset.servants}
    things = d.bank.both.join(noun.vi if d.lang == "vi" else noun.en for noun in list(nouns.values())[:2])
    d.user(d.rough((said,)))
    d.assistant(Skill.REPLY, ["next: answer"], reply.format(company=d.toolset.company, things=things))


def no_tool(d: Dialogue, first: bool) -> None:
    """A request that none of the tools can serve."""
    taken = {tool.noun.name for tool in d.toolset.tools}
    while True:
        noun = d.rng.choice(d.rng.choice(words.DOMAINS).nouns)
        if noun.name not in taken:
            break
    verb = d.rng.choice(words.VERBS)
    slots = {
        "do": d.rng.choice(verb.vi if d.lang == "vi" else verb.en),
        "thing": noun.vi if d.lang == "vi" else noun.en,
    }
    d.start_episode()
    d.user(utterance(d, first, d.rough(d.bank.requests, **slots), ()))
    d.assistant(Skill.REPLY, ["next: refuse"], d.say(d.bank.no_tool, **slots))
