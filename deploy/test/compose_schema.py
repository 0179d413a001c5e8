#!/usr/bin/env python3
"""Checks deploy/compose.yaml against the Compose specification's schema, as the wheel of docker-compose carries it.

usage: compose_schema.py COMPOSE_FILE DOCKER_COMPOSE_WHEEL
"""

import json
import sys
import zipfile

import jsonschema
import yaml


def main():
    """Prints every violation; the exit code is 1 where there is one."""
    with open(sys.argv[1], encoding="utf-8") as file:
        document = yaml.safe_load(file)
    with zipfile.ZipFile(sys.argv[2]) as wheel:
        schema = json.loads(wheel.read("compose/config/compose_spec.json"))
    # The schema in that wheel is from before the specification had a top-level name.
    schema["properties"].setdefault("name", {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"})
    errors = sorted(jsonschema.Draft7Validator(schema).iter_errors(document), key=lambda error: list(error.path))
    for error in errors:
        print(f"{sys.argv[1]}: {'.'.join(map(str, error.path))}: {error.message}")
    # What no schema says: services, volumes and dependencies that are named must be there.
    services = document["services"]
    for name, service in services.items():
        for wanted in service.get("depends_on", {}):
            if wanted not in services:
                errors.append(wanted)
                print(f"{sys.argv[1]}: services.{name}: depends on {wanted}, which is not there")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if not source.startswith(".") and source not in document["volumes"]:
                errors.append(source)
                print(f"{sys.argv[1]}: services.{name}: the volume {source} is not declared")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
