#!/usr/bin/env python3
"""Writes the seeds of the passport application from the published inputs beside this file.

    python3 apps/passport/data/generate.py          # write the seeds
    python3 apps/passport/data/generate.py --check  # fail if they differ from what is committed

Python 3, standard library only; the same inputs always give the same bytes. `sources/` holds
published data (see README.md for where each file comes from), `own/` tables of this project that
say how the parts belong together. What is not for this file: deciding what a passport contains;
that is `../definitions` and the template itself.
"""

import csv
import hashlib
import io
import json
import re
import sys
import uuid
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).parent
SEEDS = HERE.parent / "seeds"
GUIDANCE = {
    "mandatory": "mandatory",
    "optional": "optional",
    "certain-cases": "certainCases",
    "not-to-be-filled": "notToBeFilled",
}
# Readings of `Annex XIII` points: the audience follows from the point (Article 77(2)).
BUCKETS = {"1": "public", "2": "legitimateInterest", "3": "authority", "4": "individual"}
ACCESS = {"public": "public", "restricted": "legitimateInterest", "authority": "authority"}
# State of one item that the published list cites without its point of Annex XIII.
ITEM_STATE = {"remainingEnergy", "capacityThroughput", "energyThroughput"}
ITEM_FACT = ITEM_STATE | {"dateOfServiceEntry"}
PERSONAL = {"manufacturerEmail", "sparePartsInformation"}
COUNTS = {
    "numberOfCells",
    "numberOfChargingEvents",
    "numberOfFullEquivalentChargingCycles",
    "expectedLifetimeCycles",
    "dynamicExpectedLifetimeCycles",
}
PREFIXES = {
    "eubat": "https://ref.openepcis.io/extensions/eu/battery/",
    "gs1": "https://ref.gs1.org/voc/",
    "schema": "https://schema.org/",
}
POINT_IRI = "https://ref.openepcis.io/vocab/ec-battery-passport-guidance/1.0#dp-"
REGULATION = "Regulation (EU) 2023/1542"
PASSPORTS = [
    {"kind": "ev", "file": "ev", "column": "EV", "sku": "VD-75"},
    {"kind": "lmt", "file": "lmt", "column": "LMT", "sku": "PP-720"},
    {"kind": "industrial", "file": "industrial", "column": "industrial", "sku": "PC-48-5"},
]
# What people call the published patterns.
PATTERNS = {
    r"^https://[^/]+/01/\d{14}(/.*)?$": ("GS1 Digital Link", "a GS1 Digital Link URI", "ein GS1-Digital-Link-URI", "un URI GS1 Digital Link"),
    r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": ("UUID", "a UUID", "eine UUID", "un UUID"),
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$": ("e-mail address", "an e-mail address", "eine E-Mail-Adresse", "une adresse électronique"),
    r"^https?://.*$": ("web address", "a web address", "eine Web-Adresse", "une adresse web"),
    r"^\d{4}-\d{2}$": ("year and month", "a year and month, such as 2027-02", "Jahr und Monat, etwa 2027-02", "une année et un mois, par exemple 2027-02"),
    r"^\d{4}-\d{2}-\d{2}$": ("day", "a day, such as 2027-02-18", "ein Tag, etwa 2027-02-18", "un jour, par exemple 2027-02-18"),
}
BATTERY_CATEGORY = {
    "eubat:EVBattery": "EV",
    "eubat:LMTBattery": "LMT",
    "eubat:IndustrialBattery": "industrial_gt_2kwh",
}
KILO = {("KWT", "WTT"): Decimal(1000)}


# ---------------------------------------------------------------- reading


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


class Ref(str):
    """A reference to the record of that label."""


# ---------------------------------------------------------------- writing

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


# ---------------------------------------------------------------- reference data


def industries():
    for row in read_csv("own/industries.csv"):
        record = {"$label": f"industry-{row['code']}", "code": row["code"], "name": names(row)}
        if row["parent"]:
            record["parentId"] = Ref(f"industry-{row['parent']}")
        yield record


def names(row):
    return {language: row[language] for language in ("en", "de", "fr")}


