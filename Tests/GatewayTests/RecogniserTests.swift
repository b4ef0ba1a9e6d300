import Base
import Testing
import Wire

@testable import Gateway

private let recogniser = Recogniser(Models.all)
private let form: HeaderFields = ["content-type": "application/x-www-form-urlencoded; charset=utf-8"]

private func request(
  _ method: String = "POST", _ path: String = "/", query: String = "", _ headers: HeaderFields = [:], body: String = ""
) -> WireRequest {
  WireRequest(method: method, path: path, query: query, headers: headers, body: Array(body.utf8))
}
private func target(_ text: String) -> WireRequest { request(["x-amz-target": text]) }
private func request(_ headers: HeaderFields, body: String = "") -> WireRequest { request("POST", "/", query: "", headers, body: body) }

struct RecogniserTests {
  @Test(arguments: [
    // By target, which outranks the scope.
    (target("AmazonSQS.SendMessage"), "sqs", "sqs", WireProtocol.awsJson10, "SendMessage"),
    (target("AmazonSQS.SendMessage"), nil, "sqs", .awsJson10, "SendMessage"),
    (target("Logs_20140328.PutLogEvents"), "sqs", "logs", .awsJson11, "PutLogEvents"),
    // By scope and REST.
    (request("GET", "/2015-03-31/functions/f"), "lambda", "lambda", .restJson, "GetFunction"),
    (request("DELETE", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Ar%3A1%3Afunction%3Af/"), "lambda", "lambda", .restJson, "DeleteFunction"),
    // By Action in query and body, on any path.
    (request("GET", query: "Action=GetCallerIdentity&Version=2011-06-15"), "sts", "sts", .awsQuery, "GetCallerIdentity"),
    (request(form, body: "Version=2012-11-05&Action=SendMessage"), "sqs", "sqs", .awsQuery, "SendMessage"),
    (request("POST", "/000000000000/orders", form, body: "Action=SendMessage&MessageBody=x"), "sqs", "sqs", .awsQuery, "SendMessage"),
    (request("POST", "/", ["content-type": "Application/X-WWW-Form-URLEncoded"], body: "Action=Send%4Dessage"), "sqs", "sqs", .awsQuery, "SendMessage"),
    (request(form, body: "MessageBody=" + String(repeating: "x", count: 300_000) + "&Action=SendMessage"), "sqs", "sqs", .awsQuery, "SendMessage"),
    // Unsigned, by the version of Query, by host and by path.
    (request(form, body: "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"), nil, "sts", .awsQuery, "AssumeRoleWithWebIdentity"),
    (request("GET", "/2015-03-31/functions/f"), nil, "lambda", .restJson, "GetFunction"),
    (request("GET", "/2015-03-31/functions/f", ["host": "lambda.us-east-1.localhost:4566"]), nil, "lambda", .restJson, "GetFunction"),
    (request("GET", query: "Action=SendMessage", ["host": "sqs.us-east-1.localhost"]), nil, "sqs", .awsQuery, "SendMessage"),
    (request("POST", "/000000000000/orders", form, body: "Action=SendMessage"), nil, "sqs", .awsQuery, "SendMessage"),
    (request("POST", "/queue/us-east-1/000000000000/orders", form, body: "Action=SendMessage"), nil, "sqs", .awsQuery, "SendMessage"),
  ] as [(WireRequest, String?, String, WireProtocol, String)])
  func `an operation is recognised`(_ request: WireRequest, _ scope: String?, _ service: String, _ proto: WireProtocol, _ name: String) {
    let found = recogniser.recognise(request, scope: scope)
    #expect(found.service == service)
    #expect(found.wireProtocol == proto)
    #expect(found.operation?.name == name)
  }

  @Test func `labels are decoded after the path is split`() {
    let found = recogniser.recognise(request("GET", "/2015-03-31/functions/arn%3Aaws%3Af%2Fx"), scope: "lambda")
    guard case .operation(_, let labels) = found.outcome else { Issue.record("not recognised"); return }
    #expect(labels == ["FunctionName": "arn:aws:f/x"])
  }

  @Test(arguments: [
    // Services that we know by name.
    (target("DynamoDB_20120810.GetItem"), "dynamodb", "dynamodb", WireProtocol.awsJson10, 501, "NotImplemented"),
    (target("AWSEvents.PutEvents"), nil, "events", .awsJson11, 501, "NotImplemented"),
    (request("GET", "/bucket"), "s3", "s3", .restXml, 501, "NotImplemented"),
    (request(form, body: "Action=Publish&Version=2010-03-31"), "sns", "sns", .awsQuery, 501, "NotImplemented"),
    (request(form, body: "Action=Publish&Version=2010-03-31"), nil, "sns", .awsQuery, 501, "NotImplemented"),
    // An upload to a bucket that looks like a Query call.
    (request("PUT", "/bucket/key", form, body: "Action=SendMessage&Version=2012-11-05"), "s3", "s3", .restXml, 501, "NotImplemented"),
    (request("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", ["smithy-protocol": "rpc-v2-cbor"]), "monitoring",
     "cloudwatch", .rpcv2Cbor, 501, "NotImplemented"),
    // Services that we do not even know.
    (request(form, body: "Action=DescribeInstances&Version=2016-11-15"), "ec2", "ec2", .awsQuery, 501, "NotImplemented"),
    (target("AmazonEC2ContainerServiceV20141113.ListClusters"), "ecs", "ecs", .awsJson11, 501, "NotImplemented"),
    (request("GET", "/clusters"), "eks", "eks", .restJson, 501, "NotImplemented"),
    // Our services, but no such operation.
    (target("AmazonSQS.Nonsense"), "sqs", "sqs", .awsJson10, 400, "UnknownOperationException"),
    (target("Nonsense"), "logs", "logs", .awsJson11, 400, "UnknownOperationException"),
    (request("GET", "/2015-03-31/nonsense"), "lambda", "lambda", .restJson, 404, "UnknownOperationException"),
    (request(form, body: "Action=Nonsense&Version=2011-06-15"), "sts", "sts", .awsQuery, 400, "InvalidAction"),
    (request(form, body: "Action=GetCallerIdentity&Version=2000-01-01"), "sts", "sts", .awsQuery, 400, "InvalidAction"),
    (request(form, body: "Actio=x"), "sts", "sts", .awsQuery, 400, "MissingAction"),
    (request(body: "Action=GetCallerIdentity"), "sts", "sts", .awsQuery, 400, "MissingAction"),
    (request(), "sqs", "sqs", .awsQuery, 400, "MissingAction"),
    (request(), "logs", "logs", .awsJson11, 400, "UnknownOperationException"),
    (request("GET", "/000000000000/orders"), nil, "sqs", .awsQuery, 400, "MissingAction"),
    // Nothing at all.
    (request("GET", "/"), nil, nil, .restJson, 404, "UnknownOperationException"),
    (request("GET", "/favicon.ico", ["host": "localhost:4566"]), nil, nil, .restJson, 404, "UnknownOperationException"),
    (request(form, body: "Action=Nonsense"), nil, nil, .awsQuery, 404, "UnknownOperationException"),
    (request(["smithy-protocol": "rpc-v2-cbor", "x-amz-target": "AmazonSQS.SendMessage"]), "sqs", nil, .rpcv2Cbor, 404, "UnknownOperationException"),
  ] as [(WireRequest, String?, String?, WireProtocol, Int, String)])
  func `what we do not have is refused in its own form`(
    _ request: WireRequest, _ scope: String?, _ service: String?, _ proto: WireProtocol, _ status: Int, _ code: String
  ) {
    let found = recogniser.recognise(request, scope: scope)
    #expect(found.service == service)
    #expect(found.wireProtocol == proto)
    guard case .refused(let error) = found.outcome else { Issue.record("recognised \(found.outcome)"); return }
    #expect(error.status == status)
    #expect(error.code == code)
  }

  @Test func `of two services with one signing name the path decides`() {
    func model(_ name: String, _ path: String) -> ServiceModel {
      .init(
        name: name, signingName: "apigateway", endpointPrefix: name, apiVersion: name, protocols: [.restJson], targetPrefix: nil,
        xmlNamespace: nil, operations: ["Get": OperationModel(name: "Get", method: "GET", uri: path, input: nil, output: nil)],
        structures: [:], shapeNamespace: name)
    }
    let recogniser = Recogniser([model("one", "/restapis"), model("two", "/v2/apis")])
    #expect(recogniser.recognise(request("GET", "/restapis"), scope: "apigateway").service == "one")
    #expect(recogniser.recognise(request("GET", "/v2/apis"), scope: "apigateway").service == "two")
  }

  @Test func `garbage is refused and never traps`() {
    let random = SeededRandom(seed: 5)
    for _ in 0..<2000 {
      let text = random.bytes(40).utf8Text
      let wire = WireRequest(
        method: "POST", path: "/" + text, query: "Action=%" + text, headers: ["host": text, "x-amz-target": text], body: random.bytes(50))
      #expect(recogniser.recognise(wire, scope: text).operation == nil)
      var second = wire
      second.headers["x-amz-target"] = nil
      second.headers["content-type"] = "application/x-www-form-urlencoded"
      #expect(recogniser.recognise(second, scope: nil).operation == nil)
    }
  }
}
