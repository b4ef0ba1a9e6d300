import Base
import Testing
import Wire

@Suite struct XMLDocumentTests {
  private func parse(_ text: String) throws -> XMLElement { try XMLDocument.parse(Array(text.utf8)).root }

  @Test func `elements, text, attributes and namespaces`() throws {
    let root = try parse(
      """
      \u{FEFF}<?xml version="1.0" encoding="UTF-8"?>
      <!-- a comment -->
      <Grant xmlns="http://s3.amazonaws.com/doc/2006-03-01/" a='1'>
        <Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>x &amp; y</ID></Grantee>
        <Empty/><Key>a&#xD;&#10;b</Key><Data><![CDATA[<&>]]]]><![CDATA[>]]></Data>
      </Grant>
      <?done?>
      """)
    #expect((root.name, root.namespace) == ("Grant", "http://s3.amazonaws.com/doc/2006-03-01/"))
    #expect(root.text == "")
    #expect(root.attribute("a") == "1")
    #expect(root.children.map(\.name) == ["Grantee", "Empty", "Key", "Data"])
    #expect(root.first("Grantee")?.attribute("xsi:type") == "CanonicalUser")
    #expect(root.first("Grantee")?.attribute("type") == nil)
    #expect(root.first("Grantee")?.first("ID")?.text == "x & y")
    #expect(root.first("Key")?.text == "a\r\nb")
    #expect(root.first("Data")?.text == "<&>]]>")
    #expect(root.first("Empty")?.text == "")
  }

  @Test func `prefixes and line ends`() throws {
    let root = try parse("<p:a xmlns:p='u' xmlns='v'><b>1\r\n2\r3</b><p:b xmlns:p='w'/><b xmlns=''/></p:a>")
    #expect((root.name, root.namespace) == ("a", "u"))
    #expect(root.children.map(\.namespace) == ["v", "w", nil])
    #expect(root.children[0].text == "1\n2\n3")
  }

  @Test(arguments: [
    "", " ", "text", "<a>", "<a></b>", "</a>", "<a/><b/>", "<a/>text", "text<a/>", "<a", "<a b>", "<a b=c/>", "<a b='1' b='2'/>", "<a b='<'/>",
    "<a b='1'c='2'/>", "<a><b></a></b>", "<1a/>", "<a:b/>", "<a:b:c/>", "<:a/>", "<a x:b='1'/>", "<a>&nbsp;</a>", "<a>&amp</a>", "<a>&#0;</a>",
    "<a>&#xD800;</a>", "<a>&#x110000;</a>", "<a>&#-1;</a>", "<a>&#+65;</a>", "<a>&#99999999999999;</a>", "<a>&;</a>", "<a>&#;</a>", "<a>]]></a>",
    "<a>\u{0}</a>", "<a>\u{8}</a>", "<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<a><!ELEMENT a></a>", "<a><!-- -- --></a>",
    "<a><!-->", "<a><![CDATA[", "<![CDATA[x]]><a/>", "<a><?xml version='1.0'?></a>", "<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "<?xml",
    "<a b='x", "< a/>", "<a><", "<a></a", "<a/ >", "<a xmlns:b=''/>",
  ])
  func `what is not well-formed is refused`(text: String) {
    #expect(throws: XMLFailure.self) { try parse(text) }
  }

  @Test func `bytes that are not UTF-8 are refused`() {
    for bytes in [[0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e], [0xfe, 0xff, 0, 0x3c], [0x3c, 0x61, 0xc0, 0xaf]] as [[UInt8]] {
      #expect(throws: XMLFailure.self) { try XMLDocument.parse(bytes) }
    }
  }

  @Test func `depth, elements and attributes have limits`() {
    func nested(_ depth: Int) -> String { String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth) }
    #expect(throws: Never.self) { try parse(nested(64)) }
    #expect(throws: XMLFailure.self) { try parse(nested(65)) }
    #expect(throws: XMLFailure.self) { try parse(String(repeating: "<a>", count: 100_000)) }
    #expect(throws: XMLFailure.self) { try parse("<a>" + String(repeating: "<b/>", count: 200_001) + "</a>") }
    #expect(throws: XMLFailure.self) { try parse("<a " + (0..<33).map { "b\($0)=''" }.joined(separator: " ") + "/>") }
    #expect(throws: XMLFailure.self) { try parse("<a b='" + String(repeating: "x", count: 9000) + "'/>") }
    #expect(throws: XMLFailure.self) { try parse("<" + String(repeating: "x", count: 300) + "/>") }
    let spaces = (0..<31).map { "xmlns:n\($0)='u'" }.joined(separator: " ")
    #expect(throws: XMLFailure.self) { try parse("<a \(spaces)><a \(spaces)><a \(spaces)></a></a></a>") }
  }

  @Test func `the work grows with the document and no faster`() throws {
    // Each of these took quadratic time in one parser or another.
    let count = 100_000
    for text in [
      "<a>" + String(repeating: "&lt;", count: count) + "</a>", "<a>" + String(repeating: "x<!---->", count: count) + "</a>",
      "<a>" + String(repeating: "<![CDATA[x]]>", count: count) + "</a>", "<a>" + String(repeating: "<?p?>", count: count) + "</a>",
      "<a>" + String(repeating: "]", count: count * 4) + "</a>",
    ] { #expect(throws: Never.self) { try parse(text) } }
    #expect(throws: XMLFailure.self) { try parse("<a>" + String(repeating: "<!-- ", count: count)) }
  }
}