def units():
    """The units of the published registry that have a place in passports, with their codes."""
    published = read_json("sources/units.json")["units"]
    for row in read_csv("own/units.csv"):
        if row["key"] and row["key"] not in published:
            raise SystemExit(f"own/units.csv: {row['key']} is not in sources/units.json")
        yield {
            "$label": unit_label(row["code"]),
            "code": row["code"],
            "symbol": row["symbol"],
            "name": names(row),
            "quantity": row["quantity"],
        }


def unit_label(code):
    return f"unit-{kebab(code)}"


def data_points():
    for row in read_csv("sources/battery-datapoints-v2.0.csv"):
        yield {
            "$label": f"data-point-{int(row['nr']):02}",
            "nr": row["nr"],
            "name": row["name"],
            # Point 16 stands without its provision; the Regulation has it in this place.
            "provision": row["provision"] or "BR Annex XIII 1 (b)",
            "ev": GUIDANCE[row["EV"]],
            "lmt": GUIDANCE[row["LMT"]],
            "industrial": GUIDANCE[row["industrial"]],
        }


# ---------------------------------------------------------------- the battery template

TEMPLATE = read_json("sources/battery-template.json")
POINTS = {row["nr"]: row for row in read_csv("sources/battery-datapoints-v2.0.csv")}
FACTS = {row["key"]: row for row in read_csv("own/fields.csv")}
UNIT_OF_KEY = {row["key"]: row["code"] for row in read_csv("own/units.csv") if row["key"]}
LABELS = read_json("own/labels.json")
HELP = {row["key"]: {"en": row["en"], "de": row["de"]} for row in read_csv("own/help.csv")}


def categories():
    labels = {o["value"]: o["label"] for f in TEMPLATE["fields"] if f["key"] == "batteryCategory" for o in f["enumOptions"]}
    yield {
        "$label": "category-battery",
        "code": "battery",
        "name": TEMPLATE["categoryLabel"],
        "industryId": Ref("industry-batteries"),
    }
    for code, value in (("battery-ev", "EV"), ("battery-lmt", "LMT"), ("battery-industrial", "industrial_gt_2kwh")):
        yield {
            "$label": f"category-{code}",
            "code": code,
            "name": labels[value],
            "industryId": Ref("industry-batteries"),
            "parentId": Ref("category-battery"),
        }


def templates():
    release = str(TEMPLATE["version"])
    yield {
        "$label": "template-battery",
        "categoryId": Ref("category-battery"),
        "key": "battery",
        "release": release,
        "title": TEMPLATE["categoryLabel"],
        "instruments": sorted({f["instrument"] for f in TEMPLATE["fields"] if f.get("instrument")}),
        "granularity": "item",
        "status": "released",
        "origin": f"carnet:battery@{release}",
    }


def section_label(key):
    return f"section-battery-{kebab(key)}"


def template_sections():
    for position, section in enumerate(TEMPLATE["categories"], 1):
        yield {
            "$label": section_label(section["key"]),
            "templateId": Ref("template-battery"),
            "key": camel(section["key"]),
            "title": section["label"],
            "position": position,
        }


def camel(text):
    head, *tail = text.split("_")
    return head + "".join(word.capitalize() for word in tail)


def validation_of(field):
    """The one rule of a field, as a record without label; None where it has none."""
    rules = field.get("validation", {})
    if field.get("enumOptions"):
        values = [option["value"] for option in field["enumOptions"]]
        return {
            "name": f"values of {field['key']}",
            "kind": "jsonSchema",
            "parameters": {
                "schema": {"enum": values},
                "labels": {option["value"]: option["label"] for option in field["enumOptions"]},
            },
            "message": {
                "en": f"must be one of {', '.join(values)}",
                "de": f"muss einer dieser Werte sein: {', '.join(values)}",
                "fr": f"doit être l’une de ces valeurs : {', '.join(values)}",
            },
        }
    if "pattern" in rules:
        name, english, german, french = PATTERNS[rules["pattern"]]
        return {
            "name": name,
            "kind": "regex",
            "parameters": {"pattern": rules["pattern"]},
            "message": {
                "en": f"must be {english}",
                "de": f"muss {german} sein",
                "fr": f"doit être {french}",
            },
        }
    if "min" in rules or "max" in rules:
        return bounds("range", rules.get("min"), rules.get("max"))
    if rules.get("minLength") or "maxLength" in rules:
        return bounds("length", rules.get("minLength"), rules.get("maxLength"))
    return None


