"""What is wrong with an SOP that reads well: proven by the solver, with facts that show it.

Errors:    contradictory-rules, unreachable-step, unreachable-arm, overlap, gap, unrevealed-fact,
           unset-reference, unmet-guard, unknown-field, told-secret
Warnings:  idle-rule, unused-fact, unreachable-branch, always-true, constant-atom, dead-ask, dead-unknown,
           dead-retry
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations
from typing import Any

from samescore.suites.sop.expression import FALSE, TRUE, And, Atom, Node, Not, Or
from samescore.suites.sop.finding import Finding, finding
from samescore.suites.sop.lint_values import Code, told_secrets, unknown_fields
from samescore.suites.sop.model import Ask, CallStep, Decide, FactKind, Sop, SopStep
from samescore.suites.sop.paths import Prefix, arm_constraint, branches, has, known, prefixes
from samescore.suites.sop.references import split
from samescore.suites.sop.solver import Solver
from samescore.suites.sop.wiring import references


def lint(sop: Sop, code: Code | None = None) -> tuple[Finding, ...]:
    """Everything that can be proven to be wrong with a procedure, in the order of the file.

    With the `code` of its world's tools, that references name fields of their results too.
    """
    proof = _Proof(sop)
    findings = list(_contradictory_rules(proof))
    if not findings:  # under rules that admit nothing everything else would be vacuously true
        findings += [*_idle_rules(proof), *_unused_facts(proof)]
        for step in sop.steps.values():
            findings += [*_step(proof, step), *unknown_fields(sop, step, code or {}), *told_secrets(sop, step)]
        findings += _unreachable_branches(proof)
    return tuple(sorted(findings, key=lambda finding: finding.line))


class _Proof:
    """What the checks share: the SOP, the ways to each step, and solvers with and without rules."""

    def __init__(self, sop: Sop) -> None:
        self.sop = sop
        self.ways: dict[str, list[Prefix]] = {name: [] for name in sop.steps}
        for prefix in prefixes(sop):
            self.ways[prefix.step].append(prefix)
        self.solver = Solver(sop)

    @cached_property
    def unruled(self) -> Solver:
        """A solver that knows the domains, but no rules."""
        return Solver(self.sop, rules=())

    def reached(self, step: str) -> Node:
        """Holds where the step is reached."""
        return Or(tuple(dict.fromkeys(prefix.constraint for prefix in self.ways[step])))

    def witness(self, *nodes: Node) -> Mapping[str, Any] | None:
        """The facts that matter to satisfying all of these, or None."""
        found = self.solver.find(*nodes)
        return None if found is None else self.solver.essential(found, And(nodes))

    def finding(
        self,
        rule: str,
        line: int,
        step: str | None,
        message: str,
        witness: Mapping[str, Any] | None = None,
        focus: str = "",
    ) -> Finding:
        """A finding in this SOP."""
        return finding(self.sop, rule, line, step, message, witness, focus)

    def conflict(self, prefix: Prefix, *last: tuple[str, Node]) -> str:
        """Which rules and choices exclude each other on a way, in words."""
        named = [(f"rule {n} (line {rule.line})", rule.root) for n, rule in enumerate(self.sop.rules, start=1)]
        named += [
            (_choice_words(self.sop, choice.step, choice.label, choice.line), choice.constraint)
            for choice in prefix.choices
        ]
        named += last
        core = self.unruled.core([node for _, node in named])
        words = [named[place][0] for place in core]
        return f"{' and '.join(words)} cannot hold together" if len(words) > 1 else f"{words[0]} can never hold"


def _choice_words(sop: Sop, step: str, label: str, line: int) -> str:
    match sop.steps[step]:
        case Decide():
            return f"arm {label!r} of step {step!r} (line {line})"
        case Ask():
            return f"step {step!r} (line {line}) being told its slots" if not label else f"{label} (line {line})"
        case CallStep():
            return f"step {step!r} (line {line}) succeeding" if not label else f"{label} (line {line})"
    raise AssertionError("a reply has no choices")


def _contradictory_rules(proof: _Proof) -> Iterator[Finding]:
    rules = proof.sop.rules
    if rules and not proof.solver.possible():
        core = [rules[place] for place in proof.unruled.core([rule.root for rule in rules])]
        lines = ", ".join(f"`{rule.text}` (line {rule.line})" for rule in core)
        yield proof.finding(
            "contradictory-rules",
            core[0].line,
            None,
            f"the rules admit no facts at all: {lines}. Loosen one.",
            focus=core[0].text,
        )


def _idle_rules(proof: _Proof) -> Iterator[Finding]:
    rules = proof.sop.rules
    for number, rule in enumerate(rules):
        others = [other.root for place, other in enumerate(rules) if place != number]
        if not proof.unruled.possible(*others, Not(rule.root)):
            yield proof.finding(
                "idle-rule",
                rule.line,
                None,
                f"rule {number + 1} excludes nothing that the domains and other rules admit. Remove it.",
                focus=rule.text,
            )


def _unused_facts(proof: _Proof) -> Iterator[Finding]:
    """Facts that neither steps nor rules mention. Ids and texts may be there for the world alone."""
    sop = proof.sop
    conditions = [
        *sop.rules,
        *(arm.condition for step in _decisions(sop) for arm in step.arms if arm.condition),
    ]
    used = {"today", *sop.confidential, *(slot.fact for slot in sop.slots.values())}
    used |= {name for condition in conditions for atom in condition.atoms for name in atom.facts}
    for step in sop.steps.values():
        used |= {reference[1:] for reference in references(step)}
        used |= set(step.reveals) if isinstance(step, CallStep) else set()
    for fact in sop.facts.values():
        added = fact.name.startswith(("given.", "known.", "faults."))
        if fact.name not in used and not added and fact.kind not in (FactKind.ID, FactKind.TEXT):
            message = f"fact {fact.name} is never used. Remove it, or reveal it."
            yield proof.finding("unused-fact", fact.line, None, message, focus=fact.name)


def _step(proof: _Proof, step: SopStep) -> Iterator[Finding]:
    what = f"step {step.id!r}"
    ways = proof.ways[step.id]
    if not ways:
        yield proof.finding(
            "unreachable-step",
            step.line,
            step.id,
            f"{what}: no step leads here. Remove it, or lead to it.",
            focus=step.id,
        )
        return
    reached = proof.reached(step.id)
    if not proof.solver.possible(reached):
        shortest = min(ways, key=lambda prefix: len(prefix.choices))
        more = f" (and {len(ways) - 1} other ways that are closed too)" if len(ways) > 1 else ""
        reason = f"{proof.conflict(shortest)}{more}"
        yield proof.finding(
            "unreachable-step", step.line, step.id, f"{what} cannot be reached: {reason}.", focus=step.id
        )
        return
    yield from _references(proof, step, ways)
    match step:
        case Decide():
            yield from _arms(proof, step, reached)
            yield from _constants(proof, step, reached)
            yield from _unrevealed(proof, step, ways)
        case Ask():
            yield from _dead_ask(proof, step, ways)
        case CallStep() if step.retry is not None:
            yield from _dead_retry(proof, step, reached)


def _arms(proof: _Proof, step: Decide, reached: Node) -> Iterator[Finding]:
    """Arms that are never taken, pairs that hold together, and facts for which none holds."""
    what = f"step {step.id!r}"
    nodes = {arm.name: arm_constraint(step, arm) for arm in step.arms}
    for arm in step.arms:
        if not proof.solver.possible(reached, nodes[arm.name]):
            shortest = min(proof.ways[step.id], key=lambda prefix: len(prefix.choices))
            words = f"arm {arm.name!r} (line {arm.line})"
            reason = proof.conflict(shortest, (words, nodes[arm.name]))
            witness = proof.witness(nodes[arm.name])
            aside = "" if witness is None else " Facts that satisfy its condition never come here."
            yield proof.finding(
                "unreachable-arm",
                arm.line,
                step.id,
                f"{what}: arm {arm.name!r} is never taken: {reason}.{aside}",
                witness,
                arm.name,
            )
    for one, other in combinations(step.arms, 2):
        witness = proof.witness(reached, nodes[one.name], nodes[other.name])
        if witness is not None:
            names = f"{other.name!r} and {one.name!r} (line {one.line})"
            message = f"{what}: arms {names} hold together. Narrow one of them."
            yield proof.finding("overlap", other.line, step.id, message, witness, other.name)
    gap = And(tuple(Not(node) for node in nodes.values()))
    witness = proof.witness(reached, gap)
    if witness is not None:
        yield proof.finding(
            "gap",
            step.line,
            step.id,
            f"{what}: no arm holds for some facts. Add an arm, or an `else`.",
            witness,
            "decide",
        )


def _constants(proof: _Proof, step: Decide, reached: Node) -> Iterator[Finding]:
    """Conditions and atoms that have one value whenever the decision is reached."""
    for arm in step.arms:
        if arm.condition is None:
            continue
        what = f"step {step.id!r}, arm {arm.name!r}"
        if not proof.solver.possible(reached, Not(arm.condition.root)):
            message = f"{what}: the condition always holds here. Write `else`."
            yield proof.finding("always-true", arm.line, step.id, message, focus=arm.condition.text)
        for atom in dict.fromkeys(arm.condition.atoms):
            if atom == arm.condition.root or Not(atom) == arm.condition.root:
                continue
            for value, counter in (("true", Not(atom)), ("false", atom)):
                if not proof.solver.possible(reached, counter):
                    message = f"{what}: `{atom.text}` is always {value} here. Remove it, or correct it."
                    yield proof.finding("constant-atom", arm.line, step.id, message, focus=atom.text)


def _unrevealed(proof: _Proof, step: Decide, ways: Sequence[Prefix]) -> Iterator[Finding]:
    for arm in step.arms:
        atoms = arm.condition.atoms if arm.condition is not None else ()
        for fact in dict.fromkeys(name for atom in atoms for name in atom.facts):
            witness = _first(proof, ((prefix, _hidden(proof.sop, fact, prefix)) for prefix in ways))
            if witness is not None:
                message = (
                    f"step {step.id!r}, arm {arm.name!r}: {fact} is not known here on every path. Add it to "
                    "`reveals` of an earlier call, or ask for it."
                )
                yield proof.finding("unrevealed-fact", arm.line, step.id, message, witness, fact)


def _references(proof: _Proof, step: SopStep, ways: Sequence[Prefix]) -> Iterator[Finding]:
    """References to slots not told, results not there, facts not revealed; guards that were not called."""
    for reference in dict.fromkeys(references(step)):
        name = reference[1:]
        witness = _first(proof, ((prefix, _unset(proof.sop, step, name, prefix)) for prefix in ways))
        if witness is not None:
            message = f"step {step.id!r}: {reference} has no value on some path. Ask for it, or call, before."
            yield proof.finding("unset-reference", step.line, step.id, message, witness, reference)
    for guard in (step.guards or ()) if isinstance(step, CallStep) else ():
        witness = _first(proof, ((prefix, FALSE if guard in prefix.called else TRUE) for prefix in ways))
        if witness is not None:
            message = f"step {step.id!r}: guard {guard!r} has not succeeded on some path. Call it before."
            yield proof.finding("unmet-guard", step.line, step.id, message, witness, guard)


def _first(proof: _Proof, flaws: Iterator[tuple[Prefix, Node]]) -> Mapping[str, Any] | None:
    """The witness of the first way on which a flaw is possible."""
    for prefix, flaw in flaws:
        if flaw != FALSE:
            witness = proof.witness(prefix.constraint, flaw)
            if witness is not None:
                return witness
    return None


def _unset(sop: Sop, step: SopStep, name: str, prefix: Prefix) -> Node:
    """Holds where a reference has no value at the end of a prefix. Calls cannot refer to facts, only to results."""
    head, fields = split(name, sop.calls)
    if not fields and head in sop.slots:
        return Not(has(sop.slots[head], prefix))
    if name in sop.facts and not isinstance(step, CallStep):
        return _hidden(sop, name, prefix)
    return FALSE if head in prefix.called else TRUE


def _hidden(sop: Sop, fact: str, prefix: Prefix) -> Node:
    """Holds where the agent does not know a fact at the end of a prefix: neither revealed nor told."""
    if fact == "today":
        return FALSE
    calls = (sop.steps[name] for name in prefix.called)
    if any(isinstance(call, CallStep) and fact in call.reveals for call in calls):
        return FALSE
    held = [has(slot, prefix) for slot in sop.slots.values() if slot.fact == fact]
    return FALSE if TRUE in held else And(tuple(Not(node) for node in held))


def _dead_ask(proof: _Proof, step: Ask, ways: Sequence[Prefix]) -> Iterator[Finding]:
    slots = [proof.sop.slots[name] for name in step.slots]
    lacking = [And((prefix.constraint, Not(has(slot, prefix)))) for prefix in ways for slot in slots]
    if not proof.solver.possible(Or(tuple(lacking))):
        yield proof.finding(
            "dead-ask",
            step.line,
            step.id,
            f"step {step.id!r}: its slots are always told before. Remove it.",
            focus="ask",
        )
    elif step.unknown is not None:
        unknown = [
            And((prefix.constraint, Not(has(slot, prefix)), Not(known(slot)))) for prefix in ways for slot in slots
        ]
        if not proof.solver.possible(Or(tuple(unknown))):
            message = f"step {step.id!r}: `unknown` is never taken: the user knows every slot. Remove it."
            yield proof.finding("dead-unknown", step.line, step.id, message, focus="unknown")


def _dead_retry(proof: _Proof, step: CallStep, reached: Node) -> Iterator[Finding]:
    for least, role in ((1, "retry"), ((step.retry or 0) + 1, "on_fault")):
        if not proof.solver.possible(reached, Atom(f"faults.{step.id}", ">=", least)):
            message = f"step {step.id!r}: `{role}` is never needed: the call does not fail so often. Remove it."
            yield proof.finding("dead-retry", step.line, step.id, message, focus=role)
            return


def _unreachable_branches(proof: _Proof) -> Iterator[Finding]:
    """Ways that no facts take, though each step and arm is reached on others; one finding per way they share."""
    ways = branches(proof.sop)
    taken = [branch for branch in ways if proof.solver.possible(branch.constraint)]
    alive = {(choice.step, choice.label) for branch in taken for choice in branch.choices}
    closed: dict[Prefix, list[str]] = {}
    for branch in ways:
        if branch not in taken and alive.issuperset((c.step, c.label) for c in branch.choices):
            heads = (Prefix("", branch.choices[:length]) for length in range(1, len(branch.choices) + 1))
            first = next(head for head in heads if not proof.solver.possible(head.constraint))
            closed.setdefault(first, []).append(branch.id)
    for way, ids in closed.items():
        last = way.choices[-1]
        more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
        message = f"branch {ids[0]}{more} is never taken: {proof.conflict(way)}. Ignore this if it is meant."
        yield proof.finding("unreachable-branch", last.line, last.step, message, focus=last.label)


def _decisions(sop: Sop) -> list[Decide]:
    return [step for step in sop.steps.values() if isinstance(step, Decide)]
