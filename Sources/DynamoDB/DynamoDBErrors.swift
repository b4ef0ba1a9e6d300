import Base
import Wire

/// The errors of DynamoDB in AWS's words.
enum DynamoDBError {
  static func validation(_ text: String) -> AWSError { AWSError("ValidationException", text, status: 400) }
  static func invalidParameters(_ text: String) -> AWSError { validation("One or more parameter values were invalid: " + text) }

  // Tables.
  static func tableNotFound(_ name: String) -> AWSError {
    AWSError("ResourceNotFoundException", "Requested resource not found: Table: \(name) not found", status: 400)
  }
  static let resourceNotFound = AWSError("ResourceNotFoundException", "Requested resource not found", status: 400)
  static func tableExists(_ name: String) -> AWSError {
    AWSError("ResourceInUseException", "Table already exists: \(name)", status: 400)
  }
  static func tableInUse(_ name: String, _ why: String) -> AWSError {
    AWSError("ResourceInUseException", "Attempt to change a resource which is still in use: Table is being \(why): \(name)", status: 400)
  }
  static func tableMissing(_ name: String) -> AWSError {
    AWSError("TableNotFoundException", "Table not found: \(name)", status: 400)
  }
  static func limit(_ text: String) -> AWSError { AWSError("LimitExceededException", text, status: 400) }
  static let invalidName = validation(
    "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the characters "
      + "a-z, A-Z, 0-9, '_', '-', and '.'")
  static func noSuchIndex(_ name: String) -> AWSError { validation("The table does not have the specified index: \(name)") }

  // Backups.
  static func noBackup(_ arn: String) -> AWSError { AWSError("BackupNotFoundException", "Backup not found: \(arn)", status: 400) }
  static func backupInUse(_ text: String) -> AWSError { AWSError("BackupInUseException", text, status: 400) }
  static func targetExists(_ name: String) -> AWSError {
    AWSError("TableAlreadyExistsException", "Table already exists: \(name)", status: 400)
  }
  static func noRecovery(_ name: String) -> AWSError {
    AWSError("PointInTimeRecoveryUnavailableException", "Point in time recovery is not enabled for table '\(name)'", status: 400)
  }

