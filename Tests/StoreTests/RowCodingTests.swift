import Base
import Store
import Testing

@Suite struct RowCodingTests {
  @Test func `a row is read as it was written`() throws {
    var writer = RowWriter(version: 3)
    for n in [Int64.min, -1, 0, 1, 127, 128, Int64.max] { writer.int(n) }
    writer.bool(true)
    writer.double(-0.5)
    writer.instant(Instant(seconds: 5))
    writer.blob([1, 2])
    writer.string("é\u{0}x")
    writer.optional("s")
    writer.optional(nil as Int?)
    writer.strings(["a", ""])
    writer.map(["k": "v", "a": "b"])
    var reader = try RowReader(writer.bytes)
    #expect(reader.version == 3)
    for n in [Int64.min, -1, 0, 1, 127, 128, Int64.max] {
      let read = try reader.int64()
      #expect(read == n)
    }
    let simple = (try reader.bool(), try reader.double(), try reader.instant(), try reader.blob(), try reader.string())
    #expect(simple == (true, -0.5, Instant(seconds: 5), [1, 2], "é\u{0}x"))
    let compound = (try reader.optionalString(), try reader.optionalInt(), try reader.strings(), try reader.map())
    #expect(compound == ("s", nil, ["a", ""], ["k": "v", "a": "b"]))
    let later = try reader.ifPresent { try $0.int() }
    #expect(reader.isAtEnd && later == nil)
  }

  @Test func `a row that is cut anywhere is corrupt and never a crash`() throws {
    var writer = RowWriter()
    writer.string("hello")
    writer.map(["k": "v"])
    writer.int(Int64.max)
    for length in 0..<writer.bytes.count {
      #expect(throws: StoreError.self) {
        var reader = try RowReader(Array(writer.bytes[..<length]))
        _ = (try reader.string(), try reader.map(), try reader.int())
      }
    }
  }

  @Test func `a key is taken apart into the parts that it was made of`() throws {
    let key = Key("p", "a\u{0}b", -7, Instant(milliseconds: 9), "")
    var parts = KeyReader(key, after: Key("p"))
    let read = (try parts.string(), try parts.int(), try parts.instant(), try parts.string())
    #expect(read == ("a\u{0}b", -7, Instant(milliseconds: 9), ""))
    #expect(throws: StoreError.self) { try parts.string() }
  }
}
