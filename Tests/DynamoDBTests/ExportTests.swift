import Base
import Fabric
import Synchronization
import TestCloud
import Testing
import Wire

@testable import DynamoDB

/// A bucket in memory.
final class Bucket: ObjectPort {
  private let objects = Mutex<[String: [UInt8]]>([:])
  static let name = "bucket"

  var all: [String: [UInt8]] { objects.withLock { $0 } }
  func text(_ key: String) throws -> JSON { try JSON.parse(all[key] ?? []) }
  func put(_ text: String, as key: String) { objects.withLock { $0[key] = Array(text.utf8) } }

  private func check(_ bucket: String) throws {
    guard bucket == Self.name else { throw AWSError("NoSuchBucket", "The specified bucket does not exist", status: 404) }
  }
  func read(_ object: ObjectName, maximum: Int, as caller: Caller) async throws -> [UInt8] {
    try check(object.bucket)
    guard let found = all[object.key] else { throw AWSError("NoSuchKey", "The specified key does not exist.", status: 404) }
    return found
  }
  func put(_ bytes: [UInt8], contentType: String, as object: ObjectName, by caller: Caller) async throws {
    try check(object.bucket)
    objects.withLock { $0[object.key] = bytes }
  }
  func checkPlace(_ object: ObjectName, as caller: Caller) async throws { try check(object.bucket) }
  func revision(of object: ObjectName) async throws -> String? { all[object.key].map { "\($0.hashValue)" } }
}

extension Tables {
  fileprivate func exported(_ more: [(String, JSON)] = []) async throws -> JSON {
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/tab"
    let output = try await call("ExportTableToPointInTime", .object(JSONObject([
      ("TableArn", .string(arn)), ("S3Bucket", .string(Bucket.name)), ("S3Prefix", "nightly")] + more)))
    return output["ExportDescription"]?["ExportArn"] ?? .null
  }
  fileprivate func export(_ arn: JSON) async throws -> JSON? {
    try await call("DescribeExport", ["ExportArn": arn])["ExportDescription"]
  }
}

struct ExportTests {
  @Test func `an export lies in the bucket as on AWS, with the items of its time`() async throws {
    let tables = Tables()
    try await tables.create()
    for n in 0..<30 { try await tables.put("p\(n)", [1], [("n", ["N": .string("\(n)")])]) }
    try await tables.call("UpdateContinuousBackups", [
      "TableName": "tab", "PointInTimeRecoverySpecification": ["PointInTimeRecoveryEnabled": true]])
    let arn = try await tables.exported([("ClientToken", "once")])
    #expect(try await tables.export(arn)?["ExportStatus"] == "IN_PROGRESS")
    for n in 0..<20 { try await tables.call("DeleteItem", ["TableName": "tab", "Key": Tables.key("p\(n)", [1])]) }
    #expect(try await tables.exported([("ClientToken", "once")]) == arn)
    try await tables.work()
    let done = try await tables.export(arn)
    #expect(done?["ExportStatus"] == "COMPLETED" && done?["ItemCount"] == 30)
    let summaryKey = try #require(done?["ExportManifest"]?.string)
    #expect(summaryKey.hasPrefix("nightly/AWSDynamoDB/") && summaryKey.hasSuffix("/manifest-summary.json"))
    let summary = try tables.bucket.text(summaryKey)
    #expect(summary["itemCount"] == 30 && summary["outputFormat"] == "DYNAMODB_JSON" && summary["exportArn"] == arn)
    let file = try tables.bucket.text(try #require(summary["manifestFilesS3Key"]?.string))
    #expect(file["itemCount"] == 30)
    let data = try #require(tables.bucket.all[file["dataFileS3Key"]?.string ?? ""])
    let lines = try Gzip.inflate(data, upTo: 1 << 20).split(separator: UInt8(ascii: "\n")).map { try JSON.parse(Array($0)) }
    #expect(lines.count == 30 && lines.allSatisfy { $0["Item"]?["n"]?["N"] != nil })
    let sums = tables.bucket.all.keys.filter { $0.hasSuffix(".md5") }
    #expect(sums.count == 2 && tables.bucket.all.keys.contains { $0.hasSuffix("/_started") })
    #expect(try await tables.call("ListExports", [:])["ExportSummaries"]?.array?.map { $0["ExportArn"] } == [arn])
  }

  @Test func `an export fails where there is no bucket, and is refused without recovery`() async throws {
    let tables = Tables()
    try await tables.create()
    let input: JSON = ["TableArn": "arn:aws:dynamodb:us-east-1:000000000000:table/tab", "S3Bucket": "nowhere"]
    #expect(await tables.failure("ExportTableToPointInTime", input)?.code == "PointInTimeRecoveryUnavailableException")
    try await tables.call("UpdateContinuousBackups", [
      "TableName": "tab", "PointInTimeRecoverySpecification": ["PointInTimeRecoveryEnabled": true]])
    let arn = try await tables.call("ExportTableToPointInTime", input)["ExportDescription"]?["ExportArn"] ?? .null
    let failed = try await tables.export(arn)
    #expect(failed?["ExportStatus"] == "FAILED" && failed?["FailureCode"] == "S3NoSuchBucket")
    // Nothing is left behind: the table can go.
    try await tables.call("DeleteTable", ["TableName": "tab"])
  }
}

struct ImportedLinesTests {
  private func items(_ text: String, _ format: Import.Format) -> (items: [Item], errors: Int) {
    var lines = ImportedLines(Array(text.utf8), format, [KeyAttribute("n", .number)])
    var (items, errors) = ([Item](), 0)
    while true {
      do {
        guard let item = try lines.next() else { return (items, errors) }
        items.append(item)
      } catch {
        errors += 1
      }
    }
  }

  @Test func `lines of DynamoDB JSON are items, and others are errors`() {
    let found = items("{\"Item\":{\"a\":{\"S\":\"x\"}}}\n\n{\"Item\":{\"a\":{\"S\":1}}}\nrubbish\n{\"Other\":1}\n{\"Item\":{\"a\":{\"S\":\"y\"}}}", .json)
    #expect(found.items.map { $0["a"]?.payload.utf8Text } == ["x", "y"] && found.errors == 3)
  }

  @Test func `columns of CSV are strings but for keys, and quotes hide what separates`() {
    let text = "n,text\r\n1,plain\r\n2,\"a, \"\"b\"\"\nc\"\n3\nx,text\n"
    let found = items(text, .csv(delimiter: UInt8(ascii: ","), header: nil))
    #expect(found.items.map { $0["text"]?.payload.utf8Text } == ["plain", "a, \"b\"\nc"] && found.errors == 2)
    #expect(found.items.first?["n"]?.type == .number)
    let headless = items("1;a\n2;b", .csv(delimiter: UInt8(ascii: ";"), header: ["n", "t"]))
    #expect(headless.items.count == 2)
  }
}
