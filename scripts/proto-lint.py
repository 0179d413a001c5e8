#!/usr/bin/env python3
"""Checks Protos/ by buf's lint rules and by our own; needs protoc and the Python package protobuf.

usage: .venv/bin/python scripts/proto-lint.py [--protos DIRECTORY]
       .venv/bin/python scripts/proto-lint.py --self-test

The rules are those of buf's STANDARD category (formerly DEFAULT) and of its COMMENTS category
(https://buf.build/docs/lint/rules); PROTOVALIDATE is left out, as we use no protovalidate options. Ours:
  COMMENT_PACKAGE   each file says above its package statement what it is about
  TIMESTAMP_NAME    a google.protobuf.Timestamp field is `time` or ends in `_time`
  LIST_PAGINATION   each List has page_size, page_token and next_page_token

Packages whose wire format others have defined (FOREIGN) keep their names; all else holds for them too.
"""

import argparse
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    from google.protobuf import descriptor_pb2
except ImportError:
    sys.exit("proto-lint: the Python package protobuf is missing; run scripts/bootstrap.sh and use .venv/bin/python")

FOREIGN = ("grpc/", "opentelemetry/")

# Rules that foreign packages need not follow.
NAMING = {
    "ENUM_PASCAL_CASE", "ENUM_VALUE_PREFIX", "ENUM_VALUE_UPPER_SNAKE_CASE", "ENUM_ZERO_VALUE_SUFFIX",
    "FIELD_LOWER_SNAKE_CASE", "FILE_LOWER_SNAKE_CASE", "MESSAGE_PASCAL_CASE", "ONEOF_LOWER_SNAKE_CASE",
    "PACKAGE_LOWER_SNAKE_CASE", "PACKAGE_VERSION_SUFFIX", "RPC_PASCAL_CASE", "RPC_REQUEST_RESPONSE_UNIQUE",
    "RPC_REQUEST_STANDARD_NAME", "RPC_RESPONSE_STANDARD_NAME", "SERVICE_PASCAL_CASE", "SERVICE_SUFFIX",
    "TIMESTAMP_NAME", "LIST_PAGINATION",
}

# Options that all files of a package must agree on.
SAME_OPTIONS = {
    "PACKAGE_SAME_CSHARP_NAMESPACE": "csharp_namespace",
    "PACKAGE_SAME_GO_PACKAGE": "go_package",
    "PACKAGE_SAME_JAVA_MULTIPLE_FILES": "java_multiple_files",
    "PACKAGE_SAME_JAVA_PACKAGE": "java_package",
    "PACKAGE_SAME_PHP_NAMESPACE": "php_namespace",
    "PACKAGE_SAME_RUBY_PACKAGE": "ruby_package",
    "PACKAGE_SAME_SWIFT_PREFIX": "swift_prefix",
}

RULES = NAMING | set(SAME_OPTIONS) | {
    "COMMENT_ENUM", "COMMENT_ENUM_VALUE", "COMMENT_FIELD", "COMMENT_MESSAGE", "COMMENT_ONEOF",
    "COMMENT_PACKAGE", "COMMENT_RPC", "COMMENT_SERVICE", "DIRECTORY_SAME_PACKAGE", "ENUM_FIRST_VALUE_ZERO",
    "ENUM_NO_ALLOW_ALIAS", "FIELD_NOT_REQUIRED", "IMPORT_NO_PUBLIC", "IMPORT_NO_WEAK", "IMPORT_USED",
    "PACKAGE_DEFINED", "PACKAGE_DIRECTORY_MATCH", "PACKAGE_NO_IMPORT_CYCLE", "PACKAGE_SAME_DIRECTORY",
    "SYNTAX_SPECIFIED",
}

PASCAL = re.compile(r"[A-Z][A-Za-z0-9]*")
LOWER_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
UPPER_SNAKE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
VERSION = re.compile(r"v[1-9]\d*((alpha|beta)([1-9]\d*)?|p[1-9]\d*(alpha|beta)([1-9]\d*)?|test\w*)?")
TIMESTAMP = ".google.protobuf.Timestamp"

# Numbers of fields in descriptor.proto, of which paths in SourceCodeInfo are made.
PACKAGE, IMPORT, MESSAGE, ENUM, SERVICE, SYNTAX = 2, 3, 4, 5, 6, 12
M_FIELD, M_NESTED, M_ENUM, M_EXTENSION, M_ONEOF = 2, 3, 4, 6, 8
E_VALUE, S_METHOD = 2, 2


