#!/usr/bin/env python3
"""Writes the descriptors of the protos as Swift, for the reflection service.

usage: .venv/bin/python scripts/protos-descriptors.py DESCRIPTOR_SET OUTPUT

DESCRIPTOR_SET is what protoc's --descriptor_set_out wrote, with --include_imports. What a caller can derive by
itself is left out: comments (they are not in the set) and the names of fields in JSON.
"""

import base64
import sys

try:
    from google.protobuf import descriptor_pb2
except ImportError:
    sys.exit("protos-descriptors: the Python package protobuf is missing; run scripts/bootstrap.sh and use .venv/bin/python")

# Characters of base64 on one line.
WIDTH = 100

HEAD = """\
// DO NOT EDIT.
//
// Made by scripts/protos-descriptors.py from Protos/ and from what is imported there.

/// The descriptors of the protos, for reflection.
public enum ProtoDescriptors {{
    /// By the name of the file, as another file imports it: its serialized `google.protobuf.FileDescriptorProto`
    /// without comments, in base64, broken into lines. Together {total} bytes.
    public static let files: [String: String] = [
"""


def slim(message):
    """Removes the JSON names of a message's fields, and of those within it."""
    for field in [*message.field, *message.extension]:
        field.ClearField("json_name")
    for nested in message.nested_type:
        slim(nested)


def main():
    """Runs the command line."""
    _, source, output = sys.argv
    with open(source, "rb") as file:
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read()).file
    entries = {}
    for descriptor in files:
        descriptor.ClearField("source_code_info")
        for message in descriptor.message_type:
            slim(message)
        for field in descriptor.extension:
            field.ClearField("json_name")
        entries[descriptor.name] = descriptor.SerializeToString(deterministic=True)
    lines = [HEAD.format(total=sum(map(len, entries.values())))]
    for name, data in sorted(entries.items()):
        text = base64.b64encode(data).decode()
        lines.append(f'        "{name}": """\n')
        lines += [f"        {text[start:start + WIDTH]}\n" for start in range(0, len(text), WIDTH)]
        lines.append('        """,\n')
    lines.append("    ]\n}\n")
    with open(output, "w", encoding="utf-8") as file:
        file.writelines(lines)


if __name__ == "__main__":
    main()
