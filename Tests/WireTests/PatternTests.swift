import Base
import Testing
import Wire

@Suite struct PatternTests {
  static let function =
    #"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"#

  @Test(arguments: [
    (#"[\w+=,.@-]+"#, ["a+b@c.d-e_F9"], ["", "a b", "é", "a/b"]),
    (#"\d{12}"#, ["012345678901"], ["01234567890", "0123456789012", "x12345678901"]),
    (
      function, ["f", "f:$LATEST", "arn:aws:lambda:us-gov-west-1:000000000000:function:f:1", "000000000000:f"],
      ["", "f:", "f:$X", "a b", "arn:aws:s3:::f/x"]
    ),
    (#"(?!^[0-9]+$)([a-zA-Z0-9-_]+)"#, ["a1", "1a", "live"], ["1", "42", "", "a.b"]),
    (#"((?!^\d+$)^[0-9a-zA-Z-_]+$)"#, ["1a"], ["12"]),
    (#"[0-9A-Za-z\.\-_]*(?<!\.)"#, ["", "a.b", "a-"], ["a.", "a/"]),
    (#"(|[a-zA-Z0-9$_-]+)"#, ["", "a$"], ["a b"]),
    (#"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)"#, ["/", "/a/b/"], ["", "//", "/a", "a/"]),
    (#"[\p{L}\p{Z}\p{N}_.:/=+\-@]*"#, ["", "Ünïcode 数 ٣ x"], ["a#", "😀"]),
    (#"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$"#, ["abc", "a-b-c"], ["a--b", "-ab", "ab"]),
    (#"[^:*$]*"#, ["abc", "é\n"], ["a:b", "*"]),
    (#".*"#, ["", "abc é"], ["a\nb"]),
    (#"[\s\S]*"#, ["", "a\nb é"], []),
    (#"a{2,3}b?(?:cd)+"#, ["aacd", "aaabcdcd"], ["acd", "aaaacd", "aab"]),
    (#"[*]|[a-c-]x|[\w-_]y"#, ["*", "-x", "-y", "_y"], ["d", "dx", "#y"]),
    (#"s3://[a-z0-9][\.\-a-z0-9]{1,61}[a-z0-9](/.*)?"#, ["s3://bucket", "s3://bucket/k/x"], ["s3://b", "http://bucket"]),
    (#"[\x20-\x7E]+"#, [" ~"], ["\u{7F}"]),
    (#"$|kafka://x"#, ["", "kafka://x"], ["kafka://y"]),
  ])
  func `whole texts match or do not`(pattern: String, good: [String], bad: [String]) throws {
    let compiled = try #require(Pattern(pattern))
    for text in good { #expect(compiled.matches(text), "\(text)") }
    for text in bad { #expect(!compiled.matches(text), "\(text)") }
  }

  @Test(arguments: [
    #"(a)\1"#, #"(?i)a"#, #"[a-z&&[b]]"#, "(a", "a)", "[a", "*a", #"\p{Greek}"#, #"(?<=ab)c"#, "a{3,1}", "a{99999}",
    "((a{200}){200})",
  ])
  func `what is not supported is refused, not guessed`(pattern: String) {
    #expect(Pattern(pattern) == nil)
  }

  @Test func `a pattern that makes backtracking matchers hang ends soon`() throws {
    let pattern = try #require(Pattern("(a+)+(a*)*b"))
    #expect(!pattern.matches(String(repeating: "a", count: 20_000)))
  }
}
