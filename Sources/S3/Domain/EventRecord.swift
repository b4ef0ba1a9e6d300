import Base
import Fabric

/// An event in the forms in which it is told.
enum EventRecord {
  /// The message for SQS, SNS and Lambda: one record ("Event message structure").
  static func message(_ event: ObjectEvent, of bucket: Bucket, rule: String, by origin: EventOrigin) -> JSON {
    var object = JSONObject([("key", .string(key(event.key)))])
    if let size = event.size { object["size"] = .int(Int64(size)) }
    if let eTag = event.eTag { object["eTag"] = .string(eTag) }
    if let version = event.versionID { object["versionId"] = .string(version) }
    if let sequencer = event.sequencer { object["sequencer"] = .string(sequencer) }
    var record = JSONObject([
      ("eventVersion", .string(version(event.kind))), ("eventSource", "aws:s3"), ("awsRegion", .string(bucket.region.text)),
      ("eventTime", .string(origin.time.iso8601Milliseconds)), ("eventName", .string(event.kind.rawValue)),
      ("userIdentity", ["principalId": .string(origin.principalID)]),
      ("requestParameters", ["sourceIPAddress": .string(origin.sourceIP ?? "s3.amazonaws.com")]),
      ("responseElements", ["x-amz-request-id": .string(origin.requestID), "x-amz-id-2": .string(hostID(origin.requestID))]),
      (
        "s3",
        [
          "s3SchemaVersion": "1.0", "configurationId": .string(rule),
          "bucket": [
            "name": .string(bucket.name), "ownerIdentity": ["principalId": .string(bucket.owner.text)], "arn": .string(bucket.arn),
          ],
          "object": .object(object),
        ]
      ),
    ])
    if let expiry = event.restoreExpiry {
      record["glacierEventData"] = [
        "restoreEventData": [
          "lifecycleRestorationExpiryTime": .string(expiry.iso8601Milliseconds),
          "lifecycleRestoreStorageClass": .string(event.storageClass ?? "GLACIER"),
        ]
      ]
    } else if event.kind == .transitioned, let target = event.storageClass {
      record["lifecycleEventData"] = ["transitionEventData": ["destinationStorageClass": .string(target)]]
    }
    return ["Records": [.object(record)]]
  }

  /// What a destination gets when it is put.
  static func test(_ bucket: Bucket, requestID: String, at now: Instant) -> JSON {
    [
      "Service": "Amazon S3", "Event": "s3:TestEvent", "Time": .string(now.iso8601Milliseconds), "Bucket": .string(bucket.name),
      "RequestId": .string(requestID), "HostId": .string(hostID(requestID)),
    ]
  }

  private static func hostID(_ requestID: String) -> String { Array(requestID.utf8).base64 }

  private static func version(_ kind: ObjectEvent.Kind) -> String {
    switch kind {
    case .createdPut, .createdPost, .createdCopy, .createdByMultipart, .removed, .markedDeleted, .restoreBegun, .restored: "2.1"
    case .restoredExpired, .tagged, .untagged, .aclPut, .expired, .expiredToMarker, .transitioned: "2.3"
    }
  }

  /// As a form would encode it: a blank is `+`; slashes stay.
  static func key(_ key: String) -> String {
    var out: [UInt8] = []
    for byte in key.utf8 {
      switch byte {
      case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "*"), UInt8(ascii: "/"):
        out.append(byte)
      case UInt8(ascii: " "): out.append(UInt8(ascii: "+"))
      default: out += Array("%".utf8) + Array([byte].hex.uppercased().utf8)
      }
    }
    return out.utf8Text
  }

  /// For EventBridge ("Amazon EventBridge event schema"). The key stands as it is.
  static func serviceEvent(_ event: ObjectEvent, of bucket: Bucket, by origin: EventOrigin, under hop: String) -> ServiceEvent {
    let (type, facts) = kind(event, origin)
    var object = JSONObject([("key", .string(event.key))])
    if let size = event.size { object["size"] = .int(Int64(size)) }
    if let eTag = event.eTag { object["etag"] = .string(eTag) }
    if let version = event.versionID { object["version-id"] = .string(version) }
    if let sequencer = event.sequencer, type == "Object Created" || type == "Object Deleted" { object["sequencer"] = .string(sequencer) }
    var detail = JSONObject([
      ("version", "0"), ("bucket", ["name": .string(bucket.name)]), ("object", .object(object)), ("request-id", .string(origin.requestID)),
      ("requester", .string(origin.requester)),
    ])
    if let address = origin.sourceIP { detail["source-ip-address"] = .string(address) }
    for (name, value) in facts { detail[name] = .string(value) }
    return ServiceEvent(
      account: bucket.owner, region: bucket.region, source: "aws.s3", detailType: type, resources: [bucket.arn],
      detail: JSON.object(detail).bytes, time: origin.time, trace: origin.trace.under(hop))
  }

  private static func kind(_ event: ObjectEvent, _ origin: EventOrigin) -> (String, [(String, String)]) {
    switch event.kind {
    case .createdPut, .createdPost, .createdCopy, .createdByMultipart: return ("Object Created", [("reason", origin.operation)])
    case .removed, .expired: return ("Object Deleted", [("reason", origin.reason), ("deletion-type", "Permanently Deleted")])
    case .markedDeleted, .expiredToMarker:
      return ("Object Deleted", [("reason", origin.reason), ("deletion-type", "Delete Marker Created")])
    case .restoreBegun: return ("Object Restore Initiated", event.storageClass.map { [("source-storage-class", $0)] } ?? [])
    case .restored:
      let expiry = event.restoreExpiry.map { [("restore-expiry-time", $0.iso8601)] } ?? []
      return ("Object Restore Completed", expiry + (event.storageClass.map { [("source-storage-class", $0)] } ?? []))
    case .restoredExpired: return ("Object Restore Expired", [])
    case .tagged: return ("Object Tags Added", [])
    case .untagged: return ("Object Tags Deleted", [])
    case .aclPut: return ("Object ACL Updated", [])
    case .transitioned: return ("Object Storage Class Changed", event.storageClass.map { [("destination-storage-class", $0)] } ?? [])
    }
  }
}

extension EventOrigin {
  /// As records name who did it.
  fileprivate var principalID: String {
    switch principal {
    case .anonymous: "Anonymous"
    case .service(let service): service.name
    case .root, .user, .role, .federated: "AWS:" + principal.userID
    }
  }
  /// As EventBridge names it: an account, or a service.
  fileprivate var requester: String {
    switch principal {
    case .anonymous: "anonymous"
    case .service(let service): service.name
    case .root, .user, .role, .federated: principal.account?.text ?? "anonymous"
    }
  }
  /// DeleteObjects deletes as DeleteObject does.
  fileprivate var reason: String { operation == "DeleteObjects" ? "DeleteObject" : operation }
}
