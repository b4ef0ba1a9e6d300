import Base

extension ServiceModel {
  /// Reads a generated schema text. A fault in it is a programming error.
  public static func parse(_ text: StaticString) -> ServiceModel {
    var header: [String: String] = [:]
    var operationLines: [SchemaCursor] = []
    let schema = SchemaText(
      text,
      service: { cursor in
        var cursor = cursor
        header["name"] = cursor.required()
        while let field = cursor.field() {
          let parts = field.split(separator: "=", maxSplits: 1)
          header[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
      },
      operation: { operationLines.append($0) })
    let structures = schema.makeStructures()
    var operations: [String: OperationModel] = [:]
    operations.reserveCapacity(operationLines.count)
    for line in operationLines {
      let operation = OperationModel(line, structures)
      operations[operation.name] = operation
    }
    guard let name = header["name"] else { preconditionFailure("schema: no service line") }
    return ServiceModel(
      name: name, signingName: header["signing"] ?? name, endpointPrefix: header["endpoint"] ?? name,
      apiVersion: header["version"] ?? "",
      protocols: (header["protocols"] ?? "").split(separator: ",").map { name in
        guard let proto = WireProtocol(rawValue: String(name)) else { preconditionFailure("schema: unknown protocol \(name)") }
        return proto
      },
      targetPrefix: header["target"], xmlNamespace: header["xmlns"], operations: operations, structures: structures,
      isQueryCompatible: header["queryCompatible"] != nil,
      hasBodyChecksum: header["crc32"] != nil, shapeNamespace: header["namespace"] ?? "com.amazonaws.\(name)",
      validation: header["validation"].flatMap(ValidationStyle.init) ?? .model)
  }
}

extension OperationModel {
  /// `name method uri status input output wrapper flags error…`, `-` where there is none. Flags: `u` unsigned, `w` unwrapped.
  fileprivate convenience init(_ line: SchemaCursor, _ structures: [String: StructureShape]) {
    var line = line
    let (name, method, uri) = (line.required(), line.required(), line.required())
    let status = Int(line.required()) ?? 200
    let (input, output, wrapper, flags) = (line.unlessDash(), line.unlessDash(), line.unlessDash(), line.unlessDash())
    var errors: [String] = []
    while let error = line.field() { errors.append(error) }
    self.init(
      name: name, method: method, uri: uri, status: status, input: input.flatMap { structures[$0] },
      output: output.flatMap { structures[$0] }, resultWrapper: wrapper, errors: errors, isUnsigned: flags?.contains("u") ?? false,
      isUnwrapped: flags?.contains("w") ?? false)
  }
}
