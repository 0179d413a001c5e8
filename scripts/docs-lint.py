#!/usr/bin/env python3
"""Checks that the links between our Markdown files, and to files of the tree, lead somewhere, headings included.

usage: scripts/docs-lint.py [--root DIRECTORY]
"""

import argparse
import pathlib
import re
import sys
import urllib.parse

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
TREES = ("docs", "deploy", "Protos", "Examples", "python", "Benchmarks", "Sources", "Tests")


def pages(root):
    """The Markdown files of the tree, without what tools put there."""
    found = sorted(root.glob("*.md"))
    for tree in TREES:
        found += sorted(page for page in (root / tree).rglob("*.md")
                        if not any(part.startswith(".") for part in page.relative_to(root).parts))
    return found


def prose(text):
    """The lines of a page with their numbers, without listings."""
    fence = None
    for number, line in enumerate(text.split("\n"), start=1):
        mark = re.match(r" *(```+|~~~+)", line)
        if mark and (fence is None or mark[1].startswith(fence)):
            fence = None if fence else mark[1]
        elif fence is None:
            yield number, line


def anchors(page):
    """The anchors that GitHub gives the headings of a page."""
    found = set()
    for _, line in prose(page.read_text(encoding="utf-8")):
        heading = re.match(r"#{1,6} +(.*?) *#*$", line)
        if heading:
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
            name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            count = 0
            while (name if count == 0 else f"{name}-{count}") in found:
                count += 1
            found.add(name if count == 0 else f"{name}-{count}")
        found.update(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", line))
    return found


def main():
    """Prints dead links; the exit code is 1 when there are any."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--root", default=str(pathlib.Path(__file__).resolve().parent.parent))
    root = pathlib.Path(parser.parse_args().root).resolve()
    checked = pages(root)
    known = {}
    dead = 0
    for page in checked:
        for number, line in prose(page.read_text(encoding="utf-8")):
            for first, second in LINK.findall(re.sub(r"`[^`]*`(?!\])", "", line)):
                target = urllib.parse.unquote(first or second)
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                other = (page.parent / path).resolve() if path else page
                where = f"{page.relative_to(root)}:{number}"
                if not other.exists():
                    print(f"{where}: dead-link: {target} does not exist")
                    dead += 1
                elif anchor and other.suffix == ".md":
                    if other not in known:
                        known[other] = anchors(other)
                    if anchor not in known[other]:
                        print(f"{where}: dead-anchor: {target} is no heading of that page")
                        dead += 1
    print(f"docs-lint: {dead} findings in {len(checked)} pages")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
