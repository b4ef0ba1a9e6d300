@testable import Base
@testable import Wire

/// XML documents: written anew, a document reads the same, and so does a record that was read from it.
func fuzzXML(_ bytes: [UInt8]) {
  if let record = try? XMLDecoding.body(upload, bytes) {
    let written = XMLEncoding.document(record, root: "Upload", namespace: nil)
    guard let again = try? XMLDecoding.body(upload, written) else {
      fatalError("broken: what was written can be read: \(written.utf8Text)")
    }
    promise(XMLEncoding.document(again, root: "Upload", namespace: nil) == written, "writing is stable")
  }
  guard let document = try? XMLDocument.parse(bytes), !document.root.hasBlankAttribute else { return }
  var writer = XMLWriter()
  writer.element(document.root)
  do {
    let again = try XMLDocument.parse(writer.bytes)
    promise(again == document, "what was written reads the same: \(writer.bytes.utf8Text)")
  } catch {
    // The writer declares a namespace with each element, which may be more than a document may have.
    promise(error.reason.contains("too many"), "what was written can be read: \(error) in \(writer.bytes.utf8Text)")
  }
}

/// A shape with all that XML bodies of S3 have: flattened and wrapped lists, attributes, every kind of scalar.
private let upload = StructureShape(
  name: "Upload",
  members: [
    Member(name: "Part", type: .list(ElementShape(type: .structure(StructureReference(part)))), isFlattened: true),
    Member(name: "Grants", type: .list(ElementShape(type: .structure(StructureReference(grantee)), wireName: "Grantee"))),
    Member(name: "When", type: .timestamp), Member(name: "Quiet", type: .boolean), Member(name: "Weight", type: .double),
    Member(
      name: "Meta", type: .map(key: ElementShape(type: .string, wireName: "Name"), value: ElementShape(type: .string, wireName: "Value"))
    ),
  ])
private let part = StructureShape(
  name: "Part",
  members: [Member(name: "ETag", type: .string), Member(name: "PartNumber", type: .integer, isRequired: true), Member(name: "Data", type: .blob)])
private let grantee = StructureShape(
  name: "Grantee", members: [Member(name: "Type", wireName: "xsi:type", type: .string, isXMLAttribute: true), Member(name: "ID", type: .string)])

extension XMLElement {
  /// White space other than blanks in an attribute becomes blanks when it is read again.
  fileprivate var hasBlankAttribute: Bool {
    attributes.contains { ($0.value + ($0.namespace ?? "")).utf8.contains { $0 == 9 || $0 == 10 } }
      || namespace?.utf8.contains { $0 == 9 || $0 == 10 } == true || children.contains(where: \.hasBlankAttribute)
  }
}

extension XMLWriter {
  fileprivate mutating func element(_ element: XMLElement) {
    var attributes = [(name: "xmlns", value: element.namespace ?? "")]
    for (place, attribute) in element.attributes.enumerated() {
      if attribute.namespace == "http://www.w3.org/XML/1998/namespace" {
        attributes.append(("xml:" + attribute.name, attribute.value))
      } else if let namespace = attribute.namespace {
        // Two declarations and an attribute for each would be more than an element may have.
        if !attributes.contains(where: { $0.name.hasPrefix("xmlns:") && $0.value == namespace }) {
          attributes.append(("xmlns:p\(place)", namespace))
        }
        let prefix = attributes.first { $0.name.hasPrefix("xmlns:") && $0.value == namespace }?.name.dropFirst(6) ?? ""
        attributes.append((prefix + ":" + attribute.name, attribute.value))
      } else {
        attributes.append((attribute.name, attribute.value))
      }
    }
    open(element.name, attributes: attributes)
    text(element.text)
    for child in element.children { self.element(child) }
    close(element.name)
  }
}

/// CBOR: what was written reads the same.
func fuzzCBOR(_ bytes: [UInt8]) {
  guard let value = try? CBOR.parse(bytes) else { return }
  let written = value.encoded
  promise(written.count <= 9 * bytes.count, "writing does not blow up")
  guard let again = try? CBOR.parse(written) else { fatalError("broken: what was written can be read") }
  promise(again.encoded == written, "writing is stable")
}

private let forms = [ChunkedForm.signed, .signedWithTrailer, .unsignedWithTrailer]
private let verification: Verification? = {
  let signer = Signer(accessKeyID: "AKIDEXAMPLE", secret: "secret", region: "us-east-1", service: "s3")
  var headers: HeaderFields = ["host": "localhost"]
  let time = Instant(seconds: 1_790_000_000)
  signer.sign(method: "PUT", target: "/", headers: &headers, body: [], at: time, payload: ChunkedForm.signed.rawValue)
  guard let claim = try? SignatureClaim.parse(method: "PUT", target: "/", headers: headers) else { return nil }
  return try? verify(
    claim, method: "PUT", target: "/", headers: headers, body: .unread, secret: "secret", keyCache: SigningKeyCache(),
    wallNow: time)
}()

