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
      _ = RESTRouter(Fixture.functions).match(method: "GET", path: bytes.utf8Text, query: bytes.utf8Text)
    }
  }
}