def upper_snake(name):
    """`HTTPStatusCode` as `HTTP_STATUS_CODE`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).upper()


def compile_protos(directory):
    """Compiles every .proto file below a directory; returns (set of all files, names of the own ones)."""
    names = sorted(str(path.relative_to(directory)) for path in directory.rglob("*.proto"))
    if not names:
        sys.exit(f"proto-lint: no .proto files below {directory}")
    with tempfile.NamedTemporaryFile(suffix=".desc") as out:
        result = subprocess.run(
            ["protoc", "-I", str(directory), "--include_imports", "--include_source_info",
             f"--descriptor_set_out={out.name}", *names],
            capture_output=True, text=True, check=False)
        if result.returncode:
            sys.exit(f"proto-lint: protoc refused the files:\n{result.stderr}")
        files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes())
    return files, set(names)


class Linter:
    """Collects findings for one set of files."""

    def __init__(self, directory):
        self.directory = directory
        descriptors, self.own = compile_protos(directory)
        self.all = {file.name: file for file in descriptors.file}
        self.files = [file for file in descriptors.file if file.name in self.own]
        self.findings = []
        self.locations = {
            file.name: {tuple(location.path): location for location in file.source_code_info.location}
            for file in self.files
        }

    def report(self, file, path, rule, message):
        """Adds a finding, unless the rule does not hold for the file."""
        assert rule in RULES, rule
        if rule in NAMING and file.name.startswith(FOREIGN):
            return
        location = self.locations[file.name].get(tuple(path))
        line = location.span[0] + 1 if location else 1
        self.findings.append((file.name, line, rule, message))

    def comment(self, file, path, rule, what):
        """Demands a comment above an element."""
        location = self.locations[file.name].get(tuple(path))
        if location is None or not location.leading_comments.strip():
            self.report(file, path, rule, f"{what} has no comment above it")

    def run(self):
        """Makes every check."""
        users = collections.defaultdict(list)
        for file in self.files:
            self.check_file(file)
            self.check_imports(file)
            for index, message in enumerate(file.message_type):
                self.check_message(file, message, [MESSAGE, index])
            for index, enum in enumerate(file.enum_type):
                self.check_enum(file, enum, [ENUM, index])
            for index, service in enumerate(file.service):
                self.check_service(file, service, [SERVICE, index], users)
        for name, calls in users.items():
            if len(calls) > 1:
                for file, path, call in calls:
                    self.report(file, path, "RPC_REQUEST_RESPONSE_UNIQUE",
                                f"{name} serves {len(calls)} times as request or response, here in {call}")
        self.check_packages()
        self.check_cycles()
        self.findings.sort()
        return self.findings

    # Files and packages.

    def check_file(self, file):
        """Name, package and syntax of a file."""
        path = pathlib.PurePosixPath(file.name)
        if not LOWER_SNAKE.fullmatch(path.stem):
            self.report(file, [], "FILE_LOWER_SNAKE_CASE", f"{path.name} is not lower_snake_case.proto")
        text = (self.directory / file.name).read_text(encoding="utf-8")
        if not re.search(r"^\s*(syntax|edition)\s*=", re.sub(r"/\*.*?\*/", "", text, flags=re.S), re.M):
            self.report(file, [], "SYNTAX_SPECIFIED", "the file does not say its syntax")
        if not file.package:
            self.report(file, [], "PACKAGE_DEFINED", "the file has no package")
            return
        self.comment(file, [PACKAGE], "COMMENT_PACKAGE", f"package {file.package}")
        parts = file.package.split(".")
        if not all(LOWER_SNAKE.fullmatch(part) for part in parts):
            self.report(file, [PACKAGE], "PACKAGE_LOWER_SNAKE_CASE", f"{file.package} is not lower_snake.case")
        if len(parts) < 2 or not VERSION.fullmatch(parts[-1]):
            self.report(file, [PACKAGE], "PACKAGE_VERSION_SUFFIX", f"{file.package} does not end in a version (.v1)")
        if str(path.parent) != "/".join(parts):
            self.report(file, [PACKAGE], "PACKAGE_DIRECTORY_MATCH",
                        f"package {file.package} belongs into the directory {'/'.join(parts)}")

    def check_packages(self):
        """What all files of one package or one directory must have in common."""
        by_package, by_directory = collections.defaultdict(list), collections.defaultdict(list)
        for file in self.files:
            by_package[file.package].append(file)
            by_directory[str(pathlib.PurePosixPath(file.name).parent)].append(file)
        for directory, files in by_directory.items():
            packages = sorted({file.package for file in files})
            if len(packages) > 1:
                for file in files:
                    self.report(file, [PACKAGE], "DIRECTORY_SAME_PACKAGE",
                                f"directory {directory} has several packages: {', '.join(packages)}")
        for package, files in by_package.items():
            directories = sorted({str(pathlib.PurePosixPath(file.name).parent) for file in files})
            if len(directories) > 1:
                for file in files:
                    self.report(file, [PACKAGE], "PACKAGE_SAME_DIRECTORY",
                                f"package {package} is in several directories: {', '.join(directories)}")
            for rule, option in SAME_OPTIONS.items():
                values = {getattr(file.options, option) if file.options.HasField(option) else None
                          for file in files}
                if len(values) > 1:
                    for file in files:
                        self.report(file, [PACKAGE], rule, f"files of {package} differ in the option {option}")

    def check_cycles(self):
        """Packages do not import each other in a circle."""
        imports = collections.defaultdict(set)
        for file in self.files:
            for name in file.dependency:
                other = self.all[name].package
                if name in self.own and other != file.package:
                    imports[file.package].add(other)

        def reaches(start, goal):
            seen, waiting = set(), [start]
            while waiting:
                package = waiting.pop()
                if package == goal:
                    return True
                if package not in seen:
                    seen.add(package)
                    waiting.extend(imports[package])
            return False

        for file in self.files:
            for index, name in enumerate(file.dependency):
                other = self.all[name].package
                if name in self.own and other != file.package and reaches(other, file.package):
                    self.report(file, [IMPORT, index], "PACKAGE_NO_IMPORT_CYCLE",
                                f"{file.package} imports {other}, which imports it back")

    def check_imports(self, file):
        """No public, weak or unused imports."""
        for index in file.public_dependency:
            self.report(file, [IMPORT, index], "IMPORT_NO_PUBLIC", f"{file.dependency[index]} is imported publicly")
        for index in file.weak_dependency:
            self.report(file, [IMPORT, index], "IMPORT_NO_WEAK", f"{file.dependency[index]} is imported weakly")
        used = set()

        def visit(message):
            for field in [*message.field, *message.extension]:
                used.update((field.type_name, field.extendee))
            for nested in message.nested_type:
                visit(nested)

        for message in file.message_type:
            visit(message)
        for field in file.extension:
            used.update((field.type_name, field.extendee))
        for service in file.service:
            for method in service.method:
                used.update((method.input_type, method.output_type))
        for index, name in enumerate(file.dependency):
            if index in file.public_dependency:
                continue
            if not used & self.provided(name) and not self.all[name].extension:
                self.report(file, [IMPORT, index], "IMPORT_USED", f"nothing of {name} is used")

    def provided(self, name):
        """The full names of the types that importing a file gives, those of its public imports included."""
        file = self.all[name]
        types = set()

        def visit(prefix, message):
            full = f"{prefix}.{message.name}"
            types.add(full)
            types.update(f"{full}.{enum.name}" for enum in message.enum_type)
            for nested in message.nested_type:
                visit(full, nested)

        prefix = f".{file.package}" if file.package else ""
        types.update(f"{prefix}.{enum.name}" for enum in file.enum_type)
        for message in file.message_type:
            visit(prefix, message)
        for index in file.public_dependency:
            types |= self.provided(file.dependency[index])
        return types

    # Elements.

    def check_message(self, file, message, path):
        """A message with its fields, oneofs and nested types."""
        if message.options.map_entry:
            return
        self.comment(file, path, "COMMENT_MESSAGE", f"message {message.name}")
        if not PASCAL.fullmatch(message.name):
            self.report(file, path, "MESSAGE_PASCAL_CASE", f"{message.name} is not PascalCase")
        synthetic = {field.oneof_index for field in message.field if field.proto3_optional}
        for index, field in enumerate(message.field):
            self.check_field(file, message, field, [*path, M_FIELD, index])
        for index, field in enumerate(message.extension):
            self.check_field(file, message, field, [*path, M_EXTENSION, index])
        for index, oneof in enumerate(message.oneof_decl):
            if index in synthetic:
                continue
            where = [*path, M_ONEOF, index]
            self.comment(file, where, "COMMENT_ONEOF", f"oneof {message.name}.{oneof.name}")
            if not LOWER_SNAKE.fullmatch(oneof.name):
                self.report(file, where, "ONEOF_LOWER_SNAKE_CASE", f"{oneof.name} is not lower_snake_case")
        for index, nested in enumerate(message.nested_type):
            self.check_message(file, nested, [*path, M_NESTED, index])
        for index, enum in enumerate(message.enum_type):
            self.check_enum(file, enum, [*path, M_ENUM, index])

    def check_field(self, file, message, field, path):
        """One field."""
        name = f"{message.name}.{field.name}"
        self.comment(file, path, "COMMENT_FIELD", f"field {name}")
        if not LOWER_SNAKE.fullmatch(field.name):
            self.report(file, path, "FIELD_LOWER_SNAKE_CASE", f"{name} is not lower_snake_case")
        if field.label == descriptor_pb2.FieldDescriptorProto.LABEL_REQUIRED:
            self.report(file, path, "FIELD_NOT_REQUIRED", f"{name} is required")
        if field.type_name == TIMESTAMP and field.name != "time" and not field.name.endswith("_time"):
            self.report(file, path, "TIMESTAMP_NAME", f"{name} is an instant; its name ends in _time")

    def check_enum(self, file, enum, path):
        """An enum with its values."""
        self.comment(file, path, "COMMENT_ENUM", f"enum {enum.name}")
        if not PASCAL.fullmatch(enum.name):
            self.report(file, path, "ENUM_PASCAL_CASE", f"{enum.name} is not PascalCase")
        if enum.options.allow_alias:
            self.report(file, path, "ENUM_NO_ALLOW_ALIAS", f"{enum.name} allows aliases")
        if enum.value[0].number != 0:
            self.report(file, [*path, E_VALUE, 0], "ENUM_FIRST_VALUE_ZERO", f"the first value of {enum.name} is not 0")
        prefix = upper_snake(enum.name) + "_"
        for index, value in enumerate(enum.value):
            where = [*path, E_VALUE, index]
            self.comment(file, where, "COMMENT_ENUM_VALUE", f"value {value.name}")
            if not UPPER_SNAKE.fullmatch(value.name):
                self.report(file, where, "ENUM_VALUE_UPPER_SNAKE_CASE", f"{value.name} is not UPPER_SNAKE_CASE")
            if not value.name.startswith(prefix):
                self.report(file, where, "ENUM_VALUE_PREFIX", f"{value.name} does not begin with {prefix}")
            if value.number == 0 and not value.name.endswith("_UNSPECIFIED"):
                self.report(file, where, "ENUM_ZERO_VALUE_SUFFIX", f"{value.name} does not end in _UNSPECIFIED")

    def check_service(self, file, service, path, users):
        """A service with its methods."""
        self.comment(file, path, "COMMENT_SERVICE", f"service {service.name}")
        if not PASCAL.fullmatch(service.name):
            self.report(file, path, "SERVICE_PASCAL_CASE", f"{service.name} is not PascalCase")
        if not service.name.endswith("Service"):
            self.report(file, path, "SERVICE_SUFFIX", f"{service.name} does not end in Service")
        for index, method in enumerate(service.method):
            where = [*path, S_METHOD, index]
            call = f"{service.name}.{method.name}"
            self.comment(file, where, "COMMENT_RPC", f"rpc {call}")
            if not PASCAL.fullmatch(method.name):
                self.report(file, where, "RPC_PASCAL_CASE", f"{call} is not PascalCase")
            for kind, full in (("Request", method.input_type), ("Response", method.output_type)):
                users[full.lstrip(".")].append((file, where, call))
                standard = {f"{method.name}{kind}", f"{service.name}{method.name}{kind}"}
                if full.rsplit(".", 1)[-1] not in standard:
                    self.report(file, where, f"RPC_{kind.upper()}_STANDARD_NAME",
                                f"the {kind.lower()} of {call} is not called {method.name}{kind}")
            if method.name.startswith("List"):
                self.check_pagination(file, where, call, method)

    def check_pagination(self, file, path, call, method):
        """A List can be read page by page."""
        for full, wanted in ((method.input_type, ("page_size", "page_token")),
                             (method.output_type, ("next_page_token",))):
            fields = self.fields_of(full)
            for name in wanted:
                if name not in fields:
                    self.report(file, path, "LIST_PAGINATION", f"{call}: {full.lstrip('.')} has no {name}")

    def fields_of(self, full):
        """The field names of a top-level message."""
        for file in self.all.values():
            for message in file.message_type:
                if f".{file.package}.{message.name}" == full:
                    return {field.name for field in message.field}
        return set()


# --- Self-test: a clean file, and for every rule a change that must turn that rule red.

CLEAN = '''syntax = "proto3";

// What this is about.
package acme.test.v1;

import "google/protobuf/timestamp.proto";

// A service.
service TestService {
  // Lists.
  rpc ListThings(ListThingsRequest) returns (ListThingsResponse);
  // Gets.
  rpc GetThing(GetThingRequest) returns (GetThingResponse);
}

// A request.
message ListThingsRequest {
  // Size.
  uint32 page_size = 1;
  // Token.
  string page_token = 2;
}

// A response.
message ListThingsResponse {
  // Token.
  string next_page_token = 1;
}

// A request.
message GetThingRequest {
  // Which.
  oneof choice {
    // A name.
    string name = 1;
  }
  // More.
  optional string more = 2;
  // Pairs.
  map<string, string> pairs = 3;
}

// A response.
message GetThingResponse {
  // When.
  google.protobuf.Timestamp create_time = 1;
  // What.
  ThingKind kind = 2;
}

// A kind.
enum ThingKind {
  // None.
  THING_KIND_UNSPECIFIED = 0;
  // One.
  THING_KIND_ONE = 1;
}
'''
PROTO2 = '''syntax = "proto2";

// About.
package acme.old.v1;

// A message.
message Old {
  // A field.
  optional string name = 1;
}

// A kind.
enum Kind {
  // None.
  KIND_UNSPECIFIED = 0;
}
'''
SECOND = '''syntax = "proto3";

// About.
package acme.test.v1;

// Other.
message Other {}
'''
MAIN = "acme/test/v1/test.proto"

# rule -> function of {path: text} that breaks it, as (what to replace, by what) in the main file or
# further files.
CASES = {
    "COMMENT_ENUM": ("// A kind.\n", ""),
    "COMMENT_ENUM_VALUE": ("  // One.\n", ""),
    "COMMENT_FIELD": ("  // Size.\n", ""),
    "COMMENT_MESSAGE": ("// A response.\nmessage GetThing", "message GetThing"),
    "COMMENT_ONEOF": ("  // Which.\n", ""),
    "COMMENT_PACKAGE": ("// What this is about.\n", ""),
    "COMMENT_RPC": ("  // Gets.\n", ""),
    "COMMENT_SERVICE": ("// A service.\n", ""),
    "ENUM_NO_ALLOW_ALIAS": ("enum ThingKind {", "enum ThingKind {\n  option allow_alias = true;\n"
                            "  // Alias.\n  THING_KIND_NONE_UNSPECIFIED = 0;"),
    "ENUM_PASCAL_CASE": ("ThingKind", "thing_Kind"),
    "ENUM_VALUE_PREFIX": ("THING_KIND_ONE", "ONE"),
    "ENUM_VALUE_UPPER_SNAKE_CASE": ("THING_KIND_ONE", "THING_KIND_one"),
    "ENUM_ZERO_VALUE_SUFFIX": ("THING_KIND_UNSPECIFIED", "THING_KIND_NONE"),
    "FIELD_LOWER_SNAKE_CASE": ("string more", "string moreText"),
    "IMPORT_NO_PUBLIC": ('import "google', 'import public "google'),
    "IMPORT_NO_WEAK": ('import "google', 'import weak "google'),
    "IMPORT_USED": ('import "google', 'import "google/protobuf/duration.proto";\nimport "google'),
    "LIST_PAGINATION": ("next_page_token", "token"),
    "MESSAGE_PASCAL_CASE": ("GetThingRequest", "getThingRequest"),
    "ONEOF_LOWER_SNAKE_CASE": ("choice", "theChoice"),
    "PACKAGE_DEFINED": ("package acme.test.v1;", ""),
    "PACKAGE_DIRECTORY_MATCH": ("acme.test.v1", "acme.other.v1"),
    "PACKAGE_LOWER_SNAKE_CASE": ("acme.test.v1", "acme.Test.v1"),
    "PACKAGE_VERSION_SUFFIX": ("acme.test.v1", "acme.test"),
    "RPC_PASCAL_CASE": ("rpc GetThing(", "rpc getThing("),
    "RPC_REQUEST_RESPONSE_UNIQUE": ("rpc GetThing(GetThingRequest)", "rpc GetThing(ListThingsRequest)"),
    "RPC_REQUEST_STANDARD_NAME": ("GetThingRequest", "FetchThingRequest"),
    "RPC_RESPONSE_STANDARD_NAME": ("GetThingResponse", "Thing"),
    "SERVICE_PASCAL_CASE": ("TestService", "testService"),
    "SERVICE_SUFFIX": ("TestService", "Tests"),
    "SYNTAX_SPECIFIED": {"acme/old/v1/old.proto": PROTO2.replace('syntax = "proto2";', "")},
    "TIMESTAMP_NAME": ("create_time", "created"),
    "DIRECTORY_SAME_PACKAGE": {"acme/test/v1/b.proto": SECOND.replace("acme.test.v1", "acme.b.v1")},
    "ENUM_FIRST_VALUE_ZERO": {"acme/old/v1/old.proto": PROTO2.replace("UNSPECIFIED = 0", "UNSPECIFIED = 1")},
    "FIELD_NOT_REQUIRED": {"acme/old/v1/old.proto": PROTO2.replace("optional", "required")},
    "FILE_LOWER_SNAKE_CASE": {"acme/test/v1/SecondFile.proto": SECOND},
    "PACKAGE_NO_IMPORT_CYCLE": {
        "a/v1/a.proto": 'syntax = "proto3";\n// A.\npackage a.v1;\nimport "b/v1/b.proto";\n// A.\n'
                        'message A {\n  // B.\n  b.v1.B b = 1;\n}\n',
        "b/v1/b.proto": 'syntax = "proto3";\n// B.\npackage b.v1;\n// B.\nmessage B {}\n',
        "b/v1/c.proto": 'syntax = "proto3";\n// B.\npackage b.v1;\nimport "a/v1/a.proto";\n// C.\n'
                        'message C {\n  // A.\n  a.v1.A a = 1;\n}\n',
    },
    "PACKAGE_SAME_DIRECTORY": {"acme/elsewhere/v1/b.proto": SECOND},
}
for _rule, _option in SAME_OPTIONS.items():
    _value = "true" if _option == "java_multiple_files" else '"X"'
    CASES[_rule] = {"acme/test/v1/b.proto": SECOND + f"\noption {_option} = {_value};\n"}


def lint_texts(texts):
    """The findings for files given as {path: text}."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Linter(pathlib.Path(folder)).run()