/// `aws-chunked` bodies: form and lengths, then the body. Pieces may be cut anywhere without a difference.
func fuzzChunked(_ bytes: [UInt8]) {
  guard bytes.count >= 4 else { return }
  let choice = Int(bytes[0]), length = Int(bytes[1]) << 8 | Int(bytes[2]), step = Int(bytes[3])
  let body = bytes[4...]
  let names = choice & 4 == 0 ? [] : choice & 8 == 0 ? ["x-amz-checksum-crc32"] : ["x-amz-checksum-sha256", "x-amz-meta-a"]
  let head = ChunkedHead(form: forms[choice % 3], decodedLength: length, trailerNames: names)
  let secret = choice & 16 == 0 ? nil : verification
  let whole = decode(head, secret, [body])
  var pieces: [ArraySlice<UInt8>] = []
  var at = body.startIndex
  while at < body.endIndex {
    // Pieces of one byte up to the step, in a pattern that depends on the input alone.
    let end = min(at + 1 + (at &* 7 + Int(body[at])) % (step + 1), body.endIndex)
    pieces.append(body[at..<end])
    at = end
  }
  let cut = decode(head, secret, pieces)
  promise(whole.failure == cut.failure, "cuts make no difference: \(String(describing: whole.failure)), \(String(describing: cut.failure))")
  promise(whole.out == cut.out, "cuts make no difference to the bytes")
  promise(whole.failure != nil || whole.out.count == length, "a body that is accepted has its length")
  framed(Array(body), step: step + 1)
  fromHeaders(bytes)
}

private func decode(
  _ head: ChunkedHead, _ verification: Verification?, _ pieces: [ArraySlice<UInt8>]
) -> (out: [UInt8], failure: ChunkedFailure?) {
  var decoder = ChunkedDecoder(head, verification: verification)
  var out: [UInt8] = []
  do throws(ChunkedFailure) {
    for piece in pieces { try decoder.feed(piece, into: &out) }
    _ = try decoder.finish()
  } catch { return (out, error) }
  return (out, nil)
}

/// Any bytes that are put into chunks come out again.
private func framed(_ data: [UInt8], step: Int) {
  var body: [UInt8] = []
  for start in stride(from: 0, to: data.count, by: step) {
    let chunk = data[start..<min(start + step, data.count)]
    body += Array(String(chunk.count, radix: 16).utf8) + [13, 10] + chunk + [13, 10]
  }
  body += Array("0\r\n\r\n".utf8)
  let result = decode(ChunkedHead(form: .unsignedWithTrailer, decodedLength: data.count), nil, [body[...]])
  promise(result.failure == nil && result.out == data, "what was put into chunks comes out: \(String(describing: result.failure))")
}

private func fromHeaders(_ bytes: [UInt8]) {
  let parts = bytes.parts(3).map(\.utf8Text)
  let headers: HeaderFields = [
    "x-amz-content-sha256": parts[0], "x-amz-decoded-content-length": parts[1], "x-amz-trailer": parts[2],
  ]
  if let head = try? ChunkedHead(headers: headers) { promise(head.decodedLength >= 0, "a length is not negative") }
  _ = ChunkedHead.contentEncoding(parts[0])
}

/// Event streams: pieces may be cut anywhere, and what was written reads the same. The first byte chooses between raw bytes
/// and the content of one message, whose checksums a search would never guess.
func fuzzEventStream(_ bytes: [UInt8]) {
  guard bytes.count >= 3 else { return }
  let stream = bytes[0] & 1 == 0 ? Array(bytes[1...]) : sealed(Array(bytes[3...]), headers: Int(bytes[1]) << 8 | Int(bytes[2]))
  let whole = messages([stream[...]])
  let cut = messages(stride(from: 0, to: stream.count, by: 7).map { stream[$0..<min($0 + 7, stream.count)] })
  promise(whole.failure == cut.failure, "cuts make no difference")
  promise(whole.failure != nil || whole.messages == cut.messages, "cuts make no difference to the messages")
  for message in whole.messages {
    guard let written = try? message.encoded() else { fatalError("broken: a message that was read can be written") }
    promise(messages([written[...]]).messages == [message], "what was written reads the same")
  }
}

private func messages(_ pieces: [ArraySlice<UInt8>]) -> (messages: [EventStreamMessage], failure: EventStreamFailure?) {
  var decoder = EventStreamDecoder()
  var messages: [EventStreamMessage] = []
  do throws(EventStreamFailure) {
    for piece in pieces { messages += try decoder.feed(piece) }
    try decoder.finish()
  } catch { return (messages, error) }
  return (messages, nil)
}

/// A message with lengths and checksums that are right.
private func sealed(_ content: [UInt8], headers: Int) -> [UInt8] {
  var out = bigEndian(content.count + 16) + bigEndian(min(headers, content.count))
  out += bigEndian(Int(CRC.crc32(out)))
  out += content
  return out + bigEndian(Int(CRC.crc32(out)))
}
private func bigEndian(_ number: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } }
