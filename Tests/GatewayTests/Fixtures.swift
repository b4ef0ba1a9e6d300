import Base
import Fabric
import HTTPServer
import Synchronization
import TestCloud
import Wire

@testable import Gateway

/// Small services under the names of AWS's, one for each protocol.
enum Models {
  static let queue: ServiceModel = .parse(
    #"""
    service sqs signing=sqs endpoint=sqs version=2012-11-05 protocols=awsJson10,awsQuery target=AmazonSQS xmlns=http://queue.example/ namespace=com.amazonaws.sqs validation=own queryCompatible
    o SendMessage POST / 200 SendMessageRequest SendMessageResult SendMessageResult -
    o PurgeQueue POST / 200 PurgeQueueRequest - - -
    s SendMessageRequest QueueUrl:$s;r MessageBody:$s;r
    s SendMessageResult MessageId:$s
    s PurgeQueueRequest QueueUrl:$s;r
    """#)
  static let token: ServiceModel = .parse(
    #"""
    service sts signing=sts endpoint=sts version=2011-06-15 protocols=awsQuery xmlns=https://sts.example/ namespace=com.amazonaws.sts validation=model
    o GetCallerIdentity POST / 200 GetCallerIdentityRequest GetCallerIdentityResponse GetCallerIdentityResult -
    o AssumeRoleWithWebIdentity POST / 200 GetCallerIdentityRequest GetCallerIdentityResponse AssumeRoleWithWebIdentityResult u
    s GetCallerIdentityRequest
    s GetCallerIdentityResponse Arn:$s Region:$s
    """#)
  static let function: ServiceModel = .parse(
    #"""
    service lambda signing=lambda endpoint=lambda version=2015-03-31 protocols=restJson namespace=com.amazonaws.lambda validation=model
    o GetFunction GET /2015-03-31/functions/{FunctionName} 200 GetFunctionRequest GetFunctionResponse - -
    o DeleteFunction DELETE /2015-03-31/functions/{FunctionName} 204 GetFunctionRequest - - -
    s GetFunctionRequest FunctionName:$s;rl
    s GetFunctionResponse FunctionName:$s
    """#)
  static let stream: ServiceModel = .parse(
    #"""
    service logs signing=logs endpoint=logs version=2014-03-28 protocols=awsJson11 target=Logs_20140328 namespace=com.amazonaws.logs validation=model
    o CreateLogGroup POST / 200 CreateLogGroupRequest - - -
    o PutLogEvents POST / 200 CreateLogGroupRequest - - -
    s CreateLogGroupRequest logGroupName:$s;r
    """#)
  static let all = [queue, token, function, stream]

  /// In the forms that only S3 and CloudWatch speak.
  static let bucket: ServiceModel = .parse(
    #"""
    service s3 signing=s3 endpoint=s3 version=2006-03-01 protocols=restXml xmlns=http://s3.example/ namespace=com.amazonaws.s3 validation=own
    o ListBuckets GET / 200 - ListBucketsOutput - -
    o PutObject PUT /{Bucket}/{Key+} 200 PutObjectRequest - - -
    o UploadPart PUT /{Bucket}/{Key+} 200 UploadPartRequest - - -
    s ListBucketsOutput Owner:$s
    s PutObjectRequest Bucket:$s;rl Key:$s;rg Body:$x;ys CRC32=x-amz-checksum-crc32:$s;h Encoding=Content-Encoding:$s;h Length=Content-Length:$i;h
    s UploadPartRequest Bucket:$s;rl Key:$s;rg PartNumber=partNumber:$i;rq Body:$x;ys
    """#)
  static let metric: ServiceModel = .parse(
    #"""
    service cloudwatch signing=monitoring endpoint=monitoring version=2010-08-01 protocols=rpcv2Cbor,awsJson10,awsCbor11 target=GraniteServiceVersion20100801 namespace=com.amazonaws.cloudwatch validation=model queryCompatible
    o PutMetricData POST / 200 PutMetricDataInput PutMetricDataOutput - -
    o GetMetricData POST / 200 PutMetricDataInput - - -
    s PutMetricDataInput Namespace:$s;r
    s PutMetricDataOutput Namespace:$s
    """#)
}

/// A gateway before the small services: each implements its first operation and answers who called.
final class Bench: Sendable {
  let clock = TestClock(Instant(seconds: 1_795_234_920))
  let authoriser = ScriptedAuthoriser()
  let keys = ScriptedKeys([
    "test": KeyIdentity(secret: nil, principal: .root(.local)),
    "AKIAANN": KeyIdentity(secret: "secret", principal: .user("ann", in: .test(1))),
  ])
  let metrics = RequestMetrics()
  let gateway: Gateway
  private let lastCall: Box

  final class Box: Sendable {
    let call = Mutex<Call?>(nil)
    let input = Mutex<Record?>(nil)
  }

  init(
    origins: [String] = [], hosts: [String] = [], pages: [InternalPage] = [], endpoints: [WebEndpoint] = [],
    models: [ServiceModel] = Models.all
  ) {
    let box = Box()
    lastCall = box
    let ambient = Ambient.test(clock: clock)
    let dispatcher = Dispatcher(authoriser: authoriser, ambient: ambient)
    let implemented = [
      ("sqs", "SendMessage"), ("sts", "GetCallerIdentity"), ("sts", "AssumeRoleWithWebIdentity"), ("lambda", "GetFunction"),
      ("logs", "CreateLogGroup"), ("s3", "PutObject"), ("s3", "ListBuckets"), ("cloudwatch", "PutMetricData"),
    ]
    dispatcher.install(
      models.map { model in
        ServiceAPI(
          model, isGlobal: model.name == "sts",
          operations: implemented.filter { $0.0 == model.name }.map { Self.operation(model, $0.1, box) })
      })
    gateway = Gateway(
      dispatcher: dispatcher, keys: keys, ambient: ambient, originGuard: OriginGuard(hosts: hosts, origins: origins),
      pages: InternalPages(pages), endpoints: endpoints, metrics: metrics)
  }

  private static func operation(_ model: ServiceModel, _ name: String, _ box: Box) -> Fabric.Operation {
    Fabric.Operation(
      name,
      access: { (_: AnyView, call) in
        model.name == "sts" ? [] : [Access("\(model.name):\(name)", on: "arn:x", owner: call.account)]
      },
      run: { (input: AnyView, call) -> AnyView in
        box.call.withLock { $0 = call }
        box.input.withLock { $0 = input.record }
        guard let shape = model.operations[name]?.output else { return input }
        var output = Record(shape)
        for member in shape.members where member.name != "Region" { output[member.name] = .string(call.principal.arn) }
        return AnyView(output)
      })
  }

  /// What the last operation that ran was told.
  var call: Call? { lastCall.call.withLock { $0 } }

  /// What the last operation that ran was given.
  var input: Record? { lastCall.input.withLock { $0 } }

  func send(_ request: HTTPRequest) async -> Answer { Answer(await gateway.handle(request)) }
}

/// Any record, for operations that do not mind.
struct AnyView: RecordView {
  static var shape: StructureShape { StructureShape(name: "Any", members: []) }
  var record: Record
  init(_ record: Record) { self.record = record }
}

struct Answer {
  var status: Int
  var headers: HeaderFields
  var text: String
  var bytes: [UInt8]
  init(_ response: HTTPResponse) {
    (status, headers) = (response.status, response.headers)
    bytes = if case .bytes(let bytes) = response.body { bytes } else { [] }
    text = bytes.utf8Text
  }
  var json: JSON? { try? JSON.parse(text) }
  var code: String? { headers["x-amzn-errortype"] ?? between("<Code>", "</Code>") }
  func between(_ open: String, _ close: String) -> String? {
    guard let start = text.range(of: open)?.upperBound, let end = text[start...].range(of: close)?.lowerBound else { return nil }
    return String(text[start..<end])
  }
}

extension String {
  func range(of text: String) -> Range<Index>? { self[...].range(of: text) }
}
extension Substring {
  func range(of text: String) -> Range<Index>? {
    indices.lazy.filter { self[$0...].hasPrefix(text) }.first.map { $0..<index($0, offsetBy: text.count) }
  }
}

extension HTTPRequest {
  /// Signed for the scope when there is one.
  static func to(
    _ scope: String?, _ method: String = "POST", _ target: String = "/", headers: HeaderFields = [:], body: String = "",
    key: String = "test", secret: String = "any", region: String = "us-east-1", at time: Instant = Instant(seconds: 1_795_234_920)
  ) -> HTTPRequest {
    var headers = headers
    if headers["host"] == nil { headers["host"] = "localhost:4566" }
    if let scope {
      Signer(accessKeyID: key, secret: secret, region: region, service: scope)
        .sign(method: method, target: target, headers: &headers, body: Array(body.utf8), at: time)
    }
    return HTTPRequest(
      head: HTTPRequestHead(method: method, target: target, headers: headers, remoteAddress: "127.0.0.1", listener: "api"),
      body: Array(body.utf8))
  }
  static func json(_ scope: String?, _ target: String, _ body: String = "{}", key: String = "test", secret: String = "any") -> HTTPRequest {
    to(scope, headers: ["x-amz-target": target, "content-type": "application/x-amz-json-1.0"], body: body, key: key, secret: secret)
  }
  static func form(_ scope: String?, _ body: String, target: String = "/", key: String = "test", secret: String = "any") -> HTTPRequest {
    to(
      scope, "POST", target, headers: ["content-type": "application/x-www-form-urlencoded; charset=utf-8"], body: body, key: key,
      secret: secret)
  }
}
