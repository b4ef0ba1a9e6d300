"""Swift accessors for the inputs, outputs and nested structures of the implemented operations."""
import re

SCALARS = {
    "string": "String", "character": "String", "byte": "Int", "short": "Int", "integer": "Int", "long": "Int",
    "float": "Double", "double": "Double", "boolean": "Bool", "blob": "[UInt8]", "timestamp": "Instant",
}
RESERVED = {
    "as", "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer", "deinit", "do", "else", "enum",
    "extension", "fallthrough", "false", "fileprivate", "for", "func", "guard", "if", "import", "in", "init", "inout",
    "internal", "is", "let", "nil", "operator", "private", "protocol", "public", "repeat", "rethrows", "return", "self",
    "static", "struct", "subscript", "super", "switch", "throw", "throws", "true", "try", "typealias", "var", "where", "while",
}
# What a RecordView has already.
CLASHES = {"record": "recordValue", "shape": "shapeValue", "wireValue": "wireValueMember"}


def shapes_text(service, model, renames, taken):
    return Shapes(service, model, renames, taken).text()


def member_name(name):
    """`QueueUrl` → `queueUrl`, `MD5OfBody` → `md5OfBody`, `SSEAlgorithm` → `sseAlgorithm`."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    run = re.match(r"[A-Z0-9]*", name).group()
    if len(run) > 1 and len(run) < len(name):
        run = run[:-1] if name[len(run)].islower() else run
    lowered = run.lower() + name[len(run):]
    lowered = CLASHES.get(lowered, lowered)
    return f"`{lowered}`" if lowered in RESERVED else lowered


class Shapes:
    def __init__(self, service, model, renames, taken):
        self.service, self.model, self.renames, self.taken = service, model, renames, taken
        self.swift_names = {}  # model name → Swift name
        self.aliases = []      # (alias, Swift name)

    def text(self):
        operations = self.service["operations"]
        names = sorted(self.model["operations"]) if operations == ["*"] else sorted(operations)
        for name in names:
            if name not in self.model["operations"]:
                raise SystemExit(f"generate-models: {self.service['name']} has no operation {name}")
        self.name_shapes(names)
        shapes = sorted(self.swift_names.items(), key=lambda item: item[1])
        parts = ["import Base\nimport Wire\n"]
        parts += [self.structure(model_name, swift_name) for model_name, swift_name in shapes]
        if self.aliases:
            parts.append("".join(f"typealias {alias} = {name}\n" for alias, name in sorted(self.aliases)))
        return "\n".join(parts)

    def name_shapes(self, operations):
        tops = {}  # model name → [Operation + Input|Output]
        for operation in operations:
            for end in ("input", "output"):
                if end in self.model["operations"][operation]:
                    shape = self.model["operations"][operation][end]["shape"]
                    tops.setdefault(shape, []).append(self.unique(operation + end.capitalize()))
        nested = set()
        for shape in tops:
            self.collect(shape, nested)
        for shape, uses in tops.items():
            if len(uses) == 1 and shape not in nested:
                self.swift_names[shape] = uses[0]
        for shape in sorted(set(tops) | nested):
            if shape not in self.swift_names:
                self.swift_names[shape] = self.unique(self.nested_name(shape))
            self.aliases += [(use, self.swift_names[shape]) for use in tops.get(shape, []) if use != self.swift_names[shape]]
        self.taken.update(self.swift_names.values())
        self.taken.update(alias for alias, _ in self.aliases)

    def unique(self, name):
        return self.service["type"] + name if name in self.taken else name

    def nested_name(self, name):
        """A nested structure keeps its model name. Names of one word (`Message`, `Tag`, `Role`) get the service's
        prefix: such names belong to Swift and to the service's own domain types."""
        if name in self.renames:
            return self.renames[name]
        name = name[0].upper() + name[1:]
        return name if re.search(r"[a-z0-9][A-Z]", name) else self.service["type"] + name

    def collect(self, name, nested):
        """The structures inside a structure, and inside those."""
        shape = self.model["shapes"][name]
        for reference in list(shape.get("members", {}).values()) + [shape[p] for p in ("member", "key", "value") if p in shape]:
            inner = self.model["shapes"][reference["shape"]]
            if inner.get("rawJSON"):
                continue
            if inner["type"] == "structure" and not inner.get("document"):
                if reference["shape"] in nested:
                    continue
                nested.add(reference["shape"])
            if inner["type"] in ("structure", "list", "map"):
                self.collect(reference["shape"], nested)

    def structure(self, model_name, swift_name):
        shape = self.model["shapes"][model_name]
        lines = [
            f"struct {swift_name}: RecordView {{",
            f"  static let shape = {self.service['type']}Model.service.structure(\"{model_name}\")",
            "  var record: Record",
            "  init(_ record: Record) { self.record = record }",
        ]
        for place, (name, member) in enumerate(shape["members"].items()):
            required = name in shape.get("required", [])
            kind = self.swift_type(member["shape"]) + ("" if required else "?")
            getter = "required" if required else "optional"
            lines.append(
                f"  var {member_name(name)}: {kind} {{ get {{ record.{getter}({place}) }} set {{ record.set({place}, newValue) }} }}")
        return "\n".join(lines) + "\n}\n"

    def swift_type(self, name):
        shape = self.model["shapes"][name]
        if shape.get("document"):
            return "JSON"
        if shape.get("rawJSON"):
            return "RawJSON"
        if shape["type"] == "structure":
            return self.swift_names[name]
        if shape["type"] == "list":
            return f"[{self.swift_type(shape['member']['shape'])}]"
        if shape["type"] == "map":
            return f"[String: {self.swift_type(shape['value']['shape'])}]"
        return SCALARS[shape["type"]]
