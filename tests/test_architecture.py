"""The rule of imports: who may import whom, and what the core must not load."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ALLOWED = {
    "harness": {"harness"},
    "fixtures": {"fixtures", "harness"},
    "suites": {"suites", "harness", "fixtures"},
    "trainers": {"trainers", "harness"},
    "reports": {"reports", "harness"},
}
HEAVY = {"torch", "transformers", "peft", "trl", "datasets", "vllm", "unsloth", "inspect_ai", "pandas", "scipy", "z3"}
# Modules that only the policy registry loads, by name, when their backend is asked for.
BACKENDS = {"samescore.harness.policies.hf", "samescore.harness.policies.engine", "samescore.harness.inspect_ext"}


def folder(package: str) -> Path:
    spec = importlib.util.find_spec(f"samescore.{package}")
    assert spec is not None and spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations)))


def modules(package: str) -> list[Path]:
    return sorted(folder(package).rglob("*.py"))


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_the_rule_allows(package: str) -> None:
    for path in modules(package):
        for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
            if name.startswith("samescore."):
                assert name.split(".")[1] in ALLOWED[package], f"{path} imports {name}"


def test_the_core_loads_nothing_heavy_at_import() -> None:
    names = []
    for package in ("harness", "suites", "fixtures"):
        root = folder(package)
        for path in modules(package):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(["samescore", package, *(part for part in parts if part != "__init__")])
            if not name.startswith(tuple(BACKENDS)):
                names.append(name)
    program = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        f"print(sorted(set(sys.modules) & {HEAVY!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_function_says_what_it_does() -> None:
    silent = []
    for package in ALLOWED:
        for path in modules(package):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            if not ast.get_docstring(tree) and path.stat().st_size > 0:
                silent.append(f"{path}: module")
            for node in tree.body:
                if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    continue
                if not node.name.startswith("_") and not ast.get_docstring(node):
                    silent.append(f"{path}:{node.lineno} {node.name}")
    assert silent == []
