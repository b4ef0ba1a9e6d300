import Base

/// Writes the output of restJson1 and restXml to its places: status, headers, payload or body.
enum RESTEncoding {
  /// - Parameter xmlNamespace: of the documents of restXml.
  static func response(_ output: Record?, _ operation: OperationModel, isXML: Bool, xmlNamespace: String?) -> WireResponse {
    guard let output else { return WireResponse(status: operation.status) }
    var response = WireResponse(status: operation.status)
    let table = output.shape.memberTable
    var payload: (member: Member, value: Value?)?
    for place in table.unbodied {
      let member = table.members[place]
      let value = output.slots[place]
      switch member.location {
      case .statusCode: response.status = value?.integer ?? operation.status
      case .header: header(value, member, &response.headers)
      case .prefixHeaders:
        for entry in value?.map ?? [] { response.headers.add(member.wireName + entry.key, entry.value.string ?? "") }
      case .payload: payload = (member, value)
      default: break
      }
    }
    if let payload, isXML {
      writeXML(payload.value, payload.member, xmlNamespace, &response)
    } else if let payload {
      write(payload.value, &response)
    } else if isXML {
      guard table.members.contains(where: { $0.location == .body }), response.status != 204 else { return response }
      setType("application/xml", &response)
      let root = operation.resultWrapper ?? output.shape.name
      response.body = operation.isUnwrapped ? XMLEncoding.unwrapped(output, namespace: xmlNamespace)
        : XMLEncoding.document(output, root: root, namespace: xmlNamespace)
    } else if table.unbodied.count < table.members.count, response.status != 204 {
      setType("application/json", &response)
      response.body = JSONEncoding.body(output, isRESTBody: true)
    }
    return response
  }

  static func header(_ value: Value?, _ member: Member, _ headers: inout HeaderFields) {
    guard let value else { return }
    let format = member.timestampFormat ?? .httpDate
    if let items = value.list {
      headers.add(member.wireName, HeaderList.text(items.compactMap { ScalarText.text($0, format) }))
    } else if let text = ScalarText.text(value, format) {
      headers.add(member.wireName, text)
    }
  }

  private static func write(_ value: Value?, _ response: inout WireResponse) {
    switch value {
    case .record(let record):
      setType("application/json", &response)
      response.body = JSONEncoding.body(record, isRESTBody: false)
    case .document(let json):
      setType("application/json", &response)
      response.body = json.bytes
    case .string(let text):
      setType("text/plain", &response)
      response.body = Array(text.utf8)
    case .blob(let bytes):
      // Lambda's Invoke, the blob payload that matters, is answered as JSON by AWS whatever the function returned.
      setType("application/json", &response)
      response.body = bytes
    default: break
    }
  }

  /// An object's bytes go out as they are; S3's own name for their type is `binary/octet-stream`.
  private static func writeXML(_ value: Value?, _ member: Member, _ namespace: String?, _ response: inout WireResponse) {
    switch value {
    case .record(let record):
      setType("application/xml", &response)
      response.body = XMLEncoding.document(record, root: member.wireName, namespace: namespace)
    case .string(let text):
      setType("text/plain", &response)
      response.body = Array(text.utf8)
    case .blob(let bytes):
      setType("binary/octet-stream", &response)
      response.body = bytes
    default: break
    }
  }

  /// A header member of the output may have set the type already.
  private static func setType(_ type: String, _ response: inout WireResponse) {
    if response.headers["content-type"] == nil { response.headers["content-type"] = type }
  }
}
