#!/usr/bin/env python3
"""Checks the commands of the documentation: all parse, and those that are marked are run.

usage: scripts/docs-check.py [--bin DIRECTORY] [--only PAGE] [--verbose] [--self-test]

Every `hedgerow…` command line of every page is compared with what the programs say that they take. Blocks below a
comment `<!-- docs-check: WHAT -->` are run, page by page, in a directory of their own. Every recipe of a component is
checked (those of docs/transforms.md by a test, together with what they do). WHAT is one of

  run             run the block with bash, without lines that have a `…`; it succeeds
  run lines 1,3-5 the same with these lines only; the others are examples
  exit N          the same, ending with N
  start "TEXT"    run it in the background until the page ends; it has started when it prints TEXT
  again "TEXT"    kill what an equal block started, and start it again
  until "TEXT"    run it until it prints TEXT, then interrupt it
  output          no command: what the last one printed; `…` stands for anything, alone on a line for any lines, and
                  lines of a prompt (`$ …`) are left out
  save FILE       no command: the contents of FILE
  hidden          commands in the comment itself, below this line, that readers need not see
  hidden WHAT     the same, doing WHAT
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ("hedgerow", "hedgerow-core", "hedgerow-cloud")
DEFAULT = {"hedgerow-core": "run", "hedgerow-cloud": "serve"}
# Longest time for one block, in seconds.
PATIENCE = 60


class Failure(Exception):
    """A page does not do what it says; the text is for people."""


# MARK: Blocks of a page


class Block:
    """A listing, and the comment before it."""

    def __init__(self, line, language, text, marker):
        self.line, self.language, self.text, self.marker = line, language, text, marker


def blocks(text):
    """The listings of a page, and hidden commands, in order."""
    found, fence, body, marker, hidden, begun = [], None, [], None, None, 0
    for number, line in enumerate(text.split("\n"), start=1):
        if hidden is not None:
            if line.strip() == "-->":
                found.append(Block(begun, "sh", "\n".join(hidden), marker or "hidden"))
                hidden, marker = None, None
            else:
                hidden.append(line)
        elif fence is not None:
            if line.strip() == fence:
                found.append(Block(begun, language, "\n".join(body), marker))
                fence, marker = None, None
            else:
                body.append(line)
        elif match := re.fullmatch(r"<!-- docs-check: hidden *(.*)", line.strip()):
            hidden, begun, marker = [], number + 1, match[1]
        elif match := re.fullmatch(r"<!-- docs-check: (.+) -->", line.strip()):
            marker = match[1]
        elif match := re.match(r" *(```+)(.*)$", line):
            fence, language, body, begun = match[1], match[2].strip(), [], number + 1
        elif line.strip() and marker:
            raise Failure(f"line {number}: the comment before has no listing below it")
    return found


# MARK: Parsing


class Grammar:
    """What the programs take."""

    def __init__(self, binaries):
        self.trees = {name: json.loads(ask(binaries / name, "--experimental-dump-help"))["command"]
                      for name in PROGRAMS}
        self.settings = {}
        for name in DEFAULT:
            rows = json.loads(ask(binaries / name, "config", "print", "--json"))
            self.settings[name] = {row["flag"] for row in rows} | {"--config"}

    def problem(self, words, whole):
        """What is wrong with a command line; None where it parses. A part of one may lack arguments."""
        command, path, rest = self.trees[words[0]], words[0], words[1:]
        # These may stand before the command, although help shows them behind it.
        while words[0] == "hedgerow" and len(rest) > 1 and rest[0] in ("--home", "--context", "--color"):
            rest = rest[2:]
        while subcommands := {sub["commandName"]: sub for sub in command.get("subcommands", [])}:
            if not rest and not whole:
                return None
            if rest and rest[0] in subcommands:
                command, path, rest = subcommands[rest[0]], f"{path} {rest[0]}", rest[1:]
            elif path in DEFAULT:
                command, path = subcommands[DEFAULT[path]], f"{path} {DEFAULT[path]}"
            elif rest and rest[0] in ("--help", "-h", "--version", "help") or path.endswith(" config"):
                break
            elif rest and (rest[0].startswith("…") or rest[0].isupper()):
                return None
            else:
                return f"{path} has no subcommand {rest[0] if rest else '(none is named)'}"
        return self.argument_problem(command, path, rest, whole)

    def argument_problem(self, command, path, rest, whole):
        """What is wrong with the arguments of a command."""
        options, positionals = {}, []
        for argument in command.get("arguments", []):
            if argument["kind"] == "positional":
                positionals.append(argument)
            for name in argument.get("names", []):
                options[("-" if name["kind"] == "short" else "--") + name["name"]] = argument
        passes = [argument for argument in positionals if argument["valueName"] == "settings"]
        settings = self.settings[path.split(" ")[0]] if passes else set()
        positionals = [argument for argument in positionals if argument not in passes]
        given, used, words = 0, set(), list(rest)
        while words:
            word = words.pop(0)
            if word == "--":
                given += len(words)
                break
            if not word.startswith("-") or word == "-":
                given += 1
                continue
            name, equals, _ = word.partition("=")
            if name in ("--help", "-h", "--version"):
                return None
            if name in options:
                used.add(options[name].get("valueName"))
                takes = options[name]["kind"] == "option"
            elif name in settings:
                takes = True
            else:
                return f"{path} has no option {name}"
            if takes and not equals:
                if not words:
                    return f"{name} of {path} lacks its value" if whole else None
                words.pop(0)
        if given > len(positionals) and not any(argument["isRepeating"] for argument in positionals):
            return f"{path} takes {len(positionals)} arguments, not {given}"
        needed = [argument for argument in positionals if not argument["isOptional"]]
        if whole and given < len(needed):
            return f"{path} lacks <{needed[given]['valueName']}>"
        for argument in command.get("arguments", []):
            if whole and argument["kind"] == "option" and not argument["isOptional"] \
                    and argument.get("defaultValue") is None and argument["valueName"] not in used:
                return f"{path} lacks --{argument['valueName']}"
        return None


def ask(binary, *arguments):
    """What a program prints about itself."""
    done = subprocess.run([binary, *arguments], capture_output=True, text=True, check=False,
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    if done.returncode != 0:
        raise Failure(f"{binary} {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout


def command_lines(text):
    """Our command lines of a page: line, words, and whether it is a whole one (in a listing)."""
    for block in blocks(text):
        lines = re.sub(r"\\\n\s*", " ", block.text).split("\n")
        # Help texts, as in docs/reference/cli.md, have examples too.
        shell = block.language in ("", "sh", "bash", "shell", "console") or block.text.startswith("Example")
        for offset, line in enumerate(lines):
            stripped = line.strip()
            if stripped.startswith("$ "):
                stripped = stripped[2:]
            elif not shell:
                continue
            for words in commands_of(stripped):
                yield block.line + offset, words, True
    listing = False
    for number, line in enumerate(text.split("\n"), start=1):
        if re.match(r" *```", line):
            listing = not listing
        elif not listing:
            for code in re.findall(r"(?<!`)`(hedgerow(?:-core|-cloud)? [^`]+)`", line):
                for words in commands_of(code.replace("[", "").replace("]", "")):
                    yield number, words, False


def recipe_problems(text, binaries):
    """What is wrong with the recipes of a page: line and problem. Those that a page makes into files are run there."""
    for block in blocks(text):
        if block.language == "yaml" and block.text.startswith("kind: Component") and not block.marker:
            with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as recipe:
                recipe.write(block.text)
                recipe.flush()
                done = subprocess.run([binaries / "hedgerow", "components", "check", recipe.name],
                                      capture_output=True, text=True, check=False)
            if done.returncode != 0:
                yield block.line, done.stderr.strip()


def commands_of(line):
    """The commands of ours in a line of shell."""
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        tokens = list(lexer)
    except ValueError:
        return
    current = []
    for token in [*tokens, ";"]:
        if token in ("|", "||", "&&", ";", "&", ">", ">>", "<", "2>", "(", ")"):
            while current and (re.match(r"[A-Z_]+=", current[0]) or current[0] in ("sudo", "exec", "env", "time")):
                current.pop(0)
            if current and current[0].rsplit("/", 1)[-1] in PROGRAMS and "/etc/" not in current[0]:
                yield [current[0].rsplit("/", 1)[-1], *current[1:]]
            # What follows a redirection is a file.
            current = ["(file)"] if ">" in token or token == "<" else []
        else:
            current.append(token)


# MARK: Running


class Stage:
    """A directory with the programs, for the commands of one page."""

    def __init__(self, directory, binaries, verbose):
        self.directory, self.verbose = pathlib.Path(directory), verbose
        self.background, self.last = [], ""
        (self.directory / "bin").mkdir()
        (self.directory / "home").mkdir()
        self.work = self.directory / "work"
        self.work.mkdir()
        for tree in ("Examples", "deploy", "python"):
            (self.work / tree).symlink_to(ROOT / tree)
        first, second = free_port(), free_port()
        # Ports that nobody else has, known beforehand, so that a cloud may be started again.
        ports = {"hedgerow": "", "hedgerow-core": "HEDGEROW_LISTEN_PORT=0",
                 "hedgerow-cloud": f"HEDGEROW_LISTEN_PORT={first} HEDGEROW_ENROLLMENT_PORT={second}"}
        for name, variables in ports.items():
            path = self.directory / "bin" / name
            path.write_text(f"#!/bin/sh\nexec env {variables} {shlex.quote(str(binaries / name))} \"$@\"\n",
                            encoding="utf-8")
            path.chmod(0o755)
        self.environment = {
            "PATH": f"{self.directory}/bin:{os.environ['PATH']}", "HOME": str(self.directory / "home"),
            "LANG": "C.UTF-8", "TZ": "UTC", "HEDGEROW_LISTEN_HOST": "127.0.0.1",
            "HEDGEROW_ENROLLMENT_HOST": "127.0.0.1", "HEDGEROW_ADVERTISE": "127.0.0.1",
            "HEDGEROW_ENROLLMENT_ADVERTISE": "127.0.0.1",
        }

    def spawn(self, script):
        """Starts a script in a process group of its own; what it prints goes to a file."""
        log = self.directory / f"output-{len(list(self.directory.glob('output-*')))}"
        with log.open("wb") as output:
            process = subprocess.Popen(["bash", "-eu", "-o", "pipefail", "-c", script], cwd=self.work,
                                       env=self.environment, stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=subprocess.STDOUT, start_new_session=True)
        return process, log

    def wait_for(self, process, log, text):
        """Waits until a process printed a text."""
        deadline = time.monotonic() + PATIENCE
        while text not in log.read_text(encoding="utf-8", errors="replace"):
            if process.poll() is not None:
                raise Failure(f"ended with {process.returncode} before it printed \"{text}\":\n{tail(log)}")
            if time.monotonic() > deadline:
                raise Failure(f"did not print \"{text}\" within {PATIENCE} s:\n{tail(log)}")
            time.sleep(0.05)

    def perform(self, block):
        """Does what the comment before a block says."""
        what, _, argument = block.marker.partition(" ")
        argument = argument.strip('"')
        if what == "save":
            path = self.work / argument
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text + "\n", encoding="utf-8")
        elif what == "output":
            shown = re.sub(r"(?m)^\$ .*\n", "", block.text)
            if not re.fullmatch(pattern(shown), self.last.rstrip("\n") + "\n"):
                raise Failure(f"printed\n{indented(self.last)}\nand not\n{indented(block.text)}")
        elif what in ("run", "hidden", "exit"):
            process, log = self.spawn(selected(block.text, argument if what == "run" else ""))
            try:
                code = process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                end(process, signal.SIGKILL)
                raise Failure(f"took longer than {PATIENCE} s:\n{tail(log)}") from None
            self.last = log.read_text(encoding="utf-8", errors="replace")
            wanted = int(argument) if what == "exit" else 0
            if code != wanted:
                raise Failure(f"ended with {code}, not {wanted}:\n{tail(log)}")
        elif what in ("start", "again"):
            if what == "again":
                self.kill(block.text)
            process, log = self.spawn(last_in_place(block.text))
            self.background.append((process, log, block))
            self.wait_for(process, log, argument)
        elif what == "until":
            process, log = self.spawn(last_in_place(block.text))
            self.background.append((process, log, block))
            self.wait_for(process, log, argument)
            self.background.pop()
            stop(process, log, signal.SIGINT)
            self.last = log.read_text(encoding="utf-8", errors="replace")
        else:
            raise Failure(f"docs-check knows no \"{block.marker}\"")

    def kill(self, text):
        """Kills what an equal block started."""
        for entry in self.background:
            if entry[2].text == text:
                end(entry[0], signal.SIGKILL)
                entry[0].wait()
                self.background.remove(entry)
                return
        raise Failure("nothing was started by an equal block")

    def finish(self):
        """Ends what runs in the background, the newest first; each has to end well."""
        try:
            for process, log, block in reversed(self.background):
                if process.poll() is not None:
                    raise Failure(f"line {block.line}: ended with {process.returncode} by itself:\n{tail(log)}")
                stop(process, log, signal.SIGTERM)
        finally:
            for process, _, _ in self.background:
                end(process, signal.SIGKILL)


def selected(script, lines):
    """The lines of a script that are meant to be run: those named (`lines 1,3-5`), none that leaves something out."""
    every = script.split("\n")
    if lines:
        numbers = set()
        for part in lines.removeprefix("lines ").split(","):
            first, _, last = part.partition("-")
            numbers.update(range(int(first), int(last or first) + 1))
        every = [line for number, line in enumerate(every, start=1) if number in numbers]
    return "\n".join(line for line in every if "…" not in line)


def last_in_place(script):
    """A script whose last command takes the place of its shell, so that it is the one that gets signals."""
    *before, last = re.sub(r"\\\n", " ", script.strip()).split("\n")
    return "\n".join([*before, f"exec {last}"])


def free_port():
    """A TCP port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end(process, number):
    """Sends a signal to the group of a process, if that is still there."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def stop(process, log, number):
    """Ends a process and expects that it ends well."""
    end(process, number)
    try:
        code = process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        end(process, signal.SIGKILL)
        raise Failure(f"did not end within 30 s:\n{tail(log)}") from None
    if code != 0:
        raise Failure(f"ended with {code} when it was told to:\n{tail(log)}")


def tail(log):
    """The end of what was printed."""
    return indented("\n".join(log.read_text(encoding="utf-8", errors="replace").split("\n")[-25:]))


def indented(text):
    """Text as part of a message."""
    return "\n".join(f"    {line}" for line in text.rstrip("\n").split("\n"))


def pattern(text):
    """A regular expression for output that is shown with `…`."""
    result = ""
    for line in text.rstrip("\n").split("\n"):
        if line.strip() == "…":
            result += r"(?:.*\n)*?"
        else:
            parts = [r"\s+".join(re.escape(word) for word in re.split(r"\s+", part))
                     for part in line.strip().split("…")]
            result += r"[ \t]*" + ".*?".join(parts) + r"[ \t]*\n"
    return result


def run_page(page, text, binaries, verbose):
    """Runs what is marked on a page; the number of blocks."""
    marked = [block for block in blocks(text) if block.marker]
    if not marked:
        return 0
    with tempfile.TemporaryDirectory(prefix="hedgerow-docs-") as directory:
        stage = Stage(directory, binaries, verbose)
        try:
            for block in marked:
                begun = time.monotonic()
                try:
                    stage.perform(block)
                except Failure as failure:
                    raise Failure(f"{page}:{block.line}: {block.marker}: {failure}") from None
                if verbose:
                    print(f"docs-check: {page}:{block.line}: {block.marker}: {time.monotonic() - begun:.1f} s")
        except BaseException:
            for process, log, block in stage.background:
                print(f"docs-check: the end of what line {block.line} printed:\n{tail(log)}")
                end(process, signal.SIGKILL)
            raise
        stage.finish()
    return len(marked)


WRONG_COMMANDS = (
    "hedgerow thigns list", "hedgerow things", "hedgerow things list --crores", "hedgerow things create",
    "hedgerow things create a b", "hedgerow history --thing", "hedgerow apply --dry-run", "hedgerow-core run --sate x",
    "hedgerow-cloud config show", "true && hedgerow deploy", "hedgerow-core version --state x",
)
RIGHT_COMMANDS = (
    "hedgerow things create pi-1 --core", "hedgerow tail '#' --output json | jq .values", "hedgerow deploy --help",
    "cat groups/*.yaml | hedgerow apply -f -", "hedgerow history --topic 'a/+' > day.csv", "hedgerow-cloud --state x",
    "sudo hedgerow-core config print --listen-port 1 --json", "hedgerow publish a/b --value on=true --value level=3",
)
WRONG_PAGES = (
    "<!-- docs-check: run -->\n```sh\nfalse\n```\n",
    "<!-- docs-check: exit 3 -->\n```sh\nexit 4\n```\n",
    "<!-- docs-check: run -->\n```sh\necho a b\n```\n<!-- docs-check: output -->\n```\na c\n```\n",
    "<!-- docs-check: run -->\n```sh\nprintf 'a\\nb\\n'\n```\n<!-- docs-check: output -->\n```\na\n```\n",
    "<!-- docs-check: start \"up\" -->\n```sh\necho down\n```\n",
    "<!-- docs-check: start \"up\" -->\n```sh\nbash -c 'echo up; sleep 0.2'\n```\n"
    "<!-- docs-check: run -->\n```sh\nsleep 0.5\n```\n",
    "<!-- docs-check: hidden\nfalse\n-->\n",
    "<!-- docs-check: again \"up\" -->\n```sh\necho up\n```\n",
    "<!-- docs-check: dance -->\n```sh\ntrue\n```\n",
    "<!-- docs-check: run -->\nwords\n",
)
RIGHT_PAGE = (
    "<!-- docs-check: hidden\necho 7 > seven\n-->\n<!-- docs-check: save a/b -->\n```yaml\nx: 1\n```\n"
    "<!-- docs-check: start \"up\" -->\n```sh\nbash -c 'trap \"exit 0\" TERM; echo up; while :; do sleep 0.1; done'\n"
    "```\n<!-- docs-check: run -->\n```sh\ncat seven a/b; echo '12  ms'\n```\n"
    "<!-- docs-check: output -->\n```\n…\nx: 1\n… ms\n```\n<!-- docs-check: exit 4 -->\n```sh\nexit 4\n```\n"
)


def self_test(grammar, binaries):
    """Checks that this script finds what is wrong, and only that; the number of cases."""
    for line in WRONG_COMMANDS:
        if all(grammar.problem(words, True) is None for words in commands_of(line)):
            raise Failure(f"self-test: nothing is said of \"{line}\"")
    for line in RIGHT_COMMANDS:
        found = list(commands_of(line))
        for words in found:
            if problem := grammar.problem(words, True):
                raise Failure(f"self-test: \"{line}\": {problem}")
        if len(found) != 1:
            raise Failure(f"self-test: \"{line}\" has {len(found)} commands of ours")
    for text in WRONG_PAGES:
        try:
            with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
                run_page("page", text, binaries, False)
        except Failure:
            continue
        raise Failure(f"self-test: this page was found to be right:\n{indented(text)}")
    if run_page("page", RIGHT_PAGE, binaries, False) != 6:
        raise Failure("self-test: not every block of the right page was run")
    return len(WRONG_COMMANDS) + len(RIGHT_COMMANDS) + len(WRONG_PAGES) + 1


def main():
    """Prints what is wrong; the exit code is 1 when something is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/debug", help="where the programs are")
    parser.add_argument("--only", help="run the commands of this page only, for example README.md")
    parser.add_argument("--self-test", action="store_true", help="check this script instead")
    parser.add_argument("--verbose", action="store_true", help="print each block that was run")
    options = parser.parse_args()
    binaries = options.bin.resolve()
    begun, findings, parsed, ran = time.monotonic(), 0, 0, 0
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True,
                            text=True, check=True)
    pages = sorted(set(listed.stdout.split("\n")) - {""})
    try:
        grammar = Grammar(binaries)
        if options.self_test:
            print(f"docs-check: {self_test(grammar, binaries)} checks of the check passed")
            return 0
        for page in pages:
            text = (ROOT / page).read_text(encoding="utf-8")
            for line, words, whole in command_lines(text):
                parsed += 1
                if problem := grammar.problem(words, whole):
                    print(f"{page}:{line}: command: {problem}: {' '.join(words)}")
                    findings += 1
            for line, problem in recipe_problems(text, binaries):
                print(f"{page}:{line}: recipe: {problem}")
                findings += 1
        for page in pages:
            if options.only in (None, page):
                ran += run_page(page, (ROOT / page).read_text(encoding="utf-8"), binaries, options.verbose)
    except Failure as failure:
        sys.exit(f"docs-check: {failure}")
    print(f"docs-check: {findings} findings in {parsed} commands, {ran} blocks run, "
          f"{time.monotonic() - begun:.0f} s")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
