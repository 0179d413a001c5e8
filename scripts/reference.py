#!/usr/bin/env python3
"""Makes the reference pages from the code: docs/reference/{cli,configuration,limits,errors}.md.

usage: scripts/reference.py [--check] [--bin DIRECTORY]

cli.md comes from what the programs say about their commands, configuration.md from `config print --json`.
limits.md and errors.md come from a page of prose beside them (limits.in, errors.in) with placeholders for what
the code decides. docs/reference/README.md says how to write one. --check writes nothing and fails on a page that
is not current, and on warnings and errors of the servers that docs/operating.md does not explain.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs/reference"
SOURCES = ROOT / "Sources"
PROGRAMS = ("hedgerow", "hedgerow-core", "hedgerow-cloud")


class Drift(Exception):
    """Page and code do not fit together; the text says where and what to do."""


# MARK: Constants of the code


def source_file(name):
    """The file `Type.swift` or `Folder/Type.swift` of Sources/; a file of Python by its path."""
    if name.endswith(".py"):
        return ROOT / name
    found = [path for path in SOURCES.rglob(name.rsplit("/", 1)[-1] + ".swift")
             if "Generated" not in path.parts
             and path.relative_to(SOURCES).as_posix().endswith(f"{name}.swift")
             and all(part in path.parts for part in name.split("/")[:-1])]
    if not found and "/" in name:
        folder, base = name.split("/", 1)
        found = [path for path in (SOURCES / folder).rglob(base + ".swift")]
    if len(found) != 1:
        raise Drift(f"{name}.swift is {'not' if not found else 'more than once'} in Sources/")
    return found[0]


def expression(reference):
    """The source of the value of `Type.constant`, or of the first group of a regular expression in `Type /…/`."""
    name, _, pattern = reference.partition(" /")
    if pattern:
        path = source_file(name)
        found = set(re.findall(pattern.removesuffix("/"), path.read_text(encoding="utf-8")))
    else:
        name, constant = name.rsplit(".", 1)
        path = source_file(name)
        text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
        found = set(re.findall(rf"\b(?:let|var) {constant}\b(?:: [^=\n]+)? = ([^\n{{]+)", text)
                    or re.findall(rf"\b{constant}: [\w.<>]+\?? = ((?:[^,()\n]|\([^()\n]*\))+)", text))
    if len(found) != 1:
        raise Drift(f"{reference}: {len(found)} values in {path.relative_to(ROOT)}")
    return found.pop().strip()


# What one stands for, in bytes or in microseconds.
UNITS = {"kibibytes": 1 << 10, "mebibytes": 1 << 20, "gibibytes": 1 << 30, "microseconds": 1,
         "milliseconds": 1_000, "seconds": 1_000_000, "minutes": 60_000_000, "hours": 3_600_000_000,
         "days": 86_400_000_000}


def number(source):
    """The value of an expression of numbers: `64 << 10`, `1_000 / 2`, `.seconds(5)`, `TimeSpan.days(300)`."""
    plain = re.sub(r"\b([A-Z]\w+)(?:\.standard)?\.([a-z]\w*)\b(?!\()",
                   lambda match: f"({number(expression(f'{match[1]}.{match[2]}'))})", source)
    plain = re.sub(r"(?<=\d)_(?=\d)", "", plain)
    plain = re.sub(r"(?:\b[A-Z]\w*)?\.(\w+)\(", lambda match: f"{UNITS.get(match[1], match[1])} * (", plain)
    plain = re.sub(r"\bU?Int(?:8|16|32|64)?\(", "(", plain)
    plain = plain.replace(" / ", " // ")
    if not re.fullmatch(r"[\d\s.()+*/<-]+", plain):
        raise Drift(f"{source} is no number that scripts/reference.py understands")
    return eval(plain, {"__builtins__": {}})  # only digits and operators, as checked before


def time_text(microseconds):
    """`10 ms`, `5 s`, `1 minute`, `24 hours`, `7 days`."""
    for size, singular, plural in ((86_400_000_000, "day", "days"), (3_600_000_000, "hour", "hours"),
                                   (60_000_000, "minute", "minutes"), (1_000_000, "s", "s"),
                                   (1_000, "ms", "ms")):
        count = microseconds / size
        if count == int(count) and count >= (2 if size == 86_400_000_000 else 1):
            return f"{int(count):,} {singular if count == 1 else plural}"
    return f"{microseconds:,} µs"


def bytes_text(count):
    """`64 KiB`, `1 MiB`, `256 bytes`."""
    for size, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= size and count % size == 0:
            return f"{count // size:,} {unit}"
    return f"{count:,} bytes"


def plain_text(count):
    """`10,000`; a fraction as it is."""
    return f"{count:,}" if isinstance(count, int) else f"{count:g}"


FORMATS = {
    "count": plain_text,
    "bytes": bytes_text,
    "time": time_text,
    "milliseconds": lambda count: time_text(count * 1_000),
    "seconds": lambda count: time_text(count * 1_000_000),
}


class Constants:
    """Puts values into placeholders, and keeps what was used."""

    def __init__(self, settings):
        self.used = set()
        self.settings = settings

    def fill(self, match):
        """The text for one placeholder: `{count Type.constant}`, `{bytes …}`, `{time …}`, `{setting cloud KEY}`."""
        kind, reference = match[1], match[2]
        if kind == "setting":
            program, key = reference.split(" ")
            rows = [row for row in self.settings[f"hedgerow-{program}"] if row["key"] == key]
            if not rows or rows[0]["default"] is None:
                raise Drift(f"hedgerow-{program} has no setting {key} with a default")
            value = rows[0]["default"]
            spelled = re.fullmatch(r"(\d+)([A-Za-z]*)", value)
            unit = {"d": " days", "h": " hours", "m": " minutes", "s": " s"}.get(spelled[2], f" {spelled[2]}")
            return f"{int(spelled[1]):,}{unit}".strip()
        self.used.add(reference.split(" /")[0])
        source = expression(reference)
        parts = source.split("...")
        if kind not in FORMATS or len(parts) > 2:
            raise Drift(f"{{{kind} {reference}}}: there is no such kind of placeholder")
        return " to ".join(FORMATS[kind](number(part.strip())) for part in parts)


PLACEHOLDER = re.compile(r"\{(count|bytes|time|seconds|milliseconds|setting) ([^{}]+(?:\{\d+\}[^{}]*)?)\}")
# Digits that are part of a name.
NAMES = re.compile(r"`[^`]*`|QoS [01]\b|HTTP/2|UTF-8|P-256|\]\([^)]*\)|SHA-256")


def limits_page(settings):
    """docs/reference/limits.md, and that each number of a row comes from the code."""
    template = (PAGES / "limits.in").read_text(encoding="utf-8")
    constants = Constants(settings)
    for count, line in enumerate(template.split("\n"), start=1):
        if line.startswith("|") and re.search(r"\d", NAMES.sub("", PLACEHOLDER.sub("", line))):
            raise Drift(f"docs/reference/limits.in:{count}: a number that does not come from the code; name the "
                        "constant instead: {count Type.constant}")
    page = PLACEHOLDER.sub(constants.fill, template)
    for path in sorted(SOURCES.rglob("*Limits.swift")):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"^ +(?:public )?(?:static )?(?:let|var) (\w+)(?:: [\w.]+)? = [\d.D]", text, re.M):
            if f"{path.stem}.{name}" not in constants.used:
                raise Drift(f"{path.relative_to(ROOT)}: {name} is not in docs/reference/limits.in")
    return head("limits.in") + page


# MARK: Errors


def words(camel):
    """`notYourResource` as `NOT_YOUR_RESOURCE`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", camel).upper()


