import Base
import Fabric
import Store

extension FunctionID {
  func write(to row: inout RowWriter) {
    row.string(account.text)
    row.string(region.text)
    row.string(name)
  }
  init(from row: inout RowReader) throws {
    guard let account = AccountID(try row.string()), let region = Region(try row.string()) else {
      throw StoreError.corrupt("function id")
    }
    self.init(account: account, region: region, name: try row.string())
  }
}

extension RowWriter {
  mutating func arn(_ arn: ARN) { string(arn.text) }
}
extension RowReader {
  mutating func arn() throws -> ARN {
    let text = try string()
    guard let arn = ARN(text) else { throw StoreError.corrupt("not an ARN: \(text)") }
    return arn
  }
}

extension FunctionVersion {
  /// Of rows that hold a version. The first had no layers, no unzipped size and no SnapStart, the second was never durable and had
  /// no directory of the host, the third had no VPC, the fourth no image, the fifth no object of its code.
  static let rowVersion: UInt8 = 6

  /// - Parameter row: made with `rowVersion`.
  func write(to row: inout RowWriter) {
    id.write(to: &row)
    for text in [version, description, runtime, handler] { row.string(text) }
    row.arn(role)
    row.map(environment)
    row.int(timeout.inMilliseconds)
    row.int(memoryMegabytes)
    row.int(ephemeralStorageMegabytes)
    row.string(architecture)
    row.string(codeHash)
    row.int(codeSize)
    row.string(logFormat.rawValue)
    row.optional(applicationLogLevel)
    row.optional(systemLogLevel)
    row.string(logGroup)
    row.string(tracing.rawValue)
    row.optional(deadLetterTarget) { $0.arn($1) }
    state.write(to: &row)
    updateStatus.write(to: &row)
    row.instant(lastModified)
    row.string(revisionID)
    row.array(layers) { $1.write(to: &$0) }
    row.int(unzippedSize)
    row.bool(hasSnapStart)
    row.optional(durable) { row, durable in
      row.int(durable.executionTimeout)
      row.int(durable.retentionDays)
    }
    row.optional(hotReloadDirectory)
    row.optional(vpc) { $1.write(to: &$0) }
    row.optional(image) { $1.write(to: &$0) }
    row.optional(codeObject) { row, object in
      row.string(object.bucket)
      row.string(object.key)
    }
  }

  init(from row: inout RowReader) throws {
    id = try FunctionID(from: &row)
    version = try row.string()
    description = try row.string()
    runtime = try row.string()
    handler = try row.string()
    role = try row.arn()
    environment = try row.map()
    timeout = .milliseconds(try row.int64())
    memoryMegabytes = try row.int()
    ephemeralStorageMegabytes = try row.int()
    architecture = try row.string()
    codeHash = try row.string()
    codeSize = try row.int()
    logFormat = try row.raw()
    applicationLogLevel = try row.optionalString()
    systemLogLevel = try row.optionalString()
    logGroup = try row.string()
    tracing = try row.raw()
    deadLetterTarget = try row.optional { try $0.arn() }
    state = try State(from: &row)
    updateStatus = try UpdateStatus(from: &row)
    lastModified = try row.instant()
    revisionID = try row.string()
    guard row.version >= 2 else { return }
    layers = try row.array { try LayerReference(from: &$0) }
    unzippedSize = try row.int()
    hasSnapStart = try row.bool()
    guard row.version >= 3 else { return }
    durable = try row.optional { DurableSettings(executionTimeout: try $0.int(), retentionDays: try $0.int()) }
    hotReloadDirectory = try row.optionalString()
    guard row.version >= 4 else { return }
    vpc = try row.optional { try VPCSettings(from: &$0) }
    guard row.version >= 5 else { return }
    image = try row.optional { try ImageSource(from: &$0) }
    guard row.version >= 6 else { return }
    codeObject = try row.optional { ObjectName(bucket: try $0.string(), key: try $0.string()) }
  }
}

extension ImageSource {
  fileprivate func write(to row: inout RowWriter) {
    row.string(uri)
    row.map(environment)
    for said in [settings, overrides] {
      for words in [said.entryPoint, said.command] { row.optional(words) { $0.strings($1) } }
      row.optional(said.workingDirectory)
    }
  }
  fileprivate init(from row: inout RowReader) throws {
    let (uri, environment) = (try row.string(), try row.map())
    func settings() throws -> ContainerSettings {
      let words = try (0..<2).map { _ in try row.optional { try $0.strings() } }
      return ContainerSettings(entryPoint: words[0], command: words[1], workingDirectory: try row.optionalString())
    }
    self.init(uri: uri, settings: try settings(), environment: environment, overrides: try settings())
  }
}

extension FunctionVersion {
  /// The runtime alone, of a row that begins with a version: what the start of a server asks of many functions.
  static func runtime(ofRow bytes: [UInt8]) throws -> String {
    var row = try RowReader(bytes)
    // Account, Region, name, version, description.
    for _ in 0..<5 { _ = try row.string() }
    return try row.string()
  }
}

extension RowReader {
  /// An enum that is stored as its text.
  mutating func raw<T: RawRepresentable<String>>() throws -> T {
    let text = try string()
    guard let value = T(rawValue: text) else { throw StoreError.corrupt("\(T.self) \(text)") }
    return value
  }
}

extension VPCSettings {
  fileprivate func write(to row: inout RowWriter) {
    row.array(subnets) { $0.string($1) }
    row.array(securityGroups) { $0.string($1) }
    row.bool(allowsIPv6)
  }
  fileprivate init(from row: inout RowReader) throws {
    self.init(
      subnets: try row.array { try $0.string() }, securityGroups: try row.array { try $0.string() }, allowsIPv6: try row.bool())
  }
}

extension FunctionVersion.State {
  fileprivate func write(to row: inout RowWriter) {
    switch self {
    case .pending: row.int(0)
    case .active: row.int(1)
    case .failed(let reason, let code):
      row.int(2)
      row.string(reason)
      row.string(code)
    }
  }
  fileprivate init(from row: inout RowReader) throws {
    switch try row.int() {
    case 0: self = .pending
    case 1: self = .active
    case 2: self = .failed(reason: try row.string(), code: try row.string())
    case let tag: throw StoreError.corrupt("function state \(tag)")
    }
  }
}

extension FunctionVersion.UpdateStatus {
  fileprivate func write(to row: inout RowWriter) {
    switch self {
    case .successful: row.int(0)
    case .inProgress: row.int(1)
    case .failed(let reason, let code):
      row.int(2)
      row.string(reason)
      row.string(code)
    }
  }
  fileprivate init(from row: inout RowReader) throws {
    switch try row.int() {
    case 0: self = .successful
    case 1: self = .inProgress
    case 2: self = .failed(reason: try row.string(), code: try row.string())
    case let tag: throw StoreError.corrupt("update status \(tag)")
    }
  }
}
