"""Limits that keep modules and folders easy to read, and that no linter has a rule for. `make lint` runs this as well."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_LINES = 400
MOST_MODULES = 25
MODULES = [
    module
    for folder in ("flows", "tasks", "protos", "sandbox", "benchmarks", "tests")
    for module in (ROOT / folder).rglob("*.py")
]


def test_no_module_is_longer_than_400_lines():
    lines = {str(module.relative_to(ROOT)): len(module.read_text().splitlines()) for module in MODULES}
    assert {module: count for module, count in lines.items() if count > MOST_LINES} == {}


def test_no_folder_holds_more_than_25_modules():
    modules = Counter(str(module.parent.relative_to(ROOT)) for module in MODULES)
    assert {folder: count for folder, count in modules.items() if count > MOST_MODULES} == {}
