"""Records to seed files: YAML, JSON or CSV, as the seeds of Carnet are read."""

import csv
import io
import json
import re
from decimal import Decimal

from inputs import Ref, number

PLAIN_KEY = re.compile(r"[A-Za-z$][A-Za-z0-9_]*\Z")
WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def yaml_key(key):
    return key if PLAIN_KEY.match(key) and key.lower() not in WORDS else json.dumps(key, ensure_ascii=False)


def yaml_scalar(value):
    if isinstance(value, Ref):
        return "{ $ref: " + json.dumps(str(value)) + " }"
    if isinstance(value, Decimal):
        value = number(value)
    return json.dumps(value, ensure_ascii=False)


def is_inline(value):
    if isinstance(value, (dict, list)):
        return not value
    return True


def yaml_lines(value, indent):
    pad = "  " * indent
    if isinstance(value, dict):
        for key, item in value.items():
            if is_inline(item):
                yield f"{pad}{yaml_key(key)}: {'{}' if item == {} else '[]' if item == [] else yaml_scalar(item)}"
            else:
                yield f"{pad}{yaml_key(key)}:"
                yield from yaml_lines(item, indent + 1)
    else:
        for item in value:
            if is_inline(item):
                yield f"{pad}- {'{}' if item == {} else '[]' if item == [] else yaml_scalar(item)}"
            else:
                first, *rest = yaml_lines(item, indent + 1)
                yield pad + "- " + first[len(pad) + 2 :]
                yield from rest


def as_yaml(records):
    return "# Written by data/generate.py; edit that or its inputs.\n" + "\n".join(yaml_lines(records, 0)) + "\n"


def as_json(records):
    def plain(value):
        if isinstance(value, Ref):
            return {"$ref": str(value)}
        if isinstance(value, Decimal):
            return number(value)
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return value

    return json.dumps(plain(records), ensure_ascii=False, indent=1) + "\n"


def as_csv(records):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(records[0])
    for record in records:
        writer.writerow(f"$ref:{v}" if isinstance(v, Ref) else "" if v is None else v for v in record.values())
    return out.getvalue()
