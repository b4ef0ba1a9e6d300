import Base
import Fabric
import TestCloud
import Testing
import Wire

@testable import S3

@Suite struct MultipartTests {
  let cloud = TestCloud.s3()
  private let large = [UInt8](repeating: 5, count: 5 << 20)

  private func begin(_ extra: JSON = [:], key: String = "k") async throws -> JSON {
    if await cloud.failure("s3", "HeadBucket", ["Bucket": "box"]) != nil { try await cloud.call("s3", "CreateBucket", ["Bucket": "box"]) }
    let answer = try await cloud.call("s3", "CreateMultipartUpload", TestCloud.merged(["Bucket": "box", "Key": .string(key)], extra))
    return ["Bucket": "box", "Key": .string(key), "UploadId": answer["UploadId"] ?? ""]
  }
  private func part(_ upload: JSON, _ number: Int, _ bytes: [UInt8], _ extra: JSON = [:]) async throws -> JSON {
    let input = TestCloud.merged(upload, ["PartNumber": JSON(number), "Body": .string(bytes.base64)])
    let answer = try await cloud.call("s3", "UploadPart", TestCloud.merged(input, extra))
    return TestCloud.merged(["PartNumber": JSON(number), "ETag": answer["ETag"] ?? ""], extra)
  }
  private func completion(_ upload: JSON, _ parts: [JSON], _ extra: JSON = [:]) -> JSON {
    TestCloud.merged(TestCloud.merged(upload, ["MultipartUpload": ["Part": .array(parts)]]), extra)
  }

  @Test func `parts become one object`() async throws {
    let upload = try await begin(["ContentType": "text/x", "Metadata": ["a": "b"]])
    let parts = [try await part(upload, 1, large), try await part(upload, 7, Array("end".utf8))]
    let done = try await cloud.call("s3", "CompleteMultipartUpload", completion(upload, parts))
    let sums = Checksum.bytes(.md5, of: large) + Checksum.bytes(.md5, of: Array("end".utf8))
    #expect(done["ETag"]?.string == "\"\(Checksum.bytes(.md5, of: sums).hex)-2\"")
    #expect(done["ChecksumCRC64NVME"]?.string == Checksum.bytes(.crc64nvme, of: large + Array("end".utf8)).base64)
    let got = try await cloud.get("k")
    #expect(decodeBase64(got["Body"]?.string ?? "") == large + Array("end".utf8))
    #expect(got["ContentType"]?.string == "text/x")
    let second = try await cloud.get("k", ["PartNumber": 2])
    #expect(decodeBase64(second["Body"]?.string ?? "")?.utf8Text == "end")
    #expect(second["PartsCount"]?.int == 2)
    #expect(second["ContentRange"]?.string == "bytes 5242880-5242882/5242883")
    let across = try await cloud.get("k", ["Range": "bytes=5242879-5242880"])
    #expect(decodeBase64(across["Body"]?.string ?? "") == [5, UInt8(ascii: "e")])
    #expect(await cloud.failure("s3", "GetObject", ["Bucket": "box", "Key": "k", "PartNumber": 3])?.code == "InvalidPartNumber")
    // The client may not have heard.
    #expect(try await cloud.call("s3", "CompleteMultipartUpload", completion(upload, parts))["ETag"] == done["ETag"])
    #expect(await cloud.failure("s3", "ListParts", upload)?.code == "NoSuchUpload")
  }

