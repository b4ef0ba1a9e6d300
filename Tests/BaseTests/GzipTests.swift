import Base
import Testing

/// Files made by Python's gzip and zlib.
@Suite struct GzipTests {
  private func file(_ base64: String) -> [UInt8] { decodeBase64(base64) ?? [] }
  private static let named = "H4sICAAAAAAC/25hbWUudHh0AMtIzcnJBwCGphA2BQAAAA=="

  @Test(arguments: [named, "H4sIHwAAAAAA/wMAYWJjbmFtZQBjb21tZW50AHaIy0jNyckHAIamEDYFAAAA"])
  func `a file comes out whole, whatever its head has`(base64: String) throws {
    #expect(try Gzip.inflate(file(base64), upTo: 5) == Array("hello".utf8))
  }

  @Test func `a file that says it is larger is refused before it is read, and one that lies is malformed`() {
    #expect(throws: InflateFailure.tooLarge) { try Gzip.inflate(file(Self.named), upTo: 4) }
    // A hundred thousand zeros that say they are ten.
    let lie = file(
      "H4sIAAAAAAACA+3BMQEAAADCoPVPbQ0PoAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAIBXA32VEdQKAAAA")
    #expect { try Gzip.inflate(lie, upTo: 1000) } throws: { if case .malformed? = $0 as? InflateFailure { true } else { false } }
  }

  @Test func `no damaged byte does worse than be refused`() {
    for good in [Self.named, "H4sIHwAAAAAA/wMAYWJjbmFtZQBjb21tZW50AHaIy0jNyckHAIamEDYFAAAA"].map(file) {
      for place in good.indices {
        for change in [0x01, 0x10, 0x80, 0xff] as [UInt8] {
          var bad = good
          bad[place] ^= change
          if let out = try? Gzip.inflate(bad, upTo: 100) { #expect(out == Array("hello".utf8)) }
        }
        #expect(throws: InflateFailure.self) { try Gzip.inflate(Array(good[..<place]), upTo: 100) }
      }
    }
  }
}

private func stream(_ file: [UInt8], pieces: Int = 1, upTo limit: Int = 1000) throws -> String {
  var rest = file[...], out: [UInt8] = []
  try GzipStream.inflate(upTo: limit) {
    defer { rest = rest.dropFirst(pieces) }
    return rest.prefix(pieces)
  } into: { out += $0 }
  return out.utf8Text
}

// Made by Python's gzip.
private let hello = decodeBase64("H4sIAAAAAAAC/8tIzcnJVwAA9vmB7QYAAAA=") ?? []
private let world = decodeBase64("H4sIAAAAAAAC/yvPL8pJAQBDEXc6BQAAAA==") ?? []

@Test(arguments: [1, 2, 7, 1000])
func `a gzip file of several members comes in pieces of any size`(pieces: Int) throws {
  #expect(try stream(hello + world + hello, pieces: pieces) == "hello worldhello ")
}

@Test(arguments: [
  ("nothing", []), ("half", Array(hello.dropLast(3))), ("bytes behind the end", hello + [0, 0]), ("no gzip", Array("plain text".utf8)),
  ("a wrong checksum", Array(hello.dropLast(8)) + [1, 2, 3, 4, 6, 0, 0, 0]), ("a wrong size", Array(hello.dropLast(4)) + [7, 0, 0, 0]),
] as [(String, [UInt8])])
func `a malformed gzip file in pieces is refused`(what: String, file: [UInt8]) {
  #expect(throws: InflateFailure.self, "\(what)") { try stream(file) }
}

@Test func `no more comes out of a gzip file in pieces than the caller allows`() throws {
  #expect(try stream(hello + world, upTo: 11) == "hello world")
  #expect(throws: InflateFailure.tooLarge) { try stream(hello + world, upTo: 10) }
}
