import Base

/// Values that are looked for as they are. Found by hash, so that a long list costs no more than a short one.
///
/// Texts compare by their bytes; integers and fractions are never equal.
struct ExactValues: Sendable, Equatable {
  private enum Value: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case number(String)
    case text(ExactText)

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
  private let values: Set<Value>

  /// - Parameter values: no lists and no objects; such are left out.
  init(_ values: [JSON]) { self.values = Set(values.compactMap { Value($0) }) }

  func contains(_ leaf: JSON) -> Bool { Value(leaf).map(values.contains) ?? false }
}
