import Base
import Testing

@testable import Fabric

@Suite struct DeadLetterTextTests {
  @Test(arguments: [
    ("plain \u{9}\u{a}\u{d}\u{20}\u{d7ff}\u{e000}\u{fffd}\u{10ffff}", "plain \u{9}\u{a}\u{d}\u{20}\u{d7ff}\u{e000}\u{fffd}\u{10ffff}"),
    ("\u{0}a\u{1f}b\u{fffe}c\u{ffff}", "\u{fffd}a\u{fffd}b\u{fffd}c\u{fffd}"), ("\r\nabcdef", "\r\nabcde"),
  ])
  func `a text becomes one that a queue takes`(_ text: String, _ told: String) {
    #expect(QueueAttribute.told(text, limit: told.unicodeScalars.count) == QueueAttribute(dataType: "String", content: .string(told)))
  }
}
