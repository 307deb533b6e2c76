#!/usr/bin/env python3
"""Writes the seeds of the passport application from the published inputs beside this file.

    python3 apps/passport/data/generate.py          # write the seeds
    python3 apps/passport/data/generate.py --check  # fail if they differ from what is committed

Python 3, standard library only; the same inputs always give the same bytes. `sources/` holds
published data (see README.md for where each file comes from), `own/` tables of this project that
say how the parts belong together. What is not for this file: deciding what a passport contains;
that is `../definitions` and the template itself.
"""

import json
import sys

sys.dont_write_bytecode = True

import passports
import template
from inputs import HERE, Ref
from passports import PASSPORTS
from template import FACTS, HELP, LABELS, TEMPLATE, is_required
from writing import as_csv, as_json, as_yaml

SEEDS = HERE.parent / "seeds"


def check_aliases():
    """Every Battery Pass alias is a name that the published model really uses."""
    folder = HERE / "sources/battery-pass-1.2.0"
    known = {}
    for file in sorted(folder.glob("*.json")):
        known.setdefault(file.name.split("-")[0], set()).update(member_names(json.loads(file.read_text())))
    for row in FACTS.values():
        if row["batteryPass"]:
            aspect, *steps = row["batteryPass"].split(".")
            missing = [step for step in steps if step not in known[aspect]]
            if missing:
                raise SystemExit(f"own/fields.csv: {row['batteryPass']}: unknown {missing}")


def member_names(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from member_names(item)
    elif isinstance(value, list):
        for item in value:
            yield from member_names(item)


def check_keys():
    known = {field["key"] for field in TEMPLATE["fields"]}
    unknown = [key for table in (FACTS, HELP, LABELS) for key in table if key not in known]
    if unknown:
        raise SystemExit(f"own/: not in the template: {unknown}")
    short = [f["key"] for f in TEMPLATE["fields"] if len({**f["label"], **LABELS.get(f["key"], {})}) != 24]
    if short:
        raise SystemExit(f"labels missing for {short}")


def check_complete():
    """A published passport has every required field and nothing that may not be shown."""
    required = {field["key"] for field in TEMPLATE["fields"] if is_required(field)}
    for p in PASSPORTS:
        have = {field["key"] for _, rows in p["sections"] for field, *_ in rows}
        if required - have:
            raise SystemExit(f"passport {p['kind']} lacks {sorted(required - have)}")


def check_references(files):
    labels, wanted = set(), set()
    for records in files.values():
        for record in records:
            if record["$label"] in labels:
                raise SystemExit(f"label {record['$label']} is used twice")
            labels.add(record["$label"])
            for value in record.values():
                if isinstance(value, Ref):
                    if str(value) not in labels:
                        wanted.add(str(value))
    if wanted:
        raise SystemExit(f"references to nothing, or to a later record: {sorted(wanted)}")


def main():
    check_keys()
    check_aliases()
    passports.load_passports()
    check_complete()
    files = {
        "01-industries.yaml": template.industries(),
        "02-units.csv": template.units(),
        "03-dataPoints.csv": template.data_points(),
        "04-parties.yaml": passports.parties(),
        "05-facilities.yaml": passports.facilities(),
        "06-categories.yaml": template.categories(),
        "07-templates.yaml": template.templates(),
        "08-templateSections.yaml": template.template_sections(),
        "09-validations.yaml": template.validations(),
        "10-templateFields.yaml": template.template_fields(),
        "11-products.yaml": passports.products(),
        "12-productDataSources.yaml": passports.product_data_sources(),
        "13-productData.yaml": passports.product_data(),
        "14-batches.yaml": passports.batches(),
        "15-items.yaml": passports.items(),
        "16-dpps.yaml": passports.dpps(),
        "17-dppSections.yaml": passports.dpp_sections(),
        "18-dppData.yaml": passports.dpp_data(),
        "19-dppVersions.json": passports.dpp_versions(),
        "20-exportImporters.yaml": passports.export_importers(),
    }
    files = {name: list(records) for name, records in files.items()}
    check_references(files)
    write = {".yaml": as_yaml, ".json": as_json, ".csv": as_csv}
    differing = []
    for name, records in files.items():
        path = SEEDS / name
        if path.suffix == ".csv":
            records = [{k: passports.canonical(v) if isinstance(v, (dict, list)) else v for k, v in r.items()} for r in records]
        text = write[path.suffix](records)
        if "--check" in sys.argv:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                differing.append(name)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"{name}: {len(records)} records, {len(text.encode()) // 1024} KB")
    if differing:
        raise SystemExit(f"not what generate.py writes: {', '.join(differing)}")


if __name__ == "__main__":
    main()
