import Base

/// Errors in the form of each protocol.
struct ErrorEncoding {
  let error: AWSError
  let service: ServiceModel?
  let proto: WireProtocol
  /// The modelled shape, when the model has one for the code.
  let shape: StructureShape?
  let requestID: String

  init(_ error: AWSError, _ service: ServiceModel?, _ proto: WireProtocol, requestID: String) {
    (self.error, self.service, self.proto, self.requestID) = (error, service, proto, requestID)
    shape = service?.errorShape(error.code)
  }

  /// The name that JSON protocols use.
  private var name: String { shape?.name ?? error.code }
  /// The code that awsQuery uses, and the clients that were written for it.
  private var queryCode: String { shape?.errorCode ?? error.code }
  private var isServerFault: Bool { error.fault == .server || shape?.isServerFault == true }
  private var status: Int { error.status ?? shape?.errorStatus ?? (isServerFault ? 500 : 400) }

  /// As the shape spells it; clients read both spellings.
  private var messageName: String {
    shape?.members.first { $0.name.lowercased() == "message" || $0.name.lowercased() == "errormessage" }?.wireName ?? "message"
  }

  private func response(_ body: [UInt8]) -> WireResponse {
    var response = WireResponse(status: status, headers: ["content-type": WireCodec.contentType(proto)], body: body)
    WireCodec.mark(&response, proto, requestID)
    for (name, value) in error.headers { response.headers.add(name, value) }
    return response
  }

  func awsJson() -> WireResponse {
    var writer = JSONWriter()
    writer.beginObject()
    writer.name("__type")
    writer.string(proto == .awsJson10 ? absoluteName : name)
    writeMembers(&writer, error.members)
    writer.endObject()
    var response = response(writer.bytes)
    response.headers.add("x-amzn-errortype", name)
    addQueryError(&response)
    return response
  }

  private func addQueryError(_ response: inout WireResponse) {
    guard service?.isQueryCompatible == true else { return }
    response.headers.add("x-amzn-query-error", "\(queryCode);\(isServerFault ? "Receiver" : "Sender")")
  }

  func cbor() -> WireResponse {
    var writer = CBORWriter()
    writer.map(error.members.count + 2)
    writer.text("__type")
    writer.text(proto == .rpcv2Cbor ? absoluteName : name)
    for member in error.members {
      writer.text(wireName(member.name))
      writer.json(member.value)
    }
    writer.text(messageName)
    writer.text(error.message)
    var response = response(writer.bytes)
    addQueryError(&response)
    return response
  }

  /// Without a namespace: with one, botocore finds neither code nor message.
  func restXml(resource: String?) -> WireResponse {
    var writer = XMLWriter()
    writer.declaration()
    writer.open("Error")
    writer.element("Code", queryCode)
    writer.element("Message", error.message)
    for member in error.members { writer.element(member.name, member.value.string ?? member.value.text) }
    if let resource { writer.element("Resource", resource) }
    writer.element("RequestId", requestID)
    writer.element("HostId", WireCodec.hostID(requestID))
    writer.close("Error")
    return response(writer.bytes)
  }

  private var absoluteName: String {
    if let service, shape != nil { return "\(service.shapeNamespace)#\(name)" }
    return name == "ValidationException" ? "com.amazon.coral.validate#\(name)" : "com.amazon.coral.service#\(name)"
  }

  func restJson() -> WireResponse {
    var body = error.members
    var headers: [(Member, String)] = []
    for member in shape?.members ?? [] where member.location == .header {
      guard let place = body.firstIndex(where: { $0.name == member.name }) else { continue }
      let value = body.remove(at: place).value
      headers.append((member, value.string ?? value.text))
    }
    // Lambda's errors say whose fault it is, except those of the common front end.
    if shape?.place(of: "Type") != nil, !body.contains(where: { $0.name == "Type" }) {
      body.insert(("Type", .string(isServerFault ? "Service" : "User")), at: 0)
    }
    var writer = JSONWriter()
    writer.beginObject()
    writeMembers(&writer, body)
    writer.endObject()
    var response = response(writer.bytes)
    response.headers.add("x-amzn-errortype", name)
    for (member, value) in headers { response.headers.add(member.wireName, value) }
    return response
  }

  private func wireName(_ member: String) -> String {
    shape?.place(of: member).flatMap { shape?.members[$0].wireName } ?? member
  }

  private func writeMembers(_ writer: inout JSONWriter, _ members: [(name: String, value: JSON)]) {
    for member in members {
      writer.name(wireName(member.name))
      writer.value(member.value)
    }
    writer.name(messageName)
    writer.string(error.message)
  }

  func query() -> WireResponse {
    var writer = XMLWriter()
    writer.open("ErrorResponse", attributes: service?.xmlNamespace.map { [("xmlns", $0)] } ?? [])
    writer.open("Error")
    writer.element("Type", isServerFault ? "Receiver" : "Sender")
    writer.element("Code", queryCode)
    writer.element("Message", error.message)
    for member in error.members { writer.element(member.name, member.value.string ?? member.value.text) }
    writer.close("Error")
    writer.element("RequestId", requestID)
    writer.close("ErrorResponse")
    return response(writer.bytes)
  }
}

extension ServiceModel {
  /// By shape name, or by the code that the shape has in awsQuery.
  fileprivate func errorShape(_ code: String) -> StructureShape? {
    structures[code] ?? structures.values.first { $0.errorCode == code }
  }
}
