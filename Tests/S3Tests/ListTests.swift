import Base
import Fabric
import TestCloud
import Testing

@testable import S3

@Suite struct ListTests {
  let cloud = TestCloud.s3()

  private func bucket(_ keys: [String]) async throws {
    try await cloud.call("s3", "CreateBucket", ["Bucket": "box"])
    for key in keys { try await cloud.put(key, [1]) }
  }
  private func list(_ extra: JSON, _ operation: String = "ListObjectsV2") async throws -> (keys: [String], groups: [String], answer: JSON) {
    let answer = try await cloud.call("s3", operation, TestCloud.merged(["Bucket": "box"], extra))
    return (
      (answer["Contents"]?.array ?? []).compactMap { $0["Key"]?.string },
      (answer["CommonPrefixes"]?.array ?? []).compactMap { $0["Prefix"]?.string }, answer
    )
  }

  /// Unicode's own order would be another, and take the two forms of é for one.
  @Test func `keys stand in the order of their bytes`() async throws {
    let keys = ["a", "B", "é", "e\u{301}", "z", "~", "\u{10000}", "\u{ffff}", "a\u{0}", "aa", "a/b"]
    try await bucket(keys)
    #expect(try await list([:]).keys.map { Array($0.utf8) } == keys.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) })
  }

  @Test(arguments: [
    ("", "/", ["top"], ["a/", "b/"]), ("a/", "/", ["a/1", "a/2"], ["a/x/"]), ("a", "/", [], ["a/"]),
    ("", "", ["a/1", "a/2", "a/x/1", "b/1", "top"], []), ("b", "", ["b/1"], []), ("none", "/", [], []),
    ("", "1", ["a/2", "top"], ["a/1", "a/x/1", "b/1"]),
  ])
  func `a delimiter groups what begins alike`(_ prefix: String, _ delimiter: String, _ keys: [String], _ groups: [String]) async throws {
    try await bucket(["a/1", "a/2", "a/x/1", "b/1", "top"])
    var input: JSON = ["Prefix": .string(prefix)]
    if !delimiter.isEmpty { input = TestCloud.merged(input, ["Delimiter": .string(delimiter)]) }
    for operation in ["ListObjectsV2", "ListObjects"] {
      let found = try await list(input, operation)
      #expect(found.keys == keys)
      #expect(found.groups == groups)
    }
  }

  @Test(arguments: ["", "/"], 1...6)
  func `pages of any size tell everything once`(_ delimiter: String, _ size: Int) async throws {
    try await bucket(["a/1", "a/2", "a/3", "b", "c/1", "c/2", "d", "e/1"])
    let all = delimiter.isEmpty ? ["a/1", "a/2", "a/3", "b", "c/1", "c/2", "d", "e/1"] : ["a/", "b", "c/", "d", "e/"]
    let asked = TestCloud.merged(["MaxKeys": JSON(size)], delimiter.isEmpty ? [:] : ["Delimiter": .string(delimiter)])
    var (seen, token): ([String], JSON) = ([], [:])
    while true {
      let page = try await list(TestCloud.merged(asked, token))
      #expect(page.answer["KeyCount"]?.int == Int64(page.keys.count + page.groups.count))
      seen += (page.keys + page.groups).sorted()
      guard let next = page.answer["NextContinuationToken"] else { break }
      #expect(page.answer["IsTruncated"]?.bool == true)
      token = ["ContinuationToken": next]
    }
    #expect(seen == all)
    var marker: JSON = [:]
    seen = []
    while true {
      let page = try await list(TestCloud.merged(asked, marker), "ListObjects")
      seen += (page.keys + page.groups).sorted()
      guard page.answer["IsTruncated"]?.bool == true else { break }
      marker = ["Marker": page.answer["NextMarker"] ?? .string(page.keys.last ?? "")]
    }
    #expect(seen == all)
  }

  @Test func `a list begins behind a key, and shows what was asked`() async throws {
    try await bucket(["a b", "c&d", "e"])
    #expect(try await list(["StartAfter": "a b"]).keys == ["c&d", "e"])
    #expect(try await list(["EncodingType": "url"]).keys == ["a%20b", "c%26d", "e"])
    #expect(try await list(["MaxKeys": 0]).keys == [])
    #expect(try await list(["MaxKeys": 0]).answer["IsTruncated"]?.bool == false)
    #expect(try await list(["FetchOwner": true]).answer["Contents"]?[0]?["Owner"]?["ID"]?.string?.utf8.count == 64)
    for bad: JSON in [["MaxKeys": -1], ["EncodingType": "hex"], ["ContinuationToken": "%%%"]] {
      #expect(await cloud.failure("s3", "ListObjectsV2", TestCloud.merged(["Bucket": "box"], bad))?.code == "InvalidArgument")
    }
  }
}
