"""Inputs that a service model forbids, each made from a good one by one change."""

import copy
import re

# Containers are opened no deeper than this.
DEPTH = 4
# Longer texts than this prove nothing more.
LONGEST = 300_000
WRONG = {
    "string": [1, True, ["a"], {"a": "b"}], "integer": ["x", "1", ["1"], {}, 0.5], "long": ["x", [], {}], "float": ["x", []],
    "double": ["x", []], "boolean": ["x", "true", 1, []], "list": ["x", 1, {}], "map": ["x", 1, []], "structure": ["x", 1, []],
    "timestamp": [True, [], {}], "blob": [1, {}, "not base64!"],
}
# In a form or a query string everything is text, so only some texts are wrong.
WRONG_TEXT = {"integer": ["x", "0.5"], "long": ["x"], "boolean": ["x"], "timestamp": ["x"], "float": ["x"], "double": ["x"]}


class Mutation:
    """A bad input: `what` is wrong at `path`."""

    def __init__(self, operation, path, what, given):
        self.operation, self.path, self.what, self.given = operation, path, what, given

    def __str__(self):
        return f"{self.operation} {'.'.join(map(str, self.path))} {self.what}"


def mutations(operation, given):
    """All of an operation, made from a good input."""
    if operation.model.input_shape is None:
        return
    for path, shape, parent in _places(operation.model.input_shape, (), DEPTH):
        location = operation.members[path[0]].serialization.get("location")
        is_payload = operation.model.input_shape.serialization.get("payload") == path[0]
        isnt_json = operation.protocol == "query" or location is not None
        if parent is not None and path[-1] in parent.required_members and location != "uri" and not is_payload:
            yield Mutation(operation, path, "missing", _with(operation, given, path, None))
        if is_payload:
            continue
        for what, value in _bad_values(shape, isnt_json):
            if location == "uri" and value == "":
                continue
            # A list or map that a form cannot show as empty.
            if isnt_json and value in ([], {}):
                continue
            yield Mutation(operation, path, what, _with(operation, given, path, value))


def _places(shape, path, depth):
    """Every member that can be reached: (path, shape, structure in which it is)."""
    if depth == 0:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield (*path, name), member, shape
            yield from _places(member, (*path, name), depth - 1)
    elif shape.type_name == "list":
        yield (*path, 0), shape.member, None
        yield from _places(shape.member, (*path, 0), depth - 1)
    elif shape.type_name == "map":
        yield (*path, "key"), shape.value, None
        yield from _places(shape.value, (*path, "key"), depth - 1)


def _bad_values(shape, isnt_json):
    for value in (WRONG_TEXT if isnt_json else WRONG).get(shape.type_name, []):
        yield f"is {value!r}", value
    limits = shape.metadata
    if shape.type_name in ("integer", "long"):
        if "min" in limits:
            yield "below its minimum", limits["min"] - 1
        if "max" in limits:
            yield "above its maximum", limits["max"] + 1
        yield "beyond 64 bits", 1 << 70
    elif shape.type_name == "string":
        yield from _bad_texts(shape)
    elif shape.type_name == "list" and limits.get("max", LONGEST) < 1000:
        many = [minimal(shape.member, i) for i in range(limits["max"] + 1)]
        # A form cannot show structures without members.
        if not (isnt_json and many[0] == {}):
            yield "too many", many
    if shape.type_name == "list" and limits.get("min", 0) > 0:
        yield "too few", []


def _bad_texts(shape):
    limits = shape.metadata
    pattern = _compiled(limits.get("pattern"))
    # One that keeps to the pattern, if `a` does: so that it is the length that is refused.
    if limits.get("max", LONGEST) < LONGEST:
        yield "too long", "a" * (limits["max"] + 1)
    if limits.get("min", 0) > 0:
        yield "too short", "a" * (limits["min"] - 1)
    if pattern is not None:
        for text in ("\x01", "a b", "!!!", "-", "ü"):
            text = text.ljust(limits.get("min", 0), text[-1])
            if not pattern.fullmatch(text):
                yield f"against its pattern ({text[:5]!r})", text
                break
    if shape.enum:
        yield "not of its values", "nonsense"


def _compiled(pattern):
    try:
        return re.compile(pattern, re.ASCII) if pattern else None
    except re.error:
        return None  # Java's, and not Python's


def minimal(shape, number=0):
    """A small value of a shape, as good as the model alone allows to say."""
    kind = shape.type_name
    if kind == "structure":
        return {name: minimal(shape.members[name], number) for name in shape.required_members}
    if kind == "list":
        return [minimal(shape.member, number)]
    if kind == "map":
        return {f"key{number}": minimal(shape.value, number)}
    if kind == "string":
        return shape.enum[0] if shape.enum else f"a{number}".ljust(shape.metadata.get("min", 0), "a")
    if kind == "boolean":
        return True
    if kind == "blob":
        return b"x"
    return max(1, shape.metadata.get("min", 1))


def _with(operation, given, path, value):
    """The input with one place changed (None: taken away), and what leads there filled in."""
    changed = copy.deepcopy(given)
    holder, shape = changed, operation.model.input_shape
    for step, following in zip(path, path[1:]):
        inner = shape.members[step] if shape.type_name == "structure" else shape.member if shape.type_name == "list" else shape.value
        present = holder.get(step) if isinstance(holder, dict) else (holder[step] if holder else None)
        if not isinstance(present, (dict, list)) or not present:
            present = minimal(inner)
            if inner.type_name == "list" and not present:
                present = [minimal(inner.member)]
            if isinstance(holder, dict):
                holder[step] = present
            else:
                holder[:] = [present]
        holder, shape = present, inner
    if value is None:
        holder.pop(path[-1], None)
    elif isinstance(holder, list):
        holder[:] = [value]
    else:
        holder[path[-1]] = value
    return changed