def bounds(kind, low, high):
    parameters = {k: number(v) for k, v in (("min", low), ("max", high)) if v is not None}
    span = " ".join(f"{word} {parameters[key]}" for word, key in (("from", "min"), ("to", "max")) if key in parameters)
    english = {"range": "must lie {}", "length": "must have a length {}"}[kind]
    german = {"range": "muss {} liegen", "length": "muss eine Länge {} haben"}[kind]
    french = {"range": "doit être compris {}", "length": "doit avoir une longueur {}"}[kind]
    low_high = [parameters.get("min"), parameters.get("max")]

    def words(from_word, to_word):
        parts = [f"{w} {v}" for w, v in zip((from_word, to_word), low_high) if v is not None]
        return " ".join(parts)

    return {
        "name": f"{kind} {span}",
        "kind": kind,
        "parameters": parameters,
        "message": {
            "en": english.format(words("from", "to")),
            "de": german.format(words("von", "bis")),
            "fr": french.format(words("de", "à")),
        },
    }


def validation_label(validation):
    return "validation-" + kebab(validation["name"].replace(" -", " minus "))


def validations():
    seen = {}
    for field in TEMPLATE["fields"]:
        validation = validation_of(field)
        if validation:
            seen.setdefault(validation["name"], validation)
    for validation in seen.values():
        yield {"$label": validation_label(validation), **validation}


def provision(field):
    """`Annex XIII (1e)` and `Annex XIII 1(e)` are one."""
    return re.sub(r"\((\d)([a-z])\)", r"\1(\2)", field.get("provision") or "")


def bucket(field):
    point = re.match(r"Annex XIII (\d)", provision(field))
    if field["key"] in ITEM_FACT:
        return "individual"
    return BUCKETS[point.group(1)] if point else ACCESS[field["accessLevel"]]


def is_dynamic(field):
    return provision(field).startswith("Annex XIII 4") or field["key"] in ITEM_STATE


def is_required(field):
    """Only what the guidance makes mandatory for every category; the rest depends or is voluntary."""
    fact = FACTS.get(field["key"])
    if not fact or not fact["main"]:
        return False
    point = POINTS[fact["dataPoint"]]
    return all(point[column] == "mandatory" for column in ("EV", "LMT", "industrial"))


def field_type(field):
    kind = field["dataType"]
    if kind == "string":
        return "i18n" if field["translatable"] else "text"
    if kind == "number":
        return "integer" if field["key"] in COUNTS else "decimal"
    if kind == "date":
        return "date" if field["validation"]["pattern"].count("d{2}") == 2 else "yearMonth"
    return {"url": "url", "enum": "enum", "boolean": "boolean", "object": "object", "array": "object"}[kind]


def dictionary(fact):
    if fact and fact["term"]:
        prefix, name = fact["term"].split(":")
        return PREFIXES[prefix] + name
    if fact and fact["dataPoint"]:
        return f"{POINT_IRI}{int(fact['dataPoint']):02}"
    return None


def field_label(key):
    return f"field-{kebab(key)}"


def by_section():
    order = {section["key"]: [] for section in TEMPLATE["categories"]}
    for field in sorted(TEMPLATE["fields"], key=lambda f: f["sortOrder"]):
        order[field["category"]].append(field)
    return order


def template_fields():
    for section, fields in by_section().items():
        for position, field in enumerate(fields, 1):
            fact = FACTS.get(field["key"])
            record = {
                "$label": field_label(field["key"]),
                "sectionId": Ref(section_label(section)),
                "key": field["key"],
                "label": {**field["label"], **LABELS.get(field["key"], {})},
                "type": field_type(field),
                "cardinality": "many" if field["dataType"] == "array" else "one",
                "isRequired": is_required(field),
                "bucket": bucket(field),
                "isDynamic": is_dynamic(field),
                "isPersonal": field["key"] in PERSONAL,
                "position": position,
            }
            if field["key"] in HELP:
                record["help"] = HELP[field["key"]]
            if provision(field):
                record["legalSource"] = f"{REGULATION}, {provision(field)}"
            reference = dictionary(fact)
            if reference:
                record["dictionaryReference"] = reference
            aliases = [fact[k] for k in ("batteryPass", "term") if fact[k]] if fact else []
            if aliases:
                record["aliases"] = aliases
            if field.get("unit"):
                record["unitId"] = Ref(unit_label(UNIT_OF_KEY[field["unit"]]))
            validation = validation_of(field)
            if validation:
                record["validationId"] = Ref(validation_label(validation))
            yield record


