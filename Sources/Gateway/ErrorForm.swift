import Base
import Wire

/// Errors in the forms that `WireCodec` does not write, because no service of ours speaks them yet: S3's XML and CBOR.
/// A client that gets another form than its own shows the status and nothing else.
enum ErrorForm {
  static func encode(_ error: AWSError, _ recognised: Recognised, requestID: String) -> WireResponse {
    switch recognised.wireProtocol {
    case .restXml: xml(error, requestID)
    case .rpcv2Cbor: cbor(error, requestID)
    default:
      WireCodec.encode(
        error, operation: recognised.operation, service: recognised.model, proto: recognised.wireProtocol, requestID: requestID)
    }
  }

  private static func status(_ error: AWSError) -> Int { error.status ?? (error.fault == .server ? 500 : 400) }

  /// Without a namespace: with one, botocore finds neither code nor message.
  private static func xml(_ error: AWSError, _ requestID: String) -> WireResponse {
    var writer = XMLWriter()
    writer.declaration()
    writer.open("Error")
    writer.element("Code", error.code)
    writer.element("Message", error.message)
    for member in error.members { writer.element(member.name, member.value.string ?? member.value.text) }
    writer.element("RequestId", requestID)
    writer.close("Error")
    return WireResponse(
      status: status(error), headers: ["content-type": "application/xml", "x-amz-request-id": requestID], body: writer.bytes)
  }

  /// A map of `__type` and `message`. Clients throw the body away when the protocol's field is not repeated.
  private static func cbor(_ error: AWSError, _ requestID: String) -> WireResponse {
    var body: [UInt8] = [0xa2]
    for text in ["__type", "com.amazon.coral.service#\(error.code)", "message", error.message] {
      let bytes = Array(text.utf8.prefix(65_535))
      switch bytes.count {
      case 0..<24: body.append(0x60 | UInt8(bytes.count))
      case 24..<256: body += [0x78, UInt8(bytes.count)]
      default: body += [0x79, UInt8(bytes.count >> 8), UInt8(bytes.count & 255)]
      }
      body += bytes
    }
    return WireResponse(
      status: status(error),
      headers: ["content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor", "x-amzn-requestid": requestID], body: body)
  }
}
