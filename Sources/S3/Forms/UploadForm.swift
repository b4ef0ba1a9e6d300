import Base
import Fabric
import Wire

/// What the fields of a form say of the upload.
struct UploadForm {
  /// By name in lower case; the bucket among them.
  private(set) var fields: [String: String]
  private let bucket: String

  init(_ fields: [String: String], bucket: String) {
    (self.fields, self.bucket) = (fields, bucket)
    self.fields["bucket"] = bucket
  }

  /// With the name of the file where the field has `${filename}`. Throws InvalidArgument.
  mutating func key(fileName: String) throws(AWSError) -> String {
    guard let pattern = fields["key"] else {
      throw S3Error.invalidArgument("Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
        "key", "")
    }
    // Some browsers send the whole path.
    let name = fileName.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
    let key = pattern.replacing("${filename}", by: name)
    guard !key.isEmpty else { throw S3Error.invalidArgument("User key must have a length greater than 0.", "key", "") }
    try ObjectKey.check(key)
    return key
  }

  /// As a PutObject would say it.
  func write(_ key: String) throws(AWSError) -> PutObjectInput {
    var input = PutObjectInput()
    (input.bucket, input.key) = (bucket, key)
    (input.acl, input.contentType, input.cacheControl) = (fields["acl"], fields["content-type"], fields["cache-control"])
    (input.contentDisposition, input.contentEncoding) = (fields["content-disposition"], fields["content-encoding"])
    (input.expires, input.storageClass) = (fields["expires"], fields["x-amz-storage-class"])
    input.websiteRedirectLocation = fields["x-amz-website-redirect-location"]
    (input.serverSideEncryption, input.ssekmsKeyId) = (
      fields["x-amz-server-side-encryption"], fields["x-amz-server-side-encryption-aws-kms-key-id"]
    )
    if fields.keys.contains(where: { $0.hasPrefix("x-amz-server-side-encryption-customer") }) {
      throw S3Error.notImplemented("encryption of form uploads with the customer's key")
    }
    let metadata = fields.filter { $0.key.hasPrefix("x-amz-meta-") }
    if !metadata.isEmpty {
      input.metadata = Dictionary(metadata.map { (String($0.key.dropFirst(11)), $0.value) }, uniquingKeysWith: { first, _ in first })
    }
    for algorithm in ChecksumAlgorithm.allCases {
      guard let value = fields["x-amz-checksum-\(algorithm.rawValue.lowercased())"] else { continue }
      input.record[algorithm.memberName] = .string(value)
    }
    if let text = fields["tagging"] { input.tagging = try Self.tags(text) }
    return input
  }

  /// The document of the field as the header would have it.
  private static func tags(_ text: String) throws(AWSError) -> String {
    let root: XMLElement
    do { root = try XMLDocument.parse(Array(text.utf8)).root } catch { throw S3Error.malformedXML }
    guard root.name == "Tagging", let set = root.first("TagSet") else { throw S3Error.malformedXML }
    return set.children(named: "Tag").map { tag in
      "\(percentEncoded(tag.first("Key")?.text ?? ""))=\(percentEncoded(tag.first("Value")?.text ?? ""))"
    }.joined(separator: "&")
  }

  /// A redirect, a document, or nothing, as the form wants it.
  func answer(_ key: String, eTag: String, version: String?, _ call: Call) -> TransferOutput {
    let location = "\(call.endpoint)/\(bucket)/\(percentEncoded(key))"
    var output = PostObjectOutput()
    (output.location, output.eTag, output.versionId) = (location, eTag, version)
    if let target = fields["success_action_redirect"] ?? fields["redirect"],
      target.hasPrefix("http://") || target.hasPrefix("https://"), !target.utf8.contains(where: { $0 <= 32 || $0 == 127 })
    {
      let more = "bucket=\(percentEncoded(bucket))&key=\(percentEncoded(key))&etag=\(percentEncoded(eTag))"
      output.location = target + (target.contains("?") ? "&" : "?") + more
      return TransferOutput(output.record, status: 303)
    }
    switch fields["success_action_status"] {
    case "200": return TransferOutput(output.record, status: 200)
    case "201":
      output.contentType = "application/xml"
      var writer = XMLWriter()
      writer.declaration()
      writer.open("PostResponse")
      for (name, value) in [("Location", location), ("Bucket", bucket), ("Key", key), ("ETag", eTag)] { writer.element(name, value) }
      writer.close("PostResponse")
      let bytes = writer.bytes
      return TransferOutput(output.record, status: 201, bytes: .init(count: bytes.count) { send in try await send(bytes) })
    default: return TransferOutput(output.record, status: 204)
    }
  }
}
