@testable import Base
import Foundation

/// JSON texts: what is read can be written and read again, and what we take for JSON others take for JSON.
func fuzzJSON(_ bytes: [UInt8]) {
  let value = try? JSON.parse(bytes)
  promise(((try? JSON.check(bytes)) != nil) == (value != nil), "parse and check judge alike")
  compareWithFoundation(bytes, isValid: value != nil)
  guard let value else { return }
  let written = value.bytes
  guard let again = try? JSON.parse(written) else { fatalError("broken: what was written can be read: \(value.text)") }
  promise(again == value, "what was written reads the same")
  promise(again.bytes == written, "writing is stable")
  checkNames(bytes, value)
}

/// Two names are one only when they are the same bytes.
private func checkNames(_ bytes: [UInt8], _ value: JSON) {
  guard let object = value.object else { return }
  var names: Set<[UInt8]> = []
  bytes.withUnsafeBufferPointer { buffer in
    var scanner = JSONScanner(buffer)
    try? scanner.object { name, scanner in
      names.insert(Array(name.utf8))
      try scanner.skip()
    }
  }
  promise(names.count == object.count, "names that differ in their bytes are different members")
}

/// Foundation is stricter on lone surrogates, finite numbers and depth, takes a comma before a closing bracket, and guesses other
/// encodings from zero bytes and byte order marks; apart from these both judge alike.
private func compareWithFoundation(_ bytes: [UInt8], isValid: Bool) {
  guard bytes.count <= 4096, !bytes.contains(0), !bytes.starts(with: [0xef, 0xbb, 0xbf]), !bytes.starts(with: [0xfe, 0xff]),
    !bytes.starts(with: [0xff, 0xfe]), !bytes.contains(UInt8(ascii: "\\")) || !hasSurrogate(bytes),
    bytes.count(where: { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "{") }) < 100, !hasLargeExponent(bytes),
    !hasTrailingComma(bytes)
  else { return }
  let accepted = (try? JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])) != nil
  promise(accepted == isValid, "Foundation \(accepted ? "accepts" : "refuses") this")
}

private func hasSurrogate(_ bytes: [UInt8]) -> Bool {
  zip(bytes, bytes.dropFirst()).contains { ($0 == UInt8(ascii: "u")) && $1 | 0x20 == UInt8(ascii: "d") }
}

private func hasLargeExponent(_ bytes: [UInt8]) -> Bool {
  var run = 0
  for byte in bytes {
    run = byte >= 48 && byte <= 57 || byte == UInt8(ascii: ".") ? run + 1 : 0
    if run > 17 { return true }
  }
  return zip(bytes, bytes.dropFirst()).contains { $0 >= 48 && $0 <= 57 && $1 | 0x20 == UInt8(ascii: "e") }
}

private func hasTrailingComma(_ bytes: [UInt8]) -> Bool {
  let marks = bytes.filter { $0 > 32 }
  return zip(marks, marks.dropFirst()).contains { $0 == UInt8(ascii: ",") && ($1 == UInt8(ascii: "]") || $1 == UInt8(ascii: "}")) }
}
