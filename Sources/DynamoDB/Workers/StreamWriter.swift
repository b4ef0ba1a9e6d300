import Base
import Fabric
import Wire

/// Kinesis, in the name of the account whose table it is: as the service-linked role does it on AWS.
struct StreamWriter: Sendable {
  private let door: any Door
  private let ambient: Ambient
  init(_ door: any Door, _ ambient: Ambient) { (self.door, self.ambient) = (door, ambient) }

  private func call(_ operation: String, for table: TableName, _ fill: (inout Record) -> Void) async throws -> Record? {
    guard let shape = door.model("kinesis")?.operations[operation]?.input else {
      throw DynamoDBError.notImplemented("Kinesis as a destination without Kinesis")
    }
    var input = Record(shape)
    fill(&input)
    // A trace of its own: records of many calls go together.
    let caller = Caller(principal: .root(table.account), account: table.account, region: table.region, trace: TraceContext(ambient))
    return try await door.call("kinesis", operation, input, as: caller)
  }

  /// Whether the stream can be written to.
  func exists(_ stream: ARN, for table: TableName) async throws -> Bool {
    do {
      let output = try await call("DescribeStreamSummary", for: table) { $0["StreamARN"] = .string(stream.text) }
      let status = output?["StreamDescriptionSummary"]?.record?["StreamStatus"]?.string
      return status == "ACTIVE" || status == "UPDATING"
    } catch let error as AWSError where error.code == "ResourceNotFoundException" {
      return false
    }
  }

  /// - Returns: the places of records that were not taken, and why the first was not.
  func put(
    _ records: [(data: [UInt8], key: String)], _ destination: StreamingDestination, of table: TableName
  ) async throws -> (failed: [Int], failure: AWSError?) {
    guard !records.isEmpty else { return ([], nil) }
    guard let shape = door.model("kinesis")?.operations["PutRecords"]?.input?.elements(of: "Records") else {
      throw DynamoDBError.notImplemented("Kinesis as a destination without Kinesis")
    }
    let output = try await call("PutRecords", for: table) { input in
      input["StreamARN"] = .string(destination.stream)
      input["Records"] = .list(
        records.map { data, key in
          var entry = Record(shape)
          entry["Data"] = .blob(data)
          entry["PartitionKey"] = .string(key)
          return .record(entry)
        })
    }
    var failed: [Int] = []
    var failure: AWSError?
    for (place, entry) in (output?["Records"]?.list ?? []).enumerated() {
      guard let entry = entry.record, let code = entry["ErrorCode"]?.string else { continue }
      failed.append(place)
      failure = failure ?? AWSError(code, entry["ErrorMessage"]?.string ?? "The record was refused.")
    }
    return (failed, failure)
  }
}

extension StructureShape {
  /// The structure in a list.
  fileprivate func elements(of member: String) -> StructureShape? {
    guard case .list(let element)? = members.first(where: { $0.name == member })?.type, case .structure(let reference) = element.type
    else { return nil }
    return reference.shape
  }
}
