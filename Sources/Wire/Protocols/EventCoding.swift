import Base

/// The messages of an event stream in a protocol whose bodies have one form (awsJson and both kinds of CBOR).
public struct EventCoding: Sendable {
  private let service: ServiceModel
  private let proto: WireProtocol

  public init(service: ServiceModel, proto: WireProtocol) { (self.service, self.proto) = (service, proto) }

  private var contentType: String { proto == .awsCbor11 || proto == .rpcv2Cbor ? "application/cbor" : "application/json" }

  private func payload(_ record: Record) -> [UInt8] {
    switch proto {
    case .rpcv2Cbor, .awsCbor11: CBOREncoding.body(record, CBORTime(proto))
    default: JSONEncoding.body(record, isRESTBody: false)
    }
  }

  /// The output that is no stream; these protocols send it first.
  public func initialResponse(_ output: Record) -> EventStreamMessage { .initialResponse(contentType: contentType, payload(output)) }

  /// - Parameter name: of the member of the stream's union.
  public func event(_ name: String, _ event: Record) -> EventStreamMessage { .event(name, contentType: contentType, payload(event)) }

  /// An error that ends the stream: modelled ones by their shape, others by code and message.
  public func exception(_ error: AWSError) -> EventStreamMessage {
    guard let shape = service.structures[error.code] else { return .error(code: error.code, message: error.message) }
    var record = Record(shape)
    if let place = shape.place(of: "message") { record.slots[place] = .string(error.message) }
    return .exception(error.code, contentType: contentType, payload(record))
  }
}
