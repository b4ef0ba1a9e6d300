import Base

/// A value that is looked for as it is. Texts compare by their bytes; integers and fractions are never equal.
enum ExactValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case number(String)
  case text(ExactText)

  /// Nil for lists and objects.
  init?(_ json: JSON) {
    switch json {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(value)
    case .double(let value): self = .double(value)
    case .number(let digits): self = .number(digits)
    case .string(let text): self = .text(ExactText(text))
    case .array, .object: return nil
    }
  }
}

/// Values that are looked for as they are. Found by hash, so that a long list costs no more than a short one.
struct ExactValues: Sendable, Equatable {
  let values: Set<ExactValue>

  /// - Parameter values: no lists and no objects; such are left out.
  init(_ values: [JSON]) { self.values = Set(values.compactMap { ExactValue($0) }) }

  func contains(_ leaf: JSON) -> Bool { ExactValue(leaf).map(values.contains) ?? false }
}