  @Test func `what does not fit together is refused`() async throws {
    let upload = try await begin()
    let (small, last) = (try await part(upload, 1, [1]), try await part(upload, 2, [2]))
    func failure(_ parts: [JSON], _ extra: JSON = [:]) async -> AWSError? {
      await cloud.failure("s3", "CompleteMultipartUpload", completion(upload, parts, extra))
    }
    #expect(await failure([])?.code == "MalformedXML")
    #expect(await failure([last, small])?.code == "InvalidPartOrder")
    #expect(await failure([small, small])?.code == "InvalidPartOrder")
    #expect(await failure([small, last])?.code == "EntityTooSmall")
    #expect(await failure([["PartNumber": 3, "ETag": "\"x\""]])?.code == "InvalidPart")
    #expect(await failure([["PartNumber": 1, "ETag": "\"x\""]])?.code == "InvalidPart")
    #expect(await failure([small], ["MpuObjectSize": 5])?.code == "InvalidRequest")
    #expect(await cloud.failure("s3", "UploadPart", TestCloud.merged(upload, ["PartNumber": 0]))?.code == "InvalidArgument")
    #expect(await cloud.failure("s3", "UploadPart", TestCloud.merged(upload, ["PartNumber": 10_001]))?.code == "InvalidArgument")
    let stranger = TestCloud.merged(upload, ["UploadId": "none", "PartNumber": 1])
    #expect(await cloud.failure("s3", "UploadPart", stranger)?.code == "NoSuchUpload")
    _ = try await cloud.call("s3", "CompleteMultipartUpload", completion(upload, [small]))
  }

  @Test(arguments: [("CRC32", "COMPOSITE"), ("CRC32C", "COMPOSITE"), ("SHA1", "COMPOSITE"), ("SHA256", "COMPOSITE"), ("CRC32", "FULL_OBJECT"), ("CRC32C", "FULL_OBJECT"), ("CRC64NVME", "FULL_OBJECT")])
  func `the checksum of the parts is that of the object, or of their checksums`(_ name: String, _ kind: String) async throws {
    let algorithm = try #require(ChecksumAlgorithm(rawValue: name.lowercased()))
    let upload = try await begin(["ChecksumAlgorithm": .string(name), "ChecksumType": .string(kind)])
    let tail = Array("the rest".utf8)
    var parts: [JSON] = []
    for (number, bytes) in [(1, large), (2, tail)] {
      parts.append(try await part(upload, number, bytes, ["Checksum" + name: .string(Checksum.bytes(algorithm, of: bytes).base64)]))
    }
    let done = try await cloud.call("s3", "CompleteMultipartUpload", completion(upload, parts))
    let sums = Checksum.bytes(algorithm, of: large) + Checksum.bytes(algorithm, of: tail)
    let expected = kind == "COMPOSITE"
      ? Checksum.bytes(algorithm, of: sums).base64 + "-2" : Checksum.bytes(algorithm, of: large + tail).base64
    #expect(done["Checksum" + name]?.string == expected)
    #expect(done["ChecksumType"]?.string == kind)
    let attributes = try await cloud.call(
      "s3", "GetObjectAttributes", ["Bucket": "box", "Key": "k", "ObjectAttributes": ["Checksum", "ObjectParts", "ObjectSize", "ETag"]])
    #expect(attributes["ObjectSize"]?.int == Int64(large.count + tail.count))
    #expect(attributes["ObjectParts"]?["PartsCount"]?.int == 2)
    #expect((attributes["ObjectParts"]?["Part"]?.array?.count == 2) == (kind == "COMPOSITE"))
  }

  @Test(arguments: [("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")])
  func `not every algorithm has every kind`(_ name: String, _ kind: String) async throws {
    try await cloud.call("s3", "CreateBucket", ["Bucket": "box"])
    let input: JSON = ["Bucket": "box", "Key": "k", "ChecksumAlgorithm": .string(name), "ChecksumType": .string(kind)]
    #expect(await cloud.failure("s3", "CreateMultipartUpload", input)?.code == "InvalidRequest")
  }

  @Test func `an upload that is aborted leaves nothing`() async throws {
    let upload = try await begin()
    _ = try await part(upload, 1, large)
    _ = try await part(upload, 1, large)
    try await cloud.call("s3", "AbortMultipartUpload", upload)
    #expect(await cloud.failure("s3", "AbortMultipartUpload", upload)?.code == "NoSuchUpload")
    try await cloud.work()
    #expect(try await cloud.files() == 0)
  }

