"""Prints how large the functions and modules of the package are: aims to look at, not limits to enforce.

A body is a function's lines of code without its docstring, comments and blank lines; stubs do not count.
"""

import ast
import statistics
from pathlib import Path

LONG_BODY, LONG_MODULE = 40, 300


def bodies(tree: ast.Module, lines: list[str]) -> list[tuple[int, str]]:
    """(lines of code, name) of every function that does something."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body and not isinstance(getattr(body[0], "value", None), ast.Constant):
                code = lines[body[0].lineno - 1 : node.end_lineno]
                found.append((sum(bool(line.split("#")[0].strip()) for line in code), node.name))
    return found


def main() -> None:
    sizes, long_ones = [], []
    for path in sorted(Path("networking_nsx").rglob("*.py")):
        lines = path.read_text().splitlines()
        here = bodies(ast.parse("\n".join(lines)), lines)
        sizes += [size for size, _ in here]
        long_ones += [f"{path}: {name}, {size} lines" for size, name in here if size > LONG_BODY]
        if len(lines) > LONG_MODULE:
            long_ones.append(f"{path}: {len(lines)} lines")
    median, tenth = statistics.median(sizes), statistics.quantiles(sizes, n=10)[-1]
    print(f"{len(sizes)} functions: body median {median:.0f}, p90 {tenth:.0f}, max {max(sizes)}")
    for place in long_ones:
        print(f"  long: {place}")


if __name__ == "__main__":
    main()
