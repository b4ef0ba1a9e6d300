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
