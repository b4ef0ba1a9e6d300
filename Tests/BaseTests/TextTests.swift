import Base
import Testing

@Test(arguments: [
  ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
])
func `base64 is that of RFC 4648`(_ plain: String, _ coded: String) {
  #expect(Array(plain.utf8).base64 == coded)
  #expect(decodeBase64(coded) == Array(plain.utf8))
  #expect(decodeBase64(coded.filter { $0 != "=" }) == Array(plain.utf8))
}

@Test func `base64 in either alphabet gives the same bytes`() {
  #expect(decodeBase64("+/+/") == [0xfb, 0xff, 0xbf])
  #expect(decodeBase64("-_-_") == [0xfb, 0xff, 0xbf])
}

@Test(arguments: ["=", "==", "A", "A===", "AA=A", "AAA==", "AAAA=", "AA=", "A A=", "AA\n=", "Zm9v!", "é", "Zm9v===="])
func `what is not base64 is refused`(_ text: String) {
  #expect(decodeBase64(text) == nil)
}

@Test func `every byte survives each coding`() {
  let random = SeededRandom(seed: 11)
  for length in 0..<300 {
    let bytes = random.bytes(length)
    #expect(decodeBase64(bytes.base64) == bytes)
    #expect(decodeHex(bytes.hex) == bytes)
    #expect(percentDecoded(percentEncoded(bytes).utf8) == bytes)
    #expect(percentDecoded(percentEncoded(bytes, keepSlash: true).utf8) == bytes)
  }
}

@Test(arguments: ["0", "0g", "0x", "é1", " 0", "00 "]) func `what is not hexadecimal is refused`(_ text: String) {
  #expect(decodeHex(text) == nil)
}
@Test func `hexadecimal is read in either case and written in the lower`() {
  #expect(decodeHex("00fFAb") == [0, 255, 171])
  #expect([UInt8](arrayLiteral: 0, 255, 171).hex == "00ffab")
}

@Test(arguments: [
  ("a%20b", false, "a b"), ("a+b", false, "a+b"), ("a+b", true, "a b"), ("%2B", true, "+"), ("%", false, "%"), ("%4", false, "%4"),
  ("%4G", false, "%4G"), ("%%41", false, "%A"), ("100%", true, "100%"), ("%c3%A9", false, "é"), ("%ff", false, "\u{FFFD}"), ("", false, ""),
])
func `percent-encoding is undone and bad escapes stay`(_ text: String, _ plus: Bool, _ expected: String) {
  #expect(percentDecoded(text, plusIsSpace: plus) == expected)
}

@Test func `only unreserved characters stay as SigV4 wants it`() {
  #expect(percentEncoded("AZaz09-._~") == "AZaz09-._~")
  #expect(percentEncoded("a/b c+d=é*'()") == "a%2Fb%20c%2Bd%3D%C3%A9%2A%27%28%29")
  #expect(percentEncoded("a/b c", keepSlash: true) == "a/b%20c")
}

@Test(arguments: [("", ""), ("  a b\t\r\n", "a b"), (" ", ""), ("a", "a"), ("\u{00a0}a", "\u{00a0}a")])
func `blanks at the ends are cut off`(_ text: String, _ expected: String) {
  #expect(text.trimmed == expected)
}

@Test(arguments: [("aXbXc", "X", "--", "a--b--c"), ("aaa", "aa", "b", "ba"), ("abc", "", "x", "abc"), ("", "a", "b", ""), ("abc", "abc", "", "")])
func `text is replaced from the left`(_ text: String, _ old: String, _ new: String, _ expected: String) {
  #expect(text.replacing(old, by: new) == expected)
}

@Test func `header names compare without case and keep their order`() {
  var headers: HeaderFields = ["Host": "a", "X-Twice": "1"]
  headers.reserveCapacity(8)
  headers.add("x-twice", "2")
  #expect(headers["host"] == "a")
  #expect(headers["x-twice"] == "1")
  #expect(headers.all("x-twice") == ["1", "2"])
  #expect(headers.map(\.name) == ["host", "x-twice", "x-twice"])
  headers["x-twice"] = "3"
  #expect(headers.all("x-twice") == ["3"])
  headers["host"] = nil
  #expect(headers == ["x-twice": "3"])
}
