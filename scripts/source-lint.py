#!/usr/bin/env python3
"""Checks of the Swift sources that the compiler and swift-format do not make.

usage: scripts/source-lint.py [--root DIRECTORY]

Rules (each finding names its rule):
  layer-import   a target imports a module that its layer may not use (the tables below)
  layer-unknown  a folder of Sources/ stands in no layer
  banned-call    a call or construct that Sources/ must not have
  unchecked      `@unchecked Sendable` or `nonisolated(unsafe)` without `// Sendable: why` on the line before
  to-do          a left-over note that something is unfinished
  file-length    more than 450 lines
  error-docs     docs/reference/errors.md and error.proto do not list the same reasons
  format-config  Tests/.swift-format differs from .swift-format in more than the rules meant for Sources/
"""

import argparse
import json
import pathlib
import re
import sys

MAXIMUM_LINES = 450

# --- Layers (docs/architecture.md). Arrows point down: a target may import every target of the layers
# below it, and of its own layer only what BESIDE names.
LAYERS = [
    {"Messaging", "Identity", "Expressions", "Transforms", "Shadows", "Components"},
    {"PKI", "StreamStore", "ShadowStore", "BME680", "Manifests", "Observability", "Supervision"},
    {"HedgerowAPI"},
    {"RPCSupport", "OTLPExporter"},
    {"Cloud", "EdgeCore"},
    {"ThingClient", "HedgerowCLI"},
    {"hedgerow", "hedgerow-core", "hedgerow-cloud"},
]
BESIDE = {
    "Transforms": {"Expressions", "Identity", "Messaging"},
    "Shadows": {"Expressions", "Messaging"},
    "Components": {"Expressions", "Transforms", "Shadows", "Identity", "Messaging"},
    # For files that are there as a whole or not at all, and the threads that may block.
    "Supervision": {"PKI"},
    "HedgerowCLI": {"ThingClient"},
}

# --- Modules from outside, by target. A name that ends in * is a prefix.
STANDARD = {"Swift", "Synchronization", "FoundationEssentials"}
SYSTEM = STANDARD | {"Foundation", "Dispatch", "Glibc", "Musl", "Darwin", "System", "SystemPackage"}
TELEMETRY = {"Logging", "Tracing", "Instrumentation", "InstrumentationContext", "ServiceContextModule",
             "Metrics", "CoreMetrics"}
COLLECTIONS = {"Collections", "DequeModule", "OrderedCollections", "HeapModule", "AsyncAlgorithms"}
CERTIFICATES = {"X509", "SwiftASN1", "Crypto", "_CryptoExtras", "CryptoExtras"}
GRPC = {"GRPC*", "SwiftProtobuf", "NIO*"}
LIFECYCLE = {"ServiceLifecycle", "UnixSignals"}
ENGINE = (SYSTEM | TELEMETRY | COLLECTIONS | CERTIFICATES | GRPC | LIFECYCLE
          | {"GRDB", "Configuration", "Subprocess"})

OUTSIDE = {
    # Layer 0: values and rules. Nothing that reads, writes, waits or knows a wire.
    "Messaging": STANDARD,
    "Identity": STANDARD,
    "Expressions": STANDARD,
    "Transforms": STANDARD,
    "Shadows": STANDARD,
    "Components": STANDARD,
    # Layer 1: input and output, no gRPC.
    "PKI": SYSTEM | TELEMETRY | CERTIFICATES,
    "StreamStore": SYSTEM | TELEMETRY | COLLECTIONS | LIFECYCLE | {"GRDB"},
    "ShadowStore": SYSTEM | {"GRDB"},
    "BME680": SYSTEM,
    "Manifests": SYSTEM | {"Yams"},
    "Observability": SYSTEM | TELEMETRY | LIFECYCLE | {"Configuration", "Yams"},
    "Supervision": SYSTEM | TELEMETRY | {"Subprocess"},
    # Layer 2: generated.
    "HedgerowAPI": SYSTEM | {"SwiftProtobuf", "GRPCCore", "GRPCProtobuf"},
    # Layer 3: what every gRPC server and client of ours shares. No database.
    "RPCSupport": SYSTEM | TELEMETRY | COLLECTIONS | CERTIFICATES | GRPC | LIFECYCLE,
    "OTLPExporter": SYSTEM | TELEMETRY | GRPC | LIFECYCLE,
    # Layer 4: the engines.
    "Cloud": ENGINE,
    "EdgeCore": ENGINE,
    # Layer 5: faces.
    "ThingClient": SYSTEM | TELEMETRY | COLLECTIONS | GRPC | LIFECYCLE,
    "HedgerowCLI": (SYSTEM | TELEMETRY | COLLECTIONS | GRPC | LIFECYCLE
                    | {"ArgumentParser", "ArgumentParserToolInfo", "Subprocess"}),
    # Layer 6: programs. They parse, load the configuration and run a library.
    "hedgerow": SYSTEM | {"ArgumentParser"},
    "hedgerow-core": SYSTEM | LIFECYCLE | {"ArgumentParser", "Configuration", "Logging"},
    "hedgerow-cloud": SYSTEM | LIFECYCLE | {"ArgumentParser", "Configuration", "Logging"},
}

