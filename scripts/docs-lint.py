#!/usr/bin/env python3
"""Checks that the links between our Markdown files, and to files of the tree, lead somewhere.

usage: scripts/docs-lint.py [--root DIRECTORY]
"""

import argparse
import pathlib
import re
import sys

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TREES = ("docs", "deploy", "Protos", "Examples")


def main():
    """Prints dead links; the exit code is 1 when there are any."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--root", default=str(pathlib.Path(__file__).resolve().parent.parent))
    root = pathlib.Path(parser.parse_args().root).resolve()
    pages = sorted(root.glob("*.md"))
    for tree in TREES:
        pages += sorted((root / tree).rglob("*.md"))
    dead = 0
    for page in pages:
        for number, line in enumerate(page.read_text(encoding="utf-8").split("\n"), start=1):
            for target in LINK.findall(line):
                if re.match(r"[a-z]+:|#", target):
                    continue
                if not (page.parent / target.split("#")[0]).exists():
                    print(f"{page.relative_to(root)}:{number}: dead-link: {target} does not exist")
                    dead += 1
    print(f"docs-lint: {dead} findings in {len(pages)} pages")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
