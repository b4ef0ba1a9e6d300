import Base
import Testing

@testable import Lambda

@Suite struct URLResponseTests {
  private func infer(_ text: String) throws -> URLResponse { try URLResponse.infer(Array(text.utf8)) }

  @Test(arguments: [
    (#"{"hello":"world"}"#, #"{"hello":"world"}"#), (#"["hello",3,true]"#, #"["hello",3,true]"#), (#""hello""#, "hello"), ("3", "3"),
    ("3.1", "3.1"), ("true", "true"), ("null", "null"), (#"{"body":"x","headers":{}}"#, #"{"body":"x","headers":{}}"#),
  ])
  func `a result without a status is the JSON body of a 200, text without its quotes`(_ result: String, _ body: String) throws {
    let response = try infer(result)
    #expect(response.status == 200)
    #expect(response.headers == ["content-type": "application/json"])
    #expect(response.body.utf8Text == body)
  }

  @Test func `an object with a status says what the response is`() throws {
    let response = try infer(
      #"{"statusCode":201,"headers":{"Content-Type":"text/html","X-Count":3,"X-Flag":true,"X-None":null},"cookies":["a=1; Path=/","b=2"],"body":"<p>"}"#)
    #expect(response.status == 201)
    #expect(response.headers["content-type"] == "text/html")
    #expect(response.headers["x-count"] == "3")
    #expect(response.headers["x-flag"] == "true")
    #expect(response.headers["x-none"] == nil)
    #expect(response.headers.all("set-cookie") == ["a=1; Path=/", "b=2"])
    #expect(response.body.utf8Text == "<p>")
  }

  @Test(arguments: [
    (#"{"statusCode":204}"#, ""), (#"{"statusCode":200,"body":null}"#, ""), (#"{"statusCode":"200","body":"x"}"#, "x"),
    (#"{"statusCode":200.0,"body":{"a":1}}"#, #"{"a":1}"#), (#"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#, "hi"),
    (#"{"statusCode":200,"body":"aGk=","isBase64Encoded":false}"#, "aGk="),
  ])
  func `the body is text, base64, JSON or nothing`(_ result: String, _ body: String) throws {
    let response = try infer(result)
    #expect(response.body.utf8Text == body)
    #expect(response.headers["content-type"] == "application/json")
  }

  @Test(arguments: [
    "", "{", "hello", #"{"statusCode":99}"#, #"{"statusCode":101}"#, #"{"statusCode":600}"#, #"{"statusCode":200.5}"#,
    #"{"statusCode":"abc"}"#, #"{"statusCode":null}"#, #"{"statusCode":{}}"#, #"{"statusCode":99999999999999999999}"#,
    #"{"statusCode":200,"headers":[]}"#, #"{"statusCode":200,"headers":"x"}"#, #"{"statusCode":200,"headers":{"a":["b"]}}"#,
    #"{"statusCode":200,"headers":{"a b":"c"}}"#, #"{"statusCode":200,"headers":{"":"c"}}"#,
    #"{"statusCode":200,"headers":{"a":"b\r\nset-cookie: x"}}"#, #"{"statusCode":200,"headers":{"a\r\nb":"c"}}"#,
    #"{"statusCode":200,"cookies":"a=1"}"#, #"{"statusCode":200,"cookies":[1]}"#, #"{"statusCode":200,"cookies":["a\nb"]}"#,
    #"{"statusCode":200,"body":"%%%","isBase64Encoded":true}"#, #"{"statusCode":200,"body":"a","isBase64Encoded":"yes"}"#,
  ])
  func `a result that is no response is refused`(_ result: String) {
    #expect(throws: URLResponse.Malformed.self) { try infer(result) }
  }

  @Test func `fields of the connection come out under another name`() throws {
    let response = try infer(
      #"{"statusCode":200,"headers":{"Connection":"close","Content-Length":"5","Transfer-Encoding":"chunked","Date":"x"}}"#)
    for name in ["connection", "content-length", "transfer-encoding", "date"] {
      #expect(response.headers[name] == nil)
      #expect(response.headers["x-amzn-remapped-\(name)"] != nil)
    }
  }
}

@Suite struct ResponsePreludeTests {
  private let nul = [UInt8](repeating: 0, count: 8)

  @Test func `the head is read wherever the pieces are cut, and the rest is body`() throws {
    let all = Array(#"{"statusCode":418,"headers":{"x-a":"b"},"cookies":["c=d"]}"#.utf8) + nul + Array("tea\0pot".utf8)
    for size in [1, 2, 3, 7, 8, 9, 64, all.count] {
      var prelude = ResponsePrelude(), response: URLResponse?
      var body: [UInt8] = []
      for start in stride(from: 0, to: all.count, by: size) {
        let piece = Array(all[start..<min(start + size, all.count)])
        if response == nil {
          response = try prelude.feed(piece)
          body = response?.body ?? []
        } else {
          body += piece
        }
      }
      #expect(response?.status == 418, "pieces of \(size)")
      #expect(response?.headers["x-a"] == "b")
      #expect(response?.headers["set-cookie"] == "c=d")
      #expect(body.utf8Text == "tea\0pot", "pieces of \(size)")
    }
  }

  @Test func `what the prelude leaves out is a 200 of bytes`() throws {
    var prelude = ResponsePrelude()
    let response = try #require(try prelude.feed(Array("{}".utf8) + nul))
    #expect(response.status == 200)
    #expect(response.headers["content-type"] == "application/octet-stream")
    #expect(response.body.isEmpty)
  }

  @Test func `more than eight NUL bytes belong to the body, fewer do not end the prelude`() throws {
    var prelude = ResponsePrelude()
    #expect(try prelude.feed(Array("{}".utf8) + [0, 0, 0, 0, 0, 0, 0]) == nil)
    #expect(try prelude.feed([0, 0, 1])?.body == [0, 1])
  }

  @Test(arguments: ["", "[]", "x", #"{"statusCode":1000}"#, #"{"headers":1}"#])
  func `a prelude that is no head is refused`(_ text: String) {
    var prelude = ResponsePrelude()
    #expect(throws: URLResponse.Malformed.self) { _ = try prelude.feed(Array(text.utf8) + [UInt8](repeating: 0, count: 8)) }
  }

  @Test func `a prelude without an end is refused before it fills the memory`() {
    var prelude = ResponsePrelude()
    #expect(throws: URLResponse.Malformed.self) {
      for _ in 0..<1000 { _ = try prelude.feed([UInt8](repeating: 32, count: 1000)) }
    }
  }
}
