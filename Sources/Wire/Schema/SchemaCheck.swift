import Base

extension ServiceModel {
  /// Reads the whole schema and names what is wrong with it; empty when it is sound. Tests ask this of every generated
  /// schema, since reading is lazy and a pattern that cannot be compiled would never be checked.
  public var structuralFaults: [String] {
    var faults: [String] = []
    if protocols.isEmpty { faults.append("no protocol") }
    for (name, shape) in structures.sorted(by: { $0.key < $1.key }) {
      for member in shape.members {
        Self.check(member.type, member.constraints, "\(name).\(member.name)", &faults)
        if shape.place(ofWireName: member.wireName) == nil { faults.append("\(name).\(member.name): no place by its wire name") }
      }
      if Set(shape.members.map(\.name)).count != shape.members.count { faults.append("\(name): a member name comes twice") }
    }
    for operation in operations.values.sorted(by: { $0.name < $1.name }) { check(operation, &faults) }
    return faults
  }

  private func check(_ operation: OperationModel, _ faults: inout [String]) {
    for error in operation.errors where structures[error] == nil { faults.append("\(operation.name): no error shape \(error)") }
    let labels = operation.input?.members.filter { $0.location == .label || $0.location == .greedyLabel }.map(\.wireName) ?? []
    for label in labels where !operation.uri.contains("{\(label)}") && !operation.uri.contains("{\(label)+}") {
      faults.append("\(operation.name): no label \(label) in \(operation.uri)")
    }
    if labels.count != operation.uri.utf8.count(where: { $0 == UInt8(ascii: "{") }) {
      faults.append("\(operation.name): labels of \(operation.uri) and members differ")
    }
  }

  private static func check(_ type: ShapeType, _ constraints: Constraints, _ path: String, _ faults: inout [String]) {
    if let pattern = constraints.pattern, Pattern(pattern) == nil { faults.append("\(path): unsupported pattern \(pattern)") }
    switch type {
    case .list(let element): check(element.type, element.constraints, path + ".member", &faults)
    case .map(let key, let element):
      check(key.type, key.constraints, path + ".key", &faults)
      check(element.type, element.constraints, path + ".value", &faults)
    case .structure(let reference): _ = reference.shape
    default: break
    }
  }
}