def exit_codes():
    """The exit codes of `hedgerow`: name in the code, number, meaning."""
    text = source_file("HedgerowCLI/Support/ProgramStatus").read_text(encoding="utf-8")
    found = re.findall(r"((?: +/// [^\n]*\n)+) +case (\w+) = (\d+)", text)
    return [(name, int(code), " ".join(line.strip()[4:] for line in comment.strip().split("\n")))
            for comment, name, code in found]


def exit_codes_of_reasons():
    """The exit code that the command line gives each reason."""
    text = source_file("CLIError").read_text(encoding="utf-8")
    body = re.search(r"func status\(of reason: ErrorReason\)[^{]*\{(.*?)\n    \}", text, re.S)
    codes = {name: code for name, code, _ in exit_codes()}
    result = {}
    for cases, status in re.findall(r"case ([^:]+):\s*\.(\w+)", body[1]):
        for case in re.findall(r"\.(\w+)", cases):
            result[words(case)] = codes[status]
    return result


def codes_of_reasons():
    """The gRPC codes with which the servers' code sends each reason."""
    result = {}
    for folder in ("RPCSupport", "Cloud", "EdgeCore"):
        for path in sorted((SOURCES / folder).rglob("*.swift")):
            if path.parent.name in ("Enrollment", "Attach", "Calling"):
                continue  # these call servers
            text = path.read_text(encoding="utf-8")
            for code, reason in re.findall(r"HedgerowError\(\s*\.(\w+),\s*\.(\w+)", text):
                result.setdefault(words(reason), set()).add(words(code).replace("INTERNAL_ERROR", "INTERNAL"))
    return result


