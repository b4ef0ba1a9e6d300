import Base
import Testing
import Wire

@Suite struct CBORTests {
  private func parse(_ hex: String) throws -> CBOR { try CBOR.parse(decodeHex(hex) ?? []) }

  /// From RFC 8949, appendix A.
  @Test(arguments: [
    ("00", .unsigned(0)), ("17", .unsigned(23)), ("1818", .unsigned(24)), ("1903e8", .unsigned(1000)), ("1a000f4240", .unsigned(1_000_000)),
    ("1bffffffffffffffff", .unsigned(.max)), ("20", .negative(0)), ("3863", .negative(99)), ("3bffffffffffffffff", .negative(.max)),
    ("f90000", .double(0)), ("f93c00", .double(1)), ("f97bff", .double(65504)), ("f90001", .double(5.960464477539063e-8)),
    ("f90400", .double(0.00006103515625)), ("f9c400", .double(-4)), ("f97c00", .double(.infinity)), ("f9fc00", .double(-.infinity)),
    ("fa47c35000", .double(100_000)), ("fb3ff199999999999a", .double(1.1)), ("f4", .bool(false)), ("f5", .bool(true)), ("f6", .null), ("f7", .undefined),
    ("c11a514b67b0", .tagged(1, .unsigned(1_363_896_240))), ("c1fb41d452d9ec200000", .tagged(1, .double(1_363_896_240.5))), ("40", .bytes([])),
    ("4401020304", .bytes([1, 2, 3, 4])), ("60", .text("")), ("6449455446", .text("IETF")), ("62c3bc", .text("ü")), ("80", .array([])),
    ("8301820203820405", .array([.unsigned(1), .array([.unsigned(2), .unsigned(3)]), .array([.unsigned(4), .unsigned(5)])])), ("a0", .map([])),
    ("a26161016162820203", .map([.init("a", .unsigned(1)), .init("b", .array([.unsigned(2), .unsigned(3)]))])),
    ("5f42010243030405ff", .bytes([1, 2, 3, 4, 5])), ("7f657374726561646d696e67ff", .text("streaming")), ("9fff", .array([])),
    ("9f018202039f0405ffff", .array([.unsigned(1), .array([.unsigned(2), .unsigned(3)]), .array([.unsigned(4), .unsigned(5)])])),
    ("bf6346756ef563416d7421ff", .map([.init("Fun", .bool(true)), .init("Amt", .negative(1))])),
  ] as [(String, CBOR)])
  func `the examples of the RFC`(hex: String, value: CBOR) throws {
    #expect(try parse(hex) == value)
    #expect(try CBOR.parse(value.encoded) == value)
  }

  @Test func `a half that is no number`() throws {
    guard case .double(let number) = try parse("f97e00") else { Issue.record("must be a double"); return }
    #expect(number.isNaN)
  }

  @Test(arguments: [
    "", "18", "1c", "1f", "3f", "41", "61ff", "62c328", "81", "9f", "9f01", "a1", "a161", "a16161", "a10102", "bf6161ff", "bf01ff", "c1", "df01", "f8",
    "f818", "f820", "e0", "fc", "ff", "80ff", "0000", "5f01ff", "5f5f4101ffff", "5f6161ff", "7f4101ff", "7f61c361bcff", "5b7fffffffffffffff00",
    "5bffffffffffffffff", "9bffffffffffffffff00", "bbffffffffffffffff00", "9b0000000100000000", "bb8000000000000000", "a24161",
  ])
  func `what is not well-formed is refused`(hex: String) {
    #expect(throws: CBORFailure.self) { try parse(hex) }
  }

  @Test func `depth and number of values have limits`() {
    #expect(throws: Never.self) { try CBOR.parse([UInt8](repeating: 0x81, count: 127) + [0]) }
    for head in [0x81, 0x9f, 0xc1] as [UInt8] {
      #expect(throws: CBORFailure.self) { try CBOR.parse([UInt8](repeating: head, count: 1_000_000)) }
    }
    #expect(throws: CBORFailure.self) { try CBOR.parse([0x9a, 0, 0x10, 0, 0] + [UInt8](repeating: 0, count: 1 << 20)) }
    // Each level claims all that is left; nothing may be reserved by what a head says.
    let claims = (0..<100).flatMap { _ in [0x9a, 0, 0x0f, 0, 0] as [UInt8] }
    #expect(throws: CBORFailure.self) { try CBOR.parse(claims + [UInt8](repeating: 0, count: 1 << 20)) }
  }
}
