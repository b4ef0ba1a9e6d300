"""The schema text of a service: one line per shape. Sources/Wire/Schema/SchemaText.swift describes and reads the form."""

BUILT_IN = {
    "string": "$s", "character": "$s", "byte": "$i", "short": "$i", "integer": "$i", "long": "$l", "float": "$d",
    "double": "$d", "boolean": "$b", "blob": "$x", "timestamp": "$t",
}
LOCATIONS = {"header": "h", "headers": "p", "querystring": "q", "uri": "l", "statusCode": "c"}
TIMESTAMPS = {"unixTimestamp": "E", "iso8601": "I", "rfc822": "H"}


def schema_text(service, model):
    lines = [service_line(service, model)]
    operations = sorted(model["operations"].items())
    lines += [operation_line(name, operation, model) for name, operation in operations]
    for name in sorted(reachable(model)):
        line = shape_line(name, model)
        if line:
            lines.append(line)
    for line in lines:
        assert '"""#' not in line and "\n" not in line, line
    body = "\n".join("    " + line for line in lines)
    kind = service["type"]
    return (
        "import Wire\n\n"
        f"/// All operations and shapes of {model['metadata']['serviceFullName']}, implemented or not.\n"
        f"enum {kind}Model {{\n  static let service: ServiceModel = .parse(\n    #\"\"\"\n{body}\n    \"\"\"#)\n}}\n"
    )


def service_line(service, model):
    meta = model["metadata"]
    fields = {
        "signing": meta.get("signingName", meta["endpointPrefix"]), "endpoint": meta["endpointPrefix"],
        "version": meta["apiVersion"], "protocols": ",".join(service["protocols"]), "target": meta.get("targetPrefix"),
        "xmlns": meta.get("xmlNamespace"), "namespace": service.get("namespace", f"com.amazonaws.{service['name']}"),
        "validation": service["validation"],
    }
    if isinstance(fields["xmlns"], dict):
        fields["xmlns"] = fields["xmlns"]["uri"]
    text = " ".join(f"{key}={value}" for key, value in fields.items() if value)
    if service.get("crc32"):
        text += " crc32"
    if "awsQueryCompatible" in meta:
        text += " queryCompatible"
    return f"service {service['name']} {text}"


def operation_line(name, operation, model):
    http = operation["http"]
    output = operation.get("output", {})
    flags = ("u" if operation.get("authtype") == "none" else "") + ("w" if operation.get("unwrapped") else "") or "-"
    errors = " ".join(error["shape"] for error in operation.get("errors", []))
    line = (
        f"o {name} {http['method']} {http['requestUri']} {http.get('responseCode', 200)} "
        f"{operation.get('input', {}).get('shape', '-')} {output.get('shape', '-')} {output.get('resultWrapper', '-')} {flags} {errors}"
    )
    return line.rstrip()


def reachable(model):
    found = set()
    waiting = []
    for operation in model["operations"].values():
        waiting += [operation[end]["shape"] for end in ("input", "output") if end in operation]
        waiting += [error["shape"] for error in operation.get("errors", [])]
    waiting += [name for name, shape in model["shapes"].items() if shape.get("exception")]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        shape = model["shapes"][name]
        if shape.get("rawJSON"):
            continue
        waiting += [member["shape"] for member in shape.get("members", {}).values()]
        waiting += [shape[part]["shape"] for part in ("member", "key", "value") if part in shape]
    return found


def shape_line(name, model):
    shape = model["shapes"][name]
    kind = shape["type"]
    if shape.get("rawJSON"):
        return None
    if kind == "structure" and not shape.get("document"):
        members = "".join(" " + member_token(member, shape, model) for member in shape["members"])
        if shape.get("exception"):
            error = shape.get("error", {})
            code = error.get("code", name)
            fault = "server" if shape.get("fault") or error.get("httpStatusCode", 400) >= 500 else "client"
            return f"e {name} {error.get('httpStatusCode', '-')} {'-' if code == name else code} {fault}{members}"
        return f"{'u' if shape.get('union') else 's'} {name}{members}"
    if kind == "list":
        element = shape["member"]
        wire = f" @{element['locationName']}" if "locationName" in element else ""
        return f"l {name} {type_name(element['shape'], model)}{wire}{constraints(shape)}"
    if kind == "map":
        key, value = shape["key"], shape["value"]
        wire = ""
        if "locationName" in key or "locationName" in value:
            wire = f" @{key.get('locationName', '')},{value.get('locationName', '')}"
        return f"m {name} {type_name(key['shape'], model)} {type_name(value['shape'], model)}{wire}{constraints(shape)}"
    if is_plain(shape):
        return None
    return f"t {name} {BUILT_IN[kind]}{constraints(shape)}"


def is_plain(shape):
    return shape["type"] in BUILT_IN and not constraints(shape)


def type_name(name, model):
    shape = model["shapes"][name]
    if shape.get("document"):
        return "$j"
    if shape.get("rawJSON"):
        return "$r"
    return BUILT_IN[shape["type"]] if is_plain(shape) else name


def constraints(shape):
    text = ""
    if "min" in shape or "max" in shape:
        text += f" {shape.get('min', '')}..{shape.get('max', '')}"
    if shape.get("sensitive"):
        text += " *"
    if "enum" in shape:
        text += " =" + "|".join(escaped(value) for value in shape["enum"])
    if "pattern" in shape:
        text += " ~" + shape["pattern"]
    return text


def escaped(value):
    for character in "%| ":
        value = value.replace(character, f"%{ord(character):02X}")
    return value


def member_token(name, structure, model):
    member = structure["members"][name]
    shape = model["shapes"][member["shape"]]
    flattened = member.get("flattened") or shape.get("flattened")
    wire = member.get("locationName", name)
    query = member.get("queryName", wire)
    if flattened and shape["type"] == "list":
        query = shape["member"].get("locationName", query)
    token = name
    if wire != name:
        token += "=" + wire
    if query != wire:
        token += "?" + query
    return token + ":" + type_name(member["shape"], model) + flags(name, member, shape, structure, flattened)


def flags(name, member, shape, structure, flattened):
    text = ""
    if name in structure.get("required", []):
        text += "r"
    location = member.get("location")
    if location == "querystring" and shape["type"] == "map":
        text += "m"
    elif location:
        text += LOCATIONS[location]
    elif structure.get("payload") == name:
        text += "y"
    if flattened:
        text += "f"
    if member.get("xmlAttribute"):
        text += "a"
    if member.get("streaming") or shape.get("streaming"):
        text += "s"
    if member.get("idempotencyToken"):
        text += "i"
    form = member.get("timestampFormat") or shape.get("timestampFormat")
    if form:
        text += TIMESTAMPS[form]
    return ";" + text if text else ""
