import Base

/// The name and value pairs of a query string or a form body, decoded, in their order.
public struct FormFields: Sendable {
  /// Far above what any AWS operation takes (a batch of ten messages with ten attributes has about 400).
  public static let maximumCount = 10_000

  public private(set) var pairs: [(name: String, value: String)] = []

  /// `isForm`: a plus sign is a blank. Fails with `MalformedQueryString` beyond `maximumCount` pairs.
  public init(_ text: some Collection<UInt8>, isForm: Bool) throws(AWSError) {
    for field in text.split(separator: UInt8(ascii: "&")) {
      guard pairs.count < Self.maximumCount else {
        throw AWSError("MalformedQueryString", "The request has more than \(Self.maximumCount) parameters.", status: 400)
      }
      let mark = field.firstIndex(of: UInt8(ascii: "="))
      let value = mark.map { field[field.index(after: $0)...] }
      pairs.append((decoded(field[..<(mark ?? field.endIndex)], isForm), value.map { decoded($0, isForm) } ?? ""))
    }
  }

  public mutating func append(_ other: FormFields) { pairs += other.pairs }

  public subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }
  public func all(_ name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }
}

private func decoded(_ text: some Collection<UInt8>, _ isForm: Bool) -> String {
  percentDecoded(text, plusIsSpace: isForm).utf8Text
}