# Where people read standard output: the command line and the programs.
MAY_PRINT = {"HedgerowCLI", "hedgerow", "hedgerow-core", "hedgerow-cloud"}

# --- Banned in Sources/: pattern, what it is, what to do instead.
BANNED = [
    (r"(?<![\w.])Task\s*(<[^<>]*>\s*)?[({]", "an unstructured Task",
     "use a task group or a Service, so that somebody waits for it"),
    (r"(?<![\w.])Task\s*\.\s*(detached|immediate|immediateDetached|init)\b", "an unstructured Task",
     "use a task group or a Service, so that somebody waits for it"),
    (r"(?<!\w)try\s*!", "try!", "handle the error or let it pass on"),
    (r"(?<!\w)as\s*!", "as!", "use as? and say what happens otherwise"),
    (r"(?<![\w.])fatalError\s*\(", "fatalError", "throw an error that says what to do"),
    (r"(?<!\w)Thread\s*\.\s*sleep\b", "Thread.sleep", "use a Clock: the cooperative pool must not block"),
    (r"(?<![\w.])(?<!func )(u|nano)?sleep\s*\(", "a blocking sleep",
     "use a Clock: the cooperative pool must not block"),
    (r"\b(Glibc|Musl|Darwin|Foundation)\s*\.\s*(u|nano)?sleep\s*\(", "a blocking sleep",
     "use a Clock: the cooperative pool must not block"),
    (r"\bDispatchSemaphore\b", "DispatchSemaphore", "use async functions or a Mutex"),
]
PRINT = re.compile(r"(?<![\w.])(?<!func )(Swift\s*\.\s*)?(debugPrint|print)\s*\(")
UNCHECKED = re.compile(r"@unchecked\s+Sendable\b|\bnonisolated\s*\(\s*unsafe\s*\)")
TO_DO = re.compile(r"\b(TODO|FIXME)\b")
IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+"
    r"(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?([A-Za-z_]\w*)")


def blank_out(text):
    """Returns the text with comments and the inside of string literals as spaces, lines kept.

    Code in string interpolations stays.
    """
    out = list(text)
    length = len(text)
    # Open constructs: ("code", depth of parentheses) for an interpolation, ("string", quote, hashes).
    stack = [("code", 0)]
    i = 0

    def erase(start, end):
        for j in range(start, min(end, length)):
            if out[j] != "\n":
                out[j] = " "

    while i < length:
        kind = stack[-1]
        if kind[0] == "code":
            if text.startswith("//", i):
                end = text.find("\n", i)
                end = length if end < 0 else end
                erase(i, end)
                i = end
                continue
            if text.startswith("/*", i):
                depth, j = 1, i + 2
                while j < length and depth:
                    if text.startswith("/*", j):
                        depth, j = depth + 1, j + 2
                    elif text.startswith("*/", j):
                        depth, j = depth - 1, j + 2
                    else:
                        j += 1
                erase(i, j)
                i = j
                continue
            opening = re.compile(r'(#*)("""|")').match(text, i)
            if opening:
                stack.append(("string", opening.group(2), opening.group(1)))
                i = opening.end()
                continue
            if text[i] == "(":
                stack[-1] = ("code", kind[1] + 1)
            elif text[i] == ")":
                if kind[1] == 0 and len(stack) > 1:
                    stack.pop()
                else:
                    stack[-1] = ("code", max(0, kind[1] - 1))
            i += 1
            continue
        _, quote, hashes = kind
        escape = "\\" + hashes
        if text.startswith(escape + "(", i):
            stack.append(("code", 0))
            erase(i, i + len(escape))
            i += len(escape) + 1
        elif text.startswith(quote + hashes, i):
            stack.pop()
            i += len(quote + hashes)
        elif text.startswith(escape, i):
            erase(i, i + len(escape) + 1)
            i += len(escape) + 1
        elif text[i] == "\n" and quote == '"':
            stack.pop()  # not Swift; do not swallow the rest of the file
            i += 1
        else:
            erase(i, i + 1)
            i += 1
    return "".join(out)


def allowed(module, names):
    """Whether a module is in a set of names, some of which are prefixes."""
    return any(module == name or (name.endswith("*") and module.startswith(name[:-1])) for name in names)


def layer_of(target):
    """The number of a target's layer, or None."""
    return next((number for number, targets in enumerate(LAYERS) if target in targets), None)


def is_fallback_import(lines, index):
    """Whether line `index` is in the `#else` of `#if canImport(FoundationEssentials)`."""
    in_else = False
    for line in reversed(lines[:index]):
        text = line.strip()
        if text == "#else":
            in_else = True
        elif text.startswith("#endif"):
            return False
        elif text.startswith("#if"):
            return in_else and "canImport(FoundationEssentials)" in text
    return False