  @Test func `a copy shares the bytes until nobody has them`() async throws {
    let upload = try await begin()
    let parts = [try await part(upload, 1, large), try await part(upload, 2, [9])]
    try await cloud.call("s3", "CompleteMultipartUpload", completion(upload, parts))
    let copied = try await cloud.call("s3", "CopyObject", ["Bucket": "box", "Key": "copy", "CopySource": "box/k"])
    #expect(copied["CopyObjectResult"]?["ETag"]?.string == "\"\(Checksum.bytes(.md5, of: large + [9]).hex)\"")
    #expect(try await cloud.files() == 2)
    try await cloud.call("s3", "DeleteObject", ["Bucket": "box", "Key": "k"])
    try await cloud.work()
    #expect(decodeBase64(try await cloud.get("copy")["Body"]?.string ?? "") == large + [9])
    try await cloud.put("copy", [1])
    try await cloud.work()
    #expect(try await cloud.files() == 0)
  }

  @Test func `a part may be a range of an object`() async throws {
    let upload = try await begin()
    try await cloud.put("source", large + [1, 2, 3])
    try await cloud.put("small", Array("0123456789".utf8))
    let copy = TestCloud.merged(upload, ["PartNumber": 1, "CopySource": "/box/source", "CopySourceRange": "bytes=3-5242882"])
    let first = try await cloud.call("s3", "UploadPartCopy", copy)
    let second = try await cloud.call(
      "s3", "UploadPartCopy", TestCloud.merged(upload, ["PartNumber": 2, "CopySource": "box%2Fsmall", "CopySourceRange": "bytes=2-4"]))
    try await cloud.call("s3", "DeleteObject", ["Bucket": "box", "Key": "source"])
    try await cloud.work()
    let parts: [JSON] = [first, second].enumerated().map { place, answer in
      ["PartNumber": JSON(place + 1), "ETag": answer["CopyPartResult"]?["ETag"] ?? ""]
    }
    try await cloud.call("s3", "CompleteMultipartUpload", completion(upload, parts))
    let got = decodeBase64(try await cloud.get("k")["Body"]?.string ?? "")
    #expect(got == Array((large + [1, 2, 3])[3...]) + Array("234".utf8))
    for range in ["bytes=0-99", "bytes=3", "bytes=5-2"] {
      let input = TestCloud.merged(try await begin(), ["PartNumber": 1, "CopySource": "box/small", "CopySourceRange": .string(range)])
      #expect(await cloud.failure("s3", "UploadPartCopy", input)?.code == "InvalidArgument")
    }
  }

  @Test func `uploads and parts are listed in pages`() async throws {
    let uploads = [try await begin(key: "a"), try await begin(key: "a"), try await begin(key: "b/1"), try await begin(key: "b/2")]
    var (seen, marker): ([JSON], JSON) = ([], [:])
    while true {
      let page = try await cloud.call("s3", "ListMultipartUploads", TestCloud.merged(["Bucket": "box", "MaxUploads": 1], marker))
      seen += page["Uploads"]?.array?.compactMap { $0["UploadId"] } ?? []
      guard page["IsTruncated"]?.bool == true else { break }
      marker = ["KeyMarker": page["NextKeyMarker"] ?? "", "UploadIdMarker": page["NextUploadIdMarker"] ?? ""]
    }
    #expect(Set(seen.compactMap(\.string)) == Set(uploads.compactMap { $0["UploadId"]?.string }))
    #expect(seen.count == 4)
    let grouped = try await cloud.call("s3", "ListMultipartUploads", ["Bucket": "box", "Delimiter": "/"])
    #expect(grouped["CommonPrefixes"]?[0]?["Prefix"]?.string == "b/")
    for number in 1...3 { _ = try await part(uploads[0], number, [UInt8(number)]) }
    let first = try await cloud.call("s3", "ListParts", TestCloud.merged(uploads[0], ["MaxParts": 2]))
    #expect(first["Parts"]?.array?.compactMap { $0["PartNumber"]?.int } == [1, 2])
    #expect(first["IsTruncated"]?.bool == true && first["NextPartNumberMarker"]?.int == 2)
    let rest = try await cloud.call("s3", "ListParts", TestCloud.merged(uploads[0], ["PartNumberMarker": 2]))
    #expect(rest["Parts"]?.array?.compactMap { $0["PartNumber"]?.int } == [3])
  }