def self_test():
    """Shows every rule to turn red on a seeded violation, and green without."""
    failures = []
    clean = lint_texts({MAIN: CLEAN, "acme/test/v1/b.proto": SECOND, "acme/old/v1/old.proto": PROTO2})
    if clean:
        failures.append(f"the clean files have findings: {clean}")
    foreign = {"grpc/test/v1/test.proto": CLEAN.replace("acme.", "grpc.").replace("TestService", "Tests")
               .replace("THING_KIND_UNSPECIFIED", "UNKNOWN")}
    if lint_texts(foreign):
        failures.append(f"naming rules hold for a foreign package: {lint_texts(foreign)}")
    if "COMMENT_FIELD" not in {found[2] for found in lint_texts(
            {name: text.replace("  // Size.\n", "") for name, text in foreign.items()})}:
        failures.append("comments are not demanded of a foreign package")
    for rule in sorted(RULES - set(CASES)):
        failures.append(f"{rule} has no seeded violation")
    for rule, case in sorted(CASES.items()):
        if isinstance(case, dict):
            texts = {MAIN: CLEAN, **case}
        else:
            assert case[0] in CLEAN, rule
            texts = {MAIN: CLEAN.replace(*case)}
        red = {found[2] for found in lint_texts(texts)}
        if rule in red:
            print(f"proto-lint: {rule} turns red")
        else:
            failures.append(f"{rule} stays green on its seeded violation (red: {sorted(red)})")
    for failure in failures:
        print(f"proto-lint: self-test: {failure}", file=sys.stderr)
    print(f"proto-lint: self-test: {len(CASES)} rules, {len(failures)} failures")
    return 1 if failures else 0


def main():
    """Checks the protos or tests itself; the exit code is 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--protos", default=str(pathlib.Path(__file__).resolve().parent.parent / "Protos"))
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    linter = Linter(pathlib.Path(arguments.protos).resolve())
    for name, line, rule, message in linter.run():
        print(f"Protos/{name}:{line}: {rule}: {message}")
    print(f"proto-lint: {len(linter.findings)} findings in {len(linter.files)} files, {len(RULES)} rules")
    return 1 if linter.findings else 0


if __name__ == "__main__":
    sys.exit(main())
