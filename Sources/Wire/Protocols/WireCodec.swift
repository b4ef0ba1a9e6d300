import Base

/// Requests to records and records to responses, in every protocol that we speak.
public enum WireCodec {
  /// The input of an operation, complete and valid by the service's `ValidationStyle`: an accessor of a required member
  /// never finds it missing. An operation without input gives an empty record.
  ///
  /// Fails with `SerializationException`, `MalformedInput` or `MalformedXML` for input of the wrong form, and with what
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
      case .restJson, .restXml: record = try RESTDecoding.record(shape, request, labels, isXML: proto == .restXml)
      case .rpcv2Cbor, .awsCbor11:
        record = request.body.isEmpty ? Record(shape) : try CBORDecoding.record(shape, request.body, CBORTime(proto))
      }
    } catch {
      throw .decoding(error, proto)
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
    case .restJson, .restXml:
      response = RESTEncoding.response(output, operation, isXML: proto == .restXml, xmlNamespace: service.xmlNamespace)
    case .rpcv2Cbor, .awsCbor11:
      response = WireResponse(status: 200, headers: output == nil && proto == .rpcv2Cbor ? [:] : ["content-type": contentType(proto)])
      response.body = output.map { CBOREncoding.body($0, CBORTime(proto)) } ?? []
    }
    mark(&response, proto, requestID)
    if service.hasBodyChecksum { addChecksum(&response) }
    return response
  }

  private static func addChecksum(_ response: inout WireResponse) {
    response.headers.add(lowercased: "x-amz-crc32", String(CRC.crc32(response.body)))
  }

  /// Of the protocols whose bodies have one form.
  static func contentType(_ proto: WireProtocol) -> String {
    switch proto {
    case .awsJson10: "application/x-amz-json-1.0"
    case .awsJson11: "application/x-amz-json-1.1"
    case .awsCbor11: "application/x-amz-cbor-1.1"
    case .rpcv2Cbor: "application/cbor"
    case .restJson: "application/json"
    case .restXml: "application/xml"
    case .awsQuery: "text/xml"
    }
  }

  /// The fields that every answer of the protocol has. Clients throw a CBOR body away when the protocol is not repeated.
  static func mark(_ response: inout WireResponse, _ proto: WireProtocol, _ requestID: String) {
    if proto == .restXml {
      response.headers.add(lowercased: "x-amz-request-id", requestID)
      response.headers.add(lowercased: "x-amz-id-2", hostID(requestID))
    } else {
      response.headers.add(lowercased: "x-amzn-requestid", requestID)
    }
    if proto == .rpcv2Cbor { response.headers.add(lowercased: "smithy-protocol", "rpc-v2-cbor") }
  }

  /// S3's second id says nothing to a client, which only shows it to support.
  static func hostID(_ requestID: String) -> String { Array(requestID.utf8).base64 }

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

  /// An error.
  ///
  /// - Parameter resource: the path of the request, which S3's errors repeat.
  public static func encode(
    _ error: AWSError, operation: OperationModel?, service: ServiceModel?, proto: WireProtocol, requestID: String,
    resource: String? = nil
  ) -> WireResponse {
    let encoding = ErrorEncoding(error, service, proto, requestID: requestID)
    var response =
      switch proto {
      case .awsJson10, .awsJson11: encoding.awsJson()
      case .awsQuery: encoding.query()
      case .restJson: encoding.restJson()
      case .restXml: encoding.restXml(resource: resource)
      case .rpcv2Cbor, .awsCbor11: encoding.cbor()
      }
    if service?.hasBodyChecksum == true { addChecksum(&response) }
    return response
  }
}
