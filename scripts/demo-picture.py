#!/usr/bin/env python3
"""Records `hedgerow demo` and makes the README's picture of it: docs/images/demo.svg, and docs/demo.md as text.

usage: scripts/demo-picture.py [--bin DIRECTORY]

The picture is a terminal in which the lines appear one after the other, at a pace for reading. It needs no script to
be seen: one animation in CSS scrolls the lines. Where animations are off it shows the end.
"""

import argparse
import html
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
IMAGE = ROOT / "docs/images/demo.svg"
PAGE = ROOT / "docs/demo.md"
# Where the demo works; short, as it is in the picture.
DIRECTORY = "/tmp/hedgerow-demo"

COLUMNS, ROWS = 118, 32
CHARACTER, LINE, MARGIN, TITLE = 7.0, 16, 14, 28
# Seconds: the least time that a line has, the longest wait that is shown, the same within a row of readings, the time
# to read what is there before the next step begins, and how long the end stays.
SHORTEST, WAIT, FLOWING, STEP, END = 0.06, 0.6, 0.14, 0.9, 10.0
ROW = re.compile(r" +\d\d:\d\d:\d\d\.\d{3}  ")
MOST_BYTES = 200 * 1024

COLOURS = {"1": "b", "2": "d", "31": "r", "32": "g", "33": "y", "36": "c"}
STYLE = """
text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#d7dde5;white-space:pre}
.b{fill:#fff;font-weight:bold}.d{fill:#8b97a6}.c{fill:#5cc8e0}.g{fill:#63d07f}.r{fill:#ff7b72}.y{fill:#e3b341}
@media (prefers-reduced-motion:reduce){#lines{animation:none!important}}
"""


def record(binary):
    """Runs the demo on a terminal of its own: a list of (second, line)."""
    if os.path.exists(DIRECTORY):
        sys.exit(f"demo-picture: {DIRECTORY} is there already; remove it")
    controller, terminal = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm-256color", "TZ": "UTC"}
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile() as errors:
        environment["HOME"] = home
        begun = time.monotonic()
        process = subprocess.Popen([binary, "demo", "--directory", DIRECTORY], env=environment, stdout=terminal,
                                   stderr=errors, stdin=subprocess.DEVNULL)
        os.close(terminal)
        lines, rest = [], b""
        while True:
            try:
                data = os.read(controller, 65_536)
            except OSError:  # how Linux says that nobody has the terminal any more
                break
            if not data:
                break
            *whole, rest = (rest + data).split(b"\n")
            at = time.monotonic() - begun
            lines += [(at, line.decode("utf-8").rstrip("\r")) for line in whole]
        if process.wait() != 0:
            errors.seek(0)
            sys.exit(f"demo-picture: the demo ended with {process.returncode}: {errors.read().decode()}")
    while lines and not lines[0][1].strip():
        lines.pop(0)
    return [(0.0, "\x1b[36m$ make demo\x1b[0m"), *((at + 0.6, line) for at, line in lines)]


