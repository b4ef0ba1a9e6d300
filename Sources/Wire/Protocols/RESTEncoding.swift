import Base

/// Writes the output of restJson1 to its places: status, headers, payload or JSON body.
enum RESTEncoding {
  static func response(_ output: Record?, _ operation: OperationModel) -> WireResponse {
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
    if let payload {
      write(payload.value, &response)
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

  /// A header member of the output may have set the type already.
  private static func setType(_ type: String, _ response: inout WireResponse) {
    if response.headers["content-type"] == nil { response.headers["content-type"] = type }
  }
}
