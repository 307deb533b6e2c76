"""Three passports and what they describe, from the published samples."""

import hashlib
import json
import re
import uuid
from decimal import Decimal

from inputs import Ref, compact, kebab, number, read_json
from template import (
    FACTS,
    POINTS,
    TEMPLATE,
    UNIT_OF_KEY,
    bucket,
    by_section,
    camel,
    field_label,
    section_label,
    unit_label,
)

PASSPORTS = [
    {"kind": "ev", "file": "ev", "column": "EV", "sku": "VD-75"},
    {"kind": "lmt", "file": "lmt", "column": "LMT", "sku": "PP-720"},
    {"kind": "industrial", "file": "industrial", "column": "industrial", "sku": "PC-48-5"},
]
BATTERY_CATEGORY = {
    "eubat:EVBattery": "EV",
    "eubat:LMTBattery": "LMT",
    "eubat:IndustrialBattery": "industrial_gt_2kwh",
}
KILO = {("KWT", "WTT"): Decimal(1000)}


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