def plain(line):
    """A line without colours."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line)


def cut(line):
    """A line that fits into the terminal, colours kept."""
    shown, result = 0, ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b"):
            result += part
        else:
            room = COLUMNS - shown
            result += part if len(part) <= room else part[:max(room - 1, 0)] + ("…" if room > 0 else "")
            shown += len(part)
    return result


def text_element(index, line):
    """One line as SVG."""
    parts, style = [], ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", cut(line)):
        if match := re.fullmatch(r"\x1b\[([0-9;]*)m", part):
            style = COLOURS.get(match[1], "")
        elif part:
            escaped = html.escape(part, quote=False)
            parts.append(f'<tspan class="{style}">{escaped}</tspan>' if style else escaped)
    content = "".join(parts)
    if not content.strip():
        return ""
    length = len(plain(cut(line))) * CHARACTER
    return (f'<text y="{index * LINE}" textLength="{length:g}" lengthAdjust="spacingAndGlyphs" '
            f'xml:space="preserve">{content}</text>\n')


def paced(lines):
    """When the picture shows each line: slower than it went where much came at once, faster where it waited."""
    now, before, row, result = 0.0, 0.0, 0, []
    for at, line in lines:
        text = plain(line)
        row = row + 1 if ROW.match(text) else 0
        longest = WAIT if row <= 3 else FLOWING
        now += min(max(at - before, SHORTEST), longest) + (STEP if re.match(r"\[ *\d", text) else 0)
        before = at
        result.append(now)
    return result


def keyframes(lines):
    """The steps of the animation, each showing one line more, and its length in seconds."""
    times = paced(lines)
    total = times[-1] + END
    steps = "".join(f"{0 if count == 1 else at / total * 100:.2f}%{{transform:translateY({-count * LINE}px)}}"
                    for count, at in enumerate(times, start=1))
    return steps + f"100%{{transform:translateY({-len(lines) * LINE}px)}}", total


def picture(lines):
    """The SVG."""
    width, height = COLUMNS * CHARACTER + 2 * MARGIN, ROWS * LINE + TITLE + MARGIN
    steps, total = keyframes(lines)
    body = "".join(text_element(index, line) for index, (_, line) in enumerate(lines))
    inner = f'x="{MARGIN}" y="{TITLE}" width="{width - 2 * MARGIN:g}" height="{ROWS * LINE}"'
    dots = "".join(f'<circle cx="{MARGIN + 6 + 18 * index}" cy="14" r="5" fill="{colour}"/>'
                   for index, colour in enumerate(("#e0655d", "#dfb13f", "#5bbf57")))
    # The lines hang from the lower edge: those that are still to come are below it, out of sight.
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" role="img">
<title>A terminal that runs the demonstration of Hedgerow; docs/demo.md has the same as text.</title>
<style>{STYLE}
@keyframes scroll{{{steps}}}
#lines{{animation:scroll {total:.1f}s step-end infinite}}
</style>
<rect x=".5" y=".5" width="{width - 1:g}" height="{height - 1}" rx="8" fill="#10151c" stroke="#4a5563"/>
{dots}
<svg {inner}><g transform="translate(0 {ROWS * LINE + LINE - 4})"><g id="lines" transform="translate(0 {-len(lines) * LINE})">
{body}</g></g></svg>
</svg>
"""


def listing(lines):
    """The output as text; of a long row of readings the first three."""
    result, row = [], 0
    for _, line in lines:
        text = plain(line).rstrip()
        row = row + 1 if ROW.match(text) else 0
        if row <= 3:
            result.append(text)
        elif row == 4:
            result.append("         …")
    return "\n".join(result)


def page(lines):
    """The text as Markdown."""
    return f"""<!-- Made by `make demo-picture` from a run of the demonstration. Changes here are lost. -->
# What the demonstration prints

`make demo` starts a cloud, a core and a thing as processes of their own on this machine, with real certificates, in
a temporary directory, and ends by itself within a minute. This is one run. Times and values differ from run to run;
the summary at the end does not, or the demonstration ends with exit code 7.

```text
{listing(lines)}
```

`make demo ARGS=--keep` leaves everything running and says how to look around.
"""


def main():
    """Records, and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/debug", help="where the programs are")
    lines = record(parser.parse_args().bin.resolve() / "hedgerow")
    svg = picture(lines)
    if len(svg.encode()) > MOST_BYTES:
        sys.exit(f"demo-picture: the picture has {len(svg.encode())} bytes, more than {MOST_BYTES}; show less")
    IMAGE.parent.mkdir(parents=True, exist_ok=True)
    IMAGE.write_text(svg, encoding="utf-8")
    PAGE.write_text(page(lines), encoding="utf-8")
    print(f"demo-picture: {len(lines)} lines in {lines[-1][0]:.0f} s; wrote {IMAGE.relative_to(ROOT)} "
          f"({len(svg.encode()):,} bytes) and {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