# ---------------------------------------------------------------- three passports


def at(document, path):
    value = document
    for step in path.split("/"):
        value = value[int(step)] if isinstance(value, list) else value.get(step)
        if value is None:
            return None
    return value


def text_of(value):
    return value["@value"] if isinstance(value, dict) else value


def country_of(address):
    return at(address, "gs1:addressCountry/gs1:countryCode")


def address_of(address):
    return compact(
        street=address.get("gs1:streetAddress"),
        postalCode=address.get("gs1:postalCode"),
        locality=address.get("gs1:addressLocality"),
    )


def compact(**values):
    return {key: value for key, value in values.items() if value is not None}


def value_of(field, fact, document, passport):
    """(value, unit code) of a field in a sample; (None, None) where the sample has none."""
    found = at(document, fact["source"]) if fact["source"] else None
    how = fact["as"]
    if how == "passportIdentifier":
        return passport["uuid"], None
    if found is None or not how:
        return None, None
    own = UNIT_OF_KEY.get(field.get("unit") or "")
    if how == "quantity":
        code, value = found["gs1:unitCode"], Decimal(str(found["gs1:value"]))
        if (code, own) in KILO:
            code, value = own, value * KILO[(code, own)]
        return number(value), code
    if how == "number":
        return number(found), own
    return CONVERT[how](found), None


def substances(found):
    return [
        compact(
            name=text_of(s["schema:name"]),
            casNumber=s.get("eubat:substanceCasNumber"),
            ecNumber=s.get("eubat:substanceEcNumber"),
            hazardClass=local(s["eubat:hasHazardClass"]["@id"]),
            concentrationPercent=number(s["eubat:concentration"]),
            location=local(s["eubat:hasSubstanceLocation"]["@id"]),
        )
        for s in found
    ]


def critical_materials(found):
    return [
        compact(
            name=text_of(m["schema:name"]),
            casNumber=m.get("eubat:casNumber"),
            ecNumber=m.get("eubat:ecNumber"),
            massPercent=number(m["schema:weightPercentage"]),
            location=local(m["eubat:hasComponentLocation"]["@id"]),
            originCountry=at(m, "oec:hasMaterialOrigin/gs1:countryCode"),
        )
        for m in found
        if m["eubat:isCriticalRawMaterial"]
    ]


def spare_parts(found):
    source = found[0]
    contact = source["eubat:hasSupplierContact"]
    return {
        "supplier": source["gs1:organizationName"],
        "address": {**address_of(source["gs1:address"]), "country": country_of(source["gs1:address"])},
        "email": contact["gs1:email"],
        "telephone": contact["gs1:telephone"],
    }


def components(found):
    return [{"partName": name.strip()} for name in text_of(found[0]["eubat:spareParts"]).split(",")]


def declaration(found):
    return {
        "number": found["eubat:euDeclarationOfConformityId"],
        "url": found["eubat:declarationOfConformity"],
        "notifiedBody": {
            "number": at(found, "eubat:hasNotifiedBody/eubat:notifiedBodyNumber"),
            "name": at(found, "eubat:hasNotifiedBody/eubat:notifiedBodyName"),
        },
    }


def place(found):
    return {
        "locality": at(found, "gs1:address/gs1:addressLocality"),
        "country": country_of(found["gs1:address"]),
        "gln": found["gs1:globalLocationNumber"],
    }


def address_line(address):
    return f"{address['gs1:streetAddress']}, {address['gs1:postalCode']} {address['gs1:addressLocality']}, {country_of(address)}"


def local(term):
    return term.split(":")[1]