def reasons_of_proto():
    """Reason, gRPC code (or "Rejected message") and meaning, as error.proto has them."""
    text = (ROOT / "Protos/hedgerow/type/v1/error.proto").read_text(encoding="utf-8")
    result = []
    for comment, reason in re.findall(r"((?:^ +//[^\n]*\n)+) +ERROR_REASON_(\w+) = \d+;", text, re.M):
        meaning = " ".join(line.strip()[3:] for line in comment.strip().split("\n"))
        if reason == "UNSPECIFIED":
            continue
        code, colon, meaning = meaning.partition(": ")
        if not colon or not re.fullmatch(r"[A-Z_]+|Rejected message", code):
            raise Drift(f"error.proto: the comment of {reason} does not begin with a gRPC code and a colon")
        result.append((reason, code, meaning[0].upper() + meaning[1:]))
    return result


def errors_page():
    """docs/reference/errors.md, from error.proto, the code, and what errors.in says to do."""
    template = (PAGES / "errors.in").read_text(encoding="utf-8")
    block = re.search(r"^\{reasons\n(.*?)^\}\n", template, re.S | re.M)
    advice = {}
    for line in block[1].strip().split("\n"):
        reason, more, what = (part.strip() for part in line.split(" | "))
        advice[reason] = (more, what)
    declared = reasons_of_proto()
    for name in sorted({reason for reason, _, _ in declared} ^ set(advice)):
        raise Drift(f"{name} is in one of error.proto and docs/reference/errors.in only; add it to the other")
    status, sent = exit_codes_of_reasons(), codes_of_reasons()
    rows = ["| Reason | Code | What it means | What to do | Exit |", "|---|---|---|---|---|"]
    for reason, code, meaning in declared:
        others = sorted(sent.get(reason, set()) - {code})
        more, what = advice[reason]
        codes = "rejected message" if code == "Rejected message" else ", ".join([code, *others])
        for other in others:
            if code != "Rejected message" and other not in more:
                raise Drift(f"the code sends {reason} with {other}, error.proto says {code}; errors.in has to say when")
        text = f"{meaning} {more}".strip()
        rows.append(f"| `{reason}` | {codes} | {text} | {what} | {status[reason]} |")
    table = ["| Code | Meaning |", "|---|---|"]
    table += [f"| {code} | {meaning} |" for _, code, meaning in exit_codes()]
    page = template.replace(block[0], "\n".join(rows) + "\n").replace("{exit codes}\n", "\n".join(table) + "\n")
    return head("errors.in") + page


# MARK: Log lines


