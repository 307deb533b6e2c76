"""What schemathesis cannot know by itself of an API of declared resources.

The built-in check `positive_data_acceptance` wants every request that fits its schema to be
accepted. Some rules are beyond any schema: whether a referenced record is there, whether words of
the query languages name fields, which parameters exclude each other. The check below is the
built-in one with these rules, and no others, allowed to refuse.
"""

import copy
import re

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

# The bounds of decimals, which are texts.
DECIMAL = re.compile(r"it must be at (least|most) -?\d+(\.\d+)?$")

# What `If-Match` has to look like.
ENTITY_TAGS = re.compile(r'^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$')

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
    # An item of a transaction is described for all resources at once: what its own resource wants
    # of it, the server alone says.
    if case.operation.path.endswith("/transactions") and status == 400:
        return
    error = response.json().get("error", {})
    if error.get("code") in {"REFERENCE_NOT_FOUND", "ANSWER_TOO_LARGE"}:
        return
    # An upsert in a batch states a version only where the record is there already.
    if error.get("code") == "PRECONDITION_REQUIRED" and case.operation.path.endswith("/batch"):
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


def is_of_the_data(detail):
    return (
        detail["rule"] in RULES
        or LANGUAGES.match(detail["field"]) is not None
        # How far pages go follows from how long they are.
        or detail["field"] == "page"
        or DECIMAL.search(detail["message"]) is not None
    )


# Bodies that write related records along hold one another without end, and so would the requests
# made of them. Here they are followed one relation deep.
NESTED = re.compile(r"#/components/schemas/[^/\"]+\.(Create|Replace|Change|Update)$")


@schemathesis.hook
def before_load_schema(ctx, raw_schema):
    schemas = raw_schema.get("components", {}).get("schemas", {})
    nested = [name for name in schemas if NESTED.match(f"#/components/schemas/{name}")]
    for name in nested:
        schemas[f"{name}.flat"] = flat(schemas[name])
    for name in nested:
        schemas[name] = leading_to_flat(schemas[name])


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


def leading_to_flat(value):
    if isinstance(value, dict):
        return {
            name: f"{member}.flat"
            if name == "$ref" and isinstance(member, str) and NESTED.match(member)
            else leading_to_flat(member)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [leading_to_flat(member) for member in value]
    return value
