"""Reference data and the battery template, from the published lists."""

import re

from inputs import Ref, kebab, number, read_csv, read_json

GUIDANCE = {
    "mandatory": "mandatory",
    "optional": "optional",
    "certain-cases": "certainCases",
    "not-to-be-filled": "notToBeFilled",
}
# The audience follows from the point of Annex XIII (Article 77(2)).
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
# What people call the published patterns.
PATTERNS = {
    r"^https://[^/]+/01/\d{14}(/.*)?$": ("GS1 Digital Link", "a GS1 Digital Link URI", "ein GS1-Digital-Link-URI", "un URI GS1 Digital Link"),
    r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": ("UUID", "a UUID", "eine UUID", "un UUID"),
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$": ("e-mail address", "an e-mail address", "eine E-Mail-Adresse", "une adresse électronique"),
    r"^https?://.*$": ("web address", "a web address", "eine Web-Adresse", "une adresse web"),
    r"^\d{4}-\d{2}$": ("year and month", "a year and month, such as 2027-02", "Jahr und Monat, etwa 2027-02", "une année et un mois, par exemple 2027-02"),
    r"^\d{4}-\d{2}-\d{2}$": ("day", "a day, such as 2027-02-18", "ein Tag, etwa 2027-02-18", "un jour, par exemple 2027-02-18"),
}
TEMPLATE = read_json("sources/battery-template.json")
POINTS = {row["nr"]: row for row in read_csv("sources/battery-datapoints-v2.0.csv")}
FACTS = {row["key"]: row for row in read_csv("own/fields.csv")}
UNIT_OF_KEY = {row["key"]: row["code"] for row in read_csv("own/units.csv") if row["key"]}
LABELS = read_json("own/labels.json")
HELP = {row["key"]: {"en": row["en"], "de": row["de"]} for row in read_csv("own/help.csv")}


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
