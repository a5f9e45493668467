"""Z3 behind a small door: are there facts under which conditions hold, and which are the smallest?

Facts become variables with their domains, dates as ordinals and enum values as numbers; rules always hold. Ids and
texts are not encoded, as nothing branches on them. Z3's own models depend on what it solved before; a witness does not,
as it is defined by its order: facts as in the file, each as small as the ones before it allow (false, the first
value of an enum, the lowest number).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

from samescore.suites.sop.expression import And, Atom, Node, Not, Operator, Or, Shifted, atoms, evaluate
from samescore.suites.sop.model import Fact, FactKind, Sop

Witness: TypeAlias = dict[str, Any]
"""A value for every fact but ids and texts, as they are at run time: dates are ISO days."""

_INCIDENTAL = (FactKind.ID, FactKind.TEXT)
_OPERATORS: Mapping[Operator, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


class Solver:
    """Answers questions about one SOP. `rules` replaces the SOP's own."""

    def __init__(self, sop: Sop, rules: Sequence[Node] | None = None) -> None:
        import z3

        self._z3 = z3
        self._facts = [fact for fact in sop.facts.values() if fact.kind not in _INCIDENTAL]
        self._rules = tuple(rule.root for rule in sop.rules) if rules is None else tuple(rules)
        self._codes = _codes(self._facts)
        self._variables = {
            fact.name: z3.Bool(fact.name) if fact.kind == FactKind.BOOL else z3.Int(fact.name) for fact in self._facts
        }
        self._encoded: dict[Node, Any] = {}
        self._solver = z3.SolverFor("QF_LIA")
        for fact in self._facts:
            self._solver.add(self._encode(_between(fact, 0, _size(fact) - 1)))
        for rule in self._rules:
            self._solver.add(self._encode(rule))
        self._free: Witness | None = None

    def possible(self, *nodes: Node) -> bool:
        """Whether some facts satisfy all of these, and the rules."""
        self._solver.push()
        try:
            self._solver.add(*(self._encode(node) for node in nodes))
            return self._satisfiable()
        finally:
            self._solver.pop()

    def find(self, *nodes: Node) -> Witness | None:
        """The smallest facts that satisfy all of these and the rules, or None: there are none."""
        if self._free is None and nodes:
            self._free = self.find()
        self._solver.push()
        try:
            self._solver.add(*(self._encode(node) for node in nodes))
            if not self._satisfiable():
                return None
            return self._smallest(nodes)
        finally:
            self._solver.pop()

    def core(self, nodes: Sequence[Node]) -> tuple[int, ...]:
        """The places of a smallest part of conditions that cannot all hold: without any one the rest is possible.

        Earlier ones are left out first. Which part it is depends on the conditions alone.
        """
        kept = list(range(len(nodes)))
        for place in range(len(nodes)):
            rest = [other for other in kept if other != place]
            if not self.possible(*(nodes[other] for other in rest)):
                kept = rest
        return tuple(kept)

    def essential(self, witness: Mapping[str, Any], goal: Node) -> Witness:
        """The part of a witness that matters: under these facts alone, whatever the others, `goal` holds."""
        kept = {fact.name: _equal(fact, witness[fact.name]) for fact in self._facts if fact.name in witness}
        for name in reversed(list(kept)):
            rest = [equation for other, equation in kept.items() if other != name]
            if not self.possible(*rest, Not(goal)):
                del kept[name]
        return {name: witness[name] for name in kept}

    def _satisfiable(self) -> bool:
        result = self._solver.check()
        # Bounded integers and booleans are decidable; only a lack of memory or time could leave this open.
        assert result != self._z3.unknown, self._solver.reason_unknown()
        return bool(result == self._z3.sat)

    def _smallest(self, nodes: Sequence[Node]) -> Witness:
        """Settle one fact after the other, on top of constraints that are satisfiable and asserted."""
        model, touched = self._model(), self._touched(nodes)
        for fact in self._facts:
            if fact.name in touched:
                model = self._settle(fact, model, nodes)
                self._solver.add(self._encode(_equal(fact, model[fact.name])))
        # Facts that the nodes do not touch, not even through rules, are what they would be without them.
        return (
            model if self._free is None else {name: (model if name in touched else self._free)[name] for name in model}
        )

    def _settle(self, fact: Fact, model: Witness, nodes: Sequence[Node]) -> Witness:
        """A model in which `fact` is smallest, by bisection; what evaluation can tell is not asked of Z3."""
        low, high = 0, _index(fact, model[fact.name])
        probe = low  # most facts can be at the very start of their domain
        while low < high:
            guess = {**model, fact.name: _value(fact, probe)}
            if all(evaluate(node, guess) for node in (*nodes, *self._rules)):
                found: Witness | None = guess
            else:
                found = self._model_with(_between(fact, low, probe))
            if found is None:
                low = probe + 1
            else:
                model, high = found, _index(fact, found[fact.name])
            probe = (low + high) // 2
        return model

    def _model_with(self, node: Node) -> Witness | None:
        self._solver.push()
        try:
            self._solver.add(self._encode(node))
            return self._model() if self._satisfiable() else None
        finally:
            self._solver.pop()

    def _model(self) -> Witness:
        model = self._solver.model()
        values = {name: model.eval(variable, model_completion=True) for name, variable in self._variables.items()}
        return {fact.name: self._decode(fact, values[fact.name]) for fact in self._facts}

    def _decode(self, fact: Fact, value: Any) -> Any:
        match fact.kind:
            case FactKind.BOOL:
                return self._z3.is_true(value)
            case FactKind.ENUM:
                return next(name for name in fact.values if self._codes[name] == value.as_long())
            case FactKind.DATE:
                return date.fromordinal(value.as_long()).isoformat()
        return value.as_long()

    def _touched(self, nodes: Sequence[Node]) -> frozenset[str]:
        """The facts of some nodes, and those that rules tie to them; all of them where there are no nodes."""
        if not nodes:
            return frozenset(self._variables)
        touched = _facts_of(nodes)
        groups = [_facts_of([rule]) for rule in self._rules]
        while tied := [group for group in groups if group & touched and not group <= touched]:
            touched = touched.union(*tied)
        return touched

    def _encode(self, node: Node) -> Any:
        if node not in self._encoded:
            self._encoded[node] = self._encode_anew(node)
        return self._encoded[node]

    def _encode_anew(self, node: Node) -> Any:
        match node:
            case Atom(left, op, right):
                variable = self._variables[left]
                return variable if op is None else _OPERATORS[op](variable, self._operand(right))
            case Not(operand):
                return self._z3.Not(self._encode(operand))
            case And(operands):
                return self._z3.And([self._encode(operand) for operand in operands])
            case Or(operands):
                return self._z3.Or([self._encode(operand) for operand in operands])

    def _operand(self, right: Shifted | int | date | str | None) -> Any:
        match right:
            case Shifted(fact, offset):
                variable = self._variables[fact]
                return variable + offset if offset else variable
            case date():
                return right.toordinal()
            case str():
                return self._codes[right]
        return right


