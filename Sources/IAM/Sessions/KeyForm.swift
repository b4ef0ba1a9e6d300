import Base

/// The form of access key ids: they carry the account, as SDKs and `GetAccessKeyInfo` read it.
///
/// Behind the prefix stand 10 bytes in base 32: one set bit, 40 bits of account number, 39 random bits.
enum KeyForm {
  static let userPrefix = "AKIA"
  static let sessionPrefix = "ASIA"
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

  static func make(_ prefix: String, _ account: AccountID, _ random: any RandomSource) -> String {
    let head = 1 << 47 | (UInt64(account.text) ?? 0) << 7  // 48 bits, the last 7 still to be random
    var bytes = random.bytes(10)
    let mixed = head | UInt64(bytes[5] & 0x7f)
    for i in 0..<6 { bytes[i] = UInt8(truncatingIfNeeded: mixed >> UInt64(40 - 8 * i)) }
    return prefix + encode(bytes)
  }

  /// Nil for ids of another form, `AKIAIOSFODNN7EXAMPLE` and other old ones among them.
  static func account(of id: String) -> AccountID? {
    let text = Array(id.utf8)
    guard text.count == 20, id.hasPrefix(userPrefix) || id.hasPrefix(sessionPrefix), let bytes = decode(text[4...]),
      bytes[0] & 0x80 != 0
    else { return nil }
    let head = bytes[0..<6].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return AccountID(padded(Int((head & 0x7fff_ffff_ff80) >> 7), 12))
  }

  private static func encode(_ bytes: [UInt8]) -> String {
    var (out, accumulator, bits): ([UInt8], UInt32, UInt32) = ([], 0, 0)
    for byte in bytes {
      accumulator = (accumulator << 8 | UInt32(byte)) & 0xffff
      bits += 8
      while bits >= 5 {
        bits -= 5
        out.append(alphabet[Int(accumulator >> bits & 31)])
      }
    }
    return out.utf8Text
  }

  private static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var (out, accumulator, bits): ([UInt8], UInt32, UInt32) = ([], 0, 0)
    for letter in text {
      guard let value = alphabet.firstIndex(of: letter) else { return nil }
      accumulator = (accumulator << 5 | UInt32(value)) & 0xffff
      bits += 5
      if bits >= 8 {
        bits -= 8
        out.append(UInt8(truncatingIfNeeded: accumulator >> bits))
      }
    }
    return out
  }
}