CONVERT = {
    "text": str,
    "english": lambda found: {"en": text_of(found)},
    "localised": lambda found: {found["@language"]: found["@value"]},
    "boolean": bool,
    "month": lambda found: found[:7],
    "addressLine": lambda found: {"en": address_line(found)},
    "place": place,
    "category": lambda found: BATTERY_CATEGORY[found],
    "status": lambda found: local(found).lower(),
    "cellType": lambda found: local(found).removesuffix("Cell").lower(),
    "declaration": declaration,
    "chemistry": lambda found: f"{text_of(found['schema:name'])} ({found['schema:alternateName']})",
    "nameList": lambda found: [{"name": text_of(found)}],
    "criticalMaterials": critical_materials,
    "substances": substances,
    "spareParts": spare_parts,
    "components": components,
}


def load_passports():
    for passport in PASSPORTS:
        document = read_json(f"sources/openepcis/batterypass-{passport['file']}-item.jsonld")
        product = document["id"]
        passport.update(
            document=document,
            productIdentifier=product,
            uuid=str(uuid.uuid5(uuid.NAMESPACE_URL, product)),
            gtin=re.search(r"/01/(\d{14})/", product).group(1),
            name=document["gs1:productName"][0]["@value"],
            serial=document["gs1:hasSerialNumber"],
            produced=document["gs1:productionDate"],
            updated=document["oec:lastUpdated"],
        )
        passport["sections"] = list(sections_of(passport))


def sections_of(passport):
    """(section, [(field, fact, value, unit)]) of what the sample says and the guidance lets show."""
    for section, fields in by_section().items():
        rows = []
        for field in fields:
            fact = FACTS.get(field["key"])
            if not fact or hidden(fact, passport):
                continue
            value, unit = value_of(field, fact, passport["document"], passport)
            if value is not None:
                rows.append((field, fact, value, unit))
        if rows:
            yield section, rows


def hidden(fact, passport):
    return bool(fact["dataPoint"]) and POINTS[fact["dataPoint"]][passport["column"]] == "not-to-be-filled"


def parties():
    document = PASSPORTS[0]["document"]
    maker, service = document["gs1:manufacturer"], document["eubat:hasSparePartSources"][0]
    yield {
        "$label": "party-ecocell",
        "name": maker["gs1:organizationName"],
        "kind": "manufacturer",
        "legalAddress": {**address_of(maker["gs1:address"]), "country": country_of(maker["gs1:address"])},
        "contact": {"email": maker["gs1:contactPoint"]["gs1:email"]},
        "identifiers": [{"scheme": "gln", "value": maker["gs1:globalLocationNumber"]}],
    }
    yield {
        "$label": "party-ecocell-service",
        "name": service["gs1:organizationName"],
        "kind": "repairer",
        "legalAddress": {**address_of(service["gs1:address"]), "country": country_of(service["gs1:address"])},
        "contact": {
            "email": service["eubat:hasSupplierContact"]["gs1:email"],
            "telephone": service["eubat:hasSupplierContact"]["gs1:telephone"],
        },
    }


def facilities():
    site = PASSPORTS[0]["document"]["eubat:hasManufacturingPlace"]
    service = PASSPORTS[0]["document"]["eubat:hasSparePartSources"][0]["gs1:address"]
    yield {
        "$label": "facility-stuttgart-plant",
        "name": "Stuttgart plant",
        "partyId": Ref("party-ecocell"),
        "identifiers": [{"scheme": "gln", "value": site["gs1:globalLocationNumber"]}],
        "address": address_of(site["gs1:address"]),
        "country": country_of(site["gs1:address"]),
        "geo": {"latitude": 48.7758, "longitude": 9.1829},
    }
    yield {
        "$label": "facility-stuttgart-service",
        "name": "Stuttgart service centre",
        "partyId": Ref("party-ecocell-service"),
        "address": address_of(service),
        "country": country_of(service),
        "geo": {"latitude": 48.7758, "longitude": 9.1829},
    }