  // Values.
  static let emptyValue = validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
  static let severalTypes = validation(
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
  static let nesting = validation("Nesting Levels have exceeded supported limits: Attributes have exceeded supported nesting levels")
  static func number(_ failure: Number.Failure, _ text: String) -> AWSError {
    switch failure {
    case .notANumber:
      validation(text.isEmpty
        ? "The parameter cannot be converted to a numeric value" : "The parameter cannot be converted to a numeric value: \(text)")
    case .overflow: validation("Number overflow. Attempting to store a number with magnitude larger than supported range")
    case .underflow: validation("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    case .tooPrecise: validation("Attempting to store more than 38 significant digits in a Number")
    }
  }
  static func emptySet(_ type: AttributeType) -> AWSError {
    switch type {
    case .numberSet: invalidParameters("An number set  may not be empty")
    case .binarySet: invalidParameters("Binary sets should not be empty")
    default: invalidParameters("An string set  may not be empty")
    }
  }
  static func nullInSet(_ type: AttributeType) -> AWSError {
    switch type {
    case .numberSet: validation("The parameter cannot be converted to a numeric value")
    case .binarySet: invalidParameters("Binary sets may not contain null or empty values")
    default: invalidParameters("An string set may not have a null string as a member")
    }
  }
  static func duplicates(_ type: AttributeType, _ elements: [[UInt8]]) -> AWSError {
    switch type {
    case .numberSet: return validation("Input collection contains duplicates")
    case .binarySet:
      let shown = elements.map(\.base64).joined(separator: ", ")
      return invalidParameters("Input collection [\(shown)]of type BS contains duplicates.")
    default:
      let shown = elements.map(\.utf8Text).joined(separator: ", ")
      return invalidParameters("Input collection [\(shown)] contains duplicates.")
    }
  }

  // Keys and items.
  static let keyMismatch = validation("The provided key element does not match the schema")
  static func missingKey(_ name: String) -> AWSError { invalidParameters("Missing the key \(name) in the item") }
  static func keyType(_ name: String, expected: String, actual: String) -> AWSError {
    invalidParameters("Type mismatch for key \(name) expected: \(expected) actual: \(actual)")
  }
  static func indexKeyType(_ name: String, expected: String, actual: String, index: String) -> AWSError {
    invalidParameters("Type mismatch for Index Key \(name) Expected: \(expected) Actual: \(actual) IndexName: \(index)")
  }
  static func emptyKey(_ name: String, isBinary: Bool) -> AWSError {
    validation(
      "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \(isBinary ? "binary" : "string") value. Key: \(name)")
  }
  static func emptyIndexKey(_ name: String, isBinary: Bool, index: String) -> AWSError {
    validation(
      "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue "
        + "for a key attribute cannot contain an empty \(isBinary ? "binary" : "string") value. IndexName: \(index), IndexKey: \(name)")
  }
  static let hashKeyTooLong = invalidParameters(
    "Size of hashkey has exceeded the maximum size limit of\(DynamoDBLimits.hashKeyBytes) bytes")
  static let rangeKeyTooLong = invalidParameters(
    "Aggregated size of all range keys has exceeded the size limit of \(DynamoDBLimits.rangeKeyBytes) bytes")
  static let collectionTooLarge = AWSError("ItemCollectionSizeLimitExceededException", "Collection size exceeded.", status: 400)
  static let itemTooLarge = validation("Item size has exceeded the maximum allowed size")
  static let updatedItemTooLarge = validation("Item size to update has exceeded the maximum allowed size")
  static func partOfKey(_ name: String) -> AWSError {
    invalidParameters("Cannot update attribute \(name). This attribute is part of the key")
  }

  // Expressions.
  static func expression(_ kind: String, _ text: String) -> AWSError { validation("Invalid \(kind): \(text)") }
  static let operandMissing = validation(
    "The provided expression refers to an attribute that does not exist in the item")
  static let invalidPath = validation("The document path provided in the update expression is invalid for update")
  static let operandType = validation("An operand in the update expression has an incorrect data type")

  // Conditions and transactions.
  static func conditionFailed(_ item: Item?) -> AWSError {
    AWSError(
      "ConditionalCheckFailedException", "The conditional request failed", status: 400,
      members: item.flatMap { try? JSON.parse(ValueText.json($0).bytes) }.map { [("Item", $0)] } ?? [])
  }
  static let idempotency = AWSError(
    "IdempotentParameterMismatchException",
    "Rejecting the request because it was made with the same client token but with different parameters", status: 400)
  static func cancelled(_ reasons: [CancellationReason]) -> AWSError {
    let codes = reasons.map(\.code).joined(separator: ", ")
    let list: [JSON] = reasons.map { reason in
      var members: [(name: String, value: JSON)] = []
      if let item = reason.item, let json = try? JSON.parse(ValueText.json(item).bytes) { members.append(("Item", json)) }
      members.append(("Code", .string(reason.code)))
      if let text = reason.message { members.append(("Message", .string(text))) }
      return .object(JSONObject(members.map { ($0.name, $0.value) }))
    }
    return AWSError(
      "TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [\(codes)]",
      status: 400, members: [("CancellationReasons", .array(list))])
  }
  static let throttled = AWSError(
    "ProvisionedThroughputExceededException",
    "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with "
      + "the UpdateTable API.", status: 400)
  static func notImplemented(_ what: String) -> AWSError {
    AWSError("NotImplemented", "Dewpoint does not implement \(what).", status: 501, fault: .server)
  }
}

/// Why one action of a transaction did not let it happen; `None` for those that would have.
struct CancellationReason: Sendable {
  var code = "None"
  var message: String?
  var item: Item?
}
