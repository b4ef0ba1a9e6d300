import Base

/// Requests to records and records to responses, in every protocol that we speak.
public enum WireCodec {
  /// The input of an operation, complete and valid by the service's `ValidationStyle`: an accessor of a required member
  /// never finds it missing. An operation without input gives an empty record.
  ///
  /// Fails with `SerializationException` or `MalformedInput` for input of the wrong form, and with what
  /// `ServiceModel.validate` says.
  public static func decode(
    _ operation: OperationModel, of service: ServiceModel, _ proto: WireProtocol, _ request: WireRequest, labels: [String: String]
  ) throws(AWSError) -> Record {
    guard let shape = operation.input else { return Record(noInput) }
    var record: Record
    do {
      switch proto {
      case .awsJson10, .awsJson11:
        record = request.body.isEmpty ? Record(shape) : try JSONDecoding.record(shape, request.body, isRESTBody: false)
      case .awsQuery: record = try QueryDecoding.record(shape, request)
      case .restJson: record = try RESTDecoding.record(shape, request, labels)
      case .restXml, .rpcv2Cbor: throw AWSError.unsupportedProtocol(proto)
      }
    } catch {
      throw .decoding(error)
    }
    if proto == .awsQuery, service.isQueryCompatible { readQueueURL(from: request, into: &record) }
    try service.validate(record)
    return record
  }

  private static let noInput = StructureShape(name: "Unit", members: [])

  /// SQS clients of the Query age name the queue by the path alone.
  private static func readQueueURL(from request: WireRequest, into record: inout Record) {
    guard let place = record.shape.place(of: "QueueUrl"), record.shape.members[place].isRequired, record.slots[place] == nil,
      request.path.split(separator: "/").count >= 2
    else { return }
    record.slots[place] = .string("http://" + (request.headers["host"] ?? "localhost") + request.path)
  }

  /// A success. An operation with an output but no record for it answers as with an empty one.
  public static func encode(
    _ output: Record?, operation: OperationModel, service: ServiceModel, proto: WireProtocol, requestID: String
  ) -> WireResponse {
    let output = output ?? operation.output.map(Record.init)
    var response: WireResponse
    switch proto {
    case .awsJson10, .awsJson11:
      response = WireResponse(status: 200, headers: ["content-type": contentType(proto)])
      response.body = output.map { JSONEncoding.body($0, isRESTBody: false) } ?? []
    case .awsQuery: response = queryResponse(output, operation, service, requestID)
    case .restJson: response = RESTEncoding.response(output, operation)
    case .restXml, .rpcv2Cbor:
      return encode(.unsupportedProtocol(proto), operation: operation, service: service, proto: proto, requestID: requestID)
    }
    response.headers.add(lowercased: "x-amzn-requestid", requestID)
    return response
  }

  private static func contentType(_ proto: WireProtocol) -> String {
    proto == .awsJson10 ? "application/x-amz-json-1.0" : "application/x-amz-json-1.1"
  }

  /// The result element is written even when it is empty: botocore fails without it.
  private static func queryResponse(
    _ output: Record?, _ operation: OperationModel, _ service: ServiceModel, _ requestID: String
  ) -> WireResponse {
    var writer = XMLWriter()
    let root = operation.name + "Response"
    writer.open(root, attributes: service.xmlNamespace.map { [("xmlns", $0)] } ?? [])
    if let output {
      let wrapper = operation.resultWrapper ?? operation.name + "Result"
      if output.slots.allSatisfy({ $0 == nil }) {
        writer.empty(wrapper)
      } else {
        writer.open(wrapper)
        XMLEncoding.members(output, &writer)
        writer.close(wrapper)
      }
    }
    writer.open("ResponseMetadata")
    writer.element("RequestId", requestID)
    writer.close("ResponseMetadata")
    writer.close(root)
    return WireResponse(status: 200, headers: ["content-type": "text/xml"], body: writer.bytes)
  }

  /// An error. Protocols that we cannot write get the JSON form, which every client reads at least the status of.
  public static func encode(
    _ error: AWSError, operation: OperationModel?, service: ServiceModel?, proto: WireProtocol, requestID: String
  ) -> WireResponse {
    let encoding = ErrorEncoding(error, service, requestID: requestID)
    return switch proto {
    case .awsJson10, .awsJson11: encoding.awsJson(proto)
    case .awsQuery: encoding.query()
    case .restJson, .restXml, .rpcv2Cbor: encoding.restJson()
    }
  }
}
