import Base
import Fabric
import Store
import Wire

/// What there is of text messages besides sending them. Nobody can opt out of what leaves no machine.
extension SNSService {
  var textMessageOperations: [Operation] {
    [
      Operation("GetSMSAttributes", access: access(onAny: "GetSMSAttributes"), run: getSMSAttributes),
      Operation("SetSMSAttributes", access: access(onAny: "SetSMSAttributes"), run: setSMSAttributes),
      Operation("CheckIfPhoneNumberIsOptedOut", access: access(onAny: "CheckIfPhoneNumberIsOptedOut"), run: checkIfOptedOut),
      Operation("ListPhoneNumbersOptedOut", access: access(onAny: "ListPhoneNumbersOptedOut"), run: listOptedOut),
      Operation("OptInPhoneNumber", access: access(onAny: "OptInPhoneNumber"), run: optIn),
    ]
  }

  private func getSMSAttributes(_ input: GetSMSAttributesInput, _ call: Call) async throws -> GetSMSAttributesOutput {
    var all = try await store.read { try $0.smsAttributes(call.account, call.region) }
    if let asked = input.attributes, !asked.isEmpty { all = all.filter { asked.contains($0.key) } }
    var output = GetSMSAttributesOutput()
    output.attributes = all
    return output
  }

  private func setSMSAttributes(_ input: SetSMSAttributesInput, _ call: Call) async throws -> SetSMSAttributesOutput {
    let given = input.attributes
    for (name, value) in given.sorted(by: { $0.key < $1.key }) { try Self.check(name, value) }
    let key = Keys.smsAttributes(call.account, call.region)
    try await store.transact { rows in
      var row = RowWriter()
      row.map(try rows.smsAttributes(call.account, call.region).merging(given) { $1 }.filter { !$0.value.isEmpty })
      try rows.set(key, row.bytes)
    }
    return SetSMSAttributesOutput()
  }

  private static func check(_ name: String, _ value: String) throws(AWSError) {
    func bad() -> AWSError { SNSError.invalid("\(name) is not a valid attribute value: \(value)") }
    switch name {
    case "DefaultSMSType": guard value == "Promotional" || value == "Transactional" else { throw bad() }
    case "DefaultSenderID":
      let isGood = (1...11).contains(value.utf8.count) && value.utf8.allSatisfy { isNameByte($0) && $0 != UInt8(ascii: "_") }
      guard value.isEmpty || isGood else { throw bad() }
    case "MonthlySpendLimit", "DeliveryStatusIAMRole", "DeliveryStatusSuccessSamplingRate", "UsageReportS3Bucket":
      throw SNSError.unsupported("the SMS attribute \(name): text messages go to the outbox only")
    default: throw SNSError.invalid("\(name) is not a valid attribute")
    }
  }

  private func checkIfOptedOut(
    _ input: CheckIfPhoneNumberIsOptedOutInput, _ call: Call
  ) async throws -> CheckIfPhoneNumberIsOptedOutOutput {
    try Self.check(phone: input.phoneNumber)
    var output = CheckIfPhoneNumberIsOptedOutOutput()
    output.isOptedOut = false
    return output
  }

  private func listOptedOut(_ input: ListPhoneNumbersOptedOutInput, _ call: Call) async throws -> ListPhoneNumbersOptedOutOutput {
    guard input.nextToken ?? "" == "" else { throw SNSError.invalid("nextToken") }
    var output = ListPhoneNumbersOptedOutOutput()
    output.phoneNumbers = []
    return output
  }

  private func optIn(_ input: OptInPhoneNumberInput, _ call: Call) async throws -> OptInPhoneNumberOutput {
    try Self.check(phone: input.phoneNumber)
    return OptInPhoneNumberOutput()
  }

  private static func check(phone: String) throws(AWSError) {
    guard PhoneNumber.isGood(phone) else { throw SNSError.invalid("PhoneNumber", "input incorrectly formatted") }
  }
}

extension Reader {
  func smsAttributes(_ account: AccountID, _ region: Region) throws -> [String: String] {
    guard let bytes = try get(Keys.smsAttributes(account, region)) else { return [:] }
    var row = try RowReader(bytes)
    return try row.map()
  }
}
