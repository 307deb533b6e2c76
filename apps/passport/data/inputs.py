"""Reading the inputs, and the small conversions that everything else uses."""

import csv
import json
import re
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).parent


def read_json(path):
    return json.loads((HERE / path).read_text(encoding="utf-8"), parse_float=Decimal)


def read_csv(path):
    with open(HERE / path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(value):
    """A JSON number: an integer where it is one."""
    value = Decimal(str(value))
    return int(value) if value == value.to_integral_value() else float(value)


def kebab(text):
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def compact(**values):
    return {key: value for key, value in values.items() if value is not None}


class Ref(str):
    """A reference to the record of that label."""
