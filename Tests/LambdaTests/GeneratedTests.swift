import Testing
import Wire

@testable import Lambda

@Test func `the generated schema is sound`() {
  #expect(LambdaModel.service.structuralFaults == [])
  #expect(LambdaModel.service.operations.count == 85)
}

@Test func `every operation is found by its own URI, with or without a trailing slash`() throws {
  let router = RESTRouter(LambdaModel.service)
  let arn = "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af%3A1"
  for operation in LambdaModel.service.operations.values {
    let parts = operation.uri.split(separator: "?", maxSplits: 1).map(String.init)
    var path = parts[0]
    while let open = path.firstIndex(of: "{"), let close = path.firstIndex(of: "}") { path.replaceSubrange(open...close, with: arn) }
    for slash in ["", "/"] {
      let match = try #require(
        router.match(method: operation.method, path: path + slash, query: parts.count > 1 ? parts[1] : ""), "\(operation.uri)")
      #expect(match.operation.name == operation.name)
      for label in match.labels.values { #expect(label == "arn:aws:lambda:us-east-1:000000000000:function:f:1") }
    }
  }
}
