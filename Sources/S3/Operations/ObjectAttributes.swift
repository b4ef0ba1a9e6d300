import Base
import Fabric
import Store
import Wire

extension GetObjectAttributesInput: ObjectInput {}

/// GetObjectAttributes.
extension S3Service {
  var objectAttributeOperations: [Operation] {
    [
      Operation("GetObjectAttributes", access: attributesAccess, run: getAttributes),
    ]
  }

  private func attributesAccess(_ input: GetObjectAttributesInput, _ call: Call) async throws -> [Access] {
    let actions = input.versionId == nil
      ? ["GetObject", "GetObjectAttributes"] : ["GetObjectVersion", "GetObjectVersionAttributes"]
    return try await objectAccess({ (_: GetObjectAttributesInput) in actions })(input, call)
  }

  private static let attributes: Set = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]

  private func getAttributes(_ input: GetObjectAttributesInput, _ call: Call) async throws -> GetObjectAttributesOutput {
    let wanted = Set(input.objectAttributes)
    guard !wanted.isEmpty else {
      throw S3Error.invalidRequest("The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty")
    }
    guard wanted.isSubset(of: Self.attributes) else {
      throw S3Error.invalidArgument("Invalid attribute name specified.", "x-amz-object-attributes", input.objectAttributes.joined(separator: ","))
    }
    let maximum = try Self.maximum(input.maxParts, "max-parts"), marker = max(input.partNumberMarker ?? 0, 0)
    let found = try await find(input.record, method: "GET", call)
    let facts = found.facts
    var output = GetObjectAttributesOutput()
    output.lastModified = found.version.modified
    output.versionId = found.version.shownID(in: found.state)
    if wanted.contains("ETag") { output.eTag = facts.eTag }
    if wanted.contains("ObjectSize") { output.objectSize = facts.size }
    if wanted.contains("StorageClass") { output.storageClass = facts.description.storageClass ?? "STANDARD" }
    if wanted.contains("Checksum"), let checksum = facts.checksum {
      var shape = S3Checksum()
      shape.record.show(checksum)
      output.checksum = shape
    }
    if wanted.contains("ObjectParts"), let count = facts.partCount {
      output.objectParts = parts(found, count, after: marker, maximum)
    }
    return output
  }

  /// Parts are listed one by one only where each has a checksum of its own that counts.
  private func parts(_ found: Found, _ count: Int, after marker: Int, _ maximum: Int) -> GetObjectAttributesParts {
    var output = GetObjectAttributesParts()
    output.totalPartsCount = count
    guard let checksum = found.facts.checksum, checksum.kind == .composite else { return output }
    let left = found.parts.filter { $0.number > marker }
    let page = left.prefix(maximum)
    output.partNumberMarker = marker
    output.nextPartNumberMarker = page.last?.number ?? 0
    output.maxParts = maximum
    output.isTruncated = left.count > page.count
    output.parts = page.map { part in
      var shape = ObjectPartShape()
      shape.partNumber = part.number
      shape.size = part.size
      if let value = part.checksum { shape.record[checksum.algorithm.memberName] = .string(value) }
      return shape
    }
    return output
  }
}