def log_lines():
    """The messages of the warnings and errors that cores and clouds log, up to what varies in them."""
    result = {}
    start = re.compile(r"logger\??\.(?:warning|error|critical)\(\s*(?=\")|level: [^\n]*\.(?:warning|error),\s*(?=\")")
    for folder in ("Cloud", "EdgeCore", "RPCSupport", "StreamStore", "Observability", "OTLPExporter", "Supervision"):
        for path in sorted((SOURCES / folder).rglob("*.swift")):
            text = path.read_text(encoding="utf-8")
            for match in start.finditer(text):
                rest = text[match.end():]
                if rest.startswith('"""'):
                    lines = re.sub(r"\\\n\s*", "", rest[3:rest.index('"""', 3)]).strip()
                    message = re.sub(r"\s+", " ", lines)
                else:
                    pieces = re.match(r'"(?:[^"\\]|\\.)*"(?:\s*\+\s*"(?:[^"\\]|\\.)*")*', rest)[0]
                    message = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', pieces))
                message = message.split("\\(")[0].rstrip(" :")
                if message:
                    result[message] = path.relative_to(ROOT)
    return result


def check_log_lines():
    """Whether docs/operating.md explains each warning and error, and no other; the findings."""
    page = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([^`]+)` \| (?:core|cloud|both|core, thing) \|", page, re.M))
    written = log_lines()
    return [f"{written[line]}: the log line \"{line}\" is not explained in docs/operating.md"
            for line in sorted(set(written) - explained)] + \
        [f"docs/operating.md: nothing logs \"{line}\"" for line in sorted(explained - set(written))]


# MARK: Command line and configuration


def run(binary, *arguments):
    """What a program prints; an environment of its own, so that the page is the same everywhere."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8"}
        done = subprocess.run([binary, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Drift(f"{binary} {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout


def help_trees(binaries):
    """What each program says about its commands, by name of the program."""
    return {name: json.loads(run(binaries / name, "--experimental-dump-help"))["command"] for name in PROGRAMS}


def cell(text):
    """Text for a cell of a table; line breaks and bars would end it."""
    return re.sub(r"\s+", " ", text or "").replace("|", "\\|").strip()


def spelled(argument):
    """How an argument is written: `--limit <limit>`, `-f, --file <file>`, `<name> ...`."""
    value = f"<{argument.get('valueName', 'value')}>"
    if argument["kind"] == "positional":
        return value + (" ..." if argument["isRepeating"] else "")
    dashes = {"short": "-", "long": "--", "longWithSingleDash": "-"}
    names = ", ".join(dashes[name["kind"]] + name["name"] for name in argument["names"])
    return names + (f" {value}" if argument["kind"] == "option" else "")


def usage(path, arguments):
    """The usage line of a command."""
    parts = [path]
    for argument in arguments:
        text = spelled(argument).split(", ")[-1]
        parts.append(f"[{text}]" if argument["isOptional"] else text)
    return " ".join(parts)


def explanation(discussion):
    """Prose of a command as Markdown: paragraphs stay such, what is indented becomes a listing."""
    lines = []
    for part in re.split(r"\n{2,}", discussion.strip("\n")):
        if re.search(r"^ ", part, re.M):
            lines += ["```text", part, "```", ""]
        elif part:
            lines += [re.sub(r"([<>*_])", r"\\\1", part), ""]
    return lines


def sections(command, path, level):
    """The Markdown of a command and of those below it."""
    path = f"{path} {command['commandName']}".strip()
    subcommands = [sub for sub in command.get("subcommands", [])
                   if sub["commandName"] != "help" and sub.get("shouldDisplay", True)]
    lines = [f"{'#' * level} {path}", ""]
    if command.get("abstract"):
        lines += [command["abstract"], ""]
    arguments = [argument for argument in command.get("arguments", []) if argument.get("shouldDisplay", True)
                 and not (argument["names"] if "names" in argument else [])[:1] == [{"kind": "long", "name": "help"}]
                 and not any(name["name"] in ("help", "version") for name in argument.get("names", []))]
    if not subcommands:
        lines += ["```text", usage(path, arguments), "```", ""]
    lines += explanation(command.get("discussion") or "")
    if arguments and not subcommands:
        lines += ["| Argument | Meaning | Default |", "|---|---|---|"]
        for argument in arguments:
            meaning = argument.get("abstract", "") or ""
            values = argument.get("allValues") or argument.get("allValueStrings")
            if values and not all(value in meaning for value in values):
                meaning += f" ({', '.join(values)})"
            default = argument.get("defaultValue")
            shown = f"`{default}`" if default else ("" if argument["isOptional"] else "required")
            lines.append(f"| `{cell(spelled(argument))}` | {cell(meaning)} | {shown} |")
        lines.append("")
    for sub in subcommands:
        lines += sections(sub, path, min(level + 1, 4))
    return lines


def cli_page(trees):
    """docs/reference/cli.md."""
    lines = ["# Commands and options", "",
             "Every command of the three programs, as the programs themselves describe it. "
             "[cli.md](../cli.md) explains `hedgerow` with examples, exit codes and the names in JSON; "
             "[configuration.md](configuration.md) has the settings that `hedgerow-core run` and "
             "`hedgerow-cloud serve` take.", ""]
    for name in PROGRAMS:
        lines += sections({**trees[name], "discussion": None} if name != "hedgerow" else trees[name], "", 2)
    return head("the programs' own help") + "\n".join(lines).rstrip("\n") + "\n"


def settings_of(binaries):
    """The settings of core and cloud, with nothing set."""
    return {name: json.loads(run(binaries / name, "config", "print", "--json")) for name in PROGRAMS[1:]}


def configuration_page(settings):
    """docs/reference/configuration.md."""
    lines = [
        "# Configuration keys", "",
        "Every setting of `hedgerow-core` and `hedgerow-cloud`. A flag beats the environment, the environment beats "
        "the file, the file beats the default. In a file the key may be nested (`listen:` with `port:` below it) or "
        "dotted (`listen.port:`). `--config FILE` (`HEDGEROW_CONFIG`) names the file, YAML or JSON. Unknown keys are "
        "refused. `hedgerow-core config print` and `hedgerow-cloud config print` show what a program would use and "
        "where each value came from; secrets are redacted there.", ""]
    for name in PROGRAMS[1:]:
        lines += [f"## {name}", "", "| Key | Values | Default | Meaning | Flag, environment |", "|---|---|---|---|---|"]
        for row in settings[name]:
            default = f"`{row['default']}`" if row["default"] is not None else "none"
            secret = " Secret: never shown." if row["secret"] else ""
            lines.append(f"| `{row['key']}` | {cell(row.get('values'))} | {default} "
                         f"| {cell(row['summary'])}{secret} | `{row['flag']}` `{row['environment']}` |")
        lines.append("")
    return head("the tables of settings") + "\n".join(lines).rstrip("\n") + "\n"


# MARK: The program


def head(source):
    """The comment at the top of a page."""
    return f"<!-- Made by `make docs` from the code and {source}. Changes here are lost. -->\n"


def main():
    """Writes the pages, or checks them; the exit code is 1 when one is not current."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/debug", help="where the programs are")
    options = parser.parse_args()
    stale = 0
    try:
        trees, settings = help_trees(options.bin), settings_of(options.bin)
        pages = {
            "cli.md": cli_page(trees),
            "configuration.md": configuration_page(settings),
            "limits.md": limits_page(settings),
            "errors.md": errors_page(),
        }
    except Drift as drift:
        sys.exit(f"reference: {drift}")
    for name, text in pages.items():
        path = PAGES / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if options.check:
            print(f"docs/reference/{name}: not current: run `make docs` and commit what it changes")
            stale += 1
        else:
            path.write_text(text, encoding="utf-8")
            print(f"reference: wrote docs/reference/{name}")
    if options.check:
        for finding in check_log_lines():
            print(finding)
            stale += 1
    print(f"reference: {len(pages)} pages, {stale} findings")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
