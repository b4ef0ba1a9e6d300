import Base

/// Errors in the form of each protocol.
struct ErrorEncoding {
  let error: AWSError
  let service: ServiceModel?
  /// The modelled shape, when the model has one for the code.
  let shape: StructureShape?
  let requestID: String

  init(_ error: AWSError, _ service: ServiceModel?, requestID: String) {
    (self.error, self.service, self.requestID) = (error, service, requestID)
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

  private func response(_ type: String, _ body: [UInt8]) -> WireResponse {
    var response = WireResponse(status: status, headers: ["content-type": type, "x-amzn-requestid": requestID], body: body)
    for (name, value) in error.headers { response.headers.add(name, value) }
    return response
  }

  func awsJson(_ proto: WireProtocol) -> WireResponse {
    var writer = JSONWriter()
    writer.beginObject()
    writer.name("__type")
    writer.string(proto == .awsJson10 ? absoluteName : name)
    writeMembers(&writer, error.members)
    writer.endObject()
    var response = response(proto == .awsJson10 ? "application/x-amz-json-1.0" : "application/x-amz-json-1.1", writer.bytes)
    response.headers.add("x-amzn-errortype", name)
    if service?.isQueryCompatible == true {
      response.headers.add("x-amzn-query-error", "\(queryCode);\(isServerFault ? "Receiver" : "Sender")")
    }
    return response
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
    var response = response("application/json", writer.bytes)
    response.headers.add("x-amzn-errortype", name)
    for (member, value) in headers { response.headers.add(member.wireName, value) }
    return response
  }

  private func writeMembers(_ writer: inout JSONWriter, _ members: [(name: String, value: JSON)]) {
    for member in members {
      writer.name(shape?.place(of: member.name).flatMap { shape?.members[$0].wireName } ?? member.name)
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
    return response("text/xml", writer.bytes)
  }
}

extension ServiceModel {
  /// By shape name, or by the code that the shape has in awsQuery.
  fileprivate func errorShape(_ code: String) -> StructureShape? {
    structures[code] ?? structures.values.first { $0.errorCode == code }
  }
}