def products():
    for p in PASSPORTS:
        yield {
            "$label": f"product-{p['kind']}",
            "name": p["name"],
            "sku": p["sku"],
            "modelNumber": p["document"]["eubat:batteryModelIdentifier"],
            "gtin": p["gtin"],
            "commodityCode": "850760",
            "brand": "EcoCell",
            "status": "active",
            "isFeatured": p["kind"] == "ev",
            "metadata": {"shippingName": text_of(p["document"]["eubat:shippingName"]), "transportClass": p["document"]["eubat:transportationSafetyClass"]},
            "categoryId": Ref(f"category-battery-{p['kind']}"),
            "partyId": Ref("party-ecocell"),
        }


def product_data_sources():
    for p in PASSPORTS:
        yield {
            "$label": f"source-{p['kind']}-sample",
            "productId": Ref(f"product-{p['kind']}"),
            "name": "OpenEPCIS sample",
            "kind": "import",
            "settings": {"file": f"batterypass-{p['file']}-item.jsonld"},
            "lastSyncAt": p["updated"],
        }
        yield {
            "$label": f"source-{p['kind']}-manual",
            "productId": Ref(f"product-{p['kind']}"),
            "name": "Data sheet",
            "kind": "manual",
        }


PRODUCT_DATA = [
    ("netWeight", "gs1:netWeight"),
    ("grossWeight", "gs1:grossWeight"),
    ("ratedCapacity", "eubat:hasTechnicalSpecifications/eubat:hasRatedCapacity"),
    ("ratedEnergy", "eubat:hasTechnicalSpecifications/eubat:hasRatedEnergy"),
    ("nominalVoltage", "eubat:hasTechnicalSpecifications/eubat:hasNominalVoltage"),
    ("maximumChargingCurrent", "eubat:hasTechnicalSpecifications/eubat:hasMaximumChargingCurrent"),
    ("maximumChargingPower", "eubat:hasTechnicalSpecifications/eubat:hasMaximumChargingPower"),
    ("numberOfCells", "eubat:numberOfCells"),
    ("countryOfOrigin", "gs1:countryOfOrigin/gs1:countryCode"),
]


def product_data():
    for p in PASSPORTS:
        for key, path in PRODUCT_DATA:
            found = at(p["document"], path)
            record = {
                "$label": f"datum-{p['kind']}-{kebab(key)}",
                "productId": Ref(f"product-{p['kind']}"),
                "key": key,
                "value": number(found["gs1:value"]) if isinstance(found, dict) else found,
                "sourceId": Ref(f"source-{p['kind']}-sample"),
                "validFrom": p["updated"],
            }
            if isinstance(found, dict):
                record["unitId"] = Ref(unit_label(found["gs1:unitCode"]))
            yield record


def batches():
    for p in PASSPORTS:
        yield {
            "$label": f"batch-{p['kind']}",
            "productId": Ref(f"product-{p['kind']}"),
            "batchNumber": f"{p['sku']}-{p['produced'][:7]}",
            "productionDate": p["produced"],
            "facilityId": Ref("facility-stuttgart-plant"),
        }


def items():
    for p in PASSPORTS:
        yield {
            "$label": f"item-{p['kind']}",
            "productId": Ref(f"product-{p['kind']}"),
            "batchId": Ref(f"batch-{p['kind']}"),
            "serialNumber": p["serial"],
            "productionDate": p["produced"],
            "state": CONVERT["status"](p["document"]["schema:status"]["@id"]),
        }


def dpps():
    for p in PASSPORTS:
        yield {
            "$label": f"dpp-{p['kind']}",
            "name": f"{p['name']}, {p['serial']}",
            "identifier": f"urn:uuid:{p['uuid']}",
            "productIdentifier": p["productIdentifier"],
            "granularity": "item",
            "status": "published",
            "publishedAt": p["updated"],
            "metadata": {"sampleOf": "openepcis-dpp-ready"},
            "templateId": Ref("template-battery"),
            "productId": Ref(f"product-{p['kind']}"),
            "batchId": Ref(f"batch-{p['kind']}"),
            "itemId": Ref(f"item-{p['kind']}"),
            "responsibleId": Ref("party-ecocell"),
            "facilityId": Ref("facility-stuttgart-plant"),
        }


def titles():
    return {section["key"]: (section["label"], position) for position, section in enumerate(TEMPLATE["categories"], 1)}


