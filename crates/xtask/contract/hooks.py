"""What schemathesis cannot know by itself of an API of declared resources.

The built-in check `positive_data_acceptance` wants every request that fits its schema to be
accepted. Some rules are beyond any schema: whether a referenced record is there, whether words of
the query languages name fields, which parameters exclude each other. The first check below is the
built-in one with these rules, and no others, allowed to refuse.

The built-in check `negative_data_rejection` wants every request that breaks its schema to be refused
as a whole. Items that stand by themselves are refused one by one, in an answer of 207. The second
check holds each against the schema of an item.
"""

import copy
import json
import os
import re

import jsonschema_rs
import schemathesis
from schemathesis.generation import GenerationMode

# The parameters whose texts have a grammar of their own with the names of fields and relations;
# `fields` only in the body of a query, whose schema all resources share.
LANGUAGES = re.compile(
    r"^(filter|fields|sort|include|search|aggregate|groupBy|having|distinct|cursor|upsert|items\[\d+\]\.where)\b"
)

# Rules of the data, by their stable words.
RULES = {
    "conflict",  # two parameters exclude each other
    "json",  # whole numbers inside JSON beyond 2^53 - 1, which JSON schema calls integers as well
    "schema",  # a merged JSON value against the schema of its field
    "precision",  # the digits of a decimal that is written as a number
    "scale",  # the same behind its point
    "range",  # a sum beyond 2^53 - 1 that a field operation would make
    "reference",  # a record that is not there
}

# What the writes by filter among the items of a request state together, and how many related records
# all lists of a body or all items write together.
TOGETHER = re.compile(r"^(body|items\[\d+\](\.maxAffected)?)$")

# Records that several lists of a body name, which a schema can forbid in one list alone; also ids that
# differ in their case.
NAMED_TWICE = re.compile(r"\.(link|unlink|update|delete)\[\d+\](\.id)?$")

# The bounds of decimals, which are texts.
DECIMAL = re.compile(r"it must be at (least|most) -?\d+(\.\d+)?$")

# What `If-Match` has to look like.
ENTITY_TAGS = re.compile(r'^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$')

# Addresses that take several writes.
SEVERAL = ("/batch", "/transactions")

# Answers that depend on what is stored, not on the form of the request.
STATES = {404, 409, 412, 422, 507}


@schemathesis.check
def accepted_unless_the_data_forbids(ctx, response, case):
    meta = case.meta
    if meta is None or meta.generation.mode is not GenerationMode.POSITIVE:
        return
    status = response.status_code
    if status < 400 or status in STATES:
        return
    error = response.json().get("error", {})
    if error.get("code") in {"REFERENCE_NOT_FOUND", "ANSWER_TOO_LARGE"}:
        return
    # An upsert in a batch states a version only where the record is there already.
    if error.get("code") == "PRECONDITION_REQUIRED" and case.operation.path.endswith(SEVERAL):
        return
    # The records of tenants and those of the platform are written apart.
    if error.get("code") == "PLACEMENT_MIXED" and case.operation.path.endswith("/transactions"):
        return
    details = error.get("details", [])
    if details and all(is_of_the_data(detail) for detail in details):
        return
    # An upsert is found by fields of its body and writes no related records along: a parameter
    # that changes what a body may hold.
    if "upsert" in (case.query or {}) and {detail["rule"] for detail in details} & {"unknown", "required"}:
        return
    # The coverage phase makes values of headers that do not fit their pattern, and calls them good.
    sent = (case.headers or {}).get("If-Match")
    if sent is not None and ENTITY_TAGS.match(sent) is None:
        return
    raise AssertionError(f"fits its schema, but: {status} {error.get('code')} {details}")


# What was made of the schema of an item, by address.
ITEMS = {}


@schemathesis.check
def items_that_break_their_schema_are_refused(ctx, response, case):
    if response.status_code != 207:
        return
    sent = json.loads(response.request.body)
    results = response.json()["data"]
    assert len(results) == len(sent["items"]), "a result for each item"
    fits = item_of(case.operation.schema, case.operation.path)
    for place, (item, result) in enumerate(zip(sent["items"], results)):
        if "error" not in result and not fits.is_valid(item):
            raise AssertionError(f"items[{place}] breaks its schema and was accepted: {item}")


def item_of(schema, path):
    """What holds items of this address against their schema."""
    if path not in ITEMS:
        document = schema.raw_schema
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        item = {"$ref": f"{body['$ref']}/properties/items/items", "components": document["components"]}
        ITEMS[path] = jsonschema_rs.Draft202012Validator(item)
    return ITEMS[path]


def is_of_the_data(detail):
    return (
        detail["rule"] in RULES
        or LANGUAGES.match(detail["field"]) is not None
        # How far pages go follows from how long they are.
        or detail["field"] == "page"
        or detail["rule"] == "max" and TOGETHER.match(detail["field"]) is not None
        or detail["rule"] == "repeated" and NAMED_TWICE.search(detail["field"]) is not None
        or DECIMAL.search(detail["message"]) is not None
    )


# Bodies that write related records along hold one another without end, and so would the requests
# made of them. Here they are followed this many relations deep.
DEPTH = int(os.environ.get("CONTRACT_DEPTH", "1"))

# Of more resources than the first number no transaction can be made: their schemas together are beyond
# what the generator takes. So many are kept then; the shop has fewer, and all of them.
MOST_KINDS, KEPT_KINDS = 8, 4

# Of how many relations a change may be given either the id or the record, for the same reason. The others
# are given by their ids.
MOST_PAIRS = 3

NESTED = re.compile(r"^#/components/schemas/[^/\"]+\.(Create|Replace|Change|Update)$")


@schemathesis.hook
def before_load_schema(ctx, raw_schema):
    schemas = raw_schema.get("components", {}).get("schemas", {})
    nested = {name: schemas[name] for name in schemas if NESTED.match(f"#/components/schemas/{name}")}
    for name, schema in nested.items():
        drop_pairs(schema)
        schemas[f"{name}.0"] = flat(schema)
        for depth in range(1, DEPTH):
            schemas[f"{name}.{depth}"] = leading_to(schema, depth - 1)
        schemas[name] = leading_to(schema, DEPTH - 1)
    kinds = schemas["TransactionBatch"]["properties"]["items"]["items"]["anyOf"]
    if len(kinds) > MOST_KINDS:
        del kinds[KEPT_KINDS:]


def drop_pairs(schema):
    rules = schema.get("allOf", [])
    pairs = [rule for rule in rules if "required" in rule.get("not", {})]
    for rule in pairs[MOST_PAIRS:]:
        rules.remove(rule)
        for name in rule["not"]["required"]:
            if is_nested(schema["properties"].get(name)):
                del schema["properties"][name]


def is_nested(value):
    return any(NESTED.match(reference) for reference in references(value))


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


def flat(schema):
    """The same body without its relations; what they could stand for is required."""
    schema = copy.deepcopy(schema)
    properties = schema.get("properties", {})
    relations = {name for name, value in properties.items() if is_nested(value)}
    for name in relations:
        del properties[name]
    required = schema.setdefault("required", [])
    for either in schema.pop("allOf", []):
        required.extend(
            name
            for option in either.get("oneOf", [])
            for name in option.get("required", [])
            if name not in relations
        )
    return schema


def leading_to(value, depth):
    """The same schema with what it nests at this depth."""
    if isinstance(value, dict):
        return {
            name: f"{member}.{depth}"
            if name == "$ref" and isinstance(member, str) and NESTED.match(member)
            else leading_to(member, depth)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [leading_to(member, depth) for member in value]
    return value
