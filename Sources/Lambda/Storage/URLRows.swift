import Base
import Store

/// Function URLs, by function and by the id in their host name.
struct URLRows {
  let reader: any Reader
  init(_ reader: any Reader) { self.reader = reader }

  /// - Parameter qualifier: nil for the function itself.
  func url(_ id: FunctionID, _ qualifier: String?) throws -> FunctionURL? {
    try reader.get(Keys.url(id, qualifier)).map { try FunctionURL(row: $0, of: id, qualifier) }
  }

  /// - Parameter region: of the host name; nil when it was not named.
  func url(id: String, region: Region?) throws -> FunctionURL? {
    guard let bytes = try reader.get(Keys.urlPlace(id)) else { return nil }
    var row = try RowReader(bytes)
    let (account, place, name) = (AccountID(try row.string()), Region(try row.string()), try row.string())
    guard let account, let place else { throw StoreError.corrupt("function URL") }
    guard region == nil || region == place else { return nil }
    return try url(FunctionID(account: account, region: place, name: name), try row.optionalString())
  }

  func page(_ id: FunctionID, after marker: String?, limit: Int) throws -> Page<FunctionURL> {
    let prefix = Keys.urls(id)
    return try Marker.page(reader, prefix, after: marker, limit: limit) { key, value in
      var key = KeyReader(key, after: prefix)
      let qualifier = try key.string()
      return try FunctionURL(row: value, of: id, qualifier.isEmpty ? nil : qualifier)
    }
  }

  static func save(_ url: FunctionURL, in tx: any Transaction) throws {
    try tx.set(Keys.url(url.function, url.qualifier), url.row)
    var place = RowWriter()
    for text in [url.function.account.text, url.function.region.text, url.function.name] { place.string(text) }
    place.optional(url.qualifier)
    try tx.set(Keys.urlPlace(url.id), place.bytes)
  }

  /// Nothing happens when there is none.
  static func delete(_ id: FunctionID, _ qualifier: String?, in tx: any Transaction) throws {
    guard let url = try URLRows(tx).url(id, qualifier) else { return }
    try tx.delete(Keys.url(id, qualifier))
    try tx.delete(Keys.urlPlace(url.id))
  }

  static func deleteAll(of id: FunctionID, in tx: any Transaction) throws {
    for url in try URLRows(tx).page(id, after: nil, limit: .max).items { try delete(id, url.qualifier, in: tx) }
  }
}

extension FunctionURL {
  fileprivate init(row bytes: [UInt8], of function: FunctionID, _ qualifier: String?) throws {
    var row = try RowReader(bytes)
    let id = try row.string()
    guard let authentication = Authentication(rawValue: try row.string()), let mode = InvokeMode(rawValue: try row.string()) else {
      throw StoreError.corrupt("function URL")
    }
    self.init(
      id: id, function: function, qualifier: qualifier, authentication: authentication, invokeMode: mode, cors: nil,
      createdAt: try row.instant(), modifiedAt: try row.instant())
    cors = try row.optional { row in
      URLCors(
        allowCredentials: try row.optional { try $0.bool() }, allowHeaders: try row.optional { try $0.strings() },
        allowMethods: try row.optional { try $0.strings() }, allowOrigins: try row.optional { try $0.strings() },
        exposeHeaders: try row.optional { try $0.strings() }, maxAge: try row.optionalInt())
    }
  }

  fileprivate var row: [UInt8] {
    var row = RowWriter()
    for text in [id, authentication.rawValue, invokeMode.rawValue] { row.string(text) }
    row.instant(createdAt)
    row.instant(modifiedAt)
    row.optional(cors) { row, cors in
      row.optional(cors.allowCredentials) { $0.bool($1) }
      for list in [cors.allowHeaders, cors.allowMethods, cors.allowOrigins, cors.exposeHeaders] { row.optional(list) { $0.strings($1) } }
      row.optional(cors.maxAge)
    }
    return row.bytes
  }
}