  @Test func `files of an earlier run that nobody names are removed at the start`() async throws {
    try await cloud.call("s3", "CreateBucket", ["Bucket": "box"])
    try await cloud.put("k", large)
    let orphan = cloud.s3.newFile()
    let sink = cloud.bytes.sink(orphan) { _ in }
    try await sink.finish()
    let next = cloud.restarted { TestCloud.s3Modules($0) }
    try await next.work()
    #expect(try await next.files() == 1)
    #expect(try await next.get("k")["ContentLength"]?.int == Int64(large.count))
  }

  @Test func `an account that is emptied leaves no files`() async throws {
    let upload = try await begin()
    _ = try await part(upload, 1, large)
    try await cloud.put("k", large)
    try await cloud.s3.removeAll(of: .local)
    try await cloud.work()
    #expect(try await cloud.files() == 0)
    try await cloud.call("s3", "CreateBucket", ["Bucket": "box"])
    #expect(try await cloud.keys() == [])
  }

  @Test func `a copy takes what is said of the source, or what the request says`() async throws {
    try await cloud.call("s3", "CreateBucket", ["Bucket": "box"])
    try await cloud.put("k", [1], ["ContentType": "text/x", "Metadata": ["a": "b"], "Tagging": "t=1"])
    func copy(_ extra: JSON) async throws -> JSON {
      try await cloud.call("s3", "CopyObject", TestCloud.merged(["Bucket": "box", "Key": "c", "CopySource": "box/k"], extra))
      return try await cloud.get("c")
    }
    let same = try await copy([:])
    #expect(same["ContentType"]?.string == "text/x" && same["Metadata"]?["a"]?.string == "b" && same["TagCount"]?.int == 1)
    let other = try await copy(["MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE", "ContentType": "text/y"])
    #expect(other["ContentType"]?.string == "text/y" && other["Metadata"] == nil && other["TagCount"] == nil)
    func failure(_ extra: JSON) async -> String? {
      await cloud.failure("s3", "CopyObject", TestCloud.merged(["Bucket": "box", "Key": "k", "CopySource": "box/k"], extra))?.code
    }
    #expect(await failure([:]) == "InvalidRequest")
    #expect(await failure(["MetadataDirective": "REPLACE"]) == nil)
    #expect(await failure(["MetadataDirective": "OTHER"]) == "InvalidArgument")
    #expect(try CopySource("box/\u{301}k") == CopySource("/box%2F\u{301}k"))
    #expect(await failure(["CopySource": "box"]) == "InvalidArgument")
    #expect(await failure(["CopySource": "box/none"]) == "NoSuchKey")
    #expect(await failure(["CopySource": "none/k"]) == "NoSuchBucket")
    #expect(await failure(["CopySource": "box/c", "CopySourceIfMatch": "x"]) == "PreconditionFailed")
  }
}

extension TestCloud {
  /// How many files the contents of objects lie in.
  func files() async throws -> Int {
    var count = 0
    for folder in 0..<256 { count += try await bytes.list(folder: folder).count }
    return count
  }
}

@Suite struct CollectorTests {
  let cloud = TestCloud.s3()

  @Test func `a file stays while who has seen its row is on the way to it, and those who come later do not keep it`() async throws {
    try await cloud.call("s3", "CreateBucket", ["Bucket": "box"])
    try await cloud.put("k", [UInt8](repeating: 1, count: 100_000))
    let readers = cloud.s3.readers
    let reader = readers.begin()
    try await cloud.call("s3", "DeleteObject", ["Bucket": "box", "Key": "k"])
    try await cloud.work()
    #expect(try await cloud.files() == 1)
    let later = readers.begin()
    readers.end(reader)
    try await cloud.work()
    #expect(try await cloud.files() == 0)
    readers.end(later)
  }
}
