import Base
import Store

/// How the values of the domain become bytes and come back.
extension RowWriter {
  mutating func tags(_ tags: [Tag]) {
    array(tags) {
      $0.string($1.key)
      $0.string($1.value)
    }
  }
}
extension RowReader {
  mutating func tags() throws -> [Tag] { try array { Tag(key: try $0.string(), value: try $0.string()) } }
  mutating func account() throws -> AccountID {
    guard let account = AccountID(try string()) else { throw StoreError.corrupt("not an account") }
    return account
  }
  mutating func choice<T: RawRepresentable>(_: T.Type) throws -> T where T.RawValue == String {
    guard let value = T(rawValue: try string()) else { throw StoreError.corrupt("not a \(T.self)") }
    return value
  }
}

extension Entity {
  var row: [UInt8] {
    var w = RowWriter()
    w.string(kind.rawValue)
    for text in [id, account.text, name, path] { w.string(text) }
    w.instant(created)
    w.tags(tags)
    w.optional(boundary)
    w.optional(trust) {
      $0.string($1.document)
      $0.optional($1.description)
      $0.int($1.maxSessionSeconds)
    }
    return w.bytes
  }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    kind = try r.choice(Kind.self)
    id = try r.string()
    account = try r.account()
    (name, path, created) = (try r.string(), try r.string(), try r.instant())
    (tags, boundary) = (try r.tags(), try r.optionalString())
    trust = try r.optional {
      Trust(document: try $0.string(), description: try $0.optionalString(), maxSessionSeconds: try $0.int())
    }
  }
}

extension ManagedPolicy {
  var row: [UInt8] {
    var w = RowWriter()
    for text in [id, arn, name, path] { w.string(text) }
    w.optional(description)
    w.instant(created)
    w.instant(updated)
    w.int(defaultVersion)
    w.int(lastVersion)
    w.tags(tags)
    return w.bytes
  }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    (id, arn, name, path) = (try r.string(), try r.string(), try r.string(), try r.string())
    (description, created, updated) = (try r.optionalString(), try r.instant(), try r.instant())
    (defaultVersion, lastVersion, tags) = (try r.int(), try r.int(), try r.tags())
  }
}

extension PolicyVersion {
  var row: [UInt8] {
    var w = RowWriter()
    w.int(number)
    w.string(document)
    w.instant(created)
    return w.bytes
  }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    (number, document, created) = (try r.int(), try r.string(), try r.instant())
  }
}

extension InstanceProfile {
  var row: [UInt8] {
    var w = RowWriter()
    for text in [id, account.text, name, path] { w.string(text) }
    w.instant(created)
    w.tags(tags)
    w.optional(roleID)
    return w.bytes
  }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    id = try r.string()
    account = try r.account()
    (name, path, created) = (try r.string(), try r.string(), try r.instant())
    (tags, roleID) = (try r.tags(), try r.optionalString())
  }
}

extension AccessKey {
  var row: [UInt8] {
    var w = RowWriter()
    for text in [id, secret, account.text, userID, status.rawValue] { w.string(text) }
    w.instant(created)
    return w.bytes
  }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    (id, secret) = (try r.string(), try r.string())
    account = try r.account()
    userID = try r.string()
    status = try r.choice(Status.self)
    created = try r.instant()
  }
}

extension ResourceSet {
  fileprivate func write(_ w: inout RowWriter) {
    w.strings(exact.sorted())
    w.optional(prefix)
  }
  fileprivate init(_ r: inout RowReader) throws { self.init(exact: try r.strings(), prefix: try r.optionalString()) }
}

extension ActionUse {
  var row: [UInt8] {
    var w = RowWriter()
    w.instant(last)
    allowed.write(&w)
    refused.write(&w)
    return w.bytes
  }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    last = try r.instant()
    allowed = try ResourceSet(&r)
    refused = try ResourceSet(&r)
  }
}

extension IdentityProvider {
  var row: [UInt8] {
    var w = RowWriter()
    w.string(account.text)
    w.string(url)
    w.strings(clientIDs)
    w.strings(thumbprints)
    w.instant(created)
    w.tags(tags)
    return w.bytes
  }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    account = try r.account()
    (url, clientIDs, thumbprints) = (try r.string(), try r.strings(), try r.strings())
    (created, tags) = (try r.instant(), try r.tags())
  }
}

extension AccessJob {
  var row: [UInt8] {
    var w = RowWriter()
    w.string(arn)
    w.bool(byAction)
    w.instant(created)
    return w.bytes
  }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    (arn, byAction, created) = (try r.string(), try r.bool(), try r.instant())
  }
}
