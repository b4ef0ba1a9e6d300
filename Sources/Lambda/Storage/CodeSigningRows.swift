import Base
import Store

/// Code signing configurations. Which one a function has stands in the function's row.
struct CodeSigningRows {
  let reader: any Reader
  init(_ reader: any Reader) { self.reader = reader }

  func config(_ id: CodeSigningID) throws -> CodeSigning? { try reader.get(Keys.signing(id)).map { try CodeSigning(row: $0, id) } }

  func page(_ account: AccountID, _ region: Region, after marker: String?, limit: Int) throws -> Page<CodeSigning> {
    let prefix = Keys.signings(account, region)
    return try Marker.page(reader, prefix, after: marker, limit: limit) { key, value in
      var key = KeyReader(key, after: prefix)
      return try CodeSigning(row: value, CodeSigningID(account: account, region: region, id: try key.string()))
    }
  }

  /// The functions that have it.
  func functions(of id: CodeSigningID, after marker: String?, limit: Int) throws -> Page<FunctionID> {
    try Marker.page(reader, Keys.functions(id.account, id.region), after: marker, limit: limit) { _, value in
      let function = try StoredFunction(row: value)
      return function.codeSigning == id.id ? function.id : nil
    }
  }

  static func save(_ config: CodeSigning, in tx: any Transaction) throws { try tx.set(Keys.signing(config.id), config.row) }
  static func delete(_ id: CodeSigningID, in tx: any Transaction) throws { try tx.delete(Keys.signing(id)) }
}

extension CodeSigning {
  fileprivate init(row bytes: [UInt8], _ id: CodeSigningID) throws {
    var row = try RowReader(bytes)
    let (description, publishers) = (try row.string(), try row.strings())
    guard let policy = Policy(rawValue: try row.string()) else { throw StoreError.corrupt("code signing configuration") }
    self.init(
      id: id, description: description, publishers: publishers, untrusted: policy, tags: try row.map(), modifiedAt: try row.instant())
  }

  fileprivate var row: [UInt8] {
    var row = RowWriter()
    row.string(description)
    row.strings(publishers)
    row.string(untrusted.rawValue)
    row.map(tags)
    row.instant(modifiedAt)
    return row.bytes
  }
}