class Linter:
    """Collects findings under one root."""

    def __init__(self, root):
        self.root = root
        self.findings = []
        self.files = 0

    def report(self, path, line, rule, message):
        """Adds a finding."""
        self.findings.append((str(path.relative_to(self.root)), line, rule, message))

    def run(self):
        """Makes every check."""
        for folder in ("Sources", "Tests"):
            for path in sorted((self.root / folder).rglob("*.swift")):
                if "Generated" not in path.parts:
                    self.check_file(path, in_sources=folder == "Sources")
        for path in sorted((self.root / "Protos").rglob("*.proto")):
            self.check_notes(path, path.read_text(encoding="utf-8").split("\n"))
        for path in sorted((self.root / "Sources").iterdir()):
            if path.is_dir() and layer_of(path.name) is None:
                self.report(path, 1, "layer-unknown",
                            "this target stands in no layer; add it to the tables of scripts/source-lint.py "
                            "and docs/architecture.md")
        self.check_error_docs()
        self.check_format_configurations()

    def check_file(self, path, in_sources):
        """Makes the checks of one Swift file."""
        self.files += 1
        text = path.read_text(encoding="utf-8")
        lines = text.split("\n")
        count = len(lines) - 1 if text.endswith("\n") else len(lines)
        if count > MAXIMUM_LINES:
            self.report(path, count, "file-length", f"{count} lines; split it, {MAXIMUM_LINES} is the most")
        self.check_notes(path, lines)
        if not in_sources:
            return
        target = path.relative_to(self.root / "Sources").parts[0]
        code = blank_out(text).split("\n")
        for index, line in enumerate(code):
            self.check_import(path, target, code, index)
            for pattern, what, instead in BANNED:
                if re.search(pattern, line):
                    self.report(path, index + 1, "banned-call", f"{what} is banned in Sources; {instead}")
            if target not in MAY_PRINT and PRINT.search(line):
                self.report(path, index + 1, "banned-call", "print is for the command line; log instead")
            if UNCHECKED.search(line):
                before = lines[index - 1].strip() if index else ""
                if not before.startswith("// Sendable: "):
                    self.report(path, index + 1, "unchecked",
                                "write a line \"// Sendable: why this is safe\" directly before it")

    def check_notes(self, path, lines):
        """Refuses notes that something is unfinished."""
        for index, line in enumerate(lines):
            if TO_DO.search(line):
                self.report(path, index + 1, "to-do", "finish it, or open an issue and remove the note")

    def check_import(self, path, target, code, index):
        """Refuses imports that point up or at modules that the target may not use."""
        match = IMPORT.match(code[index])
        if not match:
            return
        module = match.group(1)
        own = layer_of(target)
        if own is None:
            return
        other = layer_of(module)
        if other is not None:
            if other < own or module in BESIDE.get(target, set()):
                return
            self.report(path, index + 1, "layer-import",
                        f"{target} (layer {own}) must not import {module} (layer {other}); arrows point down")
            return
        if allowed(module, OUTSIDE[target]):
            return
        if module == "Foundation" and is_fallback_import(code, index):
            return
        self.report(path, index + 1, "layer-import",
                    f"{target} (layer {own}) must not import {module}; move the code, or allow it in the "
                    "table of scripts/source-lint.py with a reason in docs/decisions")

    def check_error_docs(self):
        """Each reason of error.proto is in docs/reference/errors.md and the other way round."""
        proto = self.root / "Protos/hedgerow/type/v1/error.proto"
        page = self.root / "docs/reference/errors.md"
        if not proto.exists():
            return
        declared = set(re.findall(r"^\s*ERROR_REASON_(\w+)\s*=", proto.read_text(encoding="utf-8"), re.M))
        declared.discard("UNSPECIFIED")
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        documented = set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.M))
        for name in sorted(declared - documented):
            self.report(page, 1, "error-docs", f"{name} is in error.proto and not in the table here")
        for name in sorted(documented - declared):
            self.report(page, 1, "error-docs", f"{name} is in the table here and not in error.proto")

    def check_format_configurations(self):
        """The two configurations of swift-format agree but for four rules."""
        own, tests = self.root / ".swift-format", self.root / "Tests/.swift-format"
        if not own.exists() or not tests.exists():
            self.report(own, 1, "format-config", ".swift-format and Tests/.swift-format must both exist")
            return
        first, second = json.loads(own.read_text()), json.loads(tests.read_text())
        for rule in ("AllPublicDeclarationsHaveDocumentation", "NeverForceUnwrap", "NeverUseForceTry",
                     "NeverUseImplicitlyUnwrappedOptionals"):
            if first["rules"].pop(rule, None) is not True:
                self.report(own, 1, "format-config", f"{rule} must be on")
            second["rules"].pop(rule, None)
        if first != second:
            self.report(tests, 1, "format-config", "differs from .swift-format in more than it may")


def main():
    """Runs the checks; the exit code is 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--root", default=str(pathlib.Path(__file__).resolve().parent.parent))
    linter = Linter(pathlib.Path(parser.parse_args().root).resolve())
    linter.run()
    for path, line, rule, message in linter.findings:
        print(f"{path}:{line}: {rule}: {message}")
    print(f"source-lint: {len(linter.findings)} findings in {linter.files} files")
    return 1 if linter.findings else 0


if __name__ == "__main__":
    sys.exit(main())
