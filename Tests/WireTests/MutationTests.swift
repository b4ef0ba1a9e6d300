import Base
import Testing
import Wire

/// Damaged input in every protocol: an error or a record, never a trap.
@Suite struct MutationTests {
  static let json =
    #"{"name":"a","kind":"ONE","count":3,"ratio":"NaN","at":1700000000.5,"iso":"2023-11-14T22:13:20Z","data":"AAE=","flag":true,"any":[1.5e3],"#
    + #""tags":{"a":"\u00e9"},"keys":["x"],"inner":{"id":"b","child":[{"id":"c","next":null}]}}"#
  static let form =
    "Action=Simulate&Actions.member.1=a&Contexts.member.2.ContextKeyValues.member.1=1&Settings.entry.1.key=a&Settings.entry.1.value=1"
    + "&Since=Tue%2C+14+Nov+2023+22%3A13%3A20+GMT&Blob=AAE%3D"

  static let xml =
    "<?xml version='1.0'?><Delete xmlns='http://s3.example/doc/'><Object><Key>a&#xD;&amp;b</Key><Size>3</Size></Object><Quiet>true</Quiet>"
    + "<!-- c --><![CDATA[ ]]></Delete>"
  static let cbor =
    "bf646e616d65616165636f756e7418e765726174696ff93c00626174c11a514b67b0646461746142010264666c6167f56474616773a161617f6162ff"
    + "656974656d739fa162696461 62ff65696e6e6572a162696461 63ff"
  static let chunked = "5;chunk-signature=\(String(repeating: "a", count: 64))\r\nhello\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n"

  @Test(arguments: 0..<8)
  func `damaged input never traps`(seed: Int) {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    func next(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(bound))
    }
    let spice = Array("\"{}[]:,\\u0-9eE.=&%+\u{0}\u{7F}é".utf8)
    for round in 0..<2000 {
      var bytes = Array((round % 2 == 0 ? Self.json : Self.form).utf8)
      for _ in 0...next(4) {
        switch next(3) {
        case 0: bytes[next(bytes.count)] = spice[next(spice.count)]
        case 1: bytes.remove(at: next(bytes.count))
        default: bytes.insert(UInt8(truncatingIfNeeded: next(256)), at: next(bytes.count))
        }
      }
      let request = WireRequest(query: bytes.utf8Text, headers: ["x-when": bytes.prefix(40).utf8Text], body: bytes)
      for (service, name) in [
        (Fixture.records, "Put"), (Fixture.identity, "Simulate"), (Fixture.functions, "Invoke"), (Fixture.functions, "Search"),
      ] {
        guard let operation = service.operations[name] else { continue }
        _ = try? WireCodec.decode(operation, of: service, service.protocols[0], request, labels: ["FunctionName": "f"])
      }
      try? Self.readDamaged(round, next)
      _ = RESTRouter(Fixture.functions).match(method: "GET", path: bytes.utf8Text, query: bytes.utf8Text)
    }
  }

  /// The bodies of the other protocols, damaged likewise.
  private static func readDamaged(_ round: Int, _ next: (Int) -> Int) throws {
    let whole: [[UInt8]] = [Array(xml.utf8), decodeHex(cbor.replacing(" ", by: "")) ?? [], Array(chunked.utf8)]
    var bytes = whole[round % 3]
    for _ in 0...next(4) { bytes[next(bytes.count)] = UInt8(truncatingIfNeeded: next(256)) }
    if next(4) == 0 { bytes.removeLast(next(bytes.count)) }
    _ = try? Fixture.objects.decode("DeleteObjects", bytes: bytes, labels: ["Bucket": "b"])
    _ = try? Fixture.metrics.decode("Put", bytes: bytes)
    var stream = EventStreamDecoder()
    _ = try? stream.feed(bytes[...])
    var decoder = ChunkedDecoder(
      ChunkedHead(form: .unsignedWithTrailer, decodedLength: 5, trailerNames: ["x-amz-checksum-crc32"]), verification: nil)
    var out: [UInt8] = []
    try decoder.feed(bytes, into: &out)
    _ = try decoder.finish()
  }
}