def values(sop: Sop) -> dict[str, list[Any]]:
    """All values of every fact but ids and texts, in the order in which witnesses prefer them."""
    return {
        fact.name: [_value(fact, index) for index in range(_size(fact))]
        for fact in sop.facts.values()
        if fact.kind not in _INCIDENTAL
    }


def equations(sop: Sop, facts: Mapping[str, Any]) -> tuple[Node, ...]:
    """Conditions that fix facts to values; ids and texts are left out."""
    return tuple(
        _equal(fact, facts[fact.name])
        for fact in sop.facts.values()
        if fact.name in facts and fact.kind not in _INCIDENTAL
    )


def lawful(sop: Sop, facts: Mapping[str, Any]) -> bool:
    """Whether facts are within their domains and the rules hold: what every witness is. Ids and texts are left out.

    Raises:
        KeyError: a fact is missing.
    """
    encoded = (fact for fact in sop.facts.values() if fact.kind not in _INCIDENTAL)
    return all(_within(fact, facts[fact.name]) for fact in encoded) and all(
        evaluate(rule.root, facts) for rule in sop.rules
    )


def _within(fact: Fact, value: Any) -> bool:
    match fact.kind:
        case FactKind.BOOL:
            return isinstance(value, bool)
        case FactKind.ENUM:
            return value in fact.values
    return 0 <= _index(fact, value) < _size(fact)


def _codes(facts: Iterable[Fact]) -> dict[str, int]:
    """One number per enum value; facts that share a value share its number, so that they can be compared."""
    values = dict.fromkeys(value for fact in facts for value in fact.values)
    return {value: number for number, value in enumerate(values)}


def _facts_of(nodes: Iterable[Node]) -> frozenset[str]:
    return frozenset(name for node in nodes for atom in atoms(node) for name in atom.facts)


def _size(fact: Fact) -> int:
    match fact.kind:
        case FactKind.BOOL:
            return 2
        case FactKind.ENUM:
            return len(fact.values)
    assert fact.low is not None and fact.high is not None
    return fact.high - fact.low + 1


def _value(fact: Fact, index: int) -> Any:
    """The value at a place of a fact's domain, in the order in which witnesses prefer them."""
    match fact.kind:
        case FactKind.BOOL:
            return bool(index)
        case FactKind.ENUM:
            return fact.values[index]
        case FactKind.DATE:
            return date.fromordinal((fact.low or 0) + index).isoformat()
    return (fact.low or 0) + index


def _index(fact: Fact, value: Any) -> int:
    match fact.kind:
        case FactKind.BOOL:
            return int(value)
        case FactKind.ENUM:
            return fact.values.index(value)
        case FactKind.DATE:
            return date.fromisoformat(value).toordinal() - (fact.low or 0)
    return int(value) - (fact.low or 0)


def _equal(fact: Fact, value: Any) -> Node:
    return _between(fact, _index(fact, value), _index(fact, value))


def _between(fact: Fact, low: int, high: int) -> Node:
    """Holds where the fact's place in its domain is in [low, high]."""
    match fact.kind:
        case FactKind.BOOL:
            values: tuple[Node, ...] = (Not(Atom(fact.name)), Atom(fact.name))
            return Or(values[low : high + 1])
        case FactKind.ENUM:
            return Or(tuple(Atom(fact.name, "==", value) for value in fact.values[low : high + 1]))
        case FactKind.DATE:
            first, last = date.fromordinal((fact.low or 0) + low), date.fromordinal((fact.low or 0) + high)
            return And((Atom(fact.name, ">=", first), Atom(fact.name, "<=", last)))
    return And((Atom(fact.name, ">=", (fact.low or 0) + low), Atom(fact.name, "<=", (fact.low or 0) + high)))