def dpp_sections():
    for p in PASSPORTS:
        for section, _ in p["sections"]:
            title, position = titles()[section]
            yield {
                "$label": f"dpp-section-{p['kind']}-{kebab(section)}",
                "dppId": Ref(f"dpp-{p['kind']}"),
                "templateSectionId": Ref(section_label(section)),
                "title": title,
                "position": position,
                "status": "approved",
            }


def dpp_data():
    for p in PASSPORTS:
        for section, rows in p["sections"]:
            for field, fact, value, unit in rows:
                record = {
                    "$label": f"value-{p['kind']}-{kebab(field['key'])}",
                    "sectionId": Ref(f"dpp-section-{p['kind']}-{kebab(section)}"),
                    "fieldId": Ref(field_label(field["key"])),
                    "value": value,
                }
                if unit:
                    record["unitId"] = Ref(unit_label(unit))
                if fact["source"]:
                    record["provenance"] = {
                        "source": f"batterypass-{p['file']}-item.jsonld",
                        "pointer": fact["source"],
                        "statedAt": p["updated"],
                        "statedBy": p["document"]["gs1:manufacturer"]["gs1:organizationName"],
                    }
                yield record


def content_of(p):
    return {
        "identifier": f"urn:uuid:{p['uuid']}",
        "productIdentifier": p["productIdentifier"],
        "granularity": "item",
        "status": "published",
        "template": f"battery@{TEMPLATE['version']}",
        "economicOperatorIdentifier": p["document"]["gs1:manufacturer"]["gs1:globalLocationNumber"],
        "lastUpdated": p["updated"],
        "sections": {
            camel(section): {
                field["key"]: {"value": value, "bucket": bucket(field), **({"unit": unit} if unit else {})}
                for field, _, value, unit in rows
            }
            for section, rows in p["sections"]
        },
    }


def canonical(value):
    """RFC 8785 for what occurs here: ASCII member names, and numbers that Python writes alike."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def dpp_versions():
    for p in PASSPORTS:
        content = content_of(p)
        yield {
            "$label": f"version-{p['kind']}-1",
            "dppId": Ref(f"dpp-{p['kind']}"),
            "number": 1,
            "content": content,
            "digest": "sha-256:" + hashlib.sha256(canonical(content).encode("utf-8")).hexdigest(),
            "reason": "first publication",
        }


def export_importers():
    mapping = {row["batteryPass"]: key for key, row in FACTS.items() if row["batteryPass"]}
    for direction in ("import", "export"):
        yield {
            "$label": f"exchange-battery-pass-{direction}",
            "name": f"Battery Pass 1.2.0 {direction}",
            "direction": direction,
            "format": "json",
            "resource": "dpps",
            "mapping": mapping if direction == "import" else {key: path for path, key in mapping.items()},
        }


# ---------------------------------------------------------------- checks


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
    load_passports()
    check_complete()
    files = {
        "01-industries.yaml": industries(),
        "02-units.csv": units(),
        "03-dataPoints.csv": data_points(),
        "04-parties.yaml": parties(),
        "05-facilities.yaml": facilities(),
        "06-categories.yaml": categories(),
        "07-templates.yaml": templates(),
        "08-templateSections.yaml": template_sections(),
        "09-validations.yaml": validations(),
        "10-templateFields.yaml": template_fields(),
        "11-products.yaml": products(),
        "12-productDataSources.yaml": product_data_sources(),
        "13-productData.yaml": product_data(),
        "14-batches.yaml": batches(),
        "15-items.yaml": items(),
        "16-dpps.yaml": dpps(),
        "17-dppSections.yaml": dpp_sections(),
        "18-dppData.yaml": dpp_data(),
        "19-dppVersions.json": dpp_versions(),
        "20-exportImporters.yaml": export_importers(),
    }
    files = {name: list(records) for name, records in files.items()}
    check_references(files)
    write = {".yaml": as_yaml, ".json": as_json, ".csv": as_csv}
    differing = []
    for name, records in files.items():
        path = SEEDS / name
        if path.suffix == ".csv":
            records = [{k: canonical(v) if isinstance(v, (dict, list)) else v for k, v in r.items()} for r in records]
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
